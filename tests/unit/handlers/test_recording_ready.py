"""`recording-ready`: one announcement per recording, whatever order its events come in."""

import asyncio
from itertools import permutations
from typing import Any

import pytest

from handlers.recording_ready import MAX_ENTRIES, MAX_TASKS, RecordEvent, recording_ready
from router.handler import Event
from router.testing import LEFT_OUT, Result, run, sample
from router.vendors.volcengine_rtc.events import (
    RecordStarted,
    RecordStopped,
    RecordUploadBackuped,
    RecordUploadDone,
    RecordUploadProcessing,
    RecordUploadStarted,
)

HOUR = 3600
DAY = 24 * HOUR
Recorded = Event[Any]


def _files(vid: str) -> list[dict[str, Any]]:
    return [{"vid": vid, "object_key": LEFT_OUT}]


def _event(kind: type[RecordEvent], at: float, **fields: Any) -> Recorded:
    """Return an event of the task `task` in the room `room`, at a second."""
    given = {"app_id": "app", "room_id": "room", "task_id": "task", "code": 0}
    return sample(kind, time=at, **{**given, **fields})


def _started(at: float, **fields: Any) -> Recorded:
    return _event(RecordStarted, at, **fields)


def _stopped(at: float, vid: str = "v1", **fields: Any) -> Recorded:
    return _event(RecordStopped, at, **{"record_file_list": _files(vid), **fields})


def _failed(at: float, **fields: Any) -> Recorded:
    """Return a stop that failed and has no file."""
    failure = {"code": 1, "error_message": "no stream", "record_file_list": []}
    return _event(RecordStopped, at, **{**failure, **fields})


def _done(at: float, **fields: Any) -> Recorded:
    return _event(RecordUploadDone, at, **fields)


def _backuped(at: float, **fields: Any) -> Recorded:
    return _event(RecordUploadBackuped, at, **fields)


def _run(*events: Recorded) -> Result:
    return asyncio.run(run(recording_ready, events))


def _ready(*events: Recorded) -> list[str]:
    """Return the file of each announced recording, `-` where there is none."""
    announced = _run(*events).announced("RecordingReady")
    return [data["files"][0]["vid"] if data["files"] else "-" for data in announced]


def _overdue(*events: Recorded) -> list[tuple[str, str]]:
    """Return task and file of each recording that was told to be overdue."""
    announced = _run(*events).announced("RecordingOverdue")
    return [(data["task_id"], data["files"][0]["vid"]) for data in announced]


def test_an_announcement_holds_all_that_a_reader_needs() -> None:
    """Task, result and files, these with fields that no document knows."""
    stop = _stopped(60)
    files = [{"vid": "v1", "duration": 57_472, "encryption_type": 2}]
    stop.raw["data"]["record_file_list"] = files

    (emitted,) = _run(_started(0), stop, _done(90)).emitted

    assert emitted.subject == "app/room"
    assert emitted.data == {
        "app_id": "app",
        "room_id": "room",
        "task_id": "task",
        "code": 0,
        "error_message": "",
        "is_backup": False,
        "files": files,
        "stopped_at": "2026-01-01T00:01:00Z",
    }


@pytest.mark.parametrize("events", [*permutations([_started(0), _stopped(60), _done(90)])])
def test_the_order_of_arrival_does_not_matter(events: tuple[Recorded, ...]) -> None:
    """Start, stop and upload are joined as soon as stop and upload are known."""
    assert _ready(*events) == ["v1"]
    assert _ready(*events, *events) == ["v1"]


@pytest.mark.parametrize(
    ("stop", "end", "expected"),
    [
        (_stopped(60), _done(90), (0, "", False)),
        (_stopped(60, code=None), _done(90, code=LEFT_OUT), (0, "", False)),
        (_stopped(60, code=1, error_message="a"), _done(90), (1, "a", False)),
        (_stopped(60), _done(90, code=2, error_message="b"), (2, "b", False)),
        (_stopped(60), _done(90, code=2, error_message=None), (2, "", False)),
        (
            _stopped(60, code=1, error_message="a"),
            _done(90, code=2, error_message="b"),
            (1, "a", False),
        ),
        (_stopped(60), _backuped(90), (0, "", True)),
        (_stopped(60), _backuped(90, code=1, error_message="b"), (1, "b", True)),
    ],
    ids=["well", "no-code", "stop", "upload", "no-words", "both", "backup", "failed-backup"],
)
def test_the_code_is_the_first_that_is_not_0(
    stop: Recorded, end: Recorded, expected: tuple[int, str, bool]
) -> None:
    """First the stop's, then the upload's; with the words that belong to it."""
    for events in ((stop, end), (end, stop)):
        (data,) = _run(*events).announced("RecordingReady")
        assert (data["code"], data["error_message"], data["is_backup"]) == expected


@pytest.mark.parametrize(
    "events",
    [
        [_started(0), _stopped(60)],
        [_started(0), _done(90)],
        [_started(0), _event(RecordUploadStarted, 61), _event(RecordUploadProcessing, 120)],
        [_stopped(60, record_file_list=[])],
        [_stopped(60, record_file_list=None)],
        [_stopped(60), _done(90, task_id="other")],
        [_stopped(60), _done(90, room_id="other")],
        [_stopped(60), _done(90, app_id="other")],
        [_stopped(60), _done(90, task_id=None)],
    ],
    ids=[
        "no-upload",
        "no-stop",
        "an-upload-under-way",
        "success-without-files",
        "success-with-files-null",
        "other-task",
        "other-room",
        "other-application",
        "no-task",
    ],
)
def test_half_a_recording_is_not_announced(events: list[Recorded]) -> None:
    """Stop and end of the upload must be known, of the same task."""
    assert _ready(*events) == []


def test_a_task_without_a_name_is_a_task_too() -> None:
    """Where the vendor names no task, the room's one recording is joined."""
    result = _run(_stopped(60, task_id=None), _done(90, task_id=LEFT_OUT))

    assert [data["task_id"] for data in result.announced("RecordingReady")] == [None]


def test_a_failed_stop_without_files_is_announced_at_once() -> None:
    """Nothing was recorded, so no upload will follow; should one, it changes nothing."""
    result = _run(_failed(60), _done(90))

    (data,) = result.announced("RecordingReady")
    assert (data["code"], data["error_message"], data["files"]) == (1, "no stream", [])


def test_a_second_stop_that_fails_does_not_hide_the_files() -> None:
    """Stopping twice is an error that comes while the upload is under way."""
    assert _ready(_stopped(60), _failed(61), _done(90)) == ["v1"]


@pytest.mark.parametrize(
    "events",
    [
        [_stopped(60), _done(90), _stopped(61, "v2")],
        [_stopped(60), _done(90), _done(91)],
        [_stopped(60), _done(90), _backuped(91)],
        [_stopped(60), _done(90), _stopped(61, "v2"), _done(95)],
        [_stopped(60), _backuped(80), _done(90)],
    ],
    ids=["stop", "end", "backup-after-all", "both", "done-after-all"],
)
def test_what_comes_again_for_a_recording_announces_nothing(events: list[Recorded]) -> None:
    """Also where the vendor gave it another id and time."""
    assert _ready(*events) == ["v1"]


FIRST = [_started(0), _stopped(60), _done(90)]
SECOND = [_started(100), _stopped(160, "v2"), _done(190)]


@pytest.mark.parametrize(
    "events",
    [
        [*FIRST, *SECOND],
        [*FIRST, *SECOND[1:], SECOND[0]],
        [*FIRST[1:], *SECOND[1:], SECOND[0], FIRST[0]],
        [SECOND[0], *FIRST, *SECOND[1:]],
        [FIRST[2], SECOND[2], FIRST[1], SECOND[1], SECOND[0]],
        [FIRST[1], SECOND[1], SECOND[0], FIRST[2], SECOND[2]],
    ],
    ids=["in-order", "late-start", "starts-last", "early-start", "ends-first", "stops-first"],
)
def test_a_new_start_of_a_task_opens_a_new_recording(events: list[Recorded]) -> None:
    """Whenever it is learnt of: times tell where a recording begins."""
    assert _ready(*events) == ["v1", "v2"]


def test_events_of_one_second_are_told_apart_by_their_arrival() -> None:
    """The vendor's times have whole seconds; a task may start again within one."""
    kinds: list[type[RecordEvent]] = [RecordStarted, RecordStopped, RecordUploadDone] * 2
    events = [
        _event(kind, 0, event_id=f"app/{number}", recorded_time=number / 1000)
        for number, kind in enumerate(kinds)
    ]

    assert len(_ready(*events)) == 2
    assert len(_ready(*events[::-1])) == 2


@pytest.mark.parametrize(
    "events",
    [
        [_started(0), _stopped(60), _started(70), _done(90), _stopped(160, "v2"), _done(190)],
        [_started(0), _stopped(60), _started(70), _stopped(80, "v2"), _done(90), _done(190)],
    ],
    ids=["between-start-and-stop", "after-the-stop"],
)
def test_a_task_may_start_again_while_an_upload_is_under_way(events: list[Recorded]) -> None:
    """Both recordings are announced, each with its own files."""
    assert sorted(_ready(*events)) == ["v1", "v2"]


def test_an_upload_that_never_ends_does_not_take_the_next_ones_end() -> None:
    """The recording that stopped last before an upload's end is the one that was uploaded."""
    assert _ready(_started(0), _stopped(60), *SECOND) == ["v2"]


def test_a_success_without_files_does_not_take_the_next_ones_end() -> None:
    """It may never have an upload, so none that ends after the next start is its."""
    nothing = _stopped(60, record_file_list=[])

    assert _ready(_started(0), nothing, _started(100), _done(190), _stopped(160, "v2")) == ["v2"]
    assert _ready(_started(0), nothing, _done(90)) == ["-"]


def test_an_upload_may_end_before_its_stop() -> None:
    """Files are uploaded while recording goes on, and clocks differ."""
    assert _ready(*FIRST, _started(100), _done(159), _stopped(160, "v2")) == ["v1", "v2"]


LATER = _started(2 * HOUR, task_id="other")


def test_an_upload_that_is_not_heard_of_is_overdue_once() -> None:
    """Any later event of the room shows it; the real end is announced as ever."""
    result = _run(_stopped(60), LATER, _started(3 * HOUR, task_id="third"), _done(4 * HOUR))

    assert [event.short_type for event in result.emitted] == ["RecordingOverdue", "RecordingReady"]
    assert result.emitted[0].data == {
        "app_id": "app",
        "room_id": "room",
        "task_id": "task",
        "code": 0,
        "error_message": "",
        "files": result.emitted[1].data["files"],
        "stopped_at": "2026-01-01T00:01:00Z",
    }


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([_stopped(60), _started(60 + HOUR, task_id="other")], []),
        ([_stopped(60), _started(60 + HOUR + 1)], [("task", "v1")]),
        ([_stopped(60), _event(RecordUploadProcessing, 2 * HOUR)], []),
        ([_stopped(60), _event(RecordUploadProcessing, HOUR), LATER], []),
        ([_stopped(60), _done(2 * HOUR)], []),
        ([_stopped(60), _done(90), LATER], []),
        ([_failed(60), LATER], []),
        ([_stopped(60), _failed(61), LATER, LATER], [("task", "v1")]),
        ([_stopped(60), _stopped(61, "v2"), LATER], [("task", "v1")]),
        (
            [_stopped(60), _started(61), _stopped(62, "v2"), LATER, _done(3 * HOUR)],
            [("task", "v1"), ("task", "v2")],
        ),
        ([LATER, _stopped(60)], []),
    ],
    ids=[
        "not-yet",
        "the-same-task-starts-again",
        "the-upload-goes-on",
        "the-upload-went-on",
        "the-upload-ends-late",
        "announced",
        "nothing-to-upload",
        "stopped-twice-in-vain",
        "stopped-twice",
        "two-recordings",
        "a-late-stop",
    ],
)
def test_what_is_overdue(events: list[Recorded], expected: list[tuple[str, str]]) -> None:
    """One announcement per recording that stopped, and of whose upload nothing is heard."""
    assert sorted(_overdue(*events)) == expected


def _tasks(result: Result) -> set[str]:
    return set(result.state["app/room"])


def test_a_task_is_forgotten_a_week_after_its_last_event() -> None:
    """The state of a room holds what is recent only."""
    events = [_stopped(60), _done(90), _started(100, task_id="open")]

    assert _tasks(_run(*events, _started(7 * DAY, task_id="new"))) == {"task", "open", "new"}
    assert _tasks(_run(*events, _started(7 * DAY + 99, task_id="new"))) == {"open", "new"}
    assert _tasks(_run(*events, _started(8 * DAY, task_id="new"))) == {"new"}


def test_nothing_is_forgotten_in_silence() -> None:
    """A recording that still waits is told to be overdue before its task goes."""
    assert _overdue(_stopped(60), _started(8 * DAY, task_id="new")) == [("task", "v1")]


def test_a_task_that_is_used_for_ever_keeps_what_is_recent() -> None:
    """Starts, stops, ends and announcements of a task that are older than a week are forgotten."""
    events = [*FIRST, _stopped(61, "again"), _done(95), _started(8 * DAY)]

    (task,) = _run(*events).state["app/room"].values()

    assert [len(task[name]) for name in ("starts", "announced", "stops", "ends")] == [1, 0, 0, 0]


def test_a_room_and_a_task_remember_a_bounded_number() -> None:
    """However much comes within a week."""
    starts = [_started(second) for second in range(MAX_ENTRIES + 5)]
    tasks = [_started(100, task_id=f"task-{number}") for number in range(MAX_TASKS + 5)]

    assert len(_run(*starts).state["app/room"]["task"]["starts"]) == MAX_ENTRIES
    assert len(_run(*tasks).state["app/room"]) == MAX_TASKS
