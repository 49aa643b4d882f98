"""The spool's small parts: marks, cursor slots, the ledger, quota, names, mounts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.spool import files
from router.spool.cursor import SLOT_BYTES, Span, decode_slot, encode_slot, latest
from router.spool.disk import _type_of
from router.spool.ledger import Ledger, position_of
from router.spool.marks import decode_marks, encode_marks
from router.spool.quota import Quota
from router.spool.store import SEGMENT_BYTES, segment_bytes

OFFSETS = st.lists(st.integers(0, (1 << 32) - 1), min_size=1, max_size=20)


@given(st.lists(OFFSETS, max_size=5), st.binary(max_size=12))
def test_marks_come_back(batches: list[list[int]], garbage: bytes) -> None:
    """All whole batches are read, and garbage behind them settles nothing."""
    data = b"".join(encode_marks(3, batch) for batch in batches)
    settled, end = decode_marks(3, data + garbage)

    assert settled == {offset for batch in batches for offset in batch}
    assert end == len(data)


def test_marks_with_a_flipped_bit_settle_nothing_else() -> None:
    """A wrong bit ends the marks: what it touches comes twice, and no other record is skipped."""
    batches = [[30, 70, 90], [110], [150, 190]]
    data = b"".join(encode_marks(3, batch) for batch in batches)
    right = {offset for batch in batches for offset in batch}
    for bit in range(len(data) * 8):
        wrong = bytearray(data)
        wrong[bit // 8] ^= 1 << bit % 8
        assert decode_marks(3, bytes(wrong))[0] < right


def test_marks_of_another_segment_settle_nothing() -> None:
    """The number of the segment is part of the checksum."""
    assert decode_marks(4, encode_marks(3, [30])) == (set(), 0)


def test_a_slot_with_a_flipped_bit_is_none() -> None:
    """Every single wrong bit of a cursor's slot is seen."""
    data = encode_slot(5, Span(2, 9))

    assert decode_slot(data) == (5, Span(2, 9))
    for bit in range(len(data) * 8):
        wrong = bytearray(data)
        wrong[bit // 8] ^= 1 << bit % 8
        assert decode_slot(bytes(wrong)) is None
    for length in range(len(data)):
        assert decode_slot(data[:length]) is None


def test_a_slot_that_cannot_be_is_none() -> None:
    """The first segment is not behind the next one."""
    assert decode_slot(encode_slot(5, Span(9, 2))) is None


def test_the_newer_slot_counts() -> None:
    """Of two whole slots the later one is taken, wherever it lies; of one, that one."""
    old, new = encode_slot(4, Span(1, 2)), encode_slot(5, Span(2, 3))
    blank = bytes(SLOT_BYTES - len(old))

    assert latest(old + blank + new) == (5, Span(2, 3))
    assert latest(new + blank + old) == (5, Span(2, 3))
    assert latest(old + blank + new[:-1]) == (4, Span(1, 2))
    assert latest(b"") is None


def test_the_ledger_lets_go_only_what_is_closed_and_settled() -> None:
    """A segment goes when it gets no more records and none of its records is needed."""
    ledger = Ledger()
    ledger.add([position_of(1, 30), position_of(1, 60), position_of(2, 30)], 1000)
    assert list(ledger.settle([position_of(1, 30), position_of(1, 60)])) == [
        position_of(1, 30),
        position_of(1, 60),
    ]
    assert ledger.removable() == ([], [])
    assert not ledger.has_done

    ledger.close([1])
    assert ledger.has_done
    assert ledger.removable() == ([1], [])
    assert ledger.first_but([1]) == 2
    ledger.forget([1])
    assert (ledger.records, ledger.since_ms) == (1, 1000)


def test_the_ledger_tells_what_lies_behind_a_needed_segment() -> None:
    """Such a segment is emptied, once, and goes when those before it go."""
    ledger = Ledger()
    ledger.add([position_of(1, 30), position_of(2, 30), position_of(3, 30)], 1)
    ledger.close([1, 2, 3])
    settled = list(ledger.settle([position_of(2, 30)]))
    assert len(settled) == 1
    assert ledger.removable() == ([], [2])
    ledger.emptied([2])
    assert ledger.removable() == ([], [])

    assert len(list(ledger.settle([position_of(1, 30)]))) == 1
    assert ledger.removable() == ([1, 2], [])


def test_the_ledger_remembers_no_record_of_what_was_emptied() -> None:
    """One old record may hold back the segments of a month: they cost their names only."""
    ledger = Ledger()
    ledger.add([position_of(1, 30)], 1)
    ledger.add(positions := [position_of(2, 30 + offset) for offset in range(1000)], 1)
    ledger.close([2])
    assert len(list(ledger.settle(positions))) == 1000
    ledger.emptied([2])

    assert len(ledger._segments[2].offsets) == len(ledger._segments[2].settled) == 0
    assert list(ledger.settle(positions)) == []
    assert (ledger.records, ledger.since_ms, ledger.removable()) == (1, 1, ([], []))


def test_the_ledger_keeps_what_nobody_has_looked_at() -> None:
    """Segments of an earlier run stay until recovery has told all that they hold."""
    ledger = Ledger()
    ledger.open([1, 2])
    ledger.close([2])

    assert ledger.removable() == ([], [2])
    assert list(ledger.settle([position_of(1, 30), position_of(9, 30)])) == []


@given(st.lists(st.integers(0, 12)), st.lists(st.integers(0, 12)))
def test_the_ledger_counts_each_record_once(told: list[int], settled: list[int]) -> None:
    """Whatever is settled how often, what waits is what was told and not settled."""
    ledger = Ledger()
    ledger.add([position_of(1, offset) for offset in sorted(set(told))], 1)
    list(ledger.settle(position_of(1, offset) for offset in settled))

    assert ledger.records == len(set(told) - set(settled))


def test_the_quota_counts_each_file_once() -> None:
    """A file that changes its size, or goes, is counted with what it takes now."""
    quota = Quota(100)
    quota.set("a", 60)
    quota.set("a", 40)
    quota.set("b", 50)
    assert (quota.used, quota.left, quota.size("a")) == (90, 10, 40)
    assert quota.takes(10)
    assert not quota.takes(11)
    quota.drop("a")
    quota.drop("a")
    assert quota.used == 50


@pytest.mark.parametrize("max_bytes", [1 << 20, 3 << 20, 64 << 20, 2 << 30, 1023 << 30])
def test_four_segments_fit_at_least(max_bytes: int) -> None:
    """Segments are 16 MiB, or so small that four and the other files fit the quota."""
    size = segment_bytes(max_bytes)

    assert size <= SEGMENT_BYTES
    assert size == SEGMENT_BYTES or 4 * size + (32 << 10) <= max_bytes
    assert not size % 4096


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("00000000000000000042.seg", (42, "seg")),
        ("00000000000000000042.done", (42, "done")),
        ("00000000000000000007.rec", (7, "rec")),
        ("42.seg", None),
        ("00000000000000000042.seg.bak", None),
        ("cursor", None),
        (f"{(1 << 32) - 1:020}.seg", ((1 << 32) - 1, "seg")),
        (f"{1 << 32:020}.seg", None),
        ("99999999999999999999.seg", None),
    ],
)
def test_only_our_names_have_numbers(name: str, expected: tuple[int, str] | None) -> None:
    """A file that looks only a little like ours is foreign."""
    assert files.numbered(name) == expected


MOUNTS = [
    "22 1 254:0 / / rw - ext4 /dev/vda rw\n",
    "23 22 0:5 / /data rw shared:3 - overlay none rw\n",
    "24 23 0:6 / /data/my\\040disk rw - xfs /dev/b rw\n",
    "25 22 0:7 / /twice rw - ext4 /dev/c rw\n",
    "26 25 0:8 / /twice rw - tmpfs none rw\n",
]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/spool", "ext4"),
        ("/data", "overlay"),
        ("/data/spool", "overlay"),
        ("/database", "ext4"),
        ("/data/my disk/spool", "xfs"),
        ("/twice/spool", "tmpfs"),
    ],
)
def test_the_nearest_mount_tells_the_type(path: str, expected: str) -> None:
    """The longest mount point above a path counts, and of equal ones the last."""
    assert _type_of(path, MOUNTS) == expected
