"""What the production studio's status codes mean: for handlers to branch on, never enforced.

The list is open: a code that is not in it is an error until the vendor says otherwise.

Source: Production studio callbacks, Chinese and English editions.
"""

from typing import Literal

import msgspec


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
