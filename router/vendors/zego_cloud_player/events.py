"""The cloud player's callback types: players in rooms, and uploads of media.

The vendor numbers its types; the names are ours. The end of a player is told twice: by
`PlayerDestroyed`, and by `PlayerStateChanged` with status 8.

Source: Cloud Player server callbacks, edition of 2025-09-03; the release notes.
"""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from router.vendors.spec import NaturalId
from router.vendors.zego_cloud_player.parts import (
    CancelFailure,
    Created,
    Destroyed,
    Nothing,
    PlayerFault,
    PlayerState,
    UploadFailure,
    UploadFault,
    UploadState,
)

_PLAYER = ("AppID", "PlayerId", "EventTime")
_UPLOAD = ("AppID", "UploadTaskId", "EventTime")
_DETAIL = Meta(description="What is known of it.")


class _ZegoEvent(msgspec.Struct, frozen=True, kw_only=True):
    app_id: Annotated[
        int, Meta(description="Application.", examples=[123456789], extra={"wire": "AppID"})
    ]
    event_type: Annotated[
        int | None, Meta(description="The vendor's number of the type.", examples=[1])
    ] = None
    event_time: Annotated[
        int | None,
        Meta(
            description="When it happened, Unix ms; the order of events goes by it.",
            examples=[1681221510034],
        ),
    ] = None


class _PlayerEvent(_ZegoEvent, frozen=True, kw_only=True):
    identity: ClassVar[NaturalId] = NaturalId(fields=(*_PLAYER, "Detail"), required=_PLAYER)

    player_id: Annotated[str, Meta(description="Player.", examples=["1fd2f4dd", "9ac0b7e1"])]
    player_name: Annotated[
        str | None,
        Meta(
            description="Name given at creation; may be empty, and is not unique.",
            examples=["lobby-screen"],
        ),
    ] = None
    room_id: Annotated[
        str | None, Meta(description="Room that it plays into.", examples=["room_12", "room_7"])
    ] = None


class _UploadEvent(_ZegoEvent, frozen=True, kw_only=True):
    identity: ClassVar[NaturalId] = NaturalId(fields=(*_UPLOAD, "Detail"), required=_UPLOAD)

    upload_task_id: Annotated[
        str, Meta(description="Upload task, 24 hex digits.", examples=["678f663727b2d80007000001"])
    ]
    stream_url: Annotated[
        str | None,
        Meta(
            description="The media's URL; only an example shows it.",
            examples=["https://media.example.com/720.mp4"],
        ),
    ] = None
    title: Annotated[
        str | None,
        Meta(
            description="File's name; only an example shows it.", examples=["720.mp4", "1080.mp4"]
        ),
    ] = None


class PlayerCreated(_PlayerEvent, frozen=True, kw_only=True):
    """A player was created."""

    word: ClassVar[str] = "1"
    detail: Annotated[Created | None, _DETAIL] = None


class PlayerDestroyed(_PlayerEvent, frozen=True, kw_only=True):
    """A player is gone."""

    word: ClassVar[str] = "2"
    detail: Annotated[Destroyed | None, _DETAIL] = None


class PlayerStateChanged(_PlayerEvent, frozen=True, kw_only=True):
    """A player is in another state."""

    word: ClassVar[str] = "3"
    detail: Annotated[PlayerState | None, _DETAIL] = None


class PlayerAnomaly(_PlayerEvent, frozen=True, kw_only=True):
    """A player is disturbed; it tries on by itself."""

    word: ClassVar[str] = "4"
    detail: Annotated[PlayerFault | None, _DETAIL] = None


class UploadDone(_UploadEvent, frozen=True, kw_only=True):
    """A file was uploaded."""

    word: ClassVar[str] = "10001"
    detail: Annotated[Nothing | None, _DETAIL] = None


class UploadFailed(_UploadEvent, frozen=True, kw_only=True):
    """A file could not be uploaded."""

    word: ClassVar[str] = "10002"
    detail: Annotated[UploadFailure | None, _DETAIL] = None


class UploadStateChanged(_UploadEvent, frozen=True, kw_only=True):
    """An upload is in another state."""

    word: ClassVar[str] = "10003"
    detail: Annotated[UploadState | None, _DETAIL] = None


class UploadCancelFailed(_UploadEvent, frozen=True, kw_only=True):
    """An upload could not be cancelled."""

    word: ClassVar[str] = "10004"
    detail: Annotated[CancelFailure | None, _DETAIL] = None


class UploadAnomaly(_UploadEvent, frozen=True, kw_only=True):
    """An upload is disturbed; the vendor tries again."""

    word: ClassVar[str] = "10005"
    detail: Annotated[UploadFault | None, _DETAIL] = None


class UploadExpired(_UploadEvent, frozen=True, kw_only=True):
    """An uploaded file has expired."""

    word: ClassVar[str] = "10006"
    detail: Annotated[Nothing | None, _DETAIL] = None
