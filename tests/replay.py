"""Samples through `decide()`: asking, what must come of them, and sending changed ones.

Sources are built here, so that a test may give them other secrets.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from router.ingress.receive import Accepted, Instant, Request, decide
from router.ingress.sources import Head, Source, Sources
from router.routing import RouteTable
from router.vendors import vendors
from router.vendors.refusal import Refused
from router.vendors.spec import without_proof as switched_off
from router.vendors.verify import Secrets
from tests.samples import Sample, as_text, at_ms, hashed, members_of
from tests.samples import without_proof as content_of
from tests.sender import LIMITS, NOW, TOKEN, signature
from tests.sender import SIGNED as SIGNED_BY_RTC

TRACE: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PAYLOADS: Final = {
    "volcengine-rtc": ("EventData",),
    "alibaba-caster": ("EventMessage",),
    "zego-cloud-player": ("Detail", "detail"),
    "volcengine-live": ("data",),
}
"""The member that holds the event's own object, by all of its names."""

SUBJECTS: Final = {
    "volcengine-rtc": ("body.AppId", "payload.RoomId payload.PublicStreamId payload.TaskId"),
    "alibaba-caster": ("body.CasterId payload.ProgramId payload.ShowId",),
    "zego-cloud-player": ("body.AppID body.AppId", "body.PlayerId body.UploadTaskId"),
    "volcengine-live": ("payload.vhost", "payload.app", "payload.stream"),
}
"""The parts of a subject, each with its candidates, in the body or in the payload."""

Members = dict[str, Any]


def ask(
    sample: Sample,
    body: str | bytes | None = None,
    *,
    now_ms: int | None = None,
    secrets: Secrets | None = None,
    is_stale_refused: bool = False,
) -> Accepted | Refused:
    """Return what becomes of the sample, or of another body in its place."""
    vendor = vendors()[sample.vendor]
    source = Source(
        name=sample.source,
        vendor=vendor if sample.secret else switched_off(vendor),
        secrets={None: (sample.secret.encode(),)} if secrets is None else secrets,
        tokens=() if sample.secret else (TOKEN.encode(),),
        is_stale_refused=is_stale_refused,
    )
    target = f"/callbacks/{sample.source}" + ("" if sample.secret else f"/{TOKEN}")
    head = Head(method="POST", target=target, address="192.0.2.1")
    sent = sample.body if body is None else body
    request = Request(
        head=head, body=sent.encode() if isinstance(sent, str) else sent, traceparent=TRACE
    )
    now = Instant(sample.now_ms if now_ms is None else now_ms, NOW.unique)
    return decide(request, Sources([source], LIMITS), RouteTable(), now)


def event_of(outcome: Accepted | Refused) -> dict[str, Any]:
    """Return the event on Kafka, read by Python's own JSON."""
    assert isinstance(outcome, Accepted), outcome
    event: dict[str, Any] = json.loads(outcome.records[0].value)
    return event


def expected(sample: Sample, got: dict[str, Any], now_ms: int | None = None) -> dict[str, Any]:
    """Return the sample's event with what a delivery adds, and the free words of *got*."""
    now = at_ms(sample.now_ms if now_ms is None else now_ms)
    event = {**sample.event, "recordedtime": now, "traceparent": TRACE}
    if event["timebasis"] == "received":
        event["time"] = now
    if event["idbasis"] == "none":
        event["id"] = NOW.unique
    if not sample.is_recognized:
        event["data"] = {**event["data"], "detail": got["data"].get("detail")}
    return event


def assert_becomes(
    sample: Sample, outcome: Accepted | Refused, now_ms: int | None = None
) -> dict[str, Any]:
    """Return the event, which is exactly the sample's: once, in its topic, under its key."""
    got = event_of(outcome)
    assert isinstance(outcome, Accepted)
    assert as_text(got) == as_text(expected(sample, got, now_ms))
    assert [(record.topic, record.key.decode()) for record in outcome.records] == [
        (sample.topic, sample.key)
    ]
    return got


def with_data(sample: Sample, data: dict[str, Any]) -> Sample:
    """Return the sample with other content: what is named by its content has another name."""
    event = {**sample.event, "data": data}
    whole = hashed(sample.vendor, sample.short_type, data)
    if event["idbasis"] == "content":
        event["id"] = whole
    elif event["idbasis"] == "none":
        event["contentid"] = whole
    elif sample.vendor == "zego-cloud-player":
        entity = data.get("player_id", data.get("upload_task_id"))
        named = (data["app_id"], entity, data["event_time"], data.get("detail"))
        event["id"] = hashed(sample.vendor, sample.short_type, *named)
    return replace(sample, event=event)


def doubted(sample: Sample, body: str, reason: str) -> Sample:
    """Return what must come of the sample if *body* is kept as it came, for *reason*."""
    name = f"{sample.vendor}.Unrecognized"
    members = members_of(body)
    content, subject = content_of(sample, members), _subject(sample, members)
    event = {key: sample.event[key] for key in sample.event.keys() - {"time", "contentid"}}
    event |= {"type": name, "dataschema": f"urn:callback-router:{name}:1", "subject": subject}
    event |= {"timebasis": "received", "data": {"reason": reason, "body": content}}
    digest = hashed(sample.vendor, "Unrecognized", content)
    if sample.vendor == "alibaba-caster":
        event |= {"idbasis": "none", "contentid": digest}
    elif event["idbasis"] != "vendor":
        event |= {"idbasis": "content", "id": digest}
    return replace(sample, topic=f"callbacks.{name}", key=subject, event=event)


def changed(sample: Sample, change: Callable[[Members], None]) -> str:
    """Return the body as JSON with its members changed, signed again where that matters.

    The change finds the payload opened; it is text again afterwards if it was.
    """
    members = members_of(sample.body)
    name = next((name for name in PAYLOADS.get(sample.vendor, ()) if name in members), "")
    is_text = _open(members, name)
    change(members)
    if is_text and name in members:
        members[name] = json.dumps(members[name])
    if sample.vendor == "volcengine-rtc" and members.keys() >= set(SIGNED_BY_RTC[:6]):
        sent = members["EventData"]
        text = sent if isinstance(sent, str) else json.dumps(sent)
        members["Signature"] = signature({**members, "EventData": text}, sample.secret)
    return json.dumps(members)


def holder_of(members: Members, path: str) -> tuple[Members, str] | None:
    """Return the object that holds the path's last member, and its name; None if it is absent."""
    *above, name = path.split(".")
    holder: Any = members
    for part in above:
        holder = holder.get(part) if isinstance(holder, dict) else None
    return (holder, name) if isinstance(holder, dict) and name in holder else None


def rename(members: Members, path: str) -> None:
    """Give a member, which is there, a name that no document knows."""
    found = holder_of(members, path)
    assert found is not None, path
    holder, name = found
    holder[renamed(name)] = holder.pop(name)


def renamed(name: str) -> str:
    """Return a name that no document knows, in the style of the one given."""
    return f"zz_{name}" if name.islower() else f"Zz{name}"


def _subject(sample: Sample, members: Members) -> str:
    """Return as much of the subject as the members name, from its beginning."""
    payload_name = next((n for n in PAYLOADS[sample.vendor] if n in members), "")
    opened = dict(members)
    _open(opened, payload_name)
    found = opened.get(payload_name)
    places = {"body": members, "payload": found if isinstance(found, dict) else {}}
    parts: list[str] = []
    for names in SUBJECTS[sample.vendor]:
        values = (places[place].get(name) for place, name in (n.split(".") for n in names.split()))
        part = next((str(value) for value in values if _is_name(value)), None)
        if part is None:
            break
        parts.append(part)
    return "/".join(parts) or sample.source


def _is_name(value: object) -> bool:
    if type(value) is str:
        return 0 < len(value.encode()) <= 256 and not re.search(r"[\x00-\x1f\x7f-\x9f]", value)
    return type(value) is int


def _open(members: Members, name: str) -> bool:
    """Replace the JSON text of an object by the object, and tell whether it was one."""
    sent = members.get(name)
    if not isinstance(sent, str):
        return False
    try:
        found = json.loads(sent or "{}")  # an empty text is an object without fields
    except ValueError:
        return False
    if isinstance(found, dict):
        members[name] = found
    return isinstance(found, dict)
