"""Volcengine RTC's event types, one class each: rooms, streams, recordings.

The field names are those of the event; the vendor's spelling follows from them. Enumerations are
open: the vendor adds values, so they are documented and not enforced. Every type carries the
envelope's `app_id` and `version`. A value of null stays null.

Source: Callback events (75125), edition of 2024-09-14, and the release notes (116363).
"""

from typing import Annotated

import msgspec
from msgspec import Meta

AppId = Annotated[str, Meta(description="Application, from the envelope.")]
RoomId = Annotated[str, Meta(description="Room.")]
TaskId = Annotated[str, Meta(description="Recording task; several may run in one room.")]
UserId = Annotated[str, Meta(description="User.")]
Text = str | None
Number = int | None

DeviceType = Annotated[Text, Meta(description="Terminal: android, ios, web, mac, windows.")]
Timestamp = Annotated[Number, Meta(description="When it happened on the RTC server, Unix ms.")]
ExtraInfo = Annotated[Text, Meta(description="Text that the client gave on joining.")]
StreamStopReason = Annotated[
    Text,
    Meta(
        description="StreamStop: stopped normally; LeaveRoom: the user left; "
        "BannedByAdmin: the server side banned the stream."
    ),
]
LeaveReason = Annotated[
    Text,
    Meta(
        description="userLeave: normal; connectionLost: network lost, told 30 s later; "
        "kickedByAdmin, roomDismissByAdmin: by the server side; "
        "onUserTokenDidExpire: the token ran out."
    ),
]
Code = Annotated[Number, Meta(description="0: success; anything else: failure.")]
ErrorMessage = Annotated[Text, Meta(description="What went wrong, where the code is not 0.")]
StreamType = Annotated[Number, Meta(description="0: camera or microphone; 1: screen.")]
State = Annotated[Number, Meta(description="0: no longer published; 1: published.")]
Progress = Annotated[Number, Meta(description="Uploaded share of what is recorded, 0 to 10000.")]


class _RtcEvent(msgspec.Struct, frozen=True, kw_only=True):
    app_id: AppId
    version: Annotated[Text, Meta(description="Version of the envelope.")] = None
    business_id: Annotated[Text, Meta(description="Business inside the application.")] = None


class _RoomEvent(_RtcEvent, frozen=True, kw_only=True):
    room_id: RoomId
    timestamp: Timestamp = None


class _UserEvent(_RoomEvent, frozen=True, kw_only=True):
    user_id: UserId | None = None
    extra_info: ExtraInfo = None


class _DeviceEvent(_UserEvent, frozen=True, kw_only=True):
    device_type: DeviceType = None


class _StreamStop(_DeviceEvent, frozen=True, kw_only=True):
    reason: StreamStopReason = None


class _RecordTask(_RtcEvent, frozen=True, kw_only=True):
    room_id: RoomId
    task_id: TaskId | None = None


class _RecordResult(_RecordTask, frozen=True, kw_only=True):
    code: Code = None
    error_message: ErrorMessage = None


class _RecordStream(_RecordTask, frozen=True, kw_only=True):
    user_id: UserId | None = None
    stream_type: StreamType = None
    state: State = None
    timestamp: Timestamp = None


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """A stream inside a recorded file."""

    user_id: UserId | None = None
    index: Annotated[Number, Meta(description="Place in a layout of one's own.")] = None
    stream_type: StreamType = None


class RecordFile(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded file: `vid` names it in the video platform, `object_key` in object storage."""

    vid: Text = None
    object_key: Text = None
    duration: Annotated[Number, Meta(description="Length, ms.")] = None
    size: Annotated[Number, Meta(description="Bytes.")] = None
    start_time: Annotated[Number, Meta(description="Start of the file, Unix ms.")] = None
    stream_list: list[Stream] | None = None
    video_codec: Annotated[Text, Meta(description="h264, or 0: H.264, 1: ByteVC1.")] = None
    audio_codec: Text = None
    video_width: Annotated[Number, Meta(description="Pixels.")] = None
    video_height: Annotated[Number, Meta(description="Pixels.")] = None


RecordFileList = Annotated[list[RecordFile] | None, Meta(description="What was recorded.")]


class RoomCreate(_RoomEvent, frozen=True, kw_only=True):
    """A room came to be."""


class RoomDestroy(_RoomEvent, frozen=True, kw_only=True):
    """A room is gone: its last visible user left."""


class UserJoinRoom(_DeviceEvent, frozen=True, kw_only=True):
    """A visible user entered a room; sent again at every repeated join."""

    user_extra_info: Annotated[Text, Meta(description="Older name of `extra_info`.")] = None


class UserLeaveRoom(_DeviceEvent, frozen=True, kw_only=True):
    """A visible user left a room; not sent for one replaced by a login of the same id."""

    reason: LeaveReason = None


class InvisibleUserJoinRoom(_DeviceEvent, frozen=True, kw_only=True):
    """An invisible user entered a room; sent again at every repeated join."""

    user_extra_info: Annotated[Text, Meta(description="Older name of `extra_info`.")] = None


class InvisibleUserLeaveRoom(_DeviceEvent, frozen=True, kw_only=True):
    """An invisible user left a room."""

    reason: LeaveReason = None


class RoleChangeInvisible2Visible(_UserEvent, frozen=True, kw_only=True):
    """A user in a room became visible."""


class RoleChangeVisible2Invisible(_UserEvent, frozen=True, kw_only=True):
    """A user in a room became invisible."""


class UserAudioStreamStart(_DeviceEvent, frozen=True, kw_only=True):
    """A user began to publish a microphone stream."""


class UserAudioStreamStop(_StreamStop, frozen=True, kw_only=True):
    """A user's microphone stream ended."""


class UserVideoStreamStart(_DeviceEvent, frozen=True, kw_only=True):
    """A user began to publish a camera stream."""


class UserVideoStreamStop(_StreamStop, frozen=True, kw_only=True):
    """A user's camera stream ended."""


class UserScreenAudioStreamStart(_DeviceEvent, frozen=True, kw_only=True):
    """A user began to share the screen's sound."""


class UserScreenAudioStreamStop(_StreamStop, frozen=True, kw_only=True):
    """A user's sharing of the screen's sound ended."""


class UserScreenVideoStreamStart(_DeviceEvent, frozen=True, kw_only=True):
    """A user began to share the screen."""


class UserScreenVideoStreamStop(_StreamStop, frozen=True, kw_only=True):
    """A user's sharing of the screen ended; the Electron SDK 1.4.0 does not send it."""


class RecordStarted(_RecordResult, frozen=True, kw_only=True):
    """A recording task started, or failed to."""


class RecordStopped(_RecordResult, frozen=True, kw_only=True):
    """A recording task ended; success without files means that nothing was recorded.

    One class for every version of the recording feature: their bodies differ only in which of
    `vid` and `object_key` is set, and the envelope's version does not tell.
    """

    record_file_list: RecordFileList = None


class RecordUploadStarted(_RecordResult, frozen=True, kw_only=True):
    """The upload of a recording started."""


class RecordUploadProcessing(_RecordResult, frozen=True, kw_only=True):
    """How far an upload is, once a minute where it takes longer than that."""

    progress: Progress = None


class RecordUploadDone(_RecordResult, frozen=True, kw_only=True):
    """The files of a recording are in their storage."""


class RecordUploadBackuped(_RecordResult, frozen=True, kw_only=True):
    """The upload failed and the file went to the backup storage."""


class RecordAudioStreamStateChanged(_RecordStream, frozen=True, kw_only=True):
    """A recorded audio stream came or went."""


class RecordVideoStreamStateChanged(_RecordStream, frozen=True, kw_only=True):
    """A recorded video stream came or went."""


class RecordSyncUploadStarted(_RecordResult, frozen=True, kw_only=True):
    """The first playlist of a recording was uploaded while it runs."""

    record_file_list: RecordFileList = None


class RecordSyncUploadFailed(_RecordResult, frozen=True, kw_only=True):
    """A playlist was made but its upload failed."""


ALL: tuple[type[msgspec.Struct], ...] = (
    RoomCreate,
    RoomDestroy,
    UserJoinRoom,
    UserLeaveRoom,
    InvisibleUserJoinRoom,
    InvisibleUserLeaveRoom,
    RoleChangeInvisible2Visible,
    RoleChangeVisible2Invisible,
    UserAudioStreamStart,
    UserAudioStreamStop,
    UserVideoStreamStart,
    UserVideoStreamStop,
    UserScreenAudioStreamStart,
    UserScreenAudioStreamStop,
    UserScreenVideoStreamStart,
    UserScreenVideoStreamStop,
    RecordStarted,
    RecordStopped,
    RecordUploadStarted,
    RecordUploadProcessing,
    RecordUploadDone,
    RecordUploadBackuped,
    RecordAudioStreamStateChanged,
    RecordVideoStreamStateChanged,
    RecordSyncUploadStarted,
    RecordSyncUploadFailed,
)
"""Every type above; `Unrecognized` stands for the others."""
