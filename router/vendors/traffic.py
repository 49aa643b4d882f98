"""The vocabulary of simulated callbacks: what a vendor would send, and what only others would.

Design: the event classes are the catalogue here too. What a traffic does not say itself is drawn
from a class's examples, by the vendor's spelling, so a new event type is simulated as soon as
there is a class. How a vendor writes numbers and texts on the wire, and how it signs, is the
business of its own `traffic.py`.
"""

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any, Literal, Protocol

import msgspec

from router.vendors.fields import Field, Table

Kind = Literal["ordinary", "forgery", "unknown", "odd"]
"""What a callback is there for."""

Step = tuple[str, dict[str, Any]]
"""The next thing that happens to an entity: its short type, and what is known of it."""

LEFT_OUT = msgspec.UNSET
"""As a given value: the field is not sent."""

_DRAWN = object()


class Simulated(msgspec.Struct, frozen=True, kw_only=True):
    """One callback to send.

    Attributes:
        body: Exactly these bytes.
        kind: `ordinary`; `odd`: allowed by the documents, though few expect it; `unknown`: of a
            type nobody knows yet; `forgery`: the only one that must be refused.
        short_type: The event's type; of an unknown one the vendor's word.
        has_token: Whether the path holds the right token, where the source has any.
    """

    body: bytes
    kind: Kind = "ordinary"
    short_type: str
    has_token: bool = True


class Traffic(Protocol):
    """A vendor's traffic: entities that live, a callback at a time. Made as `Traffic(random, key)`.

    Each vendor's folder has one in `traffic.py`. It signs with lines of its own, so that a fault
    in verifying cannot hide itself.
    """

    def ordinary(self, now_ms: int) -> Simulated:
        """Return the next thing that happens."""

    def of_type(self, short_type: str, now_ms: int) -> Simulated:
        """Return a callback of a documented type, filled from its class."""

    def forgery(self, now_ms: int) -> Simulated:
        """Return what somebody without the secret would send."""

    def unknown(self, now_ms: int) -> Simulated:
        """Return a callback of a type that is in no document."""

    def odd(self, now_ms: int) -> Simulated:
        """Return what the documents allow and few expect; one oddity after the other."""


class Lives:
    """Entities that live side by side, each its own story; one that ends makes way for another."""

    def __init__(self, random: Random, *births: Callable[[], Iterator[Step]]) -> None:
        """Take the source of chance, and what begins a story: each is always there once."""
        self._random = random
        self._births = births
        self._stories = [birth() for birth in births]

    def next(self) -> Step:
        """Return what happens next to one of them."""
        index = self._random.randrange(len(self._births))
        step = next(self._stories[index], None)
        if step is None:
            self._stories[index] = self._births[index]()
            step = next(self._stories[index])
        return step


def filled(table: Table, random: Random, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with every documented field, by the vendor's spelling.

    Args:
        table: The documented fields.
        random: Draws a field's value from its examples.
        given: Values that win; objects among them, and those in lists, are filled up likewise.
            `LEFT_OUT` keeps a field away. Fields that no document knows are taken over.
    """
    made = {wire: _value(field, random, given.get(wire, _DRAWN)) for wire, field in table.items()}
    return {key: value for key, value in {**given, **made}.items() if value is not LEFT_OUT}


def documented(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of *values* that the table has a field for."""
    return {wire: value for wire, value in values.items() if wire in table}


def numbers_as_text(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object with its own whole numbers, not those further inside, as their digits."""
    return {key: str(value) if type(value) is int else value for key, value in values.items()}


def _value(field: Field, random: Random, given: Any) -> Any:
    if given is _DRAWN and field.table is None:
        return random.choice(field.examples) if field.examples else field.kind()
    if given is _DRAWN:
        given = {} if field.kind is dict else [{}]
    if field.table is not None and isinstance(given, dict):
        return filled(field.table, random, given)
    if field.table is not None and isinstance(given, list):
        return [filled(field.table, random, item) for item in given]
    return given
