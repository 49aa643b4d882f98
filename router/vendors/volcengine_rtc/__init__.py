"""Volcengine RTC: a signed envelope around the event's own JSON text.

Design: the digest covers sorted values without separators, so it does not bind a value to its
place; `shapes` catches what an exchange of values would turn up. Nor does it cover other members
of the envelope: they are counted and left out, all but `BusinessId`, which receivers know. `Nonce` was called `Noce` in
older editions; either may come, and one of two different ones is enough.
"""

import re

from router.vendors.spec import (
    Carry,
    Moment,
    Payload,
    Retries,
    Shape,
    SortedDigest,
    Subject,
    Vendor,
    VendorId,
    is_rfc3339,
)
from router.vendors.volcengine_rtc import events

__all__ = ["VENDOR"]

_DATE = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
_WORD = re.compile(r"[A-Za-z0-9]{1,128}")


def _is_date(text: str) -> bool:
    return _DATE.fullmatch(text) is not None


def _is_word(text: str) -> bool:
    return _WORD.fullmatch(text) is not None


VENDOR = Vendor(
    name="volcengine-rtc",
    source="Receive callbacks (69820); Callback format (75124); Callback events (75125)",
    proof=SortedDigest(
        algorithm="sha256",
        over=(
            "EventType",
            "EventData",
            "EventTime",
            "EventId",
            "AppId",
            "Version",
        ),
        any_of=("Nonce", "Noce"),
        signature="Signature",
        app=("AppId",),
        members=("Signature", "Nonce", "Noce"),
        covers_content=True,
    ),
    type_of="EventType",
    payload=Payload(member="EventData", is_merged=True, is_alone=True),
    carry=(
        Carry(member="AppId", wins=True),
        Carry(member="BusinessId", wins=False),
        Carry(member="Version", wins=True, is_alone=True),
    ),
    drop=("EventType", "EventTime", "EventId"),
    shapes=(
        Shape(member="EventTime", fits=is_rfc3339, description="a time of RFC 3339"),
        Shape(member="Version", fits=_is_date, description="a date"),
        Shape(member="EventType", fits=_is_word, description="letters and digits"),
    ),
    subject=Subject(
        within=("AppId",), entity=("RoomId", "PublicStreamId", "TaskId"), is_own_only=True
    ),
    time=(
        Moment(basis="event", path="Timestamp", unit="ms"),
        Moment(basis="envelope", path="EventTime", unit="rfc3339"),
    ),
    identity=VendorId(members=("AppId", "EventId")),
    unnamed="content",
    retries=Retries(timeout_secs=5.0, after_secs=(1.0, 1.0), assumed="how far apart"),
    events=events,
)
