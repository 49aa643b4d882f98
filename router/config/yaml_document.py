"""YAML text to plain values, each with its place; total over hostile text.

Design: events are walked, not nodes: nodes have lost which anchors and tags were written, and
PyYAML composes recursively. The values are those of JSON: null, true, false, whole and decimal
numbers, text, lists, mappings with text keys; see `words` for what is text here only. Anchors,
aliases, tags and duplicate keys are refused, since each of them lets a file mean something else
than what is seen.

`${NAME}` and `${NAME:-default}` are expanded after parsing, so no value can inject YAML; the
default also stands in for an empty variable, as in a shell.
"""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Container, Mapping
from enum import Enum
from typing import Final

import yaml
from msgspec import Struct
from yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.scanner import Scanner

from router.config.excerpt import Scalar
from router.config.syntax import (
    GLUED,
    LINE_END,
    MISSING_SPACE,
    START,
    Place,
    TooDeepError,
    fault_of,
)
from router.config.visible import HIDDEN, is_name, shown_path
from router.config.words import Surprise, key_surprise, plain, surprise
from router.errors import Problem

MAX_BYTES: Final = 512 * 1024
"""Some 5,000 rules, read and checked in 3 s; a file made to take long takes 16."""

MAX_DEPTH: Final = 32

_SECOND_DOCUMENT: Final = "a second YAML document; remove the line --- and what follows"
_ALIAS: Final = "aliases (*name) are not allowed; write the value again, or quote it"
_ANCHOR: Final = "anchors (&name) are not allowed; remove it, or quote the value"
_TAG: Final = "tags (!name) are not allowed; remove it, or quote the value"
_ODD_KEY: Final = (
    "a key must be plain text: no list, alias, anchor or tag; quote text that looks so"
)

KeyPath = tuple[str | int, ...]
"""From the root of a file to a value: keys and positions."""

_EXPANSION = re.compile(r"\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Broken(Enum):
    """Stands where a value is that has been reported already and must not be looked at."""

    BROKEN = "broken"


BROKEN: Final = Broken.BROKEN


class Document(Struct, frozen=True, kw_only=True):
    """One file: its values, and the place of each.

    Attributes:
        file: The path as the user gave it.
        data: Plain values; an empty file is an empty mapping; `BROKEN` where none can be told.
        values: Where each value begins.
        keys: Where the key of each member of a mapping begins.
        surprises: Unquoted words that other readers of YAML take for something else.
        key_surprises: The same for keys.
        expanded: The texts in which a variable was expanded: they may stand for numbers.
        problems: What is wrong with the YAML itself.
        text: As it was read; empty where it is no text.
        scalars: Keys and values of one word or text, in their order.
        root: What the file holds, so that no key is told that may be a secret; None tells all.
    """

    file: str
    data: object
    values: Mapping[KeyPath, Place] = {}
    keys: Mapping[KeyPath, Place] = {}
    surprises: Mapping[KeyPath, Surprise] = {}
    key_surprises: Mapping[KeyPath, Surprise] = {}
    expanded: frozenset[KeyPath] = frozenset()
    problems: tuple[Problem, ...] = ()
    text: str = ""
    scalars: tuple[Scalar, ...] = ()
    root: type[Struct] | None = None

    def problem(self, path: KeyPath, message: str, *, at_key: bool = False) -> Problem:
        """Return the problem at the value (or key) of *path*, or at the nearest one around it."""
        place = self.keys.get(path) if at_key else None
        around = path
        while place is None and around:
            place = self.values.get(around)
            around = around[:-1]
        place = place or self.values.get((), START)
        where = dotted(shown_path(self.root, path))
        return Problem(self.file, place.line, place.column, where, message)

    def without_expanded(self, message: str, path: KeyPath) -> str:
        """Return *message* without the values that variables have at *path* and below it."""
        for place in self.expanded:
            value = self.data if place[: len(path)] == path else None
            for part in place:
                is_there = isinstance(value, dict | list) and part in _parts(value)
                value = value[part] if is_there else None  # type: ignore[index]  # checked
            if isinstance(value, str) and value:
                message = message.replace(value, "${...}")
        return message


def _parts(value: dict[str, object] | list[object]) -> Container[object]:
    return value if isinstance(value, dict) else range(len(value))


def dotted(path: KeyPath) -> str:
    """Return `routes[2].when` for `("routes", 2, "when")`; odd keys are quoted and cut."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = part if part == HIDDEN or _PLAIN_KEY.fullmatch(part) else ascii(part[:64])
            text += f".{plain}" if text else plain
    return text


def read_document(
    file: str, content: bytes, environ: Mapping[str, str], root: type[Struct] | None = None
) -> Document:
    """Return the values of one YAML file with everything that is wrong about it as YAML.

    Total: it returns for any *content*. At most `MAX_BYTES` and `MAX_DEPTH` are looked at.
    """
    if len(content) > MAX_BYTES:
        message = f"larger than the {MAX_BYTES // 1024} KiB that are read; is it the right file?"
        return _unreadable(file, START, message)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        kind = "UTF-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "not UTF-8"
        place = _place_behind(error.object[: error.start].decode("utf-8", "replace"))
        return _unreadable(file, place, f"{kind} text; save the file as UTF-8")
    try:
        builder = _Builder(file, text, environ, root)
    except ReaderError as error:
        place = _place_behind(text[: error.position])
        is_nul = text[error.position : error.position + 1] == "\0"
        what = "a NUL; save the file as UTF-8" if is_nul else "a control character; remove it"
        return _unreadable(file, place, f"not valid YAML: {what}")
    return builder.document()


def _unreadable(file: str, place: Place, message: str) -> Document:
    problem = Problem(file, place.line, place.column, "", message)
    return Document(file=file, data=BROKEN, problems=(problem,))


def _place_behind(text: str) -> Place:
    lines = LINE_END.split(text)
    return Place(len(lines), len(lines[-1]) + 1)


class _Events(Reader, Scanner, Parser):
    """PyYAML's events, with a bound on brackets where the scanner meets them.

    The scanner reads ahead by 1,024 characters for a possible key, in quadratic time: 3,000
    brackets would take seconds before the first event could be looked at.
    """

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)

    def fetch_flow_collection_start(self, TokenClass: object) -> None:  # noqa: N803  # PyYAML's name
        if self.flow_level >= MAX_DEPTH:
            raise _too_deep(self.get_mark())
        super().fetch_flow_collection_start(TokenClass)


def _too_deep(mark: object) -> TooDeepError:
    message = f"nested deeper than {MAX_DEPTH} levels"
    return TooDeepError(problem=message, problem_mark=mark)  # type: ignore[arg-type]  # of yaml


class _Builder:
    """One walk over the events of one file."""

    def __init__(
        self, file: str, text: str, environ: Mapping[str, str], root: type[Struct] | None
    ) -> None:
        self._file = file
        self._holds = root
        self._text = text
        self._events = _Events(text)
        self._environ = environ
        self._values: dict[KeyPath, Place] = {}
        self._keys: dict[KeyPath, Place] = {}
        self._surprises: dict[KeyPath, Surprise] = {}
        self._key_surprises: dict[KeyPath, Surprise] = {}
        self._expanded: set[KeyPath] = set()
        self._problems: list[Problem] = []
        self._scalars: list[Scalar] = []

    def document(self) -> Document:
        """Return what the events say; a syntax error breaks the whole file."""
        try:
            data = self._root()
        except yaml.MarkedYAMLError as error:
            data = self._broken((), *fault_of(error, self._text))
        except ValueError:  # PyYAML: "\U00110000", or a version of 5,000 digits
            mark = self._events.get_mark()
            place = Place(mark.line + 1, mark.column + 1)
            data = self._broken((), place, "not valid YAML: a number out of range")
        return Document(
            file=self._file,
            data=data,
            values=self._values,
            keys=self._keys,
            surprises=self._surprises,
            key_surprises=self._key_surprises,
            expanded=frozenset(self._expanded),
            problems=tuple(self._problems),
            text=self._text,
            scalars=tuple(self._scalars),
            root=self._holds,
        )

    def _root(self) -> object:
        data: object = None
        documents = 0
        while not isinstance(event := self._next(), StreamEndEvent):
            if isinstance(event, NodeEvent):
                documents += 1
                if documents > 1:
                    self._skip(event)
                    self._broken((), _place(event), _SECOND_DOCUMENT)
                else:
                    data = self._node(event, ())
        return {} if data is None else data

    def _next(self) -> Event:
        event: Event = self._events.get_event()  # type: ignore[no-untyped-call]  # so in the stubs
        return event

    def _broken(self, path: KeyPath, place: Place, message: str) -> Broken:
        where = dotted(shown_path(self._holds, path))
        problem = Problem(self._file, place.line, place.column, where, message)
        self._problems.append(problem)
        return BROKEN

    def _node(self, event: Event, path: KeyPath) -> object:
        place = self._values[path] = _place(event)
        if len(path) > MAX_DEPTH:
            raise _too_deep(event.start_mark)
        if isinstance(event, AliasEvent):
            return self._broken(path, place, _ALIAS)
        if isinstance(event, NodeEvent) and event.anchor is not None:
            self._broken(path, place, _ANCHOR)
        if getattr(event, "tag", None) is not None:
            self._broken(path, place, _TAG)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path)
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        assert isinstance(event, ScalarEvent)  # noqa: S101  # the fourth and last kind of node
        return self._scalar(event, path)

    def _sequence(self, path: KeyPath) -> list[object]:
        items: list[object] = []
        while not isinstance(event := self._next(), SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return items

    def _mapping(self, path: KeyPath) -> dict[str, object]:
        members: dict[str, object] = {}
        while not isinstance(event := self._next(), MappingEndEvent):
            key = self._key(event, path)
            if key is None or key in members:
                if key is not None:
                    first = self._keys[*path, key].line
                    message = f"duplicate key, the first is in line {first}; remove one of them"
                    self._broken((*path, key), _place(event), message)
                    self._note(event, (*path, key), is_key=True)
                self._skip(self._next())
            else:
                members[key] = self._member(event, key, (*path, key))
        return members

    def _member(self, event: Event, key: str, path: KeyPath) -> object:
        """Return the value behind *key*, which *event* is."""
        self._keys[path] = _place(event)
        self._note(event, path, is_key=True)
        value = self._next()
        if _is_plain(event):
            if GLUED.match(key) and _is_nothing(value):
                return self._broken(path, _place(event), MISSING_SPACE)
            odd = key_surprise(key)
            if odd is not None:
                self._key_surprises[path] = odd
        return self._node(value, path)

    def _key(self, event: Event, path: KeyPath) -> str | None:
        if not isinstance(event, ScalarEvent):
            self._skip(event)
        elif event.anchor is None and event.tag is None and _is_unicode(event.value):
            return event.value
        self._broken(path, _place(event), _ODD_KEY)
        return None

    def _skip(self, event: Event) -> None:
        """Read on to the end of the node that *event* begins."""
        depth = 0
        while True:
            depth += isinstance(event, SequenceStartEvent | MappingStartEvent)
            depth -= isinstance(event, SequenceEndEvent | MappingEndEvent)
            if depth == 0:
                return
            event = self._next()

    def _scalar(self, event: ScalarEvent, path: KeyPath) -> object:
        text, place = event.value, _place(event)
        self._note(event, path, is_key=False)
        if not _is_unicode(text):
            return self._broken(path, place, "half of a surrogate pair is no text")
        if "${" in text:
            return self._expand(text, path, place)
        if not _is_plain(event):
            return text
        odd = surprise(text)
        if odd is not None:
            self._surprises[path] = odd
        return plain(text)

    def _note(self, event: Event, path: KeyPath, *, is_key: bool) -> None:
        begin, end = event.start_mark, event.end_mark
        if begin is not None and end is not None:
            behind = Place(end.line + 1, end.column + 1)
            self._scalars.append(Scalar(_place(event), behind, path, is_key))

    def _expand(self, text: str, path: KeyPath, place: Place) -> object:
        self._expanded.add(path)
        parts: list[str] = []
        position = 0
        for match in _EXPANSION.finditer(text):
            name, default = match.groups()
            if name is None:
                return self._broken(path, place, "expected ${NAME} or ${NAME:-default}")
            value = self._environ.get(name)
            if default is not None:
                value = value or default
            if value is None:
                shown = f"the environment variable {name}" if is_name(name) else "this variable"
                return self._broken(path, place, f"{shown} is not set")
            parts += (text[position : match.start()], value)
            position = match.end()
        expanded = "".join((*parts, text[position:]))
        if not _is_unicode(expanded):
            return self._broken(path, place, "a variable of the environment is not UTF-8 text")
        return expanded


def _place(event: Event) -> Place:
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1) if mark else START


def _is_plain(event: Event) -> bool:
    """Tell whether a key or a value of one word is written without quotes."""
    return isinstance(event, ScalarEvent) and event.style is None


def _is_nothing(event: Event) -> bool:
    """Tell whether nothing at all is written where a value would be."""
    begin, end = event.start_mark, event.end_mark
    return _is_plain(event) and begin is not None and end is not None and begin.index == end.index


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
