"""The routing tests of a file: what comes in, and where it shall go; every mistake at its place.

Design: the file is read like the configuration, by the same reader with places, and with its
names checked against the sources and rules that there are: a test of a rule that was renamed must
not pass for ever. What comes in is a body, a sample of the vendor's folder, or an event; nothing
has to be signed, since a test of routes must need no secret.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from router.clock import parse_rfc3339
from router.config.convert import Converter
from router.config.files import read_file, why
from router.config.options import SourceName, Text
from router.config.told import told
from router.config.yaml_document import BROKEN, MAX_BYTES, Document, KeyPath, read_document
from router.errors import Problem
from router.event import UNRECOGNIZED
from router.ingress.sources import Source
from router.routing import Rule
from router.vendors.spec import Vendor

_WAYS_IN = ("body", "body_file", "sample", "event")
_LARGEST_BODY = 64 << 20
_LISTED = 5


class EventOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event as it would come out of a callback."""

    type: Annotated[Text, Meta(description="Its short type.", examples=["RecordStopped"])]
    subject: Annotated[Text | None, Meta(description="Default: the source's name.")] = None
    time: Annotated[Text | None, Meta(description="RFC 3339; default 2026-01-01.")] = None
    data: Annotated[dict[str, Any], Meta(description="Fields, named as in the event.")] = {}


class ExpectedOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record that shall be published."""

    topic: Annotated[Text, Meta(description="Without the namespace.")]
    key: Annotated[str | None, Meta(description="Default: any.")] = None

    def __str__(self) -> str:
        """Return the record as the command prints it."""
        return self.topic if self.key is None else f"{self.topic}  key {self.key}"


class CaseOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One test: one of `body`, `body_file`, `sample` and `event`, and what shall come of it."""

    name: Annotated[Text, Meta(description="What it shows.")]
    source: Annotated[SourceName, Meta(description="The entrance that it comes to.")]
    body: Annotated[Any, Meta(description="A mapping, sent as JSON, or text, as it is.")] = None
    body_file: Annotated[Text | None, Meta(description="A body; relative to this file.")] = None
    sample: Annotated[
        Text | None,
        Meta(description="A sample of the vendor.", examples=["volcengine-rtc/RoomCreate"]),
    ] = None
    event: Annotated[EventOptions | None, Meta(description="An event, as rules see it.")] = None
    data: Annotated[
        dict[str, Any], Meta(description="Of a sample: fields of its event that are different.")
    ] = {}
    expect: Annotated[
        tuple[Any, ...] | None,
        Meta(description="All records, the base topic's too: topics, or topics with keys."),
    ] = None
    dropped: Annotated[bool, Meta(description="Nothing at all is published.")] = False
    matches: Annotated[
        tuple[Text, ...] | None, Meta(description="All rules that match, by name.")
    ] = None


class FileOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of routing tests."""

    tests: Annotated[
        tuple[CaseOptions, ...],
        Meta(description="The tests.", min_length=1, extra={"unique": "name"}),
    ]


class Case(Struct, frozen=True, kw_only=True):
    """A test that can be run.

    Attributes:
        name: Of the test.
        document: The file.
        line: Where it begins there, from 1.
        source: The name of the entrance.
        given: A body, or an event.
        data: What of the event's data is different.
        expect: What shall be published; None where that is not asked.
        matches: The rules that shall match; None where that is not asked.
        fields: Each path of `data` that the test names, with its place in the file.
    """

    name: str
    document: Document
    line: int
    source: str
    given: bytes | EventOptions
    data: Mapping[str, Any]
    expect: tuple[ExpectedOptions, ...] | None
    matches: tuple[str, ...] | None
    fields: tuple[tuple[str, KeyPath], ...] = ()

    @property
    def file(self) -> str:
        """The file as the user gave it."""
        return self.document.file


def read_cases(
    path: Path, sources: Mapping[str, Source], rules: Iterable[Rule]
) -> tuple[list[Case], list[Problem]]:
    """Return the tests of a file, and everything that has to be changed in it.

    Args:
        path: The file.
        sources: Every entrance by its name.
        rules: Every rule.
    """
    try:
        content, _ = read_file(path, MAX_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        return [], [Problem(str(path), 1, 1, "", f"cannot read this file: {why(error)}")]
    document = read_document(str(path), content, {}, FileOptions)
    reader = _Reader(document, path.parent, sources, [rule.name for rule in rules])
    cases = reader.cases()
    return cases, list(told([*document.problems, *reader.problems], [document]))


class _Reader:
    """One run over a file: what has been found out so far."""

    def __init__(
        self, document: Document, folder: Path, sources: Mapping[str, Source], rules: list[str]
    ) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._folder = folder
        self._sources = sources
        self._rules = rules
        self._found: list[tuple[KeyPath, CaseOptions]] = []

    def cases(self) -> list[Case]:
        """Return the tests that can be run."""
        converter = Converter(self._document, self._note)
        converter.convert(FileOptions, self._document.data)
        self.problems += converter.problems
        return [case for found in self._found for case in self._case(*found)]

    def _note(self, path: KeyPath, section: Struct) -> None:
        if isinstance(section, CaseOptions):
            self._found.append((path, section))

    def _report(self, path: KeyPath, message: str) -> None:
        self.problems.append(self._document.problem(path, message))

    def _case(self, path: KeyPath, options: CaseOptions) -> Iterator[Case]:
        """Yield the test, unless something about it had to be reported."""
        before = len(self.problems)
        expect = self._expected(path, options)
        for index, name in enumerate(options.matches or ()):
            if name not in self._rules:
                self._report((*path, "matches", index), _unknown("rule", name, self._rules))
        source = self._sources.get(options.source)
        if source is None:
            message = _unknown("source", options.source, list(self._sources))
            self._report((*path, "source"), message)
            return
        given = self._given(path, options, source.vendor)
        if given is None or len(self.problems) > before:
            return
        yield Case(
            name=options.name,
            document=self._document,
            line=self._document.values[path].line,
            source=options.source,
            given=given,
            data=options.data,
            expect=expect,
            matches=options.matches,
            fields=tuple(self._fields(path, options)),
        )

    def _fields(self, path: KeyPath, options: CaseOptions) -> Iterator[tuple[str, KeyPath]]:
        if options.event is not None:
            yield from self._fields_below((*path, "event", "data"), options.event.data, "data")
        else:
            yield from self._fields_below((*path, "data"), options.data, "data")

    def _fields_below(self, path: KeyPath, value: Any, named: str) -> Iterator[tuple[str, KeyPath]]:
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._fields_below((*path, index), item, named)
        for key, member in value.items() if isinstance(value, dict) else ():
            inner = f"{named}.{key}"
            yield inner, (*path, key)
            yield from self._fields_below((*path, key), member, inner)

    def _expected(self, path: KeyPath, options: CaseOptions) -> tuple[ExpectedOptions, ...] | None:
        if options.dropped and options.expect:
            self._report((*path, "dropped"), "what is dropped is published nowhere: see expect")
        if not options.dropped and options.expect is None and options.matches is None:
            self._report(path, "asks for nothing: add expect, dropped or matches")
        if options.expect is None:
            return () if options.dropped else None
        converter = Converter(self._document, lambda _path, _section: None)
        expected = [
            ExpectedOptions(topic=item)
            if isinstance(item, str)
            else converter.convert(ExpectedOptions, item, (*path, "expect", index))
            for index, item in enumerate(options.expect)
        ]
        self.problems += converter.problems
        return tuple(item for item in expected if item is not BROKEN)

    def _given(
        self, path: KeyPath, options: CaseOptions, vendor: Vendor
    ) -> bytes | EventOptions | None:
        """Return what comes in, or None where it had to be reported."""
        ways = [name for name in _WAYS_IN if getattr(options, name) is not None]
        if len(ways) != 1:
            self._report(path, f"expected exactly one of {', '.join(_WAYS_IN)}")
            return None
        if options.data and options.sample is None:
            self._report((*path, "data"), "goes with a sample only")
        if options.event is not None:
            return self._event((*path, "event"), options.event, vendor)
        if options.sample is not None:
            return self._sample((*path, "sample"), options.sample, vendor)
        if options.body_file is not None:
            return self._body_file((*path, "body_file"), self._folder / options.body_file)
        if isinstance(options.body, str):
            return options.body.encode()
        return msgspec.json.encode(options.body)

    def _event(self, path: KeyPath, event: EventOptions, vendor: Vendor) -> EventOptions | None:
        known = [*vendor.types, UNRECOGNIZED]
        if event.type not in known:
            self._report((*path, "type"), _unknown(f"type of {vendor.name}", event.type, known))
            return None
        if event.time is not None and parse_rfc3339(event.time) is None:
            self._report((*path, "time"), "expected a time such as 2026-11-21T08:00:00Z")
            return None
        return event

    def _sample(self, path: KeyPath, sample: str, vendor: Vendor) -> bytes | None:
        owner, _, name = sample.partition("/")
        if owner != vendor.name:
            self._report(path, f"expected a sample of the source's vendor: {vendor.name}/...")
            return None
        folder = files("router.vendors") / vendor.name.replace("-", "_") / "samples"
        known = [entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".json")]
        if name not in known:
            self._report(path, _unknown("sample", name, sorted(known)))
            return None
        written: dict[str, Any] = msgspec.json.decode((folder / f"{name}.json").read_bytes())
        return str(written["body"]).encode()

    def _body_file(self, path: KeyPath, file: Path) -> bytes | None:
        try:
            return read_file(file, _LARGEST_BODY)[0]
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            self._report(path, f"cannot read this file: {why(error)}")
            return None


def _unknown(kind: str, word: str, known: list[str]) -> str:
    longer = [name for name in known if word and name.startswith(word)]
    close = longer or difflib.get_close_matches(word, known, 1)
    if close:
        return f"no {kind} is called so, did you mean {close[0]}?"
    some = ", ".join(known[:_LISTED]) + (", ..." if len(known) > _LISTED else "")
    return f"no {kind} is called so; there are {some}" if known else f"there is no {kind}"
