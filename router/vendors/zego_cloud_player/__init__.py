"""ZEGO's cloud player: a digest that covers two values of the body, and not its content.

Design: whoever sees one callback could sign another content with its nonce, so the time is held
against a window, and a nonce that comes again with other content is doubted. The vendor asks to
decode the body first; that is right only where it is no JSON as it stands. `AppId` and `detail`
are the names of older editions.
"""

from router.vendors.decode import form_fields, percent_encoded_json
from router.vendors.spec import (
    Moment,
    Payload,
    Retries,
    SendTime,
    SortedDigest,
    Subject,
    Vendor,
)
from router.vendors.zego_cloud_player import events

__all__ = ["VENDOR"]

VENDOR = Vendor(
    name="zego-cloud-player",
    source="Cloud Player server callbacks; Authenticating server-to-server callbacks",
    decoders=(percent_encoded_json, form_fields),
    proof=SortedDigest(
        algorithm="sha1",
        over=("Timestamp", "Nonce"),
        signature="Signature",
        app=("AppID", "AppId"),
        members=("Signature", "Nonce", "Timestamp"),
        covers_content=False,
        is_single_use=True,
    ),
    window=SendTime(member="Timestamp", before_secs=600, after_secs=600),
    spellings={"AppId": "AppID", "detail": "Detail"},
    type_of="EventType",
    payload=Payload(member="Detail", is_merged=False),
    subject=Subject(within=("AppID",), entity=("PlayerId", "UploadTaskId"), is_own_only=True),
    time=(
        Moment(basis="event", path="EventTime", unit="ms"),
        Moment(basis="envelope", path="Timestamp", unit="s"),
    ),
    unnamed="content",
    retries=Retries(timeout_secs=5.0, after_secs=(0.0, 0.0), assumed="how long it waits"),
    events=events,
)
