"""The route table: an event to its records, one encode for all of them.

Design: what vendor, type and source decide is decided once for each of their combinations: which
rules can act at all, what is left to ask of an event, and the topics. These are plans, made when
the first such event comes; types and sources are closed sets, so there are few. An event that no
rule can concern costs what it costs without rules, and rules that want a field to be one of many
values are found by the event's own (`index`).
"""

from collections.abc import Iterable

import msgspec

from router.event import Event
from router.record import Record, encode_event, headers_of
from router.routing.compiled import Matches, compiled, settled
from router.routing.conditions import When
from router.routing.index import Index
from router.routing.templates import DEFAULT_KEY, KeyOf, filled, key_of


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `routes`: where it matches, it adds topics, or drops the event.

    Attributes:
        name: Unique; a metric's label.
        conditions: All must fit.
        topics: Templates over `TOPIC_PLACEHOLDERS`.
        key: Template over `KEY_PLACEHOLDERS` and `{data.…}`.
        is_drop: Stops every record of the event, those of other rules too.
    """

    name: str
    conditions: When
    topics: tuple[str, ...] = ()
    key: str = DEFAULT_KEY
    is_drop: bool = False


class Routed(msgspec.Struct, frozen=True):
    """The records of an event; none where a rule dropped it.

    Attributes:
        records: Each pair of topic and key once; the base topic's first.
        dropped_by: Names of the rules that dropped it.
        keyless: Names of the rules whose key was missing or composite, so the subject served.
    """

    records: tuple[Record, ...]
    dropped_by: tuple[str, ...] = ()
    keyless: tuple[str, ...] = ()


class _Step(msgspec.Struct, frozen=True):
    """A rule as far as it concerns events of one plan, with the full names of its topics."""

    name: str
    fits: Matches
    topics: tuple[str, ...]
    template: str
    key: KeyOf
    is_drop: bool


class _Plan(msgspec.Struct, frozen=True):
    """All that can become of events of one type from one source."""

    base: str
    steps: tuple[_Step, ...]
    index: Index[_Step]


class RouteTable:
    """Every route of a configuration, ready to be asked."""

    def __init__(
        self, base: str = "callbacks.{vendor}.{type}", rules: Iterable[Rule] = (), prefix: str = ""
    ) -> None:
        """Take the base template, the rules, and the namespace that all topics begin with."""
        self.base = base
        self.rules = tuple(rules)
        self._prefix = prefix
        self._plans: dict[tuple[str, str], _Plan] = {}

    def records_for(self, event: Event, source: str) -> Routed:
        """Return the event's records; *source* is the name of the source it came to."""
        plan = self._plans.get((event.type, source)) or self._planned(event.type, source)
        key, value, headers = event.subject.encode(), encode_event(event), headers_of(event)
        base = Record(topic=plan.base, key=key, value=value, headers=headers)
        return _routed(plan, base, event, source) if plan.steps else Routed((base,))

    def topics(self, sources: Iterable[tuple[str, str, Iterable[str]]]) -> list[str]:
        """Return every topic that events of *sources* can reach, sorted; see `reach`."""
        return sorted(self.reach(sources))

    def reach(
        self, sources: Iterable[tuple[str, str, Iterable[str]]]
    ) -> dict[str, dict[str, set[str]]]:
        """Return the keys that events of *sources* can have, by their topic and their full type.

        Args:
            sources: Name, vendor and short types of each source.
        """
        found: dict[str, dict[str, set[str]]] = {}
        for name, vendor, types in sources:
            for event_type in (f"{vendor}.{short_type}" for short_type in types):
                plan = self._planned(event_type, name)
                pairs = [(topic, step.template) for step in plan.steps for topic in step.topics]
                for topic, key in ((plan.base, DEFAULT_KEY), *pairs):
                    found.setdefault(topic, {}).setdefault(event_type, set()).add(key)
        return found

    def _planned(self, event_type: str, source: str) -> _Plan:
        """Return the plan, kept for the next one: types are coded and sources configured."""
        vendor, _, short_type = event_type.partition(".")
        known = {"vendor": vendor, "type": short_type, "source": source}
        asked = ((rule, settled(rule.conditions, known)) for rule in self.rules)
        steps = [(left, self._step(rule, left, known)) for rule, left in asked if left is not None]
        plan = _Plan(
            self._prefix + filled(self.base, known),
            tuple(step for _, step in steps),
            Index(steps),
        )
        self._plans[event_type, source] = plan
        return plan

    def _step(self, rule: Rule, left: When, known: dict[str, str]) -> _Step:
        topics = tuple(self._prefix + filled(topic, known) for topic in rule.topics)
        key = key_of(rule.key)
        return _Step(rule.name, compiled(left), topics, rule.key, key, rule.is_drop)


def _routed(plan: _Plan, base: Record, event: Event, source: str) -> Routed:
    acting = [step for step in plan.index.left(event, source) if step.fits(event)]
    dropped_by = tuple([step.name for step in acting if step.is_drop])
    if dropped_by:
        return Routed((), dropped_by)
    pairs = {(plan.base, event.subject): base}
    keyless: list[str] = []
    for step in acting:
        text = step.key(event, source)
        if text is None:
            keyless.append(step.name)
            text = event.subject
        key = text.encode()
        for topic in step.topics:
            pairs[topic, text] = Record(
                topic=topic, key=key, value=base.value, headers=base.headers
            )
    return Routed(tuple(pairs.values()), (), tuple(keyless))
