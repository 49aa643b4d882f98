"""Dead letters: the record as it was, and why it is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.consume.dead import HEADERS, Minute, dead_record
from router.consume.settle import Dead, Failures
from router.record import Received, Record

RECEIVED = Received(
    topic="callbacks.x.Y",
    partition=3,
    offset=77,
    key="Schlüssel".encode(),
    value=b"\x00no event",
    headers=(("content-type", b"text/plain"), ("event_id", b"1")),
)


def test_a_dead_letter_is_the_record_with_its_story() -> None:
    """Key, value and headers stay; where it came from and what happened come behind them."""
    dead = Dead("failed", "ValueError: nö\n\x00no", Failures(4, 12.0))

    record = dead_record("dead.h", "h", RECEIVED, dead, (1_000, 61_500))

    assert record == Record(
        topic="dead.h",
        key="Schlüssel".encode(),
        value=b"\x00no event",
        headers=(
            ("content-type", b"text/plain"),
            ("event_id", b"1"),
            ("dead_handler", b"h"),
            ("dead_reason", b"failed"),
            ("dead_detail", "ValueError: nö  no".encode()),
            ("dead_attempts", b"4"),
            ("dead_first_failure", b"1970-01-01T00:00:01.000Z"),
            ("dead_last_failure", b"1970-01-01T00:01:01.500Z"),
            ("dead_topic", b"callbacks.x.Y"),
            ("dead_partition", b"3"),
            ("dead_offset", b"77"),
        ),
    )


def test_who_dies_again_tells_the_last_death_only() -> None:
    """Headers of an earlier death make way, so no name stands twice."""
    once = dead_record("d", "h", RECEIVED, Dead("timeout", "slow", Failures(1)), (0, 0))
    again = Received(
        topic="d", partition=0, offset=5, key=once.key, value=once.value, headers=once.headers
    )
    names = [
        name
        for name, _ in dead_record(
            "d", "h", again, Dead("rejected", "", Failures(1)), (0, 0)
        ).headers
    ]

    assert len(names) == len(set(names)) == 11


@given(st.text())
def test_any_detail_becomes_one_short_line(detail: str) -> None:
    """An exception's text may hold anything, a vendor's words above all, and of any length."""
    record = dead_record("d", "h", RECEIVED, Dead("failed", detail, Failures(1)), (0, 0))
    line = dict(record.headers)["dead_detail"].decode()

    assert len(line) <= 500
    assert line == "" or line.isprintable()


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0.0, 1.0, 2.0], [False, False, True]),
        ([0.0, 1.0, 60.0, 60.5], [False, False, False, True]),
        ([0.0, 61.0, 122.0], [False, False, False]),
    ],
    ids=["a burst", "a window that slides", "now and then"],
)
def test_more_than_so_many_a_minute_are_too_many(times: list[float], expected: list[bool]) -> None:
    """Of the last sixty seconds; here two are still an accident."""
    minute = Minute(2)

    assert [minute.is_too_much(now) for now in times] == expected


def test_every_header_of_a_death_is_described() -> None:
    """In the order in which they are written."""
    dead = Dead("failed", "", Failures(1, 0.0))
    record = dead_record("dead.h", "h", RECEIVED, dead, (0, 0))

    assert [name for name, _ in record.headers if name.startswith("dead_")] == list(HEADERS)
