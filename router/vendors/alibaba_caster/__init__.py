"""Alibaba's production studio (caster): unsigned callbacks, proven by a token in the path.

Design: the vendor gives no id and mostly no time, so an occurrence is named by its fields where
they name it, and by nothing where the same tuple recurs legitimately (runtime errors, episodes
that repeat): then every delivery is an event of its own, with its content's hash beside.
"""

from router.vendors.alibaba_caster import events
from router.vendors.spec import Moment, NaturalId, PathToken, Payload, Subject, Vendor

__all__ = ["VENDOR"]

_PROGRESS = ("CasterId", "EventMessage.ShowId", "EventMessage.ProgressTime", "ResponseTime")

VENDOR = Vendor(
    name="alibaba-caster",
    source="ApsaraVideo Live: Production studio callbacks, Chinese and English editions",
    proof=PathToken(),
    type_of="EventType",
    payload=Payload(member="EventMessage", is_merged=False),
    subject=Subject(
        entity=("CasterId", "EventMessage.ProgramId", "EventMessage.ShowId"), is_own_only=False
    ),
    time=(Moment(basis="event", field="ResponseTime"),),
    identity={
        "OperateCallback": NaturalId(
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
        ),
        "ShowListDTSCallback": NaturalId(fields=_PROGRESS, required=_PROGRESS),
    },
    unnamed="none",
    events=events.ALL,
)
