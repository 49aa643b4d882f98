"""`recording-ready`: one announcement when a recording has stopped and its files are uploaded.

Guarantees: at most one `RecordingReady` per recording, whatever comes twice, late or in another
order. A recording begins with a `RecordStarted` of its task; what the task tells between two
starts, by the time of the events, is of one recording. An upload's end belongs to the recording
that stopped last before it and still waits for one, so a task may start again while the upload
of its former recording is under way. A stop that failed and names no file has nothing to upload
and is announced at once, unless another stop of the recording waits for its upload.

`RecordingOverdue` tells that a stopped recording has heard nothing of its upload for `OVERDUE`;
should the upload end after all, the `RecordingReady` follows.

Limits: there are no timers, so overdue is noticed with the next event of the room. A recording is
announced as soon as it can be, so of several ends of its upload the first to arrive counts; where
the next recording's `RecordUploadBackuped` arrives before its own `RecordUploadDone`, and before
that next one's start and stop, `code` and `is_backup` are those of the next. A start that never
comes makes two recordings one. What comes more than `REMEMBERED` late finds nothing to be joined
with. A room that falls silent for ever keeps some hundred bytes of state per task.
"""

from bisect import bisect_right
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, assert_never

import msgspec
from msgspec.structs import replace

from router.handler import Context, Event, handler
from router.vendors.volcengine_rtc.codes import SUCCESS
from router.vendors.volcengine_rtc.events import (
    RecordStarted,
    RecordStopped,
    RecordUploadBackuped,
    RecordUploadDone,
    RecordUploadProcessing,
    RecordUploadStarted,
)

OVERDUE = timedelta(hours=1)
"""How long nothing may be heard of the upload of a stopped recording."""

REMEMBERED = timedelta(days=7)
"""How long after its last event a task is remembered."""

MAX_TASKS = 200
"""How many tasks of a room are remembered: those heard of last."""

MAX_ENTRIES = 50
"""How many starts, stops and ends of a task are remembered each: the newest."""

When = tuple[datetime, datetime]
"""When it happened and when it was received: the vendor's time has whole seconds, so it ties."""

RecordEvent = (
    RecordStarted
    | RecordStopped
    | RecordUploadStarted
    | RecordUploadProcessing
    | RecordUploadDone
    | RecordUploadBackuped
)


class RecordingReady(msgspec.Struct, frozen=True, kw_only=True):
    """What is announced once per recording.

    Attributes:
        app_id: The application.
        room_id: The room.
        task_id: The recording task; null where the vendor names none.
        code: The first that is not 0 of the stop's and the upload's, else 0: all is well.
        error_message: What belongs to the code; empty where it is 0.
        is_backup: Whether the files are in the backup storage, as the upload failed.
        files: The files of the stop, with every field that the vendor sent.
        stopped_at: When the recording stopped.
    """

    app_id: str
    room_id: str
    task_id: str | None
    code: int
    error_message: str
    is_backup: bool
    files: list[dict[str, Any]]
    stopped_at: datetime


class RecordingOverdue(msgspec.Struct, frozen=True, kw_only=True):
    """What is announced at most once of a recording whose upload is not heard of.

    Attributes:
        app_id: The application.
        room_id: The room.
        task_id: The recording task; null where the vendor names none.
        code: Of the stop.
        error_message: Of the stop.
        files: The files that wait, with every field that the vendor sent.
        stopped_at: When the recording stopped.
    """

    app_id: str
    room_id: str
    task_id: str | None
    code: int
    error_message: str
    files: list[dict[str, Any]]
    stopped_at: datetime


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a recording, not announced yet."""

    at: When
    code: int
    error_message: str
    files: list[dict[str, Any]]
    is_overdue: bool = False

    @property
    def awaits_upload(self) -> bool:
        """Whether an upload follows; a failure without a file has nothing to upload."""
        return self.code == SUCCESS or bool(self.files)


class End(msgspec.Struct, frozen=True, kw_only=True):
    """The end of an upload, not joined with a stop yet."""

    at: When
    code: int
    error_message: str
    is_backup: bool


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a recording task.

    Attributes:
        starts: When recordings began, in order.
        announced: When those stopped that were announced.
        stops: Those that wait, in the order of their arrival.
        ends: Those that wait, likewise.
        touched_at: The time of the task's newest event.
        heard_at: The same of those that tell of a stop or an upload.
    """

    starts: list[When] = []
    announced: list[When] = []
    stops: list[Stop] = []
    ends: list[End] = []
    touched_at: datetime
    heard_at: datetime

    def recording(self, at: When) -> int:
        """Return which recording of the task that is: the number of starts until then."""
        return bisect_right(self.starts, at)

    @property
    def waiting(self) -> list[Stop]:
        """The stops of recordings that were not announced, the earliest first."""
        done = {self.recording(at) for at in self.announced}
        stops = (stop for stop in self.stops if self.recording(stop.at) not in done)
        return sorted(stops, key=attrgetter("at"))


Tasks = dict[str, Task]
"""The state of a room: its tasks by their ids."""


@handler(
    "recording-ready",
    events=[
        RecordStarted,
        RecordStopped,
        RecordUploadStarted,
        RecordUploadProcessing,
        RecordUploadDone,
        RecordUploadBackuped,
    ],
    emits=["RecordingReady", "RecordingOverdue"],
)
async def recording_ready(event: Event[RecordEvent], context: Context) -> None:
    """Join the stop and the upload of a recording and announce it when both are known."""
    before = msgspec.convert(await context.state.get(event.subject) or {}, Tasks)
    after, announcements = advanced(before, event)
    for announcement in announcements:
        context.emit(type(announcement).__name__, announcement)
    await context.state.put(event.subject, after)


def advanced(
    tasks: Tasks, event: Event[RecordEvent]
) -> tuple[Tasks, list[RecordingReady | RecordingOverdue]]:
    """Return the room's state after an event, and what is to be announced."""
    task_id = event.data.task_id or ""
    task = tasks.get(task_id) or Task(touched_at=event.time, heard_at=event.time)
    task = noted(task, event)
    task, pairs = joined(task)
    announcements: list[RecordingReady | RecordingOverdue] = [
        _ready(event.data, stop, end) for stop, end in pairs
    ]
    after: Tasks = {}
    for key, known in {**tasks, task_id: task}.items():
        after[key], late = reminded(known, event.time)
        announcements += [_overdue(event.data, key, stop) for stop in late]
    return remembered(after, event.time), announcements


def noted(task: Task, event: Event[RecordEvent]) -> Task:
    """Return what is known of the task with this event, too."""
    at, data = (event.time, event.recorded_time), event.data
    task = replace(task, touched_at=max(task.touched_at, event.time))
    if isinstance(data, RecordStarted):
        return replace(task, starts=sorted({*task.starts, at}))
    task = replace(task, heard_at=max(task.heard_at, event.time))
    code, error_message = data.code or SUCCESS, data.error_message or ""
    match data:
        case RecordStopped():
            # As it came: the class would leave out fields that no document knows.
            files = event.raw["data"].get("record_file_list") or []
            stop = Stop(at=at, code=code, error_message=error_message, files=files)
            return replace(task, stops=[*task.stops, stop])
        case RecordUploadDone() | RecordUploadBackuped():
            is_backup = isinstance(data, RecordUploadBackuped)
            end = End(at=at, code=code, error_message=error_message, is_backup=is_backup)
            return replace(task, ends=[*task.ends, end])
        case RecordUploadStarted() | RecordUploadProcessing():
            return task
        case _:
            assert_never(data)


def joined(task: Task) -> tuple[Task, list[tuple[Stop, End | None]]]:
    """Return the task without what is complete, and that: stops with the end of their upload."""
    pairs: list[tuple[Stop, End | None]] = []
    for end in sorted(task.ends, key=attrgetter("at")):
        owner = owner_of(task, end)
        if owner is not None:
            task = _announced(replace(task, ends=[e for e in task.ends if e is not end]), owner)
            pairs.append((owner, end))
    while (failed := failed_stop(task)) is not None:
        task = _announced(task, failed)
        pairs.append((failed, None))
    return task, pairs


def owner_of(task: Task, end: End) -> Stop | None:
    """Return the stop of the recording whose upload ended, as far as is known.

    The latest stop before it, since a task may start again while an upload is under way; of
    another recording only one with files, as a success without any may never have an upload.
    Where there is none, the first stop after it in its own recording: files are uploaded while
    recording goes on, and clocks differ.
    """
    own = task.recording(end.at)
    waiting = [stop for stop in task.waiting if stop.awaits_upload]
    before = [
        stop
        for stop in waiting
        if stop.at <= end.at and (stop.files or task.recording(stop.at) == own)
    ]
    after = [stop for stop in waiting if stop.at > end.at and task.recording(stop.at) == own]
    return before[-1] if before else next(iter(after), None)


def failed_stop(task: Task) -> Stop | None:
    """Return a stop that is to be announced although no upload follows.

    Stopping twice fails the second time: such a stop must not hide the one with the files.
    """
    waiting = task.waiting
    uploading = {task.recording(stop.at) for stop in waiting if stop.awaits_upload}
    failed = (stop for stop in waiting if task.recording(stop.at) not in uploading)
    return next(failed, None)


def reminded(task: Task, now: datetime) -> tuple[Task, list[Stop]]:
    """Return the task, and one stop of each recording that is overdue and was not told of yet."""
    if now - task.heard_at <= OVERDUE:
        return task, []
    waiting = [stop for stop in task.waiting if stop.awaits_upload]
    first = {task.recording(stop.at): stop for stop in reversed(waiting)}
    late = [stop for stop in first.values() if not stop.is_overdue]
    stops = [replace(stop, is_overdue=True) if stop in late else stop for stop in task.stops]
    return replace(task, stops=stops), late


def remembered(tasks: Tasks, now: datetime) -> Tasks:
    """Return what is still remembered of a room."""
    since = now - REMEMBERED
    newest = sorted(tasks.items(), key=lambda item: item[1].touched_at)[-MAX_TASKS:]
    return {key: _trimmed(task, since) for key, task in newest if task.touched_at >= since}


def _trimmed(task: Task, since: datetime) -> Task:
    return replace(
        task,
        starts=[at for at in task.starts if at[0] >= since][-MAX_ENTRIES:],
        announced=[at for at in task.announced if at[0] >= since][-MAX_ENTRIES:],
        stops=[stop for stop in task.stops if stop.at[0] >= since][-MAX_ENTRIES:],
        ends=[end for end in task.ends if end.at[0] >= since][-MAX_ENTRIES:],
    )


def _announced(task: Task, stop: Stop) -> Task:
    return replace(
        task,
        stops=[other for other in task.stops if other is not stop],
        announced=[*task.announced, stop.at],
    )


def _ready(data: RecordEvent, stop: Stop, end: End | None) -> RecordingReady:
    teller = end if end is not None and stop.code == SUCCESS else stop
    return RecordingReady(
        app_id=data.app_id,
        room_id=data.room_id,
        task_id=data.task_id,
        code=teller.code,
        error_message="" if teller.code == SUCCESS else teller.error_message,
        is_backup=end is not None and end.is_backup,
        files=stop.files,
        stopped_at=stop.at[0],
    )


def _overdue(data: RecordEvent, task_id: str, stop: Stop) -> RecordingOverdue:
    return RecordingOverdue(
        app_id=data.app_id,
        room_id=data.room_id,
        task_id=task_id or None,
        code=stop.code,
        error_message=stop.error_message,
        files=stop.files,
        stopped_at=stop.at[0],
    )
