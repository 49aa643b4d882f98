"""The vocabulary of a vendor's table: what is signed, where the type is, what names an event.

Design: a vendor is data. `decode`, `verify` and `normalise` walk these values and know no vendor
by name; a tolerance for a vendor's oddity is a field here, never a branch there. Rejected: a
class per vendor with methods to override, since then every vendor proves its own security.

Members are named as on the wire (`RoomId`), `A.B` is member B of the object in member A; fields
of `data` are named as in the event (`room_id`).
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from types import ModuleType
from typing import Any, Literal

import msgspec

from router.clock import parse_rfc3339
from router.event import dataschema_of
from router.vendors.fields import Case, Table, table_of


class SortedDigest(msgspec.Struct, frozen=True, kw_only=True):
    """Proof inside the body: hex digest over the byte-sorted, joined values and a secret.

    Attributes:
        algorithm: A name that `hashlib` knows.
        over: Members whose values are signed.
        any_of: Spellings of one more signed member, if any; of several, any may verify.
        signature: The member that holds the digest.
        app: Spellings of the member that chooses among secrets kept per application.
        members: All that prove and nothing else: left out of what is published.
        covers_content: Whether another content needs another digest.
        is_single_use: Whether a digest that does not may still come with one content only.
    """

    algorithm: Literal["sha256", "sha1"]
    over: tuple[str, ...]
    any_of: tuple[str, ...] = ()
    signature: str
    app: tuple[str, ...] = ()
    members: tuple[str, ...]
    covers_content: bool
    is_single_use: bool = False


class KeyedDigest(msgspec.Struct, frozen=True, kw_only=True):
    """Proof inside the body: hex digest over a secret and then one value; customers may do without.

    Attributes:
        algorithm: A name that `hashlib` knows.
        over: The member whose value is signed.
        signature: The member that holds the digest; empty where the customer has switched it off.
        members: All that prove and nothing else: left out of what is published.
    """

    algorithm: Literal["md5"]
    over: str
    signature: str
    members: tuple[str, ...]
    covers_content: bool = False


class PathToken(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing in the body proves it: a secret token in the path of the URL does."""

    members: tuple[str, ...] = ()


Proof = SortedDigest | KeyedDigest | PathToken


class SendTime(msgspec.Struct, frozen=True, kw_only=True):
    """The window around a signed time, outside of which a message may be somebody's copy.

    Attributes:
        member: Holds Unix seconds, as a number or as its digits.
        before_secs: How long before that time a message may come.
        after_secs: How long after it.
    """

    member: str
    before_secs: int
    after_secs: int


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """The member that holds the event's own object, as an object or as JSON text.

    Attributes:
        member: Its name.
        is_merged: Whether its fields stand at the top of `data`, or below its own name.
        is_alone: Whether it is all that counts: what no document knows beside it is left out.
    """

    member: str
    is_merged: bool
    is_alone: bool = False


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
        within: Members that are always part of it, in the envelope.
        entity: Candidates in order of preference. A type may use those that its class documents.
        is_own_only: Whether only the first candidate that the class documents will do, or any.
    """

    within: tuple[str, ...] = ()
    entity: tuple[str, ...]
    is_own_only: bool


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """A place that may hold the time of the event.

    Attributes:
        basis: `event`: a documented field of `data`, a number; `envelope`: a member as it came.
        path: Which one.
        unit: How to read it; of the envelope seconds may be digits.
    """

    basis: Literal["event", "envelope"]
    path: str
    unit: Literal["ms", "s", "rfc3339"]


class VendorId(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor names its events: these members, joined by a slash."""

    members: tuple[str, ...]


class NaturalId(msgspec.Struct, frozen=True, kw_only=True):
    """What names an occurrence of one type: its class's `identity`.

    Attributes:
        fields: In the order in which they are hashed, as normalised.
        required: Those without which the occurrence has no name.
    """

    fields: tuple[str, ...]
    required: tuple[str, ...]


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """What the vendor does without an answer that it likes.

    Attributes:
        timeout_secs: How long it waits for one.
        after_secs: How long after each failure it tries again; then the callback is lost.
        only_after_timeout: Whether another status than 200 is no failure to it.
        assumed: What of it no document of this product says, in words.
    """

    timeout_secs: float
    after_secs: tuple[float, ...]
    only_after_timeout: bool = False
    assumed: str = ""


class EventType(msgspec.Struct, frozen=True, kw_only=True):
    """What the pass needs of one event class.

    Attributes:
        name: `{vendor}.{Type}`.
        short_name: The class's name: the `Type` of rules and topics.
        word: The vendor's word for it; one that ends in `*` stands for all that begin so.
        event_class: The class, for those who show what it documents.
        table: Its documented fields by the vendor's spelling.
        entity: Those of the vendor's candidates for the subject that this type may use.
        identity: What names an occurrence, where the vendor itself does not.
        may_lack_payload: Whether it documents nothing inside the payload.
        version: Of the form of `data`: the class's `schema_version`, 1 where it has none. It is
            raised by one when readers of the former form can no longer read the new one: a field
            is gone or has another name, another kind, another nesting, or may now be null. A
            further field is no reason: readers skip what they do not know.
    """

    name: str
    short_name: str
    word: str
    event_class: type[msgspec.Struct]
    table: Table
    entity: tuple[str, ...]
    identity: NaturalId | None = None
    may_lack_payload: bool = False
    version: int = 1

    @property
    def dataschema(self) -> str:
        """What names the form of `data`."""
        return dataschema_of(self.name, self.version)


class Vendor(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """All that the system knows about a vendor, beside its event classes.

    Attributes:
        name: As in the configuration, event types and topics.
        source: The vendor's documents that the table follows, by title.
        decoders: What to try on a body that is no JSON object, in this order: body to JSON text.
        proof: How a message is proven to be the vendor's.
        window: When a message must come, where the proof tells of a time.
        case: How the vendor writes names, where a field does not say otherwise.
        spellings: Other names of members, and the documented ones.
        type_of: The member that holds the vendor's word for the event's type.
        payload: The member that holds the event's own object.
        carry: Envelope members that join a merged payload.
        drop: Envelope members that are no part of the content, or that the event tells otherwise.
        shapes: What to check where the proof leaves values exchangeable.
        subject: How the entity is named.
        time: Places of the event's time, best first.
        identity: The vendor's own id, if it has one.
        unnamed: What stands in for an id where nothing names the occurrence.
        retries: What the vendor does without an answer.
        events: The module whose public Structs are the event types.
    """

    name: str
    source: str
    decoders: tuple[Callable[[bytes], bytes | None], ...] = ()
    proof: Proof
    window: SendTime | None = None
    case: Case = "pascal"
    spellings: Mapping[str, str] = {}
    type_of: str
    payload: Payload
    carry: tuple[Carry, ...] = ()
    drop: tuple[str, ...] = ()
    shapes: tuple[Shape, ...] = ()
    subject: Subject
    time: tuple[Moment, ...]
    identity: VendorId | None = None
    unnamed: Literal["content", "none"]
    retries: Retries
    events: ModuleType

    @cached_property
    def types(self) -> dict[str, EventType]:
        """Every known type by its short name, in the order of the classes."""
        classes = (
            found
            for found in vars(self.events).values()
            if isinstance(found, type)
            and issubclass(found, msgspec.Struct)
            and found.__module__ == self.events.__name__
            and not found.__name__.startswith("_")
        )
        return {event_class.__name__: self._event_type(event_class) for event_class in classes}

    def type_called(self, word: Any) -> EventType | None:
        """Return the type that the vendor calls by *word*, text or a whole number."""
        if type(word) is int and abs(word) < _LARGEST_WORD:
            word = str(word)
        if type(word) is not str:
            return None
        found = self._by_word.get(word)
        if found is None:
            prefixes = (begin for begin in self._by_prefix if word.startswith(begin))
            found = next((self._by_prefix[begin] for begin in prefixes), None)
        return found

    @cached_property
    def known_members(self) -> frozenset[str]:
        """The members that never become fields of `data` by themselves."""
        carried = (carry.member for carry in self.carry)
        own = (self.payload.member,) if self.payload.is_merged else ()
        return frozenset((*own, *self.drop, *self.envelope_proof, *carried))

    @cached_property
    def envelope_proof(self) -> frozenset[str]:
        """The members at the top that prove and nothing else."""
        return frozenset(path for path in self.proof.members if "." not in path)

    @cached_property
    def payload_proof(self) -> frozenset[str]:
        """The members inside the payload that prove and nothing else."""
        begin = f"{self.payload.member}."
        inside = (path for path in self.proof.members if path.startswith(begin))
        return frozenset(path.removeprefix(begin) for path in inside)

    @cached_property
    def _by_word(self) -> dict[str, EventType]:
        return {found.word: found for found in self.types.values()}

    @cached_property
    def _by_prefix(self) -> dict[str, EventType]:
        words = self._by_word
        return {word.removesuffix("*"): words[word] for word in words if word.endswith("*")}

    def _event_type(self, event_class: type[msgspec.Struct]) -> EventType:
        table = table_of(event_class, self.case)
        own = tuple(path for path in self.subject.entity if _documents(table, path))
        payload = table.get(self.payload.member)
        identity: NaturalId | None = getattr(event_class, "identity", None)
        for path in () if identity is None else identity.fields:
            if not _documents(table, path):
                raise TypeError(f"{event_class.__name__}: identity names {path}, which is no field")
        return EventType(
            name=f"{self.name}.{event_class.__name__}",
            short_name=event_class.__name__,
            word=getattr(event_class, "word", event_class.__name__),
            event_class=event_class,
            table=table,
            entity=own[:1] if self.subject.is_own_only else own,
            identity=identity,
            may_lack_payload=payload is not None and payload.table == {},
            version=getattr(event_class, "schema_version", 1),
        )


_LARGEST_WORD = 10**18


def without_proof(vendor: Vendor) -> Vendor:
    """Return the table for a customer who has switched the vendor's proof off: a token proves."""
    proof = PathToken(members=vendor.proof.members)
    return msgspec.structs.replace(vendor, proof=proof, window=None)


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
        text: The JSON in it, after the vendor's decoding; the same bytes where there is none.
        members: The JSON object in it; None where it is none (see `decode`).
        raw: The text of each member, where the object may nest deep; see `raw_members`.
        inner: The same of the payload's members, where some of them prove; see `raw_payload`.
    """

    body: bytes
    text: bytes
    members: dict[str, Any] | None
    raw: dict[str, msgspec.Raw] | None = None
    inner: dict[str, msgspec.Raw] | None = None


def is_rfc3339(text: str) -> bool:
    """Tell whether *text* is a date and time of RFC 3339."""
    return parse_rfc3339(text) is not None
