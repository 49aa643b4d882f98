"""The production studio's four callback types, one class each: every public Struct here is one.

What the status codes mean stands in `codes`.

Source: Production studio callbacks, Chinese and English editions.
"""

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from router.vendors.alibaba_caster import parts
from router.vendors.spec import NaturalId

_PROGRESS = ("CasterId", "EventMessage.ShowId", "EventMessage.ProgressTime", "ResponseTime")


class OperateCallback(msgspec.Struct, frozen=True, kw_only=True):
    """An operation ended, well or not: the code tells, not the type.

    One request may touch several parts of the studio, so its id alone names no occurrence.
    """

    identity: ClassVar[NaturalId] = NaturalId(
        fields=(
            "CasterId",
            "EventMessage.RequestId",
            "EventMessage.SceneId",
            "EventMessage.LayoutId",
            "EventMessage.ResourceId",
            "EventMessage.ComponentId",
            "EventMessage.Code",
        ),
        required=("EventMessage.RequestId",),
    )

    caster_id: parts.CasterId
    event_message: Annotated[parts.OperateMessage, Meta(description="What the operation came to.")]
    response_time: parts.ResponseTime = None


class RuntimeErrorCallback(msgspec.Struct, frozen=True, kw_only=True):
    """Something failed while the studio runs; nothing names the occurrence."""

    caster_id: parts.CasterId
    event_message: Annotated[parts.RuntimeErrorMessage, Meta(description="What failed.")]
    response_time: parts.ResponseTime = None


class EpisodeGroupCallback(msgspec.Struct, frozen=True, kw_only=True):
    """An episode of a carousel started or failed; `caster_id` may be missing.

    Carousels repeat, so nothing names the occurrence.
    """

    caster_id: parts.MaybeCasterId = None
    event_message: Annotated[parts.EpisodeGroupMessage, Meta(description="Which episode, and how.")]
    response_time: parts.ResponseTime = None


class ShowListDTSCallback(msgspec.Struct, frozen=True, kw_only=True):
    """Playback progress of the current show, sent again and again."""

    identity: ClassVar[NaturalId] = NaturalId(fields=_PROGRESS, required=_PROGRESS)

    caster_id: parts.MaybeCasterId = None
    event_message: Annotated[parts.ShowProgress, Meta(description="How far the show is.")]
    response_time: parts.ResponseTime = None
