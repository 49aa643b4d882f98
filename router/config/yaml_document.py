"""YAML text to plain values, each with its place; total over hostile text.

Design: events are walked, not nodes: nodes have lost which anchors and tags were written, and
PyYAML composes recursively. The values are those of JSON: null, true, false, whole and decimal
numbers, text, lists, mappings with text keys. Everything else that YAML 1.1 reads into a plain
word (`on`, `no`, `010`, `12:30:00`, `1_000`, dates) is text. Anchors, aliases, tags and duplicate
keys are refused, since each of them lets a file mean something else than what is seen.

`${NAME}` and `${NAME:-default}` are expanded after parsing, so no value can inject YAML; the
default also stands in for an empty variable, as in a shell.
"""

import math
import re
from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple

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

from router.errors import Problem

MAX_BYTES: Final = 64 * 1024
MAX_DEPTH: Final = 32

KeyPath = tuple[str | int, ...]
"""From the root of a file to a value: keys and positions."""

_WORDS: Final[Mapping[str, object]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,99})")
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,99})(?:\.[0-9]{1,99})?(?:[eE][-+]?[0-9]{1,9})?")
_EXPANSION = re.compile(r"\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Broken(Enum):
    """Stands where a value is that has been reported already and must not be looked at."""

    BROKEN = "broken"


BROKEN: Final = Broken.BROKEN


class Place(NamedTuple):
    """Line and column, from 1."""

    line: int
    column: int


START: Final = Place(1, 1)


class Document(Struct, frozen=True, kw_only=True):
    """One file: its values, and the place of each.

    Attributes:
        file: The path as the user gave it.
        data: Plain values; an empty file is an empty mapping; `BROKEN` where none can be told.
        values: Where each value begins.
        keys: Where the key of each member of a mapping begins.
        expanded: The texts in which a variable was expanded: they may stand for numbers.
        problems: What is wrong with the YAML itself.
    """

    file: str
    data: object
    values: Mapping[KeyPath, Place] = {}
    keys: Mapping[KeyPath, Place] = {}
    expanded: frozenset[KeyPath] = frozenset()
    problems: tuple[Problem, ...] = ()

    def problem(self, path: KeyPath, message: str, *, at_key: bool = False) -> Problem:
        """Return the problem at the value (or key) of *path*, or at the nearest one around it."""
        place = self.keys.get(path) if at_key else None
        around = path
        while place is None and around:
            place = self.values.get(around)
            around = around[:-1]
        place = place or self.values.get((), START)
        return Problem(self.file, place.line, place.column, dotted(path), message)


def dotted(path: KeyPath) -> str:
    """Return `routes[2].when` for `("routes", 2, "when")`; odd keys are quoted and cut."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = part if _PLAIN_KEY.fullmatch(part) else ascii(part[:64])
            text += f".{plain}" if text else plain
    return text


def read_document(file: str, content: bytes, environ: Mapping[str, str]) -> Document:
    """Return the values of one YAML file with everything that is wrong about it as YAML.

    Total: it returns for any *content*. At most `MAX_BYTES` and `MAX_DEPTH` are looked at.
    """
    if len(content) > MAX_BYTES:
        return _unreadable(file, START, f"larger than {MAX_BYTES // 1024} KiB")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _unreadable(file, _place_at(error.object, error.start), "not UTF-8 text")
    try:
        builder = _Builder(file, _Events(text), environ)
    except ReaderError as error:
        place = _place_at(text.encode(), len(text[: error.position].encode()))
        return _unreadable(file, place, "not valid YAML: a control character")
    return builder.document()


def _unreadable(file: str, place: Place, message: str) -> Document:
    problem = Problem(file, place.line, place.column, "", message)
    return Document(file=file, data=BROKEN, problems=(problem,))


def _place_at(content: bytes, position: int) -> Place:
    before = content[:position]
    last = before[before.rfind(b"\n") + 1 :]
    return Place(before.count(b"\n") + 1, len(last.decode("utf-8", "replace")) + 1)


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


def _too_deep(mark: object) -> yaml.MarkedYAMLError:
    message = f"nested deeper than {MAX_DEPTH} levels"
    return yaml.MarkedYAMLError(problem=message, problem_mark=mark)  # type: ignore[arg-type]  # of yaml


class _Builder:
    """One walk over the events of one file."""

    def __init__(self, file: str, events: _Events, environ: Mapping[str, str]) -> None:
        self._file = file
        self._events = events
        self._environ = environ
        self._values: dict[KeyPath, Place] = {}
        self._keys: dict[KeyPath, Place] = {}
        self._expanded: set[KeyPath] = set()
        self._problems: list[Problem] = []

    def document(self) -> Document:
        """Return what the events say; a syntax error breaks the whole file."""
        try:
            data = self._root()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = Place(mark.line + 1, mark.column + 1) if mark else START
            data = self._broken((), place, f"not valid YAML: {error.problem or error.context}")
        except ValueError:  # PyYAML: "\U00110000", or a version of 5,000 digits
            mark = self._events.get_mark()
            place = Place(mark.line + 1, mark.column + 1)
            data = self._broken((), place, "not valid YAML: a number out of range")
        return Document(
            file=self._file,
            data=data,
            values=self._values,
            keys=self._keys,
            expanded=frozenset(self._expanded),
            problems=tuple(self._problems),
        )

    def _root(self) -> object:
        data: object = None
        documents = 0
        while not isinstance(event := self._next(), StreamEndEvent):
            if isinstance(event, NodeEvent):
                documents += 1
                if documents > 1:
                    self._skip(event)
                    self._broken((), _place(event), "more than one YAML document")
                else:
                    data = self._node(event, ())
        return {} if data is None else data

    def _next(self) -> Event:
        event: Event = self._events.get_event()  # type: ignore[no-untyped-call]  # so in the stubs
        return event

    def _broken(self, path: KeyPath, place: Place, message: str) -> Broken:
        problem = Problem(self._file, place.line, place.column, dotted(path), message)
        self._problems.append(problem)
        return BROKEN

    def _node(self, event: Event, path: KeyPath) -> object:
        place = self._values[path] = _place(event)
        if len(path) > MAX_DEPTH:
            raise _too_deep(event.start_mark)
        if isinstance(event, AliasEvent):
            return self._broken(path, place, "aliases (*name) are not allowed")
        if isinstance(event, NodeEvent) and event.anchor is not None:
            self._broken(path, place, "anchors (&name) are not allowed")
        if getattr(event, "tag", None) is not None:
            self._broken(path, place, "tags (!name) are not allowed")
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
                    message = f"duplicate key, the first is in line {first}"
                    self._broken((*path, key), _place(event), message)
                self._skip(self._next())
            else:
                self._keys[*path, key] = _place(event)
                members[key] = self._node(self._next(), (*path, key))
        return members

    def _key(self, event: Event, path: KeyPath) -> str | None:
        if not isinstance(event, ScalarEvent):
            self._skip(event)
        elif event.anchor is None and event.tag is None and _is_unicode(event.value):
            return event.value
        self._broken(path, _place(event), "a key must be plain text: no list, alias, anchor or tag")
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
        if not _is_unicode(text):
            return self._broken(path, place, "half of a surrogate pair is no text")
        if "${" in text:
            return self._expand(text, path, place)
        return _plain(text) if event.style is None else text

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
                return self._broken(path, place, f"the environment variable {name} is not set")
            parts += (text[position : match.start()], value)
            position = match.end()
        expanded = "".join((*parts, text[position:]))
        if not _is_unicode(expanded):
            return self._broken(path, place, "a variable of the environment is not UTF-8 text")
        return expanded


def _plain(text: str) -> object:
    """Return what an unquoted word means; what no number can hold is text."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def _place(event: Event) -> Place:
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1) if mark else START


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
