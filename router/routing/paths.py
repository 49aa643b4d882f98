"""What a path names in an event: an attribute, or a field of `data` at any depth.

A list stands for its elements, at the end of a path and on the way, so that a part of a path is
never a position. A name that holds a dot cannot be named.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from router.clock import parse_rfc3339
from router.event import Event

Read = Callable[[Event, str], Any]
"""From an event and the name of the source it came to, to what is read there."""


class Attribute(msgspec.Struct, frozen=True):
    """What every event has beside `data`: how it is read, and what it is."""

    read: Read
    meaning: str


ATTRIBUTES: Mapping[str, Attribute] = {
    "vendor": Attribute(lambda event, _: event.vendor, "Whose callback it was."),
    "type": Attribute(lambda event, _: event.short_type, "The type, without its vendor."),
    "source": Attribute(lambda _, source: source, "The name of the source that it came to."),
    "subject": Attribute(lambda event, _: event.subject, "What it is about."),
    "time": Attribute(lambda event, _: event.time, "When it happened: a moment of RFC 3339."),
}
"""What a path may name beside `data.…`."""

MISSING = object()
"""What a path names that is not there."""


def is_path(text: str) -> bool:
    """Tell whether *text* is an attribute or a path below `data`."""
    head, *rest = text.split(".")
    return text in ATTRIBUTES or (head == "data" and bool(rest) and all(rest))


def value_at(path: str, event: Event, source: str) -> Any:
    """Return the one value that *path* names, or `MISSING`; nothing is named through a list."""
    if path in ATTRIBUTES:
        return ATTRIBUTES[path].read(event, source)
    value: Any = event.data
    for key in path.split(".")[1:]:
        value = value.get(key, MISSING) if isinstance(value, dict) else MISSING
        if isinstance(value, msgspec.Raw):
            value = plain(value)
    return value


def values_at(path: str, event: Event, source: str) -> list[Any]:
    """Return all that *path* names: elements of lists one by one, an empty list as itself.

    `[MISSING]` where nothing is there, and `time` as Unix milliseconds: this is what the test of
    a condition is asked about, and never empty.
    """
    if path == "time":
        return [parse_rfc3339(event.time)]
    if path in ATTRIBUTES:
        return [ATTRIBUTES[path].read(event, source)]
    return values_below(event.data, path.split(".")[1:])


def values_below(value: Any, keys: Iterable[str]) -> list[Any]:
    """Return all that *keys* lead to from *value*, as `values_at` does."""
    found = [value]
    for key in keys:
        holders = [holder for holder in elements(found) if isinstance(holder, dict)]
        found = [holder[key] for holder in holders if key in holder]
    return list(elements(found)) or [MISSING]


def elements(values: Iterable[Any]) -> Iterator[Any]:
    """Yield *values*, the elements of lists among them instead of these, at any depth."""
    for value in map(plain, values):
        if isinstance(value, list) and value:
            yield from elements(value)
        else:
            yield value


def plain(value: Any) -> Any:
    """Return *value*, decoded where it is JSON text: what an Unrecognized event keeps as it came."""
    return msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value
