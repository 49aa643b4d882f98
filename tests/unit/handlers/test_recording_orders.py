"""`recording-ready`, whatever order the topics are read in: properties."""

import asyncio
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.recording_ready import recording_ready
from router.handler import Event
from router.testing import run, sample
from router.vendors.volcengine_rtc.events import (
    RecordStarted,
    RecordStopped,
    RecordUploadBackuped,
    RecordUploadDone,
    RecordUploadProcessing,
    RecordUploadStarted,
)

GAPS = st.sampled_from([0, 0, 1, 60])
"""Seconds between two events: the vendor's times have whole seconds, so they often tie."""

Recorded = Event[Any]
Expected = tuple[str | None, int, bool]
"""What is announced: the file, the code, whether it is in the backup storage."""


class Story(msgspec.Struct, frozen=True):
    """The life of one task: its events as they happened, and what is to be announced."""

    events: list[Recorded]
    expected: list[Expected]


class Teller:
    """Makes the events of one task, one after the other."""

    def __init__(self, draw: st.DrawFn, task_id: str) -> None:
        """Take the source of chance, and the task."""
        self._draw = draw
        self._task_id = task_id
        self._second = 0
        self.events: list[Recorded] = []

    def tell(self, kind: type[msgspec.Struct], code: int = 0, vid: str | None = None) -> None:
        """Let one event happen, some time after the last one."""
        self._second += self._draw(GAPS)
        names_files = kind is RecordStopped
        files = {"record_file_list": [{"vid": vid}] if vid else []} if names_files else {}
        event = sample(
            kind,
            time=self._second,
            recorded_time=self._second + len(self.events) / 1000,
            event_id=f"app/{self._task_id}-{len(self.events)}",
            **{"room_id": "room", "task_id": self._task_id, "code": code, **files},
        )
        self.events.append(event)


@st.composite
def _stories(draw: st.DrawFn, task_id: str) -> Story:
    """Return up to four recordings of a task; one may start while the former is uploaded."""
    teller, expected = Teller(draw, task_id), list[Expected]()
    end = draw(st.sampled_from([RecordUploadDone, RecordUploadBackuped]))
    is_backup = end is RecordUploadBackuped
    pending: int | None = None  # the code of an upload's end that is still to come
    for number in range(draw(st.integers(1, 4))):
        course = draw(st.sampled_from(["well", "failed", "uploaded-early", "restarted-early"]))
        teller.tell(RecordStarted, draw(st.integers(0, 1)))
        if pending is not None:
            teller.tell(end, pending)
            pending = None
        if course == "failed":
            teller.tell(RecordStopped, 1)
            expected.append((None, 1, False))
            continue
        vid, stop_code, end_code = f"{task_id}-{number}", *draw(st.tuples(CODES, CODES))
        expected.append((vid, stop_code or end_code, is_backup))
        if course == "uploaded-early":
            teller.tell(end, end_code)
        teller.tell(RecordStopped, stop_code, vid)
        if course == "well":
            teller.tell(RecordUploadStarted)
            teller.tell(end, end_code)
        pending = end_code if course == "restarted-early" else None
    if pending is not None:
        teller.tell(end, pending)
    return Story(teller.events, expected)


CODES = st.integers(0, 2)


@st.composite
def _arrivals(draw: st.DrawFn, events: list[Recorded]) -> list[Recorded]:
    """Return the events with each topic's own order kept, and some of them several times."""
    topics: dict[str, list[Recorded]] = {}
    for event in events:
        topics.setdefault(event.type, []).append(event)
    arrived: list[Recorded] = []
    while topics:
        name = draw(st.sampled_from(sorted(topics)))
        arrived.append(topics[name].pop(0))
        if not topics[name]:
            del topics[name]
        if draw(st.booleans()):
            arrived.append(draw(st.sampled_from(arrived)))
    return arrived


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_every_finished_recording_is_announced_once(data: st.DataObject) -> None:
    """With its files and its code, however the topics interleave and whatever comes twice."""
    stories = [data.draw(_stories(task_id)) for task_id in ("one", "two")]
    events = [event for story in stories for event in story.events]
    arrived = data.draw(_arrivals(events))

    result = asyncio.run(run(recording_ready, arrived))

    assert set(result.outcomes) == {None}
    announced: list[Expected] = [
        (ready["files"][0]["vid"] if ready["files"] else None, ready["code"], ready["is_backup"])
        for ready in result.announced("RecordingReady")
    ]
    expected = [what for story in stories for what in story.expected]
    assert sorted(announced, key=str) == sorted(expected, key=str)


KINDS = [
    RecordStarted,
    RecordStopped,
    RecordUploadStarted,
    RecordUploadProcessing,
    RecordUploadDone,
    RecordUploadBackuped,
]


@st.composite
def _any_event(draw: st.DrawFn) -> Recorded:
    """Return an event of any kind, time and result, of one of two tasks."""
    kind = draw(st.sampled_from(KINDS))
    fields: dict[str, Any] = {
        "task_id": draw(st.sampled_from(["one", "two", None])),
        "code": draw(st.sampled_from([None, 0, 1])),
        "error_message": draw(st.sampled_from([None, "", "no"])),
    }
    if kind is RecordStopped:
        fields["record_file_list"] = draw(st.sampled_from([None, [], [{}]]))
    return sample(kind, time=draw(st.integers(0, 2_000_000)), **fields)


@settings(deadline=None)
@given(st.lists(_any_event(), max_size=15))
def test_any_events_in_any_order_are_handled(events: list[Recorded]) -> None:
    """Nothing fails, and nothing is announced more often than there are stops."""
    result = asyncio.run(run(recording_ready, events))

    stops = {event.id for event in events if isinstance(event.data, RecordStopped)}
    assert set(result.outcomes) <= {None}
    assert len(result.announced("RecordingReady")) <= len(stops)
    assert len(result.announced("RecordingOverdue")) <= len(stops)
