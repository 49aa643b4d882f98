"""`Event`: one CloudEvents 1.0 object in structured JSON mode, the same form for all vendors.

Design: the Struct *is* the value on Kafka, so one encode makes the record and no second mapping
can drift from it; its JSON Schema follows from the same lines. An event is made only from
something proven (`router.vendors.normalise` takes a `Verified`). `data` keeps the vendor's
structure; its types are the event classes' business.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

TimeBasis = Literal["event", "envelope", "received"]
IdBasis = Literal["vendor", "natural", "content", "none"]

UNRECOGNIZED = "Unrecognized"
"""The short type of everything authentic that is not one of a vendor's known types."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One occurrence, as consumers in any language read it.

    `source` and `id` together identify it: equal for every retry of the same occurrence unless
    `idbasis` is `none`. Times are RFC 3339, UTC, milliseconds.

    Source: CloudEvents 1.0.2, sections 3.1 and 3.2 of the JSON format.
    """

    specversion: Annotated[Literal["1.0"], Meta(description="Of CloudEvents.")] = "1.0"
    id: Annotated[
        str,
        Meta(
            description="With `source` it names the event: equal for every retry of the same "
            "occurrence, unless `idbasis` is `none`.",
            examples=["65f1c0/123456"],
        ),
    ]
    source: Annotated[
        str,
        Meta(description="The entrance, or the handler.", examples=["/callbacks/rtc"]),
    ]
    type: Annotated[
        str,
        Meta(description="The vendor and its type.", examples=["volcengine-rtc.RoomCreate"]),
    ]
    subject: Annotated[
        str,
        Meta(description="The entity that it is about.", examples=["65f1c0/room-7"]),
    ]
    time: Annotated[
        str,
        Meta(
            description="When it happened, as well as `timebasis` says.",
            examples=["2026-11-21T08:00:00.000Z"],
            extra_json_schema={"format": "date-time"},
        ),
    ]
    datacontenttype: Annotated[Literal["application/json"], Meta(description="Of `data`.")] = (
        "application/json"
    )
    dataschema: Annotated[
        str,
        Meta(
            description="The type and the version of what `data` holds.",
            examples=["urn:callback-router:volcengine-rtc.RoomCreate:1"],
        ),
    ]
    recordedtime: Annotated[
        str,
        Meta(
            description="When it was received, or emitted.",
            examples=["2026-11-21T08:00:00.123Z"],
            extra_json_schema={"format": "date-time"},
        ),
    ]
    timebasis: Annotated[
        TimeBasis,
        Meta(
            description="Where `time` is from: what the vendor says of the event, what it says of "
            "the sending, or our own clock."
        ),
    ]
    idbasis: Annotated[
        IdBasis,
        Meta(
            description="What `id` is: the vendor's own, a hash of the fields that name the "
            "occurrence, a hash of the content, or unique per delivery, as nothing names it."
        ),
    ]
    contentid: Annotated[
        str | UnsetType,
        Meta(
            description="A hash of the content, where `idbasis` is `none`.",
            examples=["0f343b0931126a20f133d67c2b018a3b"],
        ),
    ] = UNSET
    causesource: Annotated[
        str | UnsetType,
        Meta(
            description="Of a derived event: the `source` of its cause.",
            examples=["/callbacks/rtc"],
        ),
    ] = UNSET
    causeid: Annotated[
        str | UnsetType,
        Meta(description="Of a derived event: the `id` of its cause.", examples=["65f1c0/123456"]),
    ] = UNSET
    traceparent: Annotated[
        str,
        Meta(
            description="The W3C trace context of the request.",
            examples=["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
        ),
    ]
    data: Annotated[dict[str, Any], Meta(description="The content; what it holds is the type's.")]

    @property
    def vendor(self) -> str:
        """The part of `type` before the first dot."""
        return self.type.partition(".")[0]

    @property
    def short_type(self) -> str:
        """The `Type` of rules and topics: the part of `type` after the first dot."""
        return self.type.partition(".")[2]


def dataschema_of(event_type: str, version: int = 1) -> str:
    """Return what names the form of `data`: the full type and its version."""
    return f"urn:callback-router:{event_type}:{version}"
