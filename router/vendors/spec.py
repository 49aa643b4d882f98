"""The vocabulary of a vendor's table: what is signed, where the type is, what names an event.

Design: a vendor is data. `decode`, `verify` and `normalise` walk these values and know no vendor
by name; a tolerance for a vendor's oddity is a field here, never a branch there. Rejected: a
class per vendor with methods to override, since then every vendor proves its own security.

Members are named as on the wire (`RoomId`), `A.B` is member B of the object in member A; fields
of `data` are named as in the event (`room_id`).
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Literal

import msgspec

from router.clock import parse_rfc3339
from router.vendors.fields import Table, table_of


class SortedDigest(msgspec.Struct, frozen=True, kw_only=True):
    """Proof inside the body: hex digest over the byte-sorted, joined values and a secret.

    Attributes:
        algorithm: A name that `hashlib` knows.
        over: Members whose values are signed.
        any_of: Spellings of one more signed member; where several come, any may verify.
        signature: The member that holds the digest.
        app: The member that chooses among secrets kept per application.
        members: All that prove and nothing else: left out of what is published.
    """

    algorithm: Literal["sha256", "sha1"]
    over: tuple[str, ...]
    any_of: tuple[str, ...]
    signature: str
    app: str | None = None
    members: tuple[str, ...]


class PathToken(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor signs nothing: a secret token in the path of the URL is the proof."""

    members: tuple[str, ...] = ()


Proof = SortedDigest | PathToken


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """The member that holds the event's own object, as an object or as JSON text.

    Attributes:
        member: Its name.
        is_merged: Whether its fields stand at the top of `data`, or below its own name.
    """

    member: str
    is_merged: bool


class Carry(msgspec.Struct, frozen=True, kw_only=True):
    """An envelope member that joins the merged fields.

    Attributes:
        member: Its name.
        wins: Whether it counts where the payload has a member of that name too.
        is_alone: Whether the documents know it in the envelope only, so that one of the same name
            in the payload is a field that nobody documented, and is kept beside.
    """

    member: str
    wins: bool
    is_alone: bool = False


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What a member must look like, where the proof does not bind values to their places."""

    member: str
    fits: Callable[[str], bool]
    description: str


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """How the entity is named: `within` and then one of `entity`, joined by a slash.

    Attributes:
        within: Members that are always part of it.
        entity: Candidates in order of preference. A type may use those that its class documents.
        is_own_only: Whether only the first candidate that the class documents will do, or any.
    """

    within: tuple[str, ...] = ()
    entity: tuple[str, ...]
    is_own_only: bool


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A place that may hold the time: a field in milliseconds, or an envelope member in text."""

    basis: Literal["event", "envelope"]
    field: str | None = None
    member: str = ""


class VendorId(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor names its events: these members, joined by a slash."""

    members: tuple[str, ...]


class NaturalId(msgspec.Struct, frozen=True, kw_only=True):
    """Fields that name an occurrence of one type; without a required one, nothing does.

    Attributes:
        fields: In the order in which they are hashed, as normalised.
        required: Those without which the occurrence has no name.
    """

    fields: tuple[str, ...]
    required: tuple[str, ...]


class EventType(msgspec.Struct, frozen=True, kw_only=True):
    """What the pass needs of one event class.

    Attributes:
        name: `{vendor}.{Type}`.
        short_name: The class's name: the `Type` of rules and topics.
        table: Its documented fields by the vendor's spelling.
        entity: Those of the vendor's candidates for the subject that this type may use.
    """

    name: str
    short_name: str
    table: Table
    entity: tuple[str, ...]


class Vendor(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All that the system knows about a vendor, beside its event classes.

    Attributes:
        name: As in the configuration, event types and topics.
        source: The vendor's documents that the table follows, by title.
        proof: How a message is proven to be the vendor's.
        type_of: The member that holds the vendor's word for the event's type.
        payload: The member that holds the event's own object.
        carry: Envelope members that join a merged payload.
        drop: Envelope members that the event's attributes already tell.
        shapes: What to check where the proof leaves values exchangeable.
        subject: How the entity is named.
        time: Places of the event's time, best first.
        identity: The vendor's own id, or a natural one per type.
        unnamed: What stands in for an id where nothing names the occurrence.
        events: One class per type; its name is the type.
    """

    name: str
    source: str
    proof: Proof
    type_of: str
    payload: Payload
    carry: tuple[Carry, ...] = ()
    drop: tuple[str, ...] = ()
    shapes: tuple[Shape, ...] = ()
    subject: Subject
    time: tuple[Moment, ...]
    identity: VendorId | Mapping[str, NaturalId]
    unnamed: Literal["content", "none"]
    events: tuple[type[msgspec.Struct], ...]

    @cached_property
    def types(self) -> dict[str, EventType]:
        """Every known type by the vendor's word for it."""
        return {event_class.__name__: self._event_type(event_class) for event_class in self.events}

    @cached_property
    def known_members(self) -> frozenset[str]:
        """The members that never become fields of `data` by themselves."""
        carried = (carry.member for carry in self.carry)
        own = (self.type_of, self.payload.member) if self.payload.is_merged else (self.type_of,)
        return frozenset((*own, *self.drop, *self.proof.members, *carried))

    def _event_type(self, event_class: type[msgspec.Struct]) -> EventType:
        table = table_of(event_class)
        own = tuple(path for path in self.subject.entity if _documents(table, path))
        return EventType(
            name=f"{self.name}.{event_class.__name__}",
            short_name=event_class.__name__,
            table=table,
            entity=own[:1] if self.subject.is_own_only else own,
        )


def _documents(table: Table, path: str) -> bool:
    head, _, rest = path.partition(".")
    field = table.get(head)
    if field is None or not rest:
        return field is not None
    return field.table is not None and _documents(field.table, rest)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A decoded body that nobody has proven.

    Attributes:
        body: Exactly as received.
        members: The JSON object in it; None where it is none (see `decode`).
        raw: The text of each member, where the object may nest deep; see `raw_members`.
    """

    body: bytes
    members: dict[str, Any] | None
    raw: dict[str, msgspec.Raw] | None = None


def is_rfc3339(text: str) -> bool:
    """Tell whether *text* is a date and time of RFC 3339."""
    return parse_rfc3339(text) is not None
