"""The checker must be able to fail: each planted mistake is found, and nothing else is."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from tests.chaos.callbacks import APP, BASE, COPIES, body_of, kind_of, topics_of
from tests.chaos.checker import Attempt, Verdict, judge
from tests.chaos.table import Row, summary
from tests.kafka_records import Read
from tests.sender import event_of

ROOMS = ("room-1", "room-2")
NUMBERS = range(1, 9)


def attempt(room: str, number: int, **changed: Any) -> Attempt:
    """Return an ordinary attempt, some of it changed."""
    values: dict[str, Any] = {"at": 0.0, "secs": 0.01, "status": 200, **changed}
    return Attempt(room=room, number=number, **values)


def record(topic: str, room: str, number: int, **changed: Any) -> Read:
    """Return the record of an event in a topic; members of the event may be changed."""
    event = {**event_of("rtc", body_of(room, number)), **changed}
    return Read(
        topic=topic,
        partition=ROOMS.index(room),
        offset=0,
        key=f"{APP}/{room}".encode(),
        value=json.dumps(event).encode(),
        headers={},
        timestamp_type="LogAppendTime",
    )


def book() -> list[Attempt]:
    """Return a run in which every event is accepted at once, and one forged one refused."""
    attempts = [attempt(room, number) for number in NUMBERS for room in ROOMS]
    return [*attempts, attempt("room-1", 3, status=401, is_forged=True)]


def records() -> list[Read]:
    """Return what a right service makes of the book."""
    return [
        record(topic, room, number)
        for topic in (BASE, COPIES)
        for room in ROOMS
        for number in NUMBERS
        if topic in topics_of(number)
    ]


def at(found: list[Read], topic: str, room: str, number: int) -> int:
    """Return where a record lies in the list."""
    named = (json.loads(each.value or b"")["id"] for each in found)
    places = [(each.topic, name) for each, name in zip(found, named, strict=True)]
    return places.index((topic, f"{APP}/{room}.{number}"))


def problems(verdict: Verdict) -> list[str]:
    """Return what is wrong, where nothing may be."""
    return verdict.problems(may_refuse=False)


def test_a_right_service_has_no_problem() -> None:
    """Nothing is wrong, and everything is counted."""
    verdict = judge(book(), records())

    assert problems(verdict) == []
    assert (verdict.accepted, verdict.duplicates, verdict.slowest_secs) == (16, 0, 0.01)


@pytest.mark.parametrize("topic", [BASE, COPIES])
def test_a_loss_is_found(topic: str) -> None:
    """An event that is missing in one of its topics is lost, although it is in the other."""
    found = records()
    del found[at(found, topic, "room-2", 4)]

    assert problems(judge(book(), found)) == [f"1 lost: room-2.4 in {topic}"]


def test_what_was_not_accepted_is_not_lost() -> None:
    """An event that never got its 200 may be missing; that it was refused is told."""
    found = records()
    del found[at(found, BASE, "room-2", 3)]
    attempts = [
        replace(each, status=503) if (each.room, each.number) == ("room-2", 3) else each
        for each in book()
    ]
    verdict = judge(attempts, found)

    assert problems(verdict) == ["1 not accepted, by status: 1 x 503"]
    assert verdict.problems(may_refuse=True) == []


def test_what_is_kept_apart_is_not_lost() -> None:
    """An event that Kafka refused and the spool keeps for a person is accounted for."""
    found = records()
    del found[at(found, BASE, "room-1", 5)]

    assert problems(judge(book(), found, kept={"room-1.5"})) == []


def test_a_swap_is_found() -> None:
    """Two first occurrences of a room in the wrong order are told, in each topic alone."""
    found = records()
    one, other = at(found, BASE, "room-1", 5), at(found, BASE, "room-1", 6)
    found[one], found[other] = found[other], found[one]

    assert problems(judge(book(), found)) == [f"1 out of order: room-1.5 behind 6 in {BASE}"]


def test_a_late_double_is_no_disorder() -> None:
    """A second copy behind newer events is counted and is no mistake."""
    found = records()
    found.append(found[at(found, BASE, "room-1", 1)])
    verdict = judge(book(), found)

    assert problems(verdict) == []
    assert verdict.duplicates == 1


def test_a_double_with_another_value_is_found() -> None:
    """Sent once, read twice: both must be the same to the byte of their meaning."""
    found = [*records(), record(BASE, "room-1", 1, recordedtime="2026-11-21T09:00:00.000Z")]
    again = [*book(), attempt("room-1", 1, status=0)]

    assert problems(judge(book(), found)) == [f"1 changed: room-1.1 in {BASE}"]
    assert problems(judge(again, found)) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"data": {"app_id": APP, "room_id": "room-1", "timestamp": 1, "version": "2020-12-01"}},
        {"type": "volcengine-rtc.Unrecognized"},
        {"subject": f"{APP}/room-2"},
    ],
    ids=["data", "type", "subject"],
)
def test_another_content_is_found(changed: dict[str, Any]) -> None:
    """What is read is compared with what was sent, not with itself."""
    found = records()
    found[at(found, BASE, "room-1", 2)] = record(BASE, "room-1", 2, **changed)

    assert problems(judge(book(), found)) == [f"1 changed: room-1.2 in {BASE}"]


def test_a_forged_one_is_found() -> None:
    """A refused callback that was published is told, and so is an answer that it may not get."""
    found = [*records(), record(BASE, "room-1", 3, id=f"{APP}/forged-room-1.3")]
    attempts = [replace(each, status=200) if each.is_forged else each for each in book()]

    assert problems(judge(book(), found)) == [
        f"1 refused and published: room-1.3 in {BASE}",
    ]
    assert problems(judge(attempts, records())) == ["1 answers to forged ones: 200"]


def test_an_invented_one_is_found() -> None:
    """What nobody has sent, what is no event, and what is in a foreign topic is told."""
    found = records()
    strange = replace(found[0], value=b"no event", offset=7)
    elsewhere = record(COPIES, "room-1", 1)
    verdict = judge(book(), [*found, record(BASE, "room-1", 99), strange, elsewhere])

    assert kind_of(1) == "RoomCreate"
    assert verdict.invented == [f"{BASE}[0]@0", f"{BASE}[0]@7", f"{COPIES}[0]@0"]


def test_a_late_answer_is_found() -> None:
    """Any answer after 3.5 s counts, one that never came too."""
    attempts = [*book(), attempt("room-1", 9, secs=10.0, status=0)]

    assert problems(judge(attempts, records())) == ["1 late: room-1.9 after 10.0 s"]


def test_a_stray_is_found() -> None:
    """A room in two partitions of a topic is told, unless the topic has grown."""
    found = records()
    found[-1] = replace(found[-1], partition=5)
    verdict = judge(book(), found)

    assert problems(verdict) == [f"1 in several partitions: room-2 in {COPIES}"]
    assert verdict.problems(may_refuse=False, may_stray=True) == []


def test_too_little_is_a_failure() -> None:
    """A run that accepted less than the bound says nothing, and says so."""
    row = Row(name="one", verdict=judge(book(), records()))

    assert summary([row], 16)[1] == []
    assert summary([row], 17)[1] == ["16 accepted in total, 17 are needed"]
