"""Topics and keys with names between braces to fill in."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from router.event import Event
from router.routing.paths import MISSING, value_at

TOPIC_PLACEHOLDERS = frozenset({"vendor", "type", "source"})
"""What a topic may name: known beforehand, so that no topic comes from what a sender wrote."""

KEY_PLACEHOLDERS = TOPIC_PLACEHOLDERS | {"subject"}
"""What a key may name beside `data.…`."""

DEFAULT_KEY = "{subject}"

KeyOf = Callable[[Event, str], str | None]
"""The key of an event and its source's name, or None where a value in it cannot be one."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def placeholders(template: str) -> Iterator[str]:
    """Yield the names between braces in a template."""
    return (found[1] for found in _PLACEHOLDER.finditer(template))


def has_loose_brace(template: str) -> bool:
    """Tell whether braces are left beside the names: `{data.a`, `{{data.a}}`."""
    return not {"{", "}"}.isdisjoint(_PLACEHOLDER.sub("", template))


def filled(template: str, values: Mapping[str, str]) -> str:
    """Return the template with its names replaced; what a value holds is not filled in again."""
    return _PLACEHOLDER.sub(lambda found: values[found[1]], template)


def key_of(template: str) -> KeyOf:
    """Return what makes the key: None where a value is missing, composite or leaves it empty."""
    if template == DEFAULT_KEY:
        return lambda event, _: event.subject
    paths = tuple(placeholders(template))

    def key(event: Event, source: str) -> str | None:
        values: dict[str, str] = {}
        for path in paths:
            value = value_at(path, event, source)
            if value is MISSING or value is None or isinstance(value, dict | list):
                return None
            values[path] = _text(value)
        return filled(template, values) or None

    return key


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
