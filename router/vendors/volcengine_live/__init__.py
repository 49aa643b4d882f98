"""Volcengine Live: a digest over the expiry alone, which many callbacks may share.

Design: the digest covers no content, and the same one may come with other events, so only the
window limits copies of it. `t` is ten minutes after the sending in one edition of the documents
and the sending itself in another, and a retry may come ten minutes later: the window holds all of
that. Customers may switch the digest off; then a token of the path must prove.
"""

from router.vendors.spec import KeyedDigest, Moment, Payload, Retries, SendTime, Subject, Vendor
from router.vendors.volcengine_live import events

__all__ = ["VENDOR"]

VENDOR = Vendor(
    name="volcengine-live",
    source="Callback content (1126932); UpdateCallback (1126929); DescribeLiveCallbackData",
    proof=KeyedDigest(
        algorithm="md5",
        over="data.t",
        signature="data.sign",
        members=("data.sign", "data.t"),
    ),
    window=SendTime(member="data.t", before_secs=1200, after_secs=600),
    case="snake",
    type_of="data.event_type",
    payload=Payload(member="data", is_merged=True),
    drop=("code", "message"),
    subject=Subject(within=("data.vhost", "data.app", "data.stream"), entity=(), is_own_only=True),
    time=(
        Moment(basis="event", path="detail.time_ms", unit="ms"),
        Moment(basis="event", path="detail.time", unit="s"),
    ),
    unnamed="content",
    retries=Retries(
        timeout_secs=4.0,
        after_secs=(3.0, 3.0, 3.0, 60.0, 120.0, 180.0, 180.0),
        assumed="how the queue behind the third spreads its tries over ten minutes",
    ),
    events=events,
)
