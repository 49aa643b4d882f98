"""Plain values to options, with every error of a file at its own place.

Design: msgspec stops at its first error, so sections, lists and mappings are walked here, and
msgspec (or a parser of `scalars`) converts only their leaves. Messages never repeat a value, for
it may be a secret at the wrong place; keys are repeated.
"""

import difflib
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from router.config.annotations import section_of, split
from router.config.rules import RULES
from router.config.scalars import PARSERS
from router.config.syntax import GLUED, MISSING_SPACE
from router.config.yaml_document import BROKEN, Document, KeyPath
from router.errors import Problem

_WORDS: Final[Mapping[str, str]] = {
    " | null": "",
    "`object`": "a mapping",
    "`array`": "a list",
    "`str`": "text",
    "`int`": "a whole number",
    "`float`": "a number",
    "`bool`": "true or false",
    "`null`": "nothing",
}
_LONGEST_GUESS: Final = 64

Seen = Callable[[KeyPath, Struct], None]


class Converter:
    """Turns the values of one document into options.

    Attributes:
        problems: What is wrong, beyond what the document says about itself.
        warnings: What is allowed but surely not meant.
    """

    def __init__(self, document: Document, seen: Seen) -> None:
        """Call *seen* with every section that could be read, even when those around it cannot."""
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._document = document
        self._seen = seen

    def convert(
        self, annotation: Any, value: object, path: KeyPath = (), *, is_required: bool = True
    ) -> Any:
        """Return *value* as *annotation* says, or `BROKEN` if a part of it had to be reported.

        Unless *is_required*, leaving it out is an advice.
        """
        if value is BROKEN:
            return BROKEN
        kind, meta = split(annotation)
        if kind in PARSERS:
            return self._parsed(kind, meta, value, path)
        section = section_of(kind)
        if section is not None and not (value is None and section is not kind):
            return self._struct(section, value, path)
        if get_origin(kind) is tuple:
            return self._list(kind, meta, value, path, is_required=is_required)
        if get_origin(kind) is dict:
            return self._mapping(kind, meta, value, path)
        return self._leaf(annotation, meta, value, path)

    def _report(self, path: KeyPath, message: str, *, at_key: bool = False) -> Any:
        self.problems.append(self._document.problem(path, message, at_key=at_key))
        return BROKEN

    def _struct(self, section: type[Struct], value: object, path: KeyPath) -> Any:
        fields = {field.name: field for field in msgspec.structs.fields(section)}
        if not isinstance(value, dict):
            name, colon, _ = value.partition(":") if isinstance(value, str) else ("", "", "")
            is_glued = colon and name in fields
            why = MISSING_SPACE if is_glued else f"expected a mapping, got {_name(value)}"
            return self._report(path, why)
        for key in value:
            is_told = value[key] is BROKEN and GLUED.match(key) is not None
            if key not in fields and not is_told:
                self._report((*path, key), _unknown(key, list(fields)), at_key=True)
        found: dict[str, Any] = {}
        for name, field in fields.items():
            if name in value:
                found[name] = self.convert(
                    field.type, value[name], (*path, name), is_required=field.required
                )
            elif field.required:
                found[name] = self._report((*path, name), "required")
            elif field.default is not msgspec.NODEFAULT:
                found[name] = field.default
            else:
                found[name] = field.default_factory()
        self._judge(section, found, path)
        if any(value is BROKEN for value in found.values()):
            return BROKEN
        result = section(**found)
        self._seen(path, result)
        return result

    def _judge(self, section: type[Struct], found: Mapping[str, Any], path: KeyPath) -> None:
        for rule in RULES.get(section, ()):
            values = [found[name] for name in rule.needs]
            if any(value is BROKEN for value in values):
                continue
            for complaint in rule.check(*values):
                where = (*path, *complaint.path)
                problem = self._document.problem(where, complaint.message)
                (self.warnings if complaint.is_warning else self.problems).append(problem)

    def _list(
        self, kind: Any, meta: Meta | None, value: object, path: KeyPath, *, is_required: bool
    ) -> Any:
        if isinstance(value, str) and meta and (meta.extra or {}).get("or_one"):
            item = self.convert(get_args(kind)[0], value, path)
            return BROKEN if item is BROKEN else (item,)
        if not isinstance(value, list):
            return self._report(path, f"expected a list, got {_name(value)}")
        if len(value) < _least_length(meta):
            instead = "expected at least one" if is_required else "leave the key out instead"
            return self._report(path, f"an empty list: {instead}")
        self._tell_twins(value, (meta and meta.extra) or {}, path)
        items = tuple(
            self.convert(get_args(kind)[0], item, (*path, index))
            for index, item in enumerate(value)
        )
        return BROKEN if any(item is BROKEN for item in items) else items

    def _tell_twins(self, items: list[object], said: Mapping[str, Any], path: KeyPath) -> None:
        """Report what is equal and must not be, also in items that are wrong otherwise."""
        key = str(said.get("unique"))
        first: dict[str, int] = {}
        for index, item in enumerate(items):
            word = item.get(key) if isinstance(item, dict) else None
            other = first.setdefault(word, index) if isinstance(word, str) else index
            if other != index:
                line = self._document.values[(*path, other, key)].line
                self._report((*path, index, key), f"the same {key} as in line {line}")

    def _mapping(self, kind: Any, meta: Meta | None, value: object, path: KeyPath) -> Any:
        if not isinstance(value, dict):
            is_glued = isinstance(value, str) and GLUED.match(value)
            why = MISSING_SPACE if is_glued else f"expected a mapping, got {_name(value)}"
            return self._report(path, why)
        if len(value) < _least_length(meta):
            return self._report(path, "expected at least one member")
        key_kind, member_kind = get_args(kind)
        members = {}
        for key, member in value.items():
            try:
                msgspec.convert(key, key_kind)
            except msgspec.ValidationError as error:
                self._report((*path, key), _wording(error, *split(key_kind)), at_key=True)
            odd = self._document.key_surprises.get((*path, key))
            if odd is not None:
                message = f"text here, and {odd.reading} for other readers of YAML; quote it"
                self.warnings.append(self._document.problem((*path, key), message, at_key=True))
            members[key] = self.convert(member_kind, member, (*path, key))
        return BROKEN if any(member is BROKEN for member in members.values()) else members

    def _parsed(self, kind: Any, meta: Meta | None, value: object, path: KeyPath) -> Any:
        parse = PARSERS[kind]
        bounds = (meta and meta.extra) or {}
        try:
            result: Any = parse(value)
        except ValueError as error:
            return self._report(path, str(error))
        if "least" in bounds and result < parse(bounds["least"]):
            return self._report(path, f"expected at least {bounds['least']}")
        if "most" in bounds and result > parse(bounds["most"]):
            return self._report(path, f"expected at most {bounds['most']}")
        return result

    def _leaf(self, annotation: Any, meta: Meta | None, value: object, path: KeyPath) -> Any:
        if annotation is Any:
            self._warn_of_surprises(value, path)
            return BROKEN if _holds_broken(value) else value
        is_strict = path not in self._document.expanded  # a variable holds text, "6" may mean 6
        try:
            result = msgspec.convert(value, annotation, strict=is_strict)
        except msgspec.ValidationError as error:
            kind = split(annotation)[0]
            message = _wording(error, kind, meta) + _guess(value, kind)
            return self._report(path, message + self._mending(message, path))
        if isinstance(result, str):
            self._warn_of_surprises(result, path, "")
        return result

    def _mending(self, message: str, path: KeyPath) -> str:
        """Return what to write, where a plain word means what is wanted for other readers only."""
        odd = self._document.surprises.get(path)
        if odd is None or not message.endswith("got text"):
            return ""
        return (
            f"; write {odd.instead}" if ("number" in message) == ("number" in odd.reading) else ""
        )

    def _warn_of_surprises(
        self, value: object, path: KeyPath, otherwise: str = ", or write "
    ) -> None:
        """Warn of each word in *value* that others read otherwise; text may be all that fits."""
        if isinstance(value, list):
            for index, item in enumerate(value):
                self._warn_of_surprises(item, (*path, index), otherwise)
        elif isinstance(value, dict):
            for key, member in value.items():
                self._warn_of_surprises(member, (*path, key), otherwise)
        elif (odd := self._document.surprises.get(path)) is not None:
            message = f"{_name(value)} here, and {odd.reading} for other readers of YAML; quote it"
            message += f"{otherwise}{odd.instead}" if otherwise else ""
            self.warnings.append(self._document.problem(path, message))


def _least_length(meta: Meta | None) -> int:
    return (meta and meta.min_length) or 0


def _holds_broken(value: object) -> bool:
    if isinstance(value, dict):
        return any(_holds_broken(member) for member in value.values())
    if isinstance(value, list):
        return any(_holds_broken(item) for item in value)
    return value is BROKEN


def _name(value: object) -> str:
    """Return what a YAML value is, in words that a person writes YAML with."""
    if value is None:
        return "nothing"
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return names.get(type(value), "a list" if isinstance(value, list) else "a mapping")


def _unknown(key: str, known: list[str]) -> str:
    if key == "<<":
        return "merge keys (<<) are not allowed; write the members here"
    close = difflib.get_close_matches(key, known, 1) if len(key) <= _LONGEST_GUESS else []
    return (
        f"unknown key, did you mean {close[0]}?"
        if close
        else f"unknown key, known: {', '.join(known)}"
    )


def _guess(value: object, kind: Any) -> str:
    """Return which of a few words is meant, if one is close."""
    if get_origin(kind) is not Literal or not isinstance(value, str) or len(value) > _LONGEST_GUESS:
        return ""
    words = {word.lower(): word for word in get_args(kind)}
    close = difflib.get_close_matches(value.lower(), words, 1)
    return f"; did you mean {words[close[0]]}?" if close else ""


def _wording(error: msgspec.ValidationError, kind: Any, meta: Meta | None) -> str:
    """Return msgspec's message in YAML's words, without the value that it may repeat."""
    text = str(error)
    if get_origin(kind) is Literal:
        return f"expected one of {', '.join(get_args(kind))}"
    if ", got" not in text and meta and "expected" in (meta.extra or {}):
        return f"expected {(meta.extra or {})['expected']}"
    if text.endswith("of length >= 1"):
        return "must not be empty"
    for word, ours in _WORDS.items():
        text = text.replace(word, ours)
    is_bare_word = text.startswith("Expected text, got") and text.endswith(("number", "false"))
    return text[0].lower() + text[1:] + (": quote it" if is_bare_word else "")
