"""`Event`: one CloudEvents 1.0 object in structured JSON mode, the same form for all vendors.

Design: the Struct *is* the value on Kafka, so one encode makes the record and no second mapping
can drift from it. An event is made only from something proven (`router.vendors.normalise` takes
a `Verified`). `data` keeps the vendor's structure; its types are the event classes' business.
"""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

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

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    recordedtime: str
    timebasis: TimeBasis
    idbasis: IdBasis
    contentid: str | UnsetType = UNSET
    causesource: str | UnsetType = UNSET
    causeid: str | UnsetType = UNSET
    traceparent: str
    data: dict[str, Any]

    @property
    def vendor(self) -> str:
        """The part of `type` before the first dot."""
        return self.type.partition(".")[0]

    @property
    def short_type(self) -> str:
        """The `Type` of rules and topics: the part of `type` after the first dot."""
        return self.type.partition(".")[2]
