"""Fields that several of the production studio's callbacks share, and their messages.

A field is optional unless it names the subject: a value that the vendor leaves out, or sends as
null, must not cost the event. Documented texts that hold numbers (`progress_time`, `duration`)
are numbers here.

Source: Production studio callbacks, Chinese and English editions.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

Text = str | None
Number = int | None

_STUDIOS = ["3761c920-dfa6-40c7-a79c-2886b1493996", "LIVEPRODUCER_POST-cn-0pp1czt2t001"]

CasterId = Annotated[str, Meta(description="Production studio.", examples=_STUDIOS)]
MaybeCasterId = Annotated[
    Text, Meta(description="Production studio, where there is one.", examples=_STUDIOS)
]
ResponseTime = Annotated[
    Number,
    Meta(
        description="When the vendor sent it, Unix ms; only seen with progress.",
        examples=[1663731128684],
    ),
]
CodeText = Annotated[
    Text,
    Meta(
        description="Status code: Success, or what failed; the known ones are `codes.CODES`.",
        examples=["Success", "ImageOpenFailed", "StreamInterrupt", "CanvasLoadFailed"],
    ),
]
MessageText = Annotated[
    Text,
    Meta(
        description="The vendor's words; not for branching.",
        examples=["done", "Fail to open image: http://example.com/logo.jpg"],
    ),
]


class _SceneMessage(msgspec.Struct, frozen=True, kw_only=True):
    request_id: Annotated[
        Text,
        Meta(
            description="The API request that it answers.",
            examples=["26A96B9A-A201-4EC3-8E43-CB92E68FA132"],
        ),
    ] = None
    scene_id: Annotated[
        Text,
        Meta(
            description="Scene, where it concerns one.",
            examples=["35716B9A-A201-4EC3-8E43-CB92E68F0A11"],
        ),
    ] = None
    layout_id: Annotated[
        Text,
        Meta(
            description="Layout, where it concerns one.",
            examples=["72d2ec7a-3f4c-4e7e-9c6e-5d1a0c2b7f10"],
        ),
    ] = None
    resource_id: Annotated[
        Text,
        Meta(
            description="Video source, where it concerns one.",
            examples=["5c3b8f9e-0d41-4b0e-8f2e-7a9d6c1e2b43"],
        ),
    ] = None
    component_id: Annotated[
        Text,
        Meta(
            description="Component, where it concerns one.",
            examples=["06196B9A-A201-4EC3-8E43-CB92E68F0B22"],
        ),
    ] = None
    code: CodeText = None
    message: MessageText = None


class OperateMessage(_SceneMessage, frozen=True, kw_only=True):
    """What an operation came to, for the part of the studio that is named."""


class RuntimeErrorMessage(_SceneMessage, frozen=True, kw_only=True):
    """What failed while the studio runs."""


class EpisodeGroupMessage(msgspec.Struct, frozen=True, kw_only=True):
    """An episode of a list that plays in a carousel."""

    program_id: Annotated[
        Text,
        Meta(description="List of episodes.", examples=["445409ec-7eaa-461d-8f29-4bec2eb9c64e"]),
    ] = None
    episode_id: Annotated[
        Text,
        Meta(
            description="Episode of that list.", examples=["a2b8e671-2fe5-4642-a2ec-28374657f2f1"]
        ),
    ] = None
    code: CodeText = None
    message: MessageText = None


class ShowProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far the current show of a playlist is."""

    show_id: Annotated[
        Text, Meta(description="Show.", examples=["9ef1db9d-5e24-4e5f-b161-8a2429d9b882"])
    ] = None
    show_name: Annotated[
        Text, Meta(description="Name of the show.", examples=["test.mp4", "evening.mp4"])
    ] = None
    progress_time: Annotated[
        Number, Meta(description="Played, ms.", examples=[0, 116796, 384000])
    ] = None
    duration: Annotated[Number, Meta(description="Whole length, ms.", examples=[396847])] = None
