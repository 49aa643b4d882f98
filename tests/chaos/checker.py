"""`judge`: the book of what was sent against what can be read; pure.

The rules: accepted minus read is empty; first occurrences of a key are in order in each topic;
a double has the id and the value of the first, but for what a new delivery of the same callback
changes; nothing refused and nothing invented is there; no answer is late.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain, pairwise
from typing import Any, Final

from msgspec import Struct

from tests.chaos.callbacks import APP, is_as_sent, named, topics_of
from tests.kafka_records import Read

LATE_SECS: Final = 3.5
NO_ANSWER: Final = 0
OK: Final = 200
FORGED_ANSWERS: Final = {401, 429, NO_ANSWER}
_OF_A_DELIVERY = ("recordedtime", "traceparent")
_SHOWN = 5


class Attempt(Struct, frozen=True, kw_only=True):
    """One callback sent once, and what came back.

    Attributes:
        room: The key.
        number: Rises with each event of a room.
        at: The monotonic clock when it was sent.
        secs: Until the answer was whole, or the connection was gone.
        status: `NO_ANSWER` where none came.
        is_forged: Its signature was wrong.
    """

    room: str
    number: int
    at: float
    secs: float
    status: int
    is_forged: bool = False

    @property
    def name(self) -> str:
        """What it is called in reports."""
        return f"{self.room}.{self.number}"


class Verdict(Struct, frozen=True, kw_only=True):
    """What came of the comparison; names of events, by mistake.

    Attributes:
        accepted: How many events were answered 200.
        duplicates: Records beyond the first of an event in a topic.
        slowest_secs: Of all answers.
        fastest_ok_secs: Of the answers 200.
        refused: Answers to authentic callbacks that were not 200, by status.
        lost: Answered 200 and not read.
        disorder: First occurrences behind a later number of their room.
        forged: Refused, and published all the same.
        forged_answers: Statuses that no forged callback may get.
        invented: Read and never sent.
        changed: Other values than were sent, or doubles that differ.
        strays: Rooms in more than one partition of a topic.
        late: Answers after `LATE_SECS`.
    """

    accepted: int
    duplicates: int
    slowest_secs: float
    fastest_ok_secs: float
    refused: dict[int, int]
    lost: list[str]
    disorder: list[str]
    forged: list[str]
    forged_answers: list[int]
    invented: list[str]
    changed: list[str]
    strays: list[str]
    late: list[str]

    def problems(self, *, may_refuse: bool, may_stray: bool = False) -> list[str]:
        """Return a line for each rule that is broken."""
        found: dict[str, Sequence[object]] = {
            "lost": self.lost,
            "out of order": self.disorder,
            "refused and published": self.forged,
            "answers to forged ones": self.forged_answers,
            "never sent": self.invented,
            "changed": self.changed,
            "late": self.late,
        }
        if not may_stray:
            found["in several partitions"] = self.strays
        if not may_refuse:
            found["not accepted, by status"] = [
                f"{count} x {status}" for status, count in sorted(self.refused.items())
            ]
        return [
            f"{len(names)} {what}: {', '.join(map(str, names[:_SHOWN]))}"
            for what, names in found.items()
            if names
        ]


class _Seen(Struct, frozen=True, kw_only=True):
    """A record of ours."""

    topic: str
    partition: int
    room: str
    number: int
    event: dict[str, Any]


_First = dict[tuple[str, str, int], _Seen]


def judge(
    attempts: Iterable[Attempt],
    records: Iterable[Read],
    namespace: str = "",
    kept: Collection[str] = (),
) -> Verdict:
    """Return the verdict over one run.

    Args:
        attempts: The whole book.
        records: Everything in the topics, sorted by partition and offset.
        namespace: What the names of topics begin with.
        kept: Names of events that Kafka refused and that are kept for a person to look at.
    """
    book = list(attempts)
    authentic = [attempt for attempt in book if not attempt.is_forged]
    tries = Counter((attempt.room, attempt.number) for attempt in authentic)
    accepted = {(a.room, a.number) for a in authentic if a.status == OK}
    seen, forged, invented = _seen(records, namespace, tries)
    firsts, doubles = _told_apart(seen)
    oks = [attempt.secs for attempt in authentic if attempt.status == OK]
    return Verdict(
        accepted=len(accepted),
        duplicates=len(doubles),
        slowest_secs=max((attempt.secs for attempt in book), default=0.0),
        fastest_ok_secs=min(oks, default=0.0),
        refused=dict(Counter(a.status for a in authentic if a.status not in (OK, NO_ANSWER))),
        lost=[each for each in _lost(accepted, firsts) if each.split()[0] not in kept],
        disorder=_disorder(firsts.values()),
        forged=forged,
        forged_answers=[a.status for a in book if a.is_forged and a.status not in FORGED_ANSWERS],
        invented=invented,
        changed=_changed(seen, firsts, tries),
        strays=_strays(seen),
        late=[f"{a.name} after {a.secs:.1f} s" for a in book if a.secs > LATE_SECS],
    )


def _seen(
    records: Iterable[Read], namespace: str, tries: Mapping[tuple[str, int], int]
) -> tuple[list[_Seen], list[str], list[str]]:
    """Return what is ours, what is forged, and what nobody has sent."""
    seen: list[_Seen] = []
    forged: list[str] = []
    invented: list[str] = []
    for record in records:
        event = _event_of(record)
        found = named(str(event.get("id")))
        topic = record.topic.removeprefix(namespace)
        if found is not None and found[2]:
            forged.append(f"{found[0]}.{found[1]} in {topic}")
        elif found is None or found[:2] not in tries or topic not in topics_of(found[1]):
            invented.append(f"{topic}[{record.partition}]@{record.offset}")
        else:
            room, number, _ = found
            if record.key != f"{APP}/{room}".encode():
                event = {**event, "data": {}}  # under a wrong key it is not as it was sent
            partition = record.partition
            seen.append(
                _Seen(topic=topic, partition=partition, room=room, number=number, event=event)
            )
    return seen, forged, invented


def _event_of(record: Read) -> dict[str, Any]:
    try:
        event = json.loads(record.value or b"")
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _told_apart(seen: Sequence[_Seen]) -> tuple[_First, list[_Seen]]:
    """Return the first of each event and topic, in order, and the others."""
    firsts: _First = {}
    for each in seen:
        firsts.setdefault((each.topic, each.room, each.number), each)
    doubles = [e for e in seen if firsts[e.topic, e.room, e.number] is not e]
    return firsts, doubles


def _lost(accepted: Iterable[tuple[str, int]], firsts: _First) -> list[str]:
    return [
        f"{room}.{number} in {topic}"
        for room, number in sorted(accepted)
        for topic in topics_of(number)
        if (topic, room, number) not in firsts
    ]


def _disorder(firsts: Iterable[_Seen]) -> list[str]:
    """Return what stands behind a later one; a key that moved ends in one partition first."""
    rows: defaultdict[tuple[str, str], defaultdict[int, list[int]]]
    rows = defaultdict(lambda: defaultdict(list))
    for each in firsts:
        rows[each.topic, each.room][each.partition].append(each.number)
    return [
        f"{room}.{later} behind {earlier} in {topic}"
        for (topic, room), by_partition in rows.items()
        for earlier, later in pairwise(chain(*sorted(by_partition.values(), key=min)))
        if later < earlier
    ]


def _changed(
    seen: Iterable[_Seen], firsts: _First, tries: Mapping[tuple[str, int], int]
) -> list[str]:
    changed = []
    for each in seen:
        first = firsts[each.topic, each.room, each.number].event
        ignored = _OF_A_DELIVERY if tries[each.room, each.number] > 1 else ()
        is_same = _without(each.event, ignored) == _without(first, ignored)
        if not is_same or not is_as_sent(each.event, each.room, each.number):
            changed.append(f"{each.room}.{each.number} in {each.topic}")
    return changed


def _without(event: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in names}


def _strays(seen: Iterable[_Seen]) -> list[str]:
    homes: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for each in seen:
        homes[each.topic, each.room].add(each.partition)
    return [f"{room} in {topic}" for (topic, room), found in homes.items() if len(found) > 1]
