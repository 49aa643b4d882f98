"""The routing tests, run: what was published against what was expected, and which rule decided.

Design: a body goes the way of a real one, through the same `receive`, at an entrance whose proof
is switched off; nothing here can publish. Expected topics are exact: what was not expected is as
wrong as what is missing. Rules that no test reaches are part of the result.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import replace

from router.clock import format_rfc3339, parse_rfc3339
from router.event import Event
from router.ingress.receive import Instant, Request, receive
from router.ingress.sources import Head, Source, Sources
from router.record import Record
from router.routing import RouteTable, Verdict, explain
from router.tools.masking import masked
from router.tools.rule_cases import Case, EventOptions, ExpectedOptions
from router.tools.verdicts import line_of, line_of_keyless, masked_verdict
from router.vendors.decode import decode
from router.vendors.refusal import Refused
from router.vendors.spec import without_proof

_NOW = Instant(1_767_225_600_000, f"{1:032x}")  # 2026-01-01, so that every run is the same
_HEAD = Head(method="POST", target="", address="")
_TRACE = f"00-{1:032x}-{1:016x}-01"


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one test.

    Attributes:
        case: Which.
        lines: What is wrong, one finding a line; none where it passed.
        matched: Names of the rules that matched.
        short_type: Of the event; empty where the body is refused.
    """

    case: Case
    lines: tuple[str, ...]
    matched: frozenset[str]
    short_type: str = ""

    @property
    def is_passed(self) -> bool:
        """Whether everything is as expected."""
        return not self.lines


class RuleTests:
    """Sources and routes of a configuration, ready to be tested."""

    def __init__(self, sources: Sources, routes: RouteTable) -> None:
        """Take both; the routes without a namespace, so that tests need not know it."""
        self._limits = sources.limits
        self._sources = sources.by_name
        self._routes = routes

    def outcome(self, case: Case) -> Outcome:
        """Return what becomes of one test."""
        event = self._event(case)
        if isinstance(event, Refused):
            hint = f" ({event.hint})" if event.hint else ""
            line = f"the body is refused: {event.reason}{hint}"
            return Outcome(case=case, lines=(line,), matched=frozenset())
        routed = self._routes.records_for(event, case.source)
        verdicts = explain(self._routes, event, case.source)
        matched = frozenset(verdict.rule for verdict in verdicts if verdict.fits)
        missing, surplus = _difference(case.expect, routed.records)
        wrong = _misjudged(case.matches, matched)
        lines = [
            *(f"- expected  {item}" for item in missing),
            *(f"+ got       {_shown(record)}" for record in surplus),
            *(
                f"- expected  rule {name} to match"
                if name not in matched
                else f"+ got       rule {name} matches"
                for name in wrong
            ),
        ]
        if lines:
            lines.append(f"event {event.type}, subject {masked(event.subject)}")
            lines += [f"dropped by {name}" for name in routed.dropped_by]
            lines += [
                line_of(masked_verdict(verdict, event.vendor))
                for verdict in self._concerned(verdicts, event, case, missing, wrong)
            ]
            lines += map(line_of_keyless, routed.keyless)
        return Outcome(case=case, lines=tuple(lines), matched=matched, short_type=event.short_type)

    def unreached(self, outcomes: Iterable[Outcome]) -> list[str]:
        """Return the rules that matched in no test, in their order."""
        reached = {name for outcome in outcomes for name in outcome.matched}
        return [rule.name for rule in self._routes.rules if rule.name not in reached]

    def _event(self, case: Case) -> Event | Refused:
        source = self._sources[case.source]
        if isinstance(case.given, EventOptions):
            return _made(case.given, source)
        message = decode(source.vendor, case.given)
        if isinstance(message, Refused):  # with the proof's place in the body, which goes below
            return message
        unproven = replace(source, vendor=without_proof(source.vendor))
        request = Request(head=_HEAD, body=case.given, traceparent=_TRACE)
        outcome = receive(unproven, request, self._limits, self._routes, _NOW)
        if isinstance(outcome, Refused):
            return outcome
        if not case.data:
            return outcome.event
        plain = msgspec.json.decode(msgspec.json.encode(outcome.event.data))
        return replace(outcome.event, data=_merged(plain, case.data))

    def _concerned(
        self,
        verdicts: Sequence[Verdict],
        event: Event,
        case: Case,
        missing: Sequence[ExpectedOptions],
        wrong: Sequence[str],
    ) -> list[Verdict]:
        """Return the rules that act, that were expected to, or that lead to a missing topic."""
        topics = {item.topic for item in missing}
        known = (case.source, event.vendor, (event.short_type,))
        leading = {
            rule.name
            for rule in self._routes.rules
            if topics.intersection(_topics_of(rule.topics, known))
        }
        return [
            verdict
            for verdict in verdicts
            if verdict.fits or verdict.rule in leading or verdict.rule in wrong
        ]


def _topics_of(templates: Sequence[str], known: tuple[str, str, Sequence[str]]) -> set[str]:
    return {topic for base in templates for topic in RouteTable(base).topics([known])}


def _made(given: EventOptions, source: Source) -> Event:
    """Return the event that a test describes."""
    name = f"{source.vendor.name}.{given.type}"
    told_ms = None if given.time is None else parse_rfc3339(given.time)
    return Event(
        id="test",
        source=f"/callbacks/{source.name}",
        type=name,
        subject=given.subject or source.name,
        time=format_rfc3339(_NOW.unix_ms if told_ms is None else told_ms),
        dataschema=f"urn:callback-router:{name}:1",
        recordedtime=format_rfc3339(_NOW.unix_ms),
        timebasis="received" if told_ms is None else "event",
        idbasis="vendor",
        contentid=UNSET,
        traceparent=_TRACE,
        data=given.data,
    )


def _merged(data: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data with changes: objects member by member, everything else as a whole."""
    merged = dict(data)
    for name, value in changes.items():
        inner = merged.get(name)
        both = isinstance(inner, dict) and isinstance(value, dict)
        merged[name] = _merged(inner, value) if both else value  # type: ignore[arg-type]  # both
    return merged


def _difference(
    expect: Sequence[ExpectedOptions] | None, records: Sequence[Record]
) -> tuple[list[ExpectedOptions], list[Record]]:
    """Return what is missing and what nobody expected; those with a key are matched first."""
    if expect is None:
        return [], []
    missing: list[ExpectedOptions] = []
    surplus = list(records)
    for item in sorted(expect, key=lambda item: item.key is None):
        found = next((record for record in surplus if _fits(item, record)), None)
        if found is None:
            missing.append(item)
        else:
            surplus.remove(found)
    return missing, surplus


def _fits(item: ExpectedOptions, record: Record) -> bool:
    return item.topic == record.topic and item.key in (None, record.key.decode())


def _misjudged(expected: Sequence[str] | None, matched: frozenset[str]) -> list[str]:
    """Return the rules that match and were not expected to, or the other way round."""
    return [] if expected is None else sorted(matched.symmetric_difference(expected))


def _shown(record: Record) -> str:
    return f"{record.topic}  key {masked(record.key.decode())}"
