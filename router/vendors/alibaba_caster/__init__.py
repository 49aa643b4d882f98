"""Alibaba's production studio (caster): unsigned callbacks, proven by a token in the path.

Design: the vendor gives no id and mostly no time, so an occurrence is named by its fields where
they name it, and by nothing where the same tuple recurs legitimately (runtime errors, episodes
that repeat): then every delivery is an event of its own, with its content's hash beside.
"""

from router.vendors.alibaba_caster import events
from router.vendors.spec import Moment, PathToken, Payload, Retries, Subject, Vendor

__all__ = ["VENDOR"]

VENDOR = Vendor(
    name="alibaba-caster",
    source="ApsaraVideo Live: Production studio callbacks, Chinese and English editions",
    proof=PathToken(),
    type_of="EventType",
    drop=("EventType",),
    payload=Payload(member="EventMessage", is_merged=False),
    subject=Subject(
        entity=("CasterId", "EventMessage.ProgramId", "EventMessage.ShowId"), is_own_only=False
    ),
    time=(Moment(basis="event", path="ResponseTime", unit="ms"),),
    unnamed="none",
    retries=Retries(
        timeout_secs=5.0,
        after_secs=(1.0, 1.0, 1.0, 1.0, 1.0),
        only_after_timeout=True,
        assumed="all of it: so the product's callbacks in general",
    ),
    events=events,
)
