"""Dead letters: what is read of them, which are meant, and how they are shown."""

from collections import Counter
from collections.abc import AsyncGenerator, Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.consume.dead import dead_record
from router.consume.settle import Dead, Failures
from router.record import Received
from router.tools.dead import (
    MAX_DETAIL,
    Wish,
    died_ms_of,
    first,
    letter_of,
    letters,
    line_of,
    memory_of,
    parse_place,
    place_of,
    redriven_by,
    shown,
    summary_of,
    without_handler,
)

EVENT = {
    "id": "1",
    "source": "/callbacks/rtc",
    "type": "volcengine-rtc.RoomCreate",
    "subject": "app/room",
    "time": "2026-01-01T00:00:00.000Z",
    "recordedtime": "2026-01-01T00:00:00.000Z",
    "data": {"url": "https://u:p@example.com/x?key=Zq7"},
}


def _letter(
    died_ms: int = 61_500,
    reason: str = "failed",
    detail: str = "ValueError: no",
    value: bytes | None = None,
    headers: tuple[tuple[str, bytes], ...] | None = None,
) -> Received:
    """Return a letter as `consume` writes it."""
    event = msgspec.json.encode(EVENT) if value is None else value
    received = Received(
        topic="callbacks.x.Y", partition=3, offset=77, key=b"app/room", value=event,
        headers=(("event_type", b"volcengine-rtc.RoomCreate"),),
    )  # fmt: skip
    dead = Dead("failed", detail, Failures(4, 0.0))
    if reason != "failed":
        dead = Dead("rejected", detail, Failures(4, 0.0))
    record = dead_record("ns.dead.h", "h", received, dead, (1_000, died_ms))
    return Received(
        topic=record.topic, partition=0, offset=5, key=record.key, value=record.value,
        headers=record.headers if headers is None else headers,
    )  # fmt: skip


def test_a_letter_says_what_consume_wrote() -> None:
    """Handler, type, subject, reason, attempts, detail and the time of death."""
    letter = letter_of(_letter())

    assert (letter.handler, letter.type, letter.subject) == (
        "h", "volcengine-rtc.RoomCreate", "app/room",
    )  # fmt: skip
    assert (letter.reason, letter.attempts, letter.detail) == ("failed", "4", "ValueError: no")
    assert letter.died_ms == 61_500 == died_ms_of(letter.received)


def test_a_letter_without_an_event_keeps_its_type() -> None:
    """What cannot be decoded is named by the header that the event had."""
    letter = letter_of(_letter(value=b"no event"))

    assert (letter.type, letter.subject) == ("volcengine-rtc.RoomCreate", "-")


def test_a_record_that_is_no_letter_is_shown_as_such() -> None:
    """Whatever anybody wrote into the topic has a line."""
    letter = letter_of(_letter(value=b"x", headers=(("dead_last_failure", b"\xff"),)))

    assert line_of(letter) == "ns.dead.h[0]@5  \ufffd  -  -  -  -  x-"
    assert (letter.died_ms, died_ms_of(letter.received)) == (None, 0)


@given(
    st.binary(max_size=50),
    st.lists(
        st.tuples(
            st.sampled_from(["dead_reason", "dead_last_failure", "dead_detail", "other"]),
            st.binary(max_size=200),
        )
    ),
)
def test_nothing_that_a_terminal_acts_on_leaves(
    value: bytes, headers: list[tuple[str, bytes]]
) -> None:
    """Lines are printable for any bytes, one letter a line."""
    received = _letter(value=value, headers=tuple(headers))

    assert line_of(letter_of(received)).isprintable()
    assert all(line.isprintable() for line in shown(received))


@pytest.mark.parametrize(
    ("wish", "is_meant"),
    [
        (Wish(), True),
        (Wish(type="volcengine-rtc.RoomCreate"), True),
        (Wish(type="RoomCreate"), True),
        (Wish(type="Create"), False),
        (Wish(type="other.RoomCreate"), False),
        (Wish(reason="failed"), True),
        (Wish(reason="timeout"), False),
        (Wish(since_ms=61_500, until_ms=61_501), True),
        (Wish(since_ms=61_501), False),
        (Wish(until_ms=61_500), False),
        (Wish(type="RoomCreate", reason="timeout"), False),
    ],
    ids=str,
)
def test_a_wish_is_for_all_that_it_names(wish: Wish, *, is_meant: bool) -> None:
    """Type with or without the vendor, reason, and time from its begin to before its end."""
    assert wish.fits(letter_of(_letter())) is is_meant


def test_a_letter_without_a_time_is_in_no_range_of_time() -> None:
    """It is meant only where time does not matter."""
    letter = letter_of(_letter(headers=()))

    assert Wish().fits(letter)
    assert not Wish(since_ms=0).fits(letter)
    assert not Wish(until_ms=10**15).fits(letter)


async def _each(records: Iterable[Received]) -> AsyncGenerator[Received, None]:
    for record in records:
        yield record


@pytest.mark.parametrize(("limit", "expected"), [(None, [1, 2, 3]), (2, [1, 2]), (9, [1, 2, 3])])
async def test_the_first_letters_that_are_meant(limit: int | None, expected: list[int]) -> None:
    """A limit counts those that fit."""
    records = [_letter(0, reason="rejected"), _letter(1), _letter(2), _letter(3)]
    found = first(letters(_each(records), Wish(reason="failed")), limit)

    assert [letter.died_ms async for letter in found] == expected


def test_a_place_is_read_as_it_is_written() -> None:
    """Topic, partition and offset come back; anything else is no place."""
    assert parse_place(place_of(_letter())) == (("ns.dead.h", 0), 5)
    for text in ("", "topic", "topic[0]", "topic[0]@", "topic[x]@1", "to pic[0]@1", "t[0]@1 "):
        assert parse_place(text) is None


def test_a_topic_made_anew_has_other_letters() -> None:
    """At one place, letters that died at other times are remembered apart; no handler meets them."""
    assert memory_of(_letter(1)) == memory_of(_letter(1))
    assert memory_of(_letter(1)) != memory_of(_letter(2))
    assert redriven_by("h") == "redrive:h"


def test_a_line_is_cut_and_masked() -> None:
    """Credentials are stars before the detail is cut, so that no half of one is left."""
    detail = f"{'x' * 80} https://user:Zq7secret@example.com/?key=Zq7secret"

    line = line_of(letter_of(_letter(detail=detail)))

    assert line.startswith(
        "ns.dead.h[0]@5  1970-01-01T00:01:01.500Z  h  volcengine-rtc.RoomCreate  app/room  "
        "failed  x4  xxx"
    )
    assert "Zq7" not in line
    assert len(line.rpartition("  ")[2]) == MAX_DETAIL


def test_a_letter_is_shown_whole() -> None:
    """Place, key, headers, and the event on lines of its own; credentials are stars."""
    lines = list(shown(_letter()))

    assert lines[:3] == ["ns.dead.h[0]@5", "key  app/room", "event_type  volcengine-rtc.RoomCreate"]
    assert "dead_topic  callbacks.x.Y" in lines
    assert lines[lines.index("") + 1] == "{"
    assert '    "url": "https://***@example.com/x?***"' in lines


def test_a_letter_without_a_handler_is_marked() -> None:
    """Where its handler's name stands."""
    line = line_of(without_handler(letter_of(_letter())))

    assert line.split("  ")[2] == "h (no such handler)"


def test_the_summary_counts_by_handler_and_reason() -> None:
    """A line for each pair, and the sum."""
    counts = Counter({("h", "failed"): 12, ("a", "timeout"): 1})

    assert summary_of(counts) == ["      1  a  timeout", "     12  h  failed", "     13  letters"]
    assert summary_of(Counter({("h", "failed"): 1}))[-1] == "      1  letter"
