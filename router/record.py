"""`Record`: one Kafka record, and the one way from an event's encoded value to it.

Design: all records of an event share one value and one tuple of headers, made once. Headers are
plain names: a `ce_` header would make CloudEvents readers take the record for binary mode.
"""

import msgspec

from router.event import Event

CONTENT_TYPE = b"application/cloudevents+json; charset=UTF-8"
_MAX_HEADERS_BYTES = 1024
"""Of `headers_of` and the record's own fields: the parts of an id have 256 bytes at most."""

Headers = tuple[tuple[str, bytes], ...]

Partition = tuple[str, int]
"""A topic and the number of a partition of it."""

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Event)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent to one topic; the partition follows from the key.

    Attributes:
        topic: Full name, with the namespace.
        key: UTF-8; records of one key keep their order within a topic.
        value: The event as CloudEvents JSON.
        headers: Content type and the attributes that consumers filter by.
    """

    topic: str
    key: bytes
    value: bytes
    headers: Headers

    @property
    def size(self) -> int:
        """An upper bound of the bytes that the record takes in a batch."""
        return len(self.value) + len(self.key) + _MAX_HEADERS_BYTES


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A record read back, with its place."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Headers


def encode_event(event: Event) -> bytes:
    """Return the value of the event's records: one UTF-8 JSON object."""
    return _encoder.encode(event)


def decode_event(value: bytes) -> Event:
    """Return the event that `encode_event` wrote.

    Raises:
        msgspec.MsgspecError: *value* is no such event.
    """
    return _decoder.decode(value)


def headers_of(event: Event) -> Headers:
    """Return the headers that every record of *event* carries."""
    return (
        ("content-type", CONTENT_TYPE),
        ("event_id", event.id.encode()),
        ("event_source", event.source.encode()),
        ("event_type", event.type.encode()),
        ("traceparent", event.traceparent.encode()),
    )
