"""Volcengine RTC's event types, one class each: every public Struct here is one.

The field names are those of the event; the vendor's spelling follows from them. Enumerations are
open: the vendor adds values, so they are documented and not enforced. Every type carries the
envelope's `app_id` and `version`. A value of null stays null.

Design: one class per type, whatever version of a feature made the event: the bodies of versions
differ in a field or two, and the envelope's version does not tell which one it is.

Source: Callback events (75125), edition of 2024-09-14, and the release notes (116363);
WebRecordResult: 75125, editions of 2023; VoiceChat: Events and error codes (1928198).
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from router.vendors.volcengine_rtc import codes, parts
from router.vendors.volcengine_rtc.codes import coded
from router.vendors.volcengine_rtc.parts import Number, Text


class _RtcEvent(msgspec.Struct, frozen=True, kw_only=True):
    app_id: parts.AppId
    version: parts.Version = None
    business_id: parts.BusinessId = None


class _RoomEvent(_RtcEvent, frozen=True, kw_only=True):
    room_id: parts.RoomId
    timestamp: parts.Timestamp = None


class _UserEvent(_RoomEvent, frozen=True, kw_only=True):
    user_id: parts.UserId = None
    extra_info: parts.ExtraInfo = None


class _DeviceEvent(_UserEvent, frozen=True, kw_only=True):
    device_type: parts.DeviceType = None


class _StreamStop(_DeviceEvent, frozen=True, kw_only=True):
    reason: parts.StreamStopReason = None


class _RecordTask(_RtcEvent, frozen=True, kw_only=True):
    room_id: parts.RoomId
    task_id: parts.RecordTaskId = None


class _RecordResult(_RecordTask, frozen=True, kw_only=True):
    code: parts.Code = None
    error_message: parts.ErrorMessage = None


class _RecordStream(_RecordTask, frozen=True, kw_only=True):
    user_id: parts.UserId = None
    stream_type: parts.StreamType = None
    state: Annotated[Number, coded("Of the stream", codes.STREAM_STATES)] = None
    timestamp: parts.Timestamp = None


class _TranscodeTask(_RoomEvent, frozen=True, kw_only=True):
    task_id: parts.PushTaskId = None
    push_url: parts.PushURL = None
    error_message: parts.ErrorMessage = None


class _WhiteboardTask(_RtcEvent, frozen=True, kw_only=True):
    task_id: parts.OwnTaskId
    transcode_mode: parts.TranscodeMode = None
    file_name: parts.FileName = None
    total_pages: parts.TotalPages = None


class RoomCreate(_RoomEvent, frozen=True, kw_only=True):
    """A room came to be."""


class RoomDestroy(_RoomEvent, frozen=True, kw_only=True):
    """A room is gone: its last visible user left."""


class UserJoinRoom(_DeviceEvent, frozen=True, kw_only=True):
    """A visible user entered a room; sent again at every repeated join."""

    user_extra_info: parts.UserExtraInfo = None


class UserLeaveRoom(_DeviceEvent, frozen=True, kw_only=True):
    """A visible user left a room; not sent for one replaced by a login of the same id."""

    reason: parts.LeaveReason = None


class InvisibleUserJoinRoom(_DeviceEvent, frozen=True, kw_only=True):
    """An invisible user entered a room; sent again at every repeated join."""

    user_extra_info: parts.UserExtraInfo = None


class InvisibleUserLeaveRoom(_DeviceEvent, frozen=True, kw_only=True):
    """An invisible user left a room; not sent for one replaced by a login of the same id."""

    reason: parts.LeaveReason = None


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

    record_file_list: parts.RecordFileList = None


class RecordUploadStarted(_RecordResult, frozen=True, kw_only=True):
    """The upload of a recording started."""


class RecordUploadProcessing(_RecordResult, frozen=True, kw_only=True):
    """How far an upload is, once a minute where it takes longer than that."""

    progress: parts.RecordProgress = None


class RecordUploadDone(_RecordResult, frozen=True, kw_only=True):
    """The files of a recording are in their storage."""


class RecordUploadBackuped(_RecordResult, frozen=True, kw_only=True):
    """The upload failed and the file went to the backup storage."""


class RecordAudioStreamStateChanged(_RecordStream, frozen=True, kw_only=True):
    """A recorded audio stream came or went."""


class RecordVideoStreamStateChanged(_RecordStream, frozen=True, kw_only=True):
    """A recorded video stream came or went."""


class RecordSyncUploadStarted(_RecordResult, frozen=True, kw_only=True):
    """The first playlist of a recording was uploaded while it runs.

    Its files have neither length nor size yet.
    """

    record_file_list: parts.RecordFileList = None


class RecordSyncUploadFailed(_RecordResult, frozen=True, kw_only=True):
    """A playlist was made but its upload failed."""


class SegmentRealTimeData(_RtcEvent, frozen=True, kw_only=True):
    """Slices of audio streams were stored; the numbers inside may come as text."""

    room_id: parts.RoomId
    task_id: parts.TaskId = None
    tos_bucket: parts.TosBucket = None
    bucket: parts.Bucket = None
    data: Annotated[list[parts.AudioData] | None, Meta(description="The slices.")] = None
    identifier: parts.Identifier = None


class SnapshotRealTimeData(_RtcEvent, frozen=True, kw_only=True):
    """Pictures out of video streams were stored: in an object store, or in veImageX."""

    room_id: parts.RoomId
    task_id: parts.TaskId = None
    tos_bucket: parts.TosBucket = None
    bucket: parts.Bucket = None
    ve_image_x_service_id: Annotated[
        Text, Meta(description="Service of veImageX that holds the pictures.", examples=["8h3kq2"])
    ] = None
    data: Annotated[list[parts.ImageData] | None, Meta(description="The pictures.")] = None


class RelayStreamStateChanged(_RtcEvent, frozen=True, kw_only=True):
    """The playing of online media into a room came to another state."""

    room_id: parts.RoomId
    task_id: parts.TaskId = None
    user_id: parts.UserId = None
    stream_url: parts.StreamUrl = None
    status: Annotated[Number, coded("Of the task", codes.RELAY_STATUSES)] = None
    start_time_stamp: parts.StartTimeStamp = None
    msg: Annotated[Text, Meta(description="The vendor's words.", examples=["", "idle"])] = None
    reason: Annotated[Number, coded("Why it stopped, of status 4", codes.RELAY_REASONS)] = None


class Webcast(_RtcEvent, frozen=True, kw_only=True):
    """The recording or relay of a web page came to another state."""

    room_id: parts.RoomId
    task_id: parts.TaskId = None
    status: Annotated[Number, coded("Of the task", codes.WEBCAST_STATUSES)] = None
    reason: Annotated[Text, coded("What failed, of status 3 to 5", codes.WEBCAST_REASONS)] = None


class TranscodeStarted(_TranscodeTask, frozen=True, kw_only=True):
    """Pushing a room's streams to a CDN started, or failed to."""

    code: parts.Code = None


class TranscodeStopped(_TranscodeTask, frozen=True, kw_only=True):
    """Pushing to a CDN was stopped, or stopping failed."""

    code: parts.Code = None


class TranscodeUpdated(_TranscodeTask, frozen=True, kw_only=True):
    """The settings of a mixed push to a CDN were changed, or changing failed."""

    code: parts.Code = None


class TranscodeStateChanged(_TranscodeTask, frozen=True, kw_only=True):
    """A push to a CDN came to another state, by itself or by a change of its settings."""

    start_time: Annotated[
        Number, Meta(description="When the task was made, Unix ms.", examples=[1661150054990])
    ] = None
    finish_time: Annotated[
        Number,
        Meta(description="When the task ended, Unix ms; 0: not yet.", examples=[0, 1661150097044]),
    ] = None
    task_state: Annotated[Number, coded("Of the task", codes.TASK_STATES)] = None
    code: Annotated[Number, coded("What it came to", codes.TASK_CODES)] = None


class PushPublicStream(_RtcEvent, frozen=True, kw_only=True):
    """The push of a public stream started, ended or went wrong."""

    public_stream_id: Annotated[str, Meta(description="Public stream.", examples=["public-1"])]
    timestamp: parts.Timestamp = None
    status: Annotated[Number, coded("Of the task", codes.PUBLIC_STREAM_STATUSES)] = None
    msg: Annotated[
        Text, Meta(description="The vendor's words.", examples=["", "call api stop"])
    ] = None
    code: Annotated[Number, coded("Why it ended", codes.PUBLIC_STREAM_CODES)] = None


class MusicRemoved(_RtcEvent, frozen=True, kw_only=True):
    """Songs were taken out of the music library; no room is concerned."""

    timestamp: parts.Timestamp = None
    song_update: Annotated[list[parts.SongUpdate] | None, Meta(description="The songs.")] = None


class WbTranscodeProgressChanged(_WhiteboardTask, frozen=True, kw_only=True):
    """How far a whiteboard's file is: at start and end, and every ten pages where static."""

    progress: Annotated[
        Number,
        Meta(description="Per cent of the pages; dynamic: 0 or 100.", examples=[0, 40, 100]),
    ] = None


class WbTranscodeFinished(_WhiteboardTask, frozen=True, kw_only=True):
    """A whiteboard's file is transcoded, or could not be; sent once per task."""

    file_id: Annotated[Text, Meta(description="The file, where dynamic.", examples=["001"])] = None
    width: parts.Width = None
    height: parts.Height = None
    thumbnail_width: Annotated[Number, Meta(description="Pixels.", examples=[64, 160])] = None
    thumbnail_height: Annotated[Number, Meta(description="Pixels.", examples=[64, 90])] = None
    images: Annotated[
        list[parts.Image] | None,
        Meta(description="Static: pages; dynamic: thumbnails, where asked for."),
    ] = None
    err_code_n: Annotated[
        Number,
        Meta(description="Number of the error; of a success none is told.", examples=[400, 500]),
    ] = None
    err_code: Annotated[
        Text, Meta(description="Name of the error.", examples=["InvalidParameter"])
    ] = None
    err_msg: Annotated[
        Text, Meta(description="The error in words.", examples=["the file has no pages"])
    ] = None


class VoiceChat(_RtcEvent, frozen=True, kw_only=True):
    """A talk with an AI agent came to another stage, or failed."""

    room_id: parts.RoomId
    task_id: parts.TaskId = None
    user_id: parts.SpeakerId = None
    round_id: parts.RoundId = None
    event_time: Annotated[
        Number,
        Meta(
            description="When it happened on the RTC server, Unix ms; not the envelope's.",
            examples=[1611736812853],
        ),
    ] = None
    event_type: Annotated[Number, coded("What it tells", codes.VOICE_CHAT_EVENTS)] = None
    run_stage: Annotated[Text, coded("Stage of the talk", codes.RUN_STAGES)] = None
    error_info: Annotated[
        parts.ErrorInfo | None, Meta(description="The error, where `event_type` is 1.")
    ] = None
    extra_info: Annotated[
        Text,
        Meta(description="JSON as text, as what was used.", examples=['{"llm":{"tokens":812}}']),
    ] = None


class WebRecordResult(_RtcEvent, frozen=True, kw_only=True):
    """The recording of a web page came to another state; in documents of 2023 only."""

    task_id: parts.OwnTaskId
    type: Annotated[Number, coded("What it tells", codes.WEB_RECORD_TYPES)] = None
    status: Annotated[Number, coded("Of the task", codes.WEB_RECORD_STATUSES)] = None
    message: Annotated[
        Text, Meta(description="The vendor's words.", examples=["running", "TOS upload error"])
    ] = None
    vid: parts.Vid = None
    create_time: Annotated[
        Number, Meta(description="When it was asked for, Unix SECONDS.", examples=[1629181831])
    ] = None
    finish_time: Annotated[
        Number,
        Meta(description="When it ended, Unix SECONDS; 0: not yet.", examples=[0, 1629183877]),
    ] = None
    final_file: Annotated[parts.File | None, Meta(description="All segments as one file.")] = None
    files: Annotated[list[parts.File] | None, Meta(description="The segments.")] = None
