"""Bytes of a segment to records and back, also where bytes are missing or wrong: pure.

    file    "SPL1", version u16, number u64, created u64 (Unix ms), CRC32C u32 of what is before
    record  length u32, CRC32C u32, payload; length 0: nothing was written from here on
    payload key hash u32, received u64 (Unix ms), lengths of topic u16, key u32, headers u32 and
            value u32, then these four; a header is the lengths of name u16 and value u32, and both

Design: the checksum of a record covers the number of its segment too, so a block that belongs to
another file never passes for one of ours. Where a record is not whole the scan looks at every
later byte for the next one that is: a wrong length must not cost its neighbours. What follows the
last whole record was being written when the power went, so it is told apart from damage. All
integers are big-endian: a length begins with a zero byte, which JSON never holds, so looking for
the next record is fast. Rejected: sync markers, since the checksum finds records without them.
"""

import re
from collections.abc import Iterator
from struct import Struct as Layout
from struct import error as LayoutError  # noqa: N812 - a class, whatever its name
from typing import TypeAlias

import google_crc32c
from msgspec import Struct

from router.record import Record

VERSION = 1
MAX_PAYLOAD_BYTES = 64 << 20

_MAGIC = b"SPL1"
_HEADER = Layout(">4sHQQ")
_CRC = Layout(">I")
_FRAME = Layout(">II")
_HEAD = Layout(">IQHIII")
_HEADER_LENGTHS = Layout(">HI")
_NUMBER = Layout(">Q")

HEADER_BYTES = _HEADER.size + _CRC.size
FRAME_BYTES = _FRAME.size
MIN_PAYLOAD_BYTES = _HEAD.size

_BLOCK_BYTES = 1 << 16  # a search holds the interpreter for one block at most
_ZEROS = bytes(_BLOCK_BYTES)
# Four bytes that may be a length: from 26 (MIN_PAYLOAD_BYTES) to 64 MiB, found at the speed of C.
_LENGTH = re.compile(
    rb"(?=[\x01-\x04]...|\x00[^\x00]..|\x00\x00[^\x00].|\x00\x00\x00[\x1a-\xff])", re.DOTALL
)


class Header(Struct, frozen=True):
    """The head of a segment: `version` other than `VERSION` means that the rest is not ours."""

    version: int
    number: int
    created_ms: int


class Stored(Struct, frozen=True):
    """A record as it was kept, and when."""

    record: Record
    key_hash: int
    received_ms: int


class Damage(Struct, frozen=True):
    """Bytes that are no record, with a whole record behind them."""

    offset: int
    length: int


class Torn(Struct, frozen=True):
    """Bytes behind the last whole record; none of them is known to have been told durable."""

    offset: int
    length: int


Whole: TypeAlias = tuple[int, bytes]
"""An offset and the payload there: no class, since a scan meets millions."""


def encode_header(number: int, created_ms: int) -> bytes:
    """Return the first `HEADER_BYTES` of a segment."""
    head = _HEADER.pack(_MAGIC, VERSION, number, created_ms)
    return head + _CRC.pack(google_crc32c.value(head))


def decode_header(data: bytes) -> Header | None:
    """Return the header that *data* begins with, or None if it is damaged or foreign."""
    head = data[: _HEADER.size]
    if (
        len(data) < HEADER_BYTES
        or google_crc32c.value(head) != _CRC.unpack_from(data, len(head))[0]
    ):
        return None
    magic, version, number, created_ms = _HEADER.unpack(head)
    return Header(version, number, created_ms) if magic == _MAGIC else None


def encode_payload(record: Record, key_hash: int, received_ms: int) -> bytes:
    """Return what is kept of a record, of any size: see `MAX_PAYLOAD_BYTES`."""
    topic = record.topic.encode()
    headers = b"".join([_encode_header(name.encode(), value) for name, value in record.headers])
    lengths = len(topic), len(record.key), len(headers), len(record.value)
    head = _HEAD.pack(key_hash, received_ms, *lengths)
    return b"".join((head, topic, record.key, headers, record.value))


def _encode_header(name: bytes, value: bytes) -> bytes:
    return _HEADER_LENGTHS.pack(len(name), len(value)) + name + value


def seed_of(number: int) -> int:
    """Return what every checksum of segment *number* begins with."""
    return int(google_crc32c.value(_NUMBER.pack(number)))


def frame(seed: int, payload: bytes) -> bytes:
    """Return the bytes of a record in the segment with that seed."""
    return _FRAME.pack(len(payload), google_crc32c.extend(seed, payload)) + payload


def encode(number: int, record: Record, key_hash: int, received_ms: int) -> bytes:
    """Return the bytes of a record in segment *number*."""
    return frame(seed_of(number), encode_payload(record, key_hash, received_ms))


def summary(payload: bytes) -> tuple[bytes, int, int]:
    """Return topic, key hash and time of receipt of a payload that `scan` found whole."""
    key_hash, received_ms, topic_bytes, *_ = _HEAD.unpack_from(payload)
    return payload[_HEAD.size : _HEAD.size + topic_bytes], key_hash, received_ms


def decode(payload: bytes) -> Stored | None:
    """Return the record of a payload that was found whole; None if we would not write it so."""
    key_hash, received_ms, topic_bytes, key_bytes, headers_bytes, _ = _HEAD.unpack_from(payload)
    key_at = _HEAD.size + topic_bytes
    headers_at = key_at + key_bytes
    value_at = headers_at + headers_bytes
    try:
        topic = payload[_HEAD.size : key_at].decode()
        headers = tuple(_headers(payload, headers_at, value_at))
    except (UnicodeDecodeError, LayoutError):
        return None
    record = Record(
        topic=topic,
        key=payload[key_at:headers_at],
        value=payload[value_at:],
        headers=headers,
    )
    return Stored(record, key_hash, received_ms)


def _headers(payload: bytes, at: int, end: int) -> Iterator[tuple[str, bytes]]:
    while at < end:
        name_bytes, value_bytes = _HEADER_LENGTHS.unpack_from(payload, at)
        name_at = at + _HEADER_LENGTHS.size
        value_at = name_at + name_bytes
        at = value_at + value_bytes
        if at > end:
            raise LayoutError("a header reaches beyond the headers")
        yield payload[name_at:value_at].decode(), payload[value_at:at]


def whole_bytes(data: bytes, offset: int) -> int | None:
    """Return how long the record at *offset* says to be, or None if no record says so."""
    if offset + FRAME_BYTES > len(data):
        return None
    length = int(_FRAME.unpack_from(data, offset)[0])
    if MIN_PAYLOAD_BYTES <= length <= MAX_PAYLOAD_BYTES:
        return FRAME_BYTES + length
    return None


def payload_at(data: bytes, offset: int, seed: int) -> bytes | None:
    """Return the payload of the record at *offset* if all of it is there and right."""
    size = whole_bytes(data, offset)
    start = offset + FRAME_BYTES
    if size is None or offset + size > len(data) or start + _HEAD.size > len(data):
        return None
    *_, topic_bytes, key_bytes, headers_bytes, value_bytes = _HEAD.unpack_from(data, start)
    parts = topic_bytes + key_bytes + headers_bytes + value_bytes
    if FRAME_BYTES + _HEAD.size + parts != size:  # far cheaper than a checksum of many MiB
        return None
    payload = data[start : offset + size]
    right = _CRC.unpack_from(data, offset + _CRC.size)[0]
    return payload if google_crc32c.extend(seed, payload) == right else None


def scan(number: int, data: bytes) -> Iterator[Whole | Damage | Torn]:
    """Yield what segment *number* holds behind its header, by rising offset; total.

    *data* begins with the header's bytes, whatever they are. `Torn` comes last, if at all; zeros
    behind the last record are no news.
    """
    seed = seed_of(number)
    offset = HEADER_BYTES
    while True:
        payload = payload_at(data, offset, seed)
        if payload is not None:
            yield offset, payload
            offset += FRAME_BYTES + len(payload)
            continue
        end = _end(data, offset)
        if end <= offset:
            return
        following = _next_whole(data, offset + 1, end, seed)
        if following is None:
            yield Torn(offset, end - offset)
            return
        yield Damage(offset, following - offset)
        offset = following


def _end(data: bytes, start: int) -> int:
    """Return where the zeros begin that *data* ends with; *start* if there is nothing else."""
    end = len(data)
    while end > start:
        begin = max(start, end - _BLOCK_BYTES)
        block = data[begin:end]
        if block != _ZEROS[: end - begin]:
            return begin + len(block.rstrip(b"\0"))
        end = begin
    return start


def _next_whole(data: bytes, start: int, end: int, seed: int) -> int | None:
    for begin in range(start, end, _BLOCK_BYTES):
        # A length may begin with the last byte of the block.
        for match in _LENGTH.finditer(data, begin, min(begin + _BLOCK_BYTES, end) + 3):
            if payload_at(data, match.start(), seed) is not None:
                return match.start()
    return None
