"""What the cloud player's callbacks are made of, and what their numbers mean.

The vendor announces further numbers; they are documented here and not enforced.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

DESTROY_REASONS = {
    1: "deleted through the API",
    2: "idle for longer than allowed",
    3: "the media played to its end",
    4: "pushing the stream failed",
    5: "could not enter the room, or was thrown out of it",
}
"""`PlayerDestroyed.detail.reason`."""

PLAYER_STATES = {
    1: "being created",
    2: "connecting to the media",
    3: "waiting to play",
    4: "playing",
    5: "paused",
    6: "could not connect to the media",
    7: "played to the end",
    8: "destroyed",
}
"""`PlayerStateChanged.detail.status`."""

PLAYER_ANOMALIES = {
    -1: "loading the media timed out",
    -2: "seeking timed out",
    -3: "seeking failed",
    -4: "odd rate of rendered audio",
    -5: "decoding failed",
    -6: "sound and picture drift apart",
    -7: "playback stutters",
    1: "odd progress of playback",
    2: "video is pushed too slowly: below 90 % of its rate twice in a row",
    3: "video is pushed far too slowly: below 40 % three times, or not at all",
    4: "audio is pushed at an odd rate",
    5: "flow control for more than five minutes",
}
"""`PlayerAnomaly.detail.code`: negative of playing, positive of pushing; the player tries on."""

UPLOAD_FAILURES = {
    1: "downloading the media failed",
    2: "the upload failed for good",
    3: "the file is too large",
}
"""`UploadFailed.detail.reason`."""

UPLOAD_STATES = {1: "waiting", 2: "uploading", 3: "cancelled"}
"""`UploadStateChanged.detail.status`; the query API of tasks numbers its states otherwise."""

CANCEL_FAILURES = {1: "the upload is under way", 2: "the upload is done"}
"""`UploadCancelFailed.detail.reason`."""

UPLOAD_ANOMALIES = {1: "unknown", 2: "the upload failed; the vendor tries again"}
"""`UploadAnomaly.detail.code`."""


def _meaning(name: str, values: dict[int, str]) -> Meta:
    words = "; ".join(f"{value}: {meaning}" for value, meaning in values.items())
    return Meta(description=f"{name}. {words}.", examples=list(values))


PlayTime = Annotated[
    int | None, Meta(description="Playback began, Unix seconds.", examples=[1681221508])
]


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """A new player."""

    create_time: Annotated[
        int | None, Meta(description="Creation, Unix seconds.", examples=[1681221508])
    ] = None
    play_time: PlayTime = None
    max_idle_time: Annotated[
        int | None,
        Meta(description="How long it may be without playing, seconds.", examples=[30, 300]),
    ] = None
    stream_url: Annotated[
        str | None,
        Meta(description="The media's URL.", examples=["https://media.example.com/test.mp4"]),
    ] = None


class Destroyed(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a player."""

    play_time: PlayTime = None
    reason: Annotated[int | None, _meaning("Why it ended", DESTROY_REASONS)] = None


class PlayerState(msgspec.Struct, frozen=True, kw_only=True):
    """A player's new state."""

    status: Annotated[int | None, _meaning("State", PLAYER_STATES)] = None


class PlayerFault(msgspec.Struct, frozen=True, kw_only=True):
    """What disturbs a player."""

    code: Annotated[int | None, _meaning("What is odd", PLAYER_ANOMALIES)] = None


class Nothing(msgspec.Struct, frozen=True, kw_only=True):
    """No detail: nothing, null, an empty text and an empty object all come."""


class UploadFailure(msgspec.Struct, frozen=True, kw_only=True):
    """Why an upload failed."""

    reason: Annotated[int | None, _meaning("What failed", UPLOAD_FAILURES)] = None


class UploadState(msgspec.Struct, frozen=True, kw_only=True):
    """An upload's new state."""

    status: Annotated[int | None, _meaning("State", UPLOAD_STATES)] = None


class CancelFailure(msgspec.Struct, frozen=True, kw_only=True):
    """Why an upload could not be cancelled."""

    reason: Annotated[int | None, _meaning("Why not", CANCEL_FAILURES)] = None


class UploadFault(msgspec.Struct, frozen=True, kw_only=True):
    """What disturbs an upload."""

    code: Annotated[int | None, _meaning("What is odd", UPLOAD_ANOMALIES)] = None
