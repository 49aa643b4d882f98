"""The production studio's four callback types, and what its status codes mean.

Documented texts that hold numbers (`progress_time`, `duration`) are numbers here. The list of
codes is open: a code that is not in it is an error until the vendor says otherwise.

Source: Production studio callbacks, Chinese and English editions.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

CasterId = Annotated[str, Meta(description="Production studio.")]
ResponseTime = Annotated[
    int | None, Meta(description="When the vendor sent it, Unix ms; only seen with progress.")
]
CodeText = Annotated[str | None, Meta(description="Status code, see `CODES`.")]
MessageText = Annotated[str | None, Meta(description="The vendor's words; not for branching.")]


class _Scene(msgspec.Struct, frozen=True, kw_only=True):
    request_id: Annotated[str | None, Meta(description="The API request it answers.")] = None
    scene_id: str | None = None
    layout_id: str | None = None
    resource_id: Annotated[str | None, Meta(description="Video source.")] = None
    component_id: str | None = None
    code: CodeText = None
    message: MessageText = None


class OperateMessage(_Scene, frozen=True, kw_only=True):
    """What an operation came to, for the part of the studio that is named."""


class RuntimeErrorMessage(_Scene, frozen=True, kw_only=True):
    """What failed while the studio runs."""


class EpisodeGroupMessage(msgspec.Struct, frozen=True, kw_only=True):
    """An episode of a list that plays in a carousel."""

    program_id: Annotated[str | None, Meta(description="List of episodes.")] = None
    episode_id: str | None = None
    code: CodeText = None
    message: MessageText = None


class ShowProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far the current show of a playlist is."""

    show_id: str | None = None
    show_name: str | None = None
    progress_time: Annotated[int | None, Meta(description="Played, ms.")] = None
    duration: Annotated[int | None, Meta(description="Whole length, ms.")] = None


class OperateCallback(msgspec.Struct, frozen=True, kw_only=True):
    """An operation ended, well or not: the code tells, not the type."""

    caster_id: CasterId
    event_message: OperateMessage
    response_time: ResponseTime = None


class RuntimeErrorCallback(msgspec.Struct, frozen=True, kw_only=True):
    """Something failed while the studio runs; nothing names the occurrence."""

    caster_id: CasterId
    event_message: RuntimeErrorMessage
    response_time: ResponseTime = None


class EpisodeGroupCallback(msgspec.Struct, frozen=True, kw_only=True):
    """An episode of a carousel started or failed; `caster_id` may be missing."""

    caster_id: CasterId | None = None
    event_message: EpisodeGroupMessage
    response_time: ResponseTime = None


class ShowListDTSCallback(msgspec.Struct, frozen=True, kw_only=True):
    """Playback progress of the current show, sent again and again."""

    caster_id: CasterId | None = None
    event_message: ShowProgress
    response_time: ResponseTime = None


ALL: tuple[type[msgspec.Struct], ...] = (
    OperateCallback,
    RuntimeErrorCallback,
    EpisodeGroupCallback,
    ShowListDTSCallback,
)
"""Every type above; `Unrecognized` stands for the others."""


class Code(msgspec.Struct, frozen=True):
    """What a status code says, and how bad it is.

    `critical`: what viewers see stopped; `error`: a part of the picture or sound is missing.
    """

    meaning: str
    severity: Literal["info", "error", "critical"]


CODES: dict[str, Code] = {
    "Success": Code("done", "info"),
    "StreamInterrupt": Code("a live stream or file broke off", "critical"),
    "CanvasStreamInterrupt": Code("the canvas stream broke off", "critical"),
    "AudioResampleFailed": Code("audio could not be resampled", "error"),
    "AudioAddFailed": Code("an audio source could not be added", "error"),
    "AudioDelFailed": Code("an audio source could not be removed", "error"),
    "AudioStreamTypeInvalid": Code("unreadable type of an audio stream", "error"),
    "VideoTypeInvalid": Code("unreadable type of a layer", "error"),
    "VideoVisibleInvalid": Code("unreadable visibility of a layer's element", "error"),
    "VideoTransparencyInvalid": Code("unreadable transparency of a layer's element", "error"),
    "VideoEffectInvalid": Code("unreadable effect of a layer's element", "error"),
    "VideoWidthInvalid": Code("unreadable relative width of a layer's element", "error"),
    "VideoPositionReferInvalid": Code("unreadable reference axis of a layer's element", "error"),
    "VideoStreamTypeInvalid": Code("unreadable kind of media: live or file", "error"),
    "VideoRepeatNumInvalid": Code("unreadable number of repetitions of a file", "error"),
    "VideoStreamAddFailed": Code("a live stream could not be added", "error"),
    "ImageOpenFailed": Code("an image could not be opened", "error"),
    "ImageGetDecodeInfoFailed": Code("an image does not say how it is coded", "error"),
    "ImageDecodeFailed": Code("an image could not be decoded", "error"),
    "TextInvalid": Code("unreadable text", "error"),
    "TextFontInvalid": Code("unreadable font of a text", "error"),
    "TextSizeInvalid": Code("unreadable relative size of a text", "error"),
    "TextBorderWidthInvalid": Code("unreadable border width of a text", "error"),
    "CanvasLoadFailed": Code("the canvas stream could not be loaded", "critical"),
    "SideOutputUrlInvalid": Code("the side output cannot be opened", "critical"),
}
"""The documented codes; the two editions give `SideOutputUrlInvalid` different words."""
