"""What happens in simulated rooms of Volcengine RTC, and beside them: every type, as it may come.

Design: what ends began before, and the values of one callback fit together as the documents say.
Which of several turns a story takes goes round instead of by chance, so some hundreds of
callbacks show every type.
"""

from collections.abc import Iterator, Sequence
from itertools import cycle
from random import Random
from typing import Any
from uuid import UUID

from router.vendors.traffic import LEFT_OUT, Birth, Now, Step

_ROOMS = 3
_RECORDINGS = 2
_ROUNDS = 2
_SELDOM = 0.3
_PAGES = 12
_PICTURES = ("FileId", "Width", "Height", "ThumbnailWidth", "ThumbnailHeight", "Images")
_DEVICES = ("android", "ios", "web", "mac", "windows")
_STREAMS = ("Audio", "Video", "ScreenAudio", "ScreenVideo")
_FAILED = {"Code": 1, "ErrorMessage": "TOS upload error"}

_HOLDERS = ("TosBucket", "Bucket", "VeImageXServiceId")
_FILE_NAMES = ("Vid", "ObjectKey")

_Given = dict[str, Any]


class Stories:
    """A few rooms at once, and one by one what needs no room."""

    def __init__(self, random: Random) -> None:
        """Take the source of chance."""
        self._random = random
        self._count = random.randrange(1000)
        self._guests = cycle([self._listener, self._speaker])
        self._acts = cycle([self._push, self._talk, self._media, self._page])
        self._uploads = cycle([self._upload, self._backup])
        self._holders = cycle(_HOLDERS)
        self._file_names = cycle(_FILE_NAMES)
        self._sync_uploads_fail = cycle([False, False, True])
        self._others = cycle([self._public_stream, self._whiteboard, self._music, self._web_record])

    @property
    def births(self) -> Sequence[Birth]:
        """Return what begins the stories that go on side by side."""
        return [*[self._room] * _ROOMS, *[self._recording] * _RECORDINGS, self._beside]

    def _room(self, now_ms: Now) -> Iterator[Step]:
        number = self._counted()
        room = {"RoomId": f"room-{number}"}
        guest, *people = self._people(room)
        yield "RoomCreate", room
        for person in people:
            yield "UserJoinRoom", person
            yield from _starts(person, _STREAMS[:2])
        yield from next(self._guests)(guest)
        yield from self._recorded({**room, "TaskId": f"rec-{number}"}, people, now_ms)
        yield from next(self._acts)({**room, "TaskId": f"task-{number}"}, people[0], now_ms)
        for person in people:
            yield from _stops(person, _STREAMS[:2], "LeaveRoom")
            yield "UserLeaveRoom", {**person, "Reason": "userLeave"}
        yield "RoomDestroy", room
        yield from next(self._uploads)({**room, "TaskId": f"rec-{number}"})

    def _recording(self, now_ms: Now) -> Iterator[Step]:
        """Yield a recording alone, from its start to its files: what a short look can see whole."""
        number = self._counted()
        task = {"RoomId": f"room-{number}", "TaskId": f"rec-{number}"}
        streams = [{"UserId": f"user-{self._random.randrange(1000)}", "StreamType": 0}]
        began_ms = now_ms()
        yield "RecordStarted", task
        file = {**self._file(task, streams, began_ms), "Duration": now_ms() - began_ms}
        yield "RecordStopped", {**task, "RecordFileList": [file]}
        yield "RecordUploadDone", task

    def _people(self, room: _Given) -> list[_Given]:
        numbers = self._random.sample(range(1000), self._random.randint(2, 3))
        return [
            {**room, "UserId": f"user-{number}", "DeviceType": self._random.choice(_DEVICES)}
            for number in numbers
        ]

    def _listener(self, guest: _Given) -> Iterator[Step]:
        """Yield how somebody comes and goes unseen."""
        yield "InvisibleUserJoinRoom", guest
        yield "InvisibleUserLeaveRoom", {**guest, "Reason": "userLeave"}

    def _speaker(self, guest: _Given) -> Iterator[Step]:
        """Yield how somebody unseen is seen for a while, and shows something."""
        user = {key: value for key, value in guest.items() if key != "DeviceType"}
        yield "InvisibleUserJoinRoom", guest
        yield "RoleChangeInvisible2Visible", user
        yield from _starts(guest, _STREAMS[2:])
        yield from _stops(guest, _STREAMS[2:], "StreamStop")
        yield "RoleChangeVisible2Invisible", user
        yield "InvisibleUserLeaveRoom", {**guest, "Reason": "connectionLost"}

    def _recorded(self, task: _Given, people: Sequence[_Given], now_ms: Now) -> Iterator[Step]:
        streams = [{"UserId": person["UserId"], "StreamType": 0} for person in people]
        began_ms = now_ms()
        file = self._file(task, streams, began_ms)
        yield "RecordStarted", task
        yield from _states(task, streams, 1)
        unknown_yet = dict.fromkeys(("Duration", "Size"), LEFT_OUT)
        yield "RecordSyncUploadStarted", {**task, "RecordFileList": [{**file, **unknown_yet}]}
        yield from self._slices(task, streams[0], now_ms)
        if next(self._sync_uploads_fail):
            yield "RecordSyncUploadFailed", {**task, **_FAILED}
        yield from _states(task, streams, 0)
        file["Duration"] = now_ms() - began_ms
        yield "RecordStopped", {**task, "RecordFileList": [file]}

    def _file(self, task: _Given, streams: Sequence[_Given], began_ms: int) -> _Given:
        return {
            "Vid": self._vid(),
            "ObjectKey": f"record/{task['TaskId']}/0.m3u8",
            **_all_but(next(self._file_names), _FILE_NAMES),  # by the kind of storage
            "StartTime": began_ms,
            "VideoCodec": "h264",
            "StreamList": [{**stream, "Index": LEFT_OUT} for stream in streams],
        }

    def _slices(self, task: _Given, stream: _Given, now_ms: Now) -> Iterator[Step]:
        """Yield what is stored of a stream while it is recorded: its sound and its pictures."""
        holder = next(self._holders)
        bucket = "TosBucket" if holder == "TosBucket" else "Bucket"
        name = "VeImageXUri" if holder == "VeImageXServiceId" else "ObjectKey"
        item = {"Stream": {**stream, "Index": LEFT_OUT}}
        # Numbers as text, as in all examples of slices.
        sound = {**item, "SampleRate": "44100", "BitsPerSample": "16", "Channels": "2"}
        picture = {**item, "Format": 0, **_all_but(name, ("VeImageXUri", "ObjectKey"))}
        for number in range(2):
            key = f"{task['TaskId']}_{number}"
            data = {**sound, "ObjectKey": f"{key}.aac", "TimeStamp": now_ms()}
            yield "SegmentRealTimeData", {**task, **_all_but(bucket, _HOLDERS[:2]), "Data": [data]}
            data = {**picture, name: f"{key}.jpg", "TimeStamp": now_ms()}
            yield "SnapshotRealTimeData", {**task, **_all_but(holder, _HOLDERS), "Data": [data]}

    def _upload(self, task: _Given) -> Iterator[Step]:
        yield "RecordUploadStarted", task
        yield "RecordUploadProcessing", {**task, "Progress": 5000}
        yield "RecordUploadDone", task

    def _backup(self, task: _Given) -> Iterator[Step]:
        yield "RecordUploadStarted", task
        yield "RecordUploadBackuped", {**task, **_FAILED}

    def _push(self, task: _Given, person: _Given, now_ms: Now) -> Iterator[Step]:
        """Yield a push to a CDN, which once must connect again."""
        del person
        url = {"PushURL": f"rtmp://push.example.com/live/{task['RoomId']}"}
        push = {**task, **url, "StartTime": now_ms(), "FinishTime": 0, "Code": 0}
        broken = {"Code": 4, "ErrorMessage": "the CDN broke off"}
        yield "TranscodeStarted", {**task, **url}
        yield "TranscodeStateChanged", {**push, "TaskState": 3}
        yield "TranscodeUpdated", {**task, **url}
        yield "TranscodeStateChanged", {**push, "TaskState": 2, **broken}
        yield "TranscodeStateChanged", {**push, "TaskState": 3}
        yield "TranscodeStateChanged", {**push, "TaskState": 1, "FinishTime": now_ms()}
        yield "TranscodeStopped", {**task, **url}

    def _talk(self, task: _Given, person: _Given, now_ms: Now) -> Iterator[Step]:
        """Yield a talk with an agent, its model failing in the end."""
        del now_ms
        talk = {**task, "UserID": person["UserId"], "EventType": 0}
        plain = {**talk, "ErrorInfo": LEFT_OUT, "ExtraInfo": LEFT_OUT}
        yield "VoiceChat", {**plain, "RoundID": 0, "RunStage": "taskStart"}
        for number in range(_ROUNDS):
            for stage in ("beginAsking", "asrFinish", "answerStart", "answerFinish"):
                yield "VoiceChat", {**plain, "RoundID": number, "RunStage": stage}
        last = {"RoundID": _ROUNDS}
        fault = {"EventType": 1, "RunStage": "llm", "ErrorInfo": {}}
        yield "VoiceChat", {**plain, **last, **fault}
        yield "VoiceChat", {**plain, **last, "RunStage": "taskStop"}
        usage = {"RunStage": "taskUsage", "ErrorInfo": LEFT_OUT}
        yield "VoiceChat", {**talk, **last, **usage}

    def _media(self, task: _Given, person: _Given, now_ms: Now) -> Iterator[Step]:
        """Yield media that are played into the room, to their end."""
        del person, now_ms
        url = f"rtmp://media.example.com/live/{task['TaskId']}"
        relay = {**task, "UserId": "media", "StreamUrl": url, "StartTimeStamp": 0, "Msg": ""}
        for status in (1, 2, 3):
            yield "RelayStreamStateChanged", {**relay, "Status": status, "Reason": LEFT_OUT}
        yield "RelayStreamStateChanged", {**relay, "Status": 4, "Reason": 3}

    def _page(self, task: _Given, person: _Given, now_ms: Now) -> Iterator[Step]:
        """Yield a web page that is relayed and loaded anew once."""
        del person, now_ms
        yield "Webcast", {**task, "Status": 1, "Reason": LEFT_OUT}
        yield "Webcast", {**task, "Status": 4, "Reason": "PageFreeze"}
        yield "Webcast", {**task, "Status": 2, "Reason": LEFT_OUT}

    def _beside(self, now_ms: Now) -> Iterator[Step]:
        """Return the next of the stories that need no room."""
        return next(self._others)(now_ms)

    def _public_stream(self, now_ms: Now) -> Iterator[Step]:
        del now_ms
        stream = {"PublicStreamId": f"public-{self._counted()}"}
        ended = {"Status": 2, "Msg": "call api stop", "Code": 2}
        broken = {"Status": 3, "Msg": "internal error", "Code": 3}
        yield "PushPublicStream", {**stream, "Status": 1, "Msg": "", "Code": LEFT_OUT}
        yield "PushPublicStream", {**stream, **(broken if self._is_seldom() else ended)}

    def _whiteboard(self, now_ms: Now) -> Iterator[Step]:
        """Yield the transcoding of a file to pages, which may fail at the end."""
        del now_ms
        file = {"FileName": "lesson-3.pptx", "TotalPages": _PAGES, "TranscodeMode": 0}
        task = {"TaskId": self._uuid(), **file}
        yield "WbTranscodeProgressChanged", {**task, "Progress": 0}
        yield "WbTranscodeProgressChanged", {**task, "Progress": 100 * 10 // _PAGES}
        if self._is_seldom():
            yield "WbTranscodeFinished", {**task, **dict.fromkeys(_PICTURES, LEFT_OUT)}
            return
        yield "WbTranscodeProgressChanged", {**task, "Progress": 100}
        result = {
            **dict.fromkeys(("FileId", "ErrCodeN", "ErrCode", "ErrMsg"), LEFT_OUT),
            "ThumbnailWidth": 160,
            "ThumbnailHeight": 90,
            "Images": [{"PageId": number + 1} for number in range(_PAGES)],
        }
        yield "WbTranscodeFinished", {**task, **result}

    def _music(self, now_ms: Now) -> Iterator[Step]:
        song = {"SongId": str(self._random.randrange(10**10)), "UpdateAt": now_ms()}
        yield "MusicRemoved", {"SongUpdate": [song]}

    def _web_record(self, now_ms: Now) -> Iterator[Step]:
        """Yield the recording of a page: its begin, its segments, and how it ended."""
        name, place = f"web-{self._counted()}", {"Bucket": "rtc-files"}
        nothing = dict.fromkeys(("Vid", "FinalFile", "Files"), LEFT_OUT)
        times = {"CreateTime": now_ms() // 1000, "FinishTime": 0}
        task = {"TaskId": name, **nothing, **times, "Status": 2, "Message": "running"}
        yield "WebRecordResult", {**task, "Type": 1}
        files = [{**place, "ObjectKey": f"{name}_{index}.ts", "Index": index} for index in (1, 2)]
        yield "WebRecordResult", {**task, "Type": 2, "Files": files}
        ended = {"Vid": self._vid(), "FinishTime": now_ms() // 1000}
        result = {"Type": 3, "Status": 3, "Message": "TOS upload error"}
        if not self._is_seldom():
            file = {**place, "ObjectKey": f"{name}.mp4", "Index": LEFT_OUT}
            result = {"Type": 4, "Status": 4, "Message": "success", "FinalFile": file}
        yield "WebRecordResult", {**task, **ended, **result}

    def _is_seldom(self) -> bool:
        return self._random.random() < _SELDOM

    def _counted(self) -> int:
        self._count += 1
        return self._count

    def _vid(self) -> str:
        return f"v{self._random.getrandbits(40):010x}"

    def _uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))


def _starts(person: _Given, streams: Sequence[str]) -> Iterator[Step]:
    for stream in streams:
        yield f"User{stream}StreamStart", {**person}


def _stops(person: _Given, streams: Sequence[str], reason: str) -> Iterator[Step]:
    for stream in streams:
        yield f"User{stream}StreamStop", {**person, "Reason": reason}


def _states(task: _Given, streams: Sequence[_Given], state: int) -> Iterator[Step]:
    for stream in streams:
        for kind in ("Audio", "Video"):
            yield f"Record{kind}StreamStateChanged", {**task, **stream, "State": state}


def _all_but(name: str, names: Sequence[str]) -> _Given:
    """Return that of several fields only the one is sent."""
    return {other: LEFT_OUT for other in names if other != name}
