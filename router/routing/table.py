"""The route table: an event to its records, one encode for all of them."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from router.event import Event
from router.record import Record, encode_event, headers_of
from router.routing.compiled import compiled, settled
from router.routing.conditions import When
from router.routing.paths import MISSING, value_at

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
TOPIC_PLACEHOLDERS = frozenset({"vendor", "type", "source"})
KEY_PLACEHOLDERS = TOPIC_PLACEHOLDERS | {"subject"}
"""What a key may name beside `data.…`."""
DEFAULT_KEY = "{subject}"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `routes`: where it matches, it adds topics, or drops the event.

    Attributes:
        name: Unique; a metric's label.
        conditions: All must fit.
        topics: Templates over `TOPIC_PLACEHOLDERS`.
        key: Template over these, `{subject}` and `{data.…}`.
        is_drop: Stops every record of the event, those of other rules too.
    """

    name: str
    conditions: When
    topics: tuple[str, ...] = ()
    key: str = DEFAULT_KEY
    is_drop: bool = False

    def can_match(self, **known: str) -> bool:
        """Tell whether an event of this vendor, type and source could match at all."""
        return settled(self.conditions, known) is not None


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


class RouteTable:
    """Every route of a configuration, ready to be asked."""

    def __init__(
        self, base: str = "callbacks.{vendor}.{type}", rules: Iterable[Rule] = (), prefix: str = ""
    ) -> None:
        """Take the base template, the rules, and the namespace that all topics begin with."""
        self.base = base
        self.rules = tuple(rules)
        self._prefix = prefix
        self._topics: dict[tuple[str, str, str], str] = {}

    def records_for(self, event: Event, source: str) -> Routed:
        """Return the event's records; *source* is the name of the source it came to."""
        topic = self._topic(self.base, event.type, source)
        if not self.rules:
            key, value, headers = event.subject.encode(), encode_event(event), headers_of(event)
            return Routed((Record(topic=topic, key=key, value=value, headers=headers),))
        matched = [rule for rule in self.rules if compiled(rule.conditions)(event, source)]
        dropped_by = tuple(rule.name for rule in matched if rule.is_drop)
        if dropped_by:
            return Routed((), dropped_by)
        pairs = {(topic, event.subject): None}
        keyless: list[str] = []
        for rule in matched:
            key_text = _filled_key(rule.key, event, source)
            if key_text is None:
                keyless.append(rule.name)
            for template in rule.topics:
                pairs[self._topic(template, event.type, source), key_text or event.subject] = None
        return Routed(_records(pairs, event), (), tuple(keyless))

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
            for short_type in types:
                event_type = f"{vendor}.{short_type}"
                pairs = [(self.base, DEFAULT_KEY)]
                for rule in self.rules:
                    if rule.can_match(vendor=vendor, type=short_type, source=name):
                        pairs += [(topic, rule.key) for topic in rule.topics]
                for template, key in pairs:
                    topic = found.setdefault(self._topic(template, event_type, name), {})
                    topic.setdefault(event_type, set()).add(key)
        return found

    def _topic(self, template: str, event_type: str, source: str) -> str:
        known = (template, event_type, source)
        topic = self._topics.get(known)
        if topic is None:  # bounded: templates, types and sources are all configured or coded
            vendor, _, short_type = event_type.partition(".")
            values = {"vendor": vendor, "type": short_type, "source": source}
            topic = self._prefix + _PLACEHOLDER.sub(lambda found: values[found[1]], template)
            self._topics[known] = topic
        return topic


def _records(pairs: Iterable[tuple[str, str]], event: Event) -> tuple[Record, ...]:
    value, headers = encode_event(event), headers_of(event)
    return tuple(
        Record(topic=topic, key=key.encode(), value=value, headers=headers) for topic, key in pairs
    )


def _filled_key(template: str, event: Event, source: str) -> str | None:
    """Return the key, or None where a value in it is missing or composite."""
    if template == DEFAULT_KEY:
        return event.subject
    values = {path: value_at(path, event, source) for path in placeholders(template)}
    if any(value in (MISSING, None) or isinstance(value, dict | list) for value in values.values()):
        return None
    return _PLACEHOLDER.sub(lambda found: _text(values[found[1]]), template) or None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def placeholders(template: str) -> Iterator[str]:
    """Yield the names between braces in a template."""
    return (found[1] for found in _PLACEHOLDER.finditer(template))
