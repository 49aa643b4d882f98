"""Bytes of a segment to records and back, also where bytes are missing or wrong."""

import struct

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.record import Record
from router.spool.segment import (
    FRAME_BYTES,
    HEADER_BYTES,
    MAX_PAYLOAD_BYTES,
    Damage,
    Header,
    Stored,
    Torn,
    decode,
    decode_header,
    encode,
    encode_header,
    encode_payload,
    frame,
    payload_at,
    scan,
    seed_of,
    summary,
)
from tests.unit.spool.spooling import record

NUMBER = 42
HEADER = encode_header(NUMBER, 1_700_000_000_000)
TEXT = st.text(max_size=20)
RECORDS = st.builds(
    Record,
    topic=TEXT,
    key=st.binary(max_size=20),
    value=st.binary(max_size=100),
    headers=st.lists(st.tuples(TEXT, st.binary(max_size=20)), max_size=4).map(tuple),
)
HASHES = st.integers(0, (1 << 31) - 1)
TIMES = st.integers(0, (1 << 63) - 1)


def _five() -> list[bytes]:
    """Return five records of a segment, as bytes."""
    return [encode(NUMBER, record(n, size=10 * n), n, 1000 + n) for n in range(5)]


def _offsets(parts: list[bytes]) -> list[int]:
    """Return where each part begins."""
    return [HEADER_BYTES + sum(map(len, parts[:index])) for index in range(len(parts))]


def _whole(data: bytes) -> list[int]:
    """Return the offsets of what the scan finds whole."""
    return [piece[0] for piece in scan(NUMBER, data) if isinstance(piece, tuple)]


def _rest(data: bytes) -> list[Damage | Torn]:
    """Return what the scan finds beside that."""
    return [piece for piece in scan(NUMBER, data) if not isinstance(piece, tuple)]


@given(st.lists(st.tuples(RECORDS, HASHES, TIMES), max_size=6))
def test_records_come_back_as_they_were(stored: list[tuple[Record, int, int]]) -> None:
    """Whatever the records hold, a scan finds each of them, in order, and nothing else."""
    parts = [encode(NUMBER, *each) for each in stored]
    pieces = list(scan(NUMBER, HEADER + b"".join(parts) + bytes(64)))

    assert [decode(piece[1]) for piece in pieces if isinstance(piece, tuple)] == [
        Stored(*each) for each in stored
    ]
    assert [piece[0] for piece in pieces if isinstance(piece, tuple)] == _offsets(parts)


def test_the_layout_is_as_it_is_written_down() -> None:
    """The bytes are those of the module's table: files of this version must stay readable."""
    kept = Record(topic="t", key=b"kk", value=b"{}", headers=(("h", b"vvv"),))
    payload = (
        bytes.fromhex("00000007 0000018bcfe56800 0001 00000002 0000000a 00000002")
        + b"tkk"
        + bytes.fromhex("0001 00000003")
        + b"hvvv{}"
    )
    crc = google_crc32c.value(NUMBER.to_bytes(8, "big") + payload)

    assert encode(NUMBER, kept, 7, 1_700_000_000_000) == struct.pack(
        f">II{len(payload)}s", len(payload), crc, payload
    )
    head = b"SPL1" + bytes.fromhex("0001 000000000000002a 0000018bcfe56800")
    assert head + google_crc32c.value(head).to_bytes(4, "big") == HEADER


def test_a_summary_needs_no_record() -> None:
    """Topic, key hash and time of receipt can be had without the rest."""
    assert summary(encode_payload(record(4), 9, 1234)) == (b"topic-1", 9, 1234)


def test_a_header_says_what_it_was_given() -> None:
    """A header is read back, also where more follows."""
    assert decode_header(HEADER + b"more") == Header(1, NUMBER, 1_700_000_000_000)


@pytest.mark.parametrize("length", range(HEADER_BYTES))
def test_a_header_that_is_cut_off_is_none(length: int) -> None:
    """Part of a header is no header."""
    assert decode_header(HEADER[:length]) is None


def test_a_header_with_a_flipped_bit_is_none() -> None:
    """Every single wrong bit is seen."""
    for bit in range(HEADER_BYTES * 8):
        assert decode_header(_flipped(HEADER, bit)) is None


def test_a_header_of_another_kind_is_none() -> None:
    """A checksum alone does not make a segment."""
    head = b"OTHER!" + HEADER[6:-4]

    assert decode_header(head + google_crc32c.value(head).to_bytes(4, "big")) is None


def test_a_segment_cut_at_any_byte_yields_the_whole_records_before_it() -> None:
    """What is told is a prefix, and a part of a record behind it is torn, never damage."""
    parts = _five()
    data = HEADER + b"".join(parts)
    ends = [
        HEADER_BYTES,
        *(at + len(part) for at, part in zip(_offsets(parts), parts, strict=True)),
    ]

    for length in range(HEADER_BYTES, len(data) + 1):
        whole = sum(end <= length for end in ends[1:])
        assert _whole(data[:length]) == _offsets(parts)[:whole]
        assert not any(isinstance(piece, Damage) for piece in _rest(data[:length]))
        # The same, cut by zeros: the space was taken ahead.
        zeroed = data[:length] + bytes(len(data) - length)
        assert set(_offsets(parts)[:whole]) <= set(_whole(zeroed))
        assert not any(isinstance(piece, Damage) for piece in _rest(zeroed))


def test_every_flipped_bit_costs_exactly_its_record() -> None:
    """The damaged record is skipped, and told where it was; its neighbours are found."""
    parts = _five()
    data = HEADER + b"".join(parts)
    offsets = _offsets(parts)
    for index, (offset, part) in enumerate(zip(offsets, parts, strict=True)):
        others = offsets[:index] + offsets[index + 1 :]
        last = index == len(parts) - 1
        for bit in range(offset * 8, (offset + len(part)) * 8):
            wrong = _flipped(data, bit)
            assert _whole(wrong) == others
            if not last:
                assert _rest(wrong) == [Damage(offset, len(part))]
            else:
                assert [type(piece) for piece in _rest(wrong)] == [Torn]


def test_a_hole_of_zeros_is_damage() -> None:
    """Zeros end the records only where nothing else comes behind them."""
    parts = _five()
    hole = bytes(len(parts[1]))
    data = HEADER + parts[0] + hole + b"".join(parts[2:])

    assert _rest(data) == [Damage(HEADER_BYTES + len(parts[0]), len(hole))]
    assert len(_whole(data)) == 4


def test_damage_across_many_blocks_is_stepped_over() -> None:
    """The next whole record is found however far it lies, at any distance from a block's edge."""
    parts = _five()
    for length in (*range((1 << 16) - 9, (1 << 16) + 9), 200_001):
        data = HEADER + parts[0] + b"\xff" * length + parts[1]
        assert _rest(data) == [Damage(HEADER_BYTES + len(parts[0]), length)]


def test_a_long_end_of_zeros_is_no_news() -> None:
    """Space that was taken ahead and never used is neither torn nor damage."""
    data = HEADER + _five()[0] + bytes(1_000_000)

    assert _rest(data) == []
    assert _rest(HEADER) == []
    assert _rest(b"") == []


def test_the_torn_part_ends_with_its_last_byte() -> None:
    """Zeros behind a torn record do not belong to it."""
    parts = _five()
    data = HEADER + parts[0] + parts[1][:-3] + bytes(300_000)

    assert _rest(data) == [Torn(HEADER_BYTES + len(parts[0]), len(parts[1]) - 3)]


def test_a_record_of_another_segment_is_none() -> None:
    """A block that belongs to another file never passes for one of this."""
    other = encode(NUMBER + 1, record(1), 1, 1)

    assert _rest(HEADER + other + _five()[0]) == [Damage(HEADER_BYTES, len(other))]


@pytest.mark.parametrize("length", [1, 25, MAX_PAYLOAD_BYTES + 1, (1 << 32) - 1])
def test_a_length_that_no_record_has_is_none(length: int) -> None:
    """A length below the least or above the greatest is not followed."""
    data = HEADER + struct.pack(">II", length, 0) + bytes(100)

    assert payload_at(data, HEADER_BYTES, seed_of(NUMBER)) is None


@given(st.binary(max_size=400))
def test_scanning_is_total(data: bytes) -> None:
    """Whatever the bytes, a scan ends, and its pieces lie one behind the other."""
    end = HEADER_BYTES
    for piece in scan(NUMBER, data):
        if isinstance(piece, tuple):
            offset, length = piece[0], FRAME_BYTES + len(piece[1])
        else:
            offset, length = piece.offset, piece.length
        assert offset == end
        end += length
        assert end <= len(data)


def _forged(topic: bytes, headers: bytes) -> bytes:
    """Return a payload that no encoder wrote."""
    lengths = struct.pack(">IQHIII", 1, 2, len(topic), 0, len(headers), 0)
    return lengths + topic + headers


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(_forged(b"\xff", b""), id="topic is no text"),
        pytest.param(_forged(b"t", b"\x00"), id="header without lengths"),
        pytest.param(_forged(b"t", b"\x00\x01\x00\x00\x00\x09n"), id="header too long"),
        pytest.param(_forged(b"t", b"\x00\x01\x00\x00\x00\x00\xff"), id="name is no text"),
    ],
)
def test_a_payload_that_nobody_wrote_is_none(payload: bytes) -> None:
    """A right checksum over wrong content is told as damage, and raises nothing."""
    framed = HEADER + frame(seed_of(NUMBER), payload)

    assert payload_at(framed, HEADER_BYTES, seed_of(NUMBER)) == payload
    assert decode(payload) is None


def _flipped(data: bytes, bit: int) -> bytes:
    """Return *data* with one bit the other way."""
    wrong = bytearray(data)
    wrong[bit // 8] ^= 1 << bit % 8
    return bytes(wrong)
