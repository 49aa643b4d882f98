"""The vocabulary of simulated callbacks: what a vendor would send, and what only others would.

Design: the event classes are the catalogue here too. What a story does not say itself is drawn
from a class's examples, by the vendor's spelling, so a new event type can be simulated as soon as
there is a class. What happens to a vendor's entities, how it writes that on the wire and how it
signs is the business of the `Sender` in its own `traffic.py`. A callback of one type comes from
the same stories as any other, so that its fields fit together.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, Literal, Protocol

import msgspec

from router.vendors.fields import Field, Table

Kind = Literal["ordinary", "forgery", "unknown", "odd"]
"""What a callback is there for."""

Step = tuple[str, dict[str, Any]]
"""The next thing that happens to an entity: its short type, and what is known of it."""

Now = Callable[[], int]
"""Tells a story when its next step happens, Unix ms."""

Birth = Callable[[Now], Iterator[Step]]
"""What begins a story."""

LEFT_OUT = msgspec.UNSET
"""As a given value: the field is not sent."""

MARK = b"\xef\xbb\xbf"
"""The byte order mark, which JSON may not begin with, and which some libraries write."""

PATIENCE = 5_000
"""Steps until a type is taken for one that no story tells; the rarest needs some hundreds."""

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


class Sender(Protocol):
    """A vendor's own part: what happens there, and how it says so. Made as `Sender(random, secret)`.

    Each vendor's folder has one in `traffic.py`. It signs with lines of its own, so that a fault
    in verifying cannot hide itself.
    """

    @property
    def births(self) -> Sequence[Birth]:
        """Return what begins the stories that go on side by side."""

    def body(self, short_type: str, given: Mapping[str, Any], now_ms: int) -> bytes:
        """Return what is sent of a step; what the step does not know is filled from the class."""

    def odd(self, short_type: str, given: Mapping[str, Any], now_ms: int) -> bytes:
        """Return the same as the documents allow and few expect; one oddity after the other."""

    def forgery(self, now_ms: int) -> Simulated:
        """Return what somebody without the secret would send."""

    def unknown(self, now_ms: int) -> Simulated:
        """Return a callback of a type that is in no document."""


class Traffic:
    """A vendor's traffic: entities that live, a callback at a time."""

    def __init__(self, random: Random, sender: Sender) -> None:
        """Take the source of chance, and the vendor's own part."""
        self._sender = sender
        self._lives = Lives(random, *sender.births)
        self._asked = Lives(random, *sender.births)
        self.forgery = sender.forgery
        self.unknown = sender.unknown

    def ordinary(self, now_ms: int) -> Simulated:
        """Return the next thing that happens."""
        short_type, given = self._lives.next(now_ms)
        body = self._sender.body(short_type, given, now_ms)
        return Simulated(body=body, short_type=short_type)

    def of_type(self, short_type: str, now_ms: int) -> Simulated:
        """Return the next of a documented type; filled from its class where no story tells it."""
        steps = (self._asked.next(now_ms) for _ in range(PATIENCE))
        given = next((given for name, given in steps if name == short_type), {})
        body = self._sender.body(short_type, given, now_ms)
        return Simulated(body=body, short_type=short_type)

    def odd(self, now_ms: int) -> Simulated:
        """Return the next thing that happens, written as few expect it."""
        short_type, given = self._lives.next(now_ms)
        body = self._sender.odd(short_type, given, now_ms)
        return Simulated(body=body, kind="odd", short_type=short_type)


class Lives:
    """Entities that live side by side, each its own story; one that ends makes way for another."""

    def __init__(self, random: Random, *births: Birth) -> None:
        """Take the source of chance, and what begins a story: each is always there once."""
        self._random = random
        self._births = births
        self._now_ms = 0
        self._stories = [birth(self._now) for birth in births]

    def next(self, now_ms: int) -> Step:
        """Return what happens now to one of them."""
        self._now_ms = now_ms
        index = self._random.randrange(len(self._births))
        step = next(self._stories[index], None)
        if step is None:
            self._stories[index] = self._births[index](self._now)
            step = next(self._stories[index])
        return step

    def _now(self) -> int:
        return self._now_ms


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


def text(body: Mapping[str, Any]) -> bytes:
    """Return the body as most vendors write it."""
    return json.dumps(body).encode()


def indented(body: Mapping[str, Any]) -> bytes:
    """Return the body with blanks in it and around it, behind a mark."""
    return MARK + b"\n" + json.dumps(body, indent=2, ensure_ascii=False).encode() + b"\n"


def reordered(body: dict[str, Any]) -> bytes:
    """Return the body with its members the other way round."""
    return text(dict(reversed(body.items())))


def in_capitals(values: Mapping[str, Any], member: str) -> dict[str, Any]:
    """Return the object with one of its texts in capital letters."""
    return {**values, member: values[member].upper()}


def with_unknown_fields(values: Mapping[str, Any], inner: str) -> dict[str, Any]:
    """Return the object with fields that no document knows, also in the object inside of it."""
    more = {**values[inner], "NodeId": "node-7", "Extra": {"RetryCount": 1}}
    return {**values, inner: more, "Region": "cn"}


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
