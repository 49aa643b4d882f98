"""Fields that several of Volcengine RTC's events share, and the objects inside of them.

A field is optional unless it names the subject: a value that the vendor leaves out, or sends as
null, must not cost the event. Enumerations are documented (see `codes`) and not enforced.

Source: Callback events (75125), edition of 2024-09-14, and the release notes (116363).
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from router.vendors.volcengine_rtc import codes
from router.vendors.volcengine_rtc.codes import coded

Text = str | None
Number = int | None

AppId = Annotated[str, Meta(description="Application, from the envelope.", examples=["65f1c0"])]
Version = Annotated[Text, Meta(description="Version of the envelope.", examples=["2020-12-01"])]
BusinessId = Annotated[
    Text, Meta(description="Business inside the application.", examples=["demo", "lessons"])
]
RoomId = Annotated[str, Meta(description="Room.", examples=["room-7", "6992870232038591758"])]
UserId = Annotated[Text, Meta(description="User.", examples=["user-41", "4398491447867063"])]
RecordTaskId = Annotated[
    Text,
    Meta(description="Recording task; several may run in one room.", examples=["task-41", "rec-1"]),
]
TaskId = Annotated[Text, Meta(description="Task.", examples=["task-41", "lesson-3"])]
OwnTaskId = Annotated[
    str,
    Meta(
        description="Task; it names what the event is about, as no room is told.",
        examples=["5f848de8-4258-4c41-964b-80556552ae82", "task-41"],
    ),
]
PushTaskId = Annotated[
    Text,
    Meta(
        description="Task, as given to the server's API; from a client `{UserId}@@{TaskId}`, "
        "or the user alone.",
        examples=["task-41", "user-41@@live", "user-41"],
    ),
]
Timestamp = Annotated[
    Number,
    Meta(description="When it happened on the RTC server, Unix ms.", examples=[1611736812853]),
]
DeviceType = Annotated[
    Text,
    Meta(
        description="Terminal: android, ios, web, mac, windows.",
        examples=["android", "ios", "web", "windows"],
    ),
]
ExtraInfo = Annotated[
    Text,
    Meta(description="Text that the client gave on joining.", examples=['{"seat":1}', "guest"]),
]
UserExtraInfo = Annotated[
    Text, Meta(description="Older name of `extra_info`.", examples=['{"seat":1}'])
]
StreamStopReason = Annotated[Text, coded("Why the stream ended", codes.STREAM_STOP_REASONS)]
LeaveReason = Annotated[Text, coded("Why the user left", codes.LEAVE_REASONS)]
Code = Annotated[
    Number,
    Meta(description="0: success; anything else: failure, 1 so far.", examples=[codes.SUCCESS, 1]),
]
ErrorMessage = Annotated[
    Text,
    Meta(
        description="What went wrong, where the code is not 0.", examples=["", "TOS upload error"]
    ),
]
StreamType = Annotated[Number, coded("Kind of stream", codes.STREAM_TYPES)]
Vid = Annotated[
    Text, Meta(description="The file in the video platform, if there.", examples=["v0d2c8ag10000"])
]
ObjectKey = Annotated[
    Text,
    Meta(
        description="The file in an object store, if there.",
        examples=["record/room-7/task-41/0.mp4", "room-7/task-41_000001.ts"],
    ),
]
Bucket = Annotated[
    Text,
    Meta(description="Bucket of an object store that holds the files.", examples=["rtc-files"]),
]
TosBucket = Annotated[
    Text,
    Meta(
        description="The bucket, where the task was started by the API of 2020-12-01.",
        examples=["rtc-files"],
    ),
]
FileSize = Annotated[Number, Meta(description="Bytes.", examples=[256044, 5018305])]
Width = Annotated[Number, Meta(description="Pixels.", examples=[640, 1280, 1920])]
Height = Annotated[Number, Meta(description="Pixels.", examples=[360, 720, 1080])]
MadeAt = Annotated[
    Number, Meta(description="When the file was made, Unix ms.", examples=[1647317680214])
]
PushURL = Annotated[
    Text,
    Meta(
        description="Where the CDN takes the stream; may hold a key. Mostly of mixed streams only.",
        examples=["rtmp://push.example.com/live/room-7"],
        extra={"wire": "PushURL", "is_sensitive": True},
    ),
]
FileName = Annotated[
    Text, Meta(description="Name of the source file.", examples=["demo", "lesson-3.pptx"])
]
TotalPages = Annotated[
    Number, Meta(description="Pages; may be missing where dynamic.", examples=[1, 5, 24])
]
TranscodeMode = Annotated[Number, coded("Kind of transcoding", codes.TRANSCODE_MODES)]
RecordProgress = Annotated[
    Number,
    Meta(
        description="Uploaded share of what is recorded so far, 0 to 10000; may go back.",
        examples=[100, 5000, 10000],
    ),
]
Identifier = Annotated[
    Text,
    Meta(
        description="Begin of the files' names: a UUID, or what the task was given.",
        examples=["6ab0ef4e-9d4a-4f0c-8a4e-1f7a3c0f9d21", "lesson-3"],
    ),
]
StreamUrl = Annotated[
    Text,
    Meta(
        description="Address of the media; may hold a key.",
        examples=["rtmp://media.example.com/live/film"],
        extra={"is_sensitive": True},
    ),
]
StartTimeStamp = Annotated[
    Number,
    Meta(description="When it shall start, Unix seconds; 0: at once.", examples=[0, 1661150097]),
]
SpeakerId = Annotated[
    Text,
    Meta(
        description="User who speaks.",
        examples=["user-41", "4398491447867063"],
        extra={"wire": "UserID"},
    ),
]
RoundId = Annotated[
    Number,
    Meta(description="Round of the talk, from 0.", examples=[0, 1, 2], extra={"wire": "RoundID"}),
]


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """A stream inside a file."""

    user_id: UserId = None
    index: Annotated[
        Number, Meta(description="Place in a layout of one's own, from 0.", examples=[0, 1])
    ] = None
    stream_type: StreamType = None


class RecordFile(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded file: `vid` names it in the video platform, `object_key` in an object store."""

    vid: Vid = None
    object_key: ObjectKey = None
    duration: Annotated[Number, Meta(description="Length, ms.", examples=[57472, 600000])] = None
    size: FileSize = None
    start_time: Annotated[
        Number, Meta(description="Start of the file, Unix ms.", examples=[1611736812853])
    ] = None
    stream_list: Annotated[
        list[Stream] | None, Meta(description="Streams that the file holds.")
    ] = None
    video_codec: Annotated[
        Text, Meta(description="h264, or 0: H.264, 1: ByteVC1.", examples=["h264", "0", "1"])
    ] = None
    audio_codec: Annotated[Text, Meta(description="As aac.", examples=["aac"])] = None
    video_width: Width = None
    video_height: Height = None


RecordFileList = Annotated[list[RecordFile] | None, Meta(description="What was recorded.")]
SourceStream = Annotated[Stream | None, Meta(description="The stream that it was made of.")]


class AudioData(msgspec.Struct, frozen=True, kw_only=True):
    """A slice of a stream's sound, as a file."""

    stream: SourceStream = None
    object_key: ObjectKey = None
    sample_rate: Annotated[Number, Meta(description="Hz.", examples=[44100, 16000])] = None
    bits_per_sample: Annotated[Number, Meta(description="Bits.", examples=[16])] = None
    channels: Annotated[Number, Meta(description="How many.", examples=[1, 2])] = None
    size: FileSize = None
    time_stamp: MadeAt = None
    duration: Annotated[Number, Meta(description="Length, ms.", examples=[8000, 10000])] = None


class ImageData(msgspec.Struct, frozen=True, kw_only=True):
    """A picture out of a stream: in an object store, or in the image service veImageX."""

    stream: SourceStream = None
    object_key: ObjectKey = None
    ve_image_x_uri: Annotated[
        Text, Meta(description="The picture in veImageX, if there.", examples=["tos-x/room-7/0"])
    ] = None
    format: Annotated[Number, coded("Coding", codes.IMAGE_FORMATS)] = None
    width: Width = None
    height: Height = None
    size: FileSize = None
    time_stamp: MadeAt = None


class SongUpdate(msgspec.Struct, frozen=True, kw_only=True):
    """A song that may no longer be played."""

    song_id: Annotated[Text, Meta(description="Song.", examples=["7036274851"])] = None
    vendor_id: Annotated[
        Number, Meta(description="Number of the music's owner.", examples=[1, 2])
    ] = None
    update_at: Annotated[
        Number, Meta(description="When the song changed, Unix ms.", examples=[1611736812853])
    ] = None


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a whiteboard's file."""

    page_id: Annotated[Number, Meta(description="Page, from 1.", examples=[1, 2, 3])] = None
    img: Annotated[
        Text, Meta(description="Address of the page.", examples=["https://example.com/demo.png"])
    ] = None
    thumbnail_url: Annotated[
        Text,
        Meta(
            description="Address of its thumbnail; empty where none was asked for.",
            examples=["https://example.com/thumbnail.png", ""],
        ),
    ] = None


class ErrorInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong in a voice chat."""

    errorcode: Annotated[
        Number, Meta(description="Number of the error.", examples=[1000001, 1003002])
    ] = None
    reason: Annotated[
        Text, Meta(description="The error in words.", examples=["the ASR request failed"])
    ] = None


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file of a recorded web page."""

    bucket: Bucket = None
    object_key: ObjectKey = None
    index: Annotated[
        Number, Meta(description="Place among the segments, from 1.", examples=[1, 2, 3])
    ] = None
