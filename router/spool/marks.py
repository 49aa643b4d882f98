"""Which records of a segment are settled, as an append-only file beside it: pure.

    batch   count u32, CRC32C u32 over (number of the segment, offsets), offsets u32 each

Design: marks are written without a sync, since a lost one only means that a record comes twice.
What is not whole ends the file, so garbage never hides a record that is not settled.
"""

from collections.abc import Sequence
from struct import Struct as Layout
from struct import pack, unpack

import google_crc32c

from router.spool.segment import seed_of

_HEAD = Layout(">II")
_OFFSET_BYTES = 4


def encode_marks(number: int, offsets: Sequence[int]) -> bytes:
    """Return a batch: these offsets of segment *number* are settled."""
    body = pack(f">{len(offsets)}I", *offsets)
    return _HEAD.pack(len(offsets), google_crc32c.extend(seed_of(number), body)) + body


def decode_marks(number: int, data: bytes) -> tuple[set[int], int]:
    """Return the settled offsets, and where the last whole batch ends; total."""
    seed = seed_of(number)
    offsets: set[int] = set()
    end = 0
    while end + _HEAD.size <= len(data):
        count, crc = _HEAD.unpack_from(data, end)
        start = end + _HEAD.size
        body = data[start : start + count * _OFFSET_BYTES]
        if not count or len(body) < count * _OFFSET_BYTES:
            break
        if google_crc32c.extend(seed, body) != crc:
            break
        offsets.update(unpack(f">{count}I", body))
        end = start + len(body)
    return offsets, end
