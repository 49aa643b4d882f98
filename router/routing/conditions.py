"""The conditions of a rule's `when`: each a value that answers yes or no for an event.

A condition is a class here and its name in `Test`. A path that is missing fits no condition.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from router.event import Event

ATTRIBUTES = ("vendor", "type", "source", "subject")
"""What a path may name beside `data.…`: known of every event."""

_ATTRIBUTE_OF = {"vendor": "vendor", "type": "short_type", "subject": "subject"}

MISSING = object()


class Equals(msgspec.Struct, frozen=True):
    """`path: value`: the value is this very one; 1 equals 1.0, and true is no number."""

    value: Any

    def fits(self, found: Any) -> bool:
        """Tell whether *found* is the value."""
        is_same_kind = isinstance(found, bool) == isinstance(self.value, bool)
        return bool(is_same_kind and found == self.value)


class AnyOf(msgspec.Struct, frozen=True):
    """`path: [value, value]`: the value is one of these."""

    values: tuple[Equals, ...]

    def fits(self, found: Any) -> bool:
        """Tell whether *found* is one of the values."""
        return any(value.fits(found) for value in self.values)


Test = Equals | AnyOf


class Condition(msgspec.Struct, frozen=True):
    """One line of `when`: the path of an attribute or of `data.…`, and what it must hold."""

    path: str
    test: Test

    def fits(self, event: Event, source: str) -> bool:
        """Tell whether the event, which came to *source*, fits."""
        found = value_at(self.path, event, source)
        return found is not MISSING and self.test.fits(found)


class Fault(NamedTuple):
    """What is wrong with one line of `when`, and where in it."""

    path: tuple[str | int, ...]
    message: str


def value_at(path: str, event: Event, source: str) -> Any:
    """Return what *path* names in the event, or `MISSING`."""
    if path in ATTRIBUTES:
        return source if path == "source" else getattr(event, _ATTRIBUTE_OF[path])
    value: Any = event.data
    for key in path.split(".")[1:]:
        value = value.get(key, MISSING) if isinstance(value, dict) else MISSING
    return value


def parse_conditions(when: Mapping[str, Any]) -> tuple[tuple[Condition, ...], list[Fault]]:
    """Return the conditions of a rule, and every fault in them."""
    conditions: list[Condition] = []
    faults: list[Fault] = []
    for path, value in when.items():
        found = list(_faults_of(path, value))
        faults += found
        if not found:
            conditions.append(Condition(path, _test(value)))
    return tuple(conditions), faults


def _test(value: Any) -> Test:
    if isinstance(value, list):
        return AnyOf(tuple(Equals(item) for item in value))
    return Equals(value)


def _faults_of(path: str, value: Any) -> Iterator[Fault]:
    parts = path.split(".")
    if path not in ATTRIBUTES and (parts[0] != "data" or len(parts) == 1 or not all(parts)):
        known = ", ".join((*ATTRIBUTES, "data.<field>"))
        yield Fault((path,), f"unknown path; use one of {known}")
    if isinstance(value, dict):
        yield Fault((path,), "unknown condition; use a value, or a list for any of several")
    elif isinstance(value, list):
        if not value:
            yield Fault((path,), "an empty list fits no event; name at least one value")
        for index, item in enumerate(value):
            if isinstance(item, dict | list):
                yield Fault((path, index), "a list holds plain values only")
