"""Volcengine Live's sign and its window; what RTC's newer types are made of; what all leave behind.

`check` and the metrics stand here too: they speak of what these two and ZEGO have in common.
"""

import json
import re
from pathlib import Path

import pytest

from tests.e2e.callbacks import (
    LIVE,
    LIVE_OLD_SECRET,
    LIVE_PROVEN,
    LIVE_REFUSED,
    LIVE_SECRET,
    LIVE_TOKEN,
    LIVE_TYPES,
    RTC,
    SEGMENT,
    VOICE_CHAT,
    ZEGO,
    ZEGO_TYPES,
    Members,
    encoded,
    live,
    live_event,
    live_sign,
    live_signed,
    mark,
    push_started,
    rtc,
    zego_signed,
)
from tests.e2e.conftest import Events, Found, StartServer
from tests.e2e.serving import CHECKED, DiedError, Server, check
from tests.e2e.wire import ask, post
from tests.samples import hashed

pytestmark = pytest.mark.kafka

_ROTATED = "/callbacks/live-rotated"
_STRICT = "/callbacks/live-strict"
_UNSIGNED = f"/callbacks/live-unsigned/{LIVE_TOKEN}"
_STARTED = "volcengine-live.PushStart"
_UNRECOGNIZED = "volcengine-live.Unrecognized"


def _send(server: Server, data: Members, path: str = LIVE) -> int:
    return ask(server.port, post(path, live(data))).status


def test_these_tests_sign_as_the_vendor_does() -> None:
    """The key comes first."""
    assert live_sign("abc123XYZ1640850110") == "c2453c1a803c9a1b4c90cb8bf3d8acd1"


def test_a_push_arrives_as_one_event(server: Server, found: Found) -> None:
    """Every attribute, every documented value of the content, the key and the headers."""
    name = mark("stream")
    assert _send(server, live_signed(push_started(name, priority=0, backup_count="0"))) == 200

    (record,) = found(name)
    event = json.loads(record.value or b"")
    data = event.pop("data")

    assert record.topic.endswith(".callbacks.volcengine-live.PushStart")
    assert record.key == f"vhost.example.com/live/{name}".encode()
    assert record.headers["event_type"] == _STARTED.encode()
    assert event.pop("recordedtime") > "2026"
    assert event.pop("traceparent") == record.headers["traceparent"].decode()
    identity = ("push.example.com", "live", name, "session-1", "sequence-1", False, 1640849510029)
    assert event == {
        "specversion": "1.0",
        "id": hashed("volcengine-live", "PushStart", *identity),
        "source": "/callbacks/live",
        "type": _STARTED,
        "subject": f"vhost.example.com/live/{name}",
        "time": "2021-12-30T07:31:50.029Z",
        "datacontenttype": "application/json",
        "dataschema": f"urn:callback-router:{_STARTED}:1",
        "timebasis": "event",
        "idbasis": "natural",
    }
    assert {key: data[key] for key in data if key not in {"code", "message"}} == {
        **push_started(name),
        "priority": 0,
        "backup_count": "0",
    }


@pytest.mark.parametrize("sent", LIVE_TYPES)
def test_every_type_has_its_name(server: Server, events: Events, sent: str) -> None:
    """Whatever begins with `audit` is one type; what the types hold is kept, known or not."""
    name = mark("typed")
    detail = {"timeMs": 5, "Files": [{"ObjectKey": "a%2Fb"}], "t": 1, "sign": "kept", "none": None}
    assert _send(server, live_signed(live_event(name, sent, detail=detail, New=1))) == 200

    (event,) = events(name)

    assert event["type"] == f"volcengine-live.{LIVE_TYPES[sent]}"
    assert event["subject"] == f"vhost.example.com/live/{name}"
    assert event["data"]["event_type"] == sent
    assert event["data"]["new"] == 1
    assert event["data"]["detail"] == {
        "time_ms": 5,
        "files": [{"object_key": "a%2Fb"}],
        "t": 1,
        "sign": "kept",
        "none": None,
    }


@pytest.mark.parametrize(
    ("detail", "moment", "basis"),
    [
        ({"time_ms": 1640849510029, "time": 5}, "2021-12-30T07:31:50.029Z", "event"),
        ({"time": 1640849510}, "2021-12-30T07:31:50.000Z", "event"),
        ({}, None, "received"),
        ({"time_ms": -1}, None, "received"),
    ],
)
def test_the_time_is_that_of_the_detail(
    server: Server, events: Events, detail: Members, moment: str | None, basis: str
) -> None:
    """In milliseconds if there are any, else in seconds, else the time of receipt."""
    name = mark("timed")
    assert _send(server, live_signed(live_event(name, "push_end", detail=detail))) == 200

    (event,) = events(name)

    assert event["type"] == "volcengine-live.PushEnd"
    assert (event["time"], event["timebasis"]) == (moment or event["recordedtime"], basis)


@pytest.mark.parametrize("event_type", LIVE_TYPES)
def test_a_retry_has_the_same_id(server: Server, events: Events, event_type: str) -> None:
    """Though its sign and t are others; what happened again has another id."""
    name = mark("retried")
    data = {**push_started(name), "event_type": event_type}
    again = {**data, "detail": {**data["detail"], "time_ms": 1640849510030}}
    for sent, expires_in_secs in ((data, 600), (data, 300), (again, 600)):
        assert _send(server, live_signed(sent, expires_in_secs=expires_in_secs)) == 200

    found = sorted(events(name), key=lambda event: str(event["data"]["detail"]["time_ms"]))
    first, second, other = (event["id"] for event in found)

    assert first == second != other
    assert found[0]["idbasis"] == ("natural" if event_type == "push_start" else "content")


@pytest.mark.parametrize("name", LIVE_PROVEN)
@pytest.mark.parametrize("secret", [LIVE_SECRET, LIVE_OLD_SECRET], ids=["new", "old"])
def test_every_secret_proves(server: Server, events: Events, name: str, secret: str) -> None:
    """Both secrets of a rotation, in every spelling of the proof."""
    stream = mark("proven")
    data = LIVE_PROVEN[name](live_signed(push_started(stream), secret=secret))
    assert _send(server, data, _ROTATED) == 200

    (event,) = events(stream)

    assert event["type"] == _STARTED


@pytest.mark.parametrize("name", LIVE_REFUSED)
def test_what_is_not_proven_is_refused(
    server: Server, events: Events, address: str, name: str
) -> None:
    """The answer says whether the proof is missing or wrong, and nothing is published."""
    stream = mark("forged")
    change, reason = LIVE_REFUSED[name]
    body = live(change(live_signed(push_started(stream))))

    answer = ask(server.port, post(LIVE, body), address)

    assert (answer.status, answer.reason) == (401, reason)
    assert events(stream) == []


@pytest.mark.parametrize(
    "body",
    [
        encoded({**live_signed(push_started("outside")), "data": push_started("outside")}),
        encoded(live_signed(push_started("outside"))),
        encoded({"data": [live_signed(push_started("outside"))]}),
        encoded({"data": live(live_signed(push_started("outside"))).decode()}),
        b"{}",
    ],
    ids=["beside-data", "no-data", "array", "text", "empty"],
)
def test_a_proof_has_its_place(server: Server, address: str, body: bytes) -> None:
    """The sign of `data` stands in `data`."""
    answer = ask(server.port, post(LIVE, body), address)

    assert (answer.status, answer.reason) == (401, "proof-missing")


# t is when the proof ends, ten minutes after sending; ten more are allowed on either side.
@pytest.mark.parametrize("expires_in_secs", [-590, 0, 600, 1190])
@pytest.mark.parametrize("path", [LIVE, _STRICT])
def test_within_the_window_it_is_an_ordinary_callback(
    server: Server, events: Events, path: str, expires_in_secs: int
) -> None:
    """From 20 minutes before t to 10 minutes behind it."""
    name = mark("timely")
    data = live_signed(push_started(name), expires_in_secs=expires_in_secs)
    assert _send(server, data, path) == 200

    assert [event["type"] for event in events(name)] == [_STARTED]


@pytest.mark.parametrize("expires_in_secs", [-700, 1300, -86_400 * 365])
def test_outside_the_window_it_is_stale(
    server: Server, events: Events, address: str, expires_in_secs: int
) -> None:
    """It is authentic, so it is kept whole; a strict source refuses it and says why."""
    name, rejected = mark("stale"), mark("rejected")
    data = live_signed(push_started(name), expires_in_secs=expires_in_secs)
    late = live_signed(push_started(rejected), expires_in_secs=expires_in_secs)
    assert _send(server, data) == 200

    answer = ask(server.port, post(_STRICT, live(late)), address)
    (event,) = events(name)

    assert (event["type"], event["data"]["reason"]) == (_UNRECOGNIZED, "stale")
    assert event["data"]["body"] == json.loads(live(push_started(name)))
    assert (answer.status, answer.reason) == (401, "stale")
    assert events(rejected) == []


@pytest.mark.parametrize(
    "proof", [{"sign": "", "t": 0}, {}, {"sign": "", "t": "0"}, {"sign": "x", "t": 5}], ids=repr
)
def test_where_authentication_is_off_the_token_proves(
    server: Server, events: Events, address: str, proof: Members
) -> None:
    """`unsigned: true`: no sign is asked for, no time is checked, but the path must be right."""
    name = mark("unsigned")
    body = live({**push_started(name), **proof})

    refused = [
        ask(server.port, post(path, body), address)
        for path in ("/callbacks/live-unsigned", f"{_UNSIGNED}x", f"{LIVE}/{LIVE_TOKEN}")
    ]
    assert ask(server.port, post(_UNSIGNED, body)).status == 200
    (event,) = events(name)

    assert [(answer.status, answer.reason) for answer in refused] == [(404, "not-found")] * 3
    assert event["type"] == _STARTED
    assert not {"sign", "t"} & event["data"].keys()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"event_type": "push_paused"}, "unknown-type"),
        ({"event_type": 5}, "unknown-type"),
        ({"event_type": None, "stream": ""}, "unknown-type"),
        ({"stream": ""}, "bad-field"),
        ({"stream": None}, "bad-field"),
        ({"app": "a\n"}, "bad-field"),
        ({"vhost": "x" * 257}, "bad-field"),
    ],
)
def test_odd_but_authentic_callbacks_are_unrecognized(
    server: Server, events: Events, changes: Members, reason: str
) -> None:
    """They are kept as they came, with the reason, and only their proof is left out."""
    name = mark("odd")
    data = {**push_started("odd", New=name), **changes}
    assert _send(server, live_signed(data)) == 200

    (event,) = events(name)

    assert (event["type"], event["data"]["reason"]) == (_UNRECOGNIZED, reason)
    assert (event["timebasis"], event["idbasis"]) == ("received", "content")
    assert event["data"]["body"] == {"code": 0, "message": "ok", "data": data}


@pytest.mark.parametrize("event_type", ["push_start", "audit_x", "unheard_of"])
@pytest.mark.parametrize("expires_in_secs", [600, -700], ids=["timely", "stale"])
def test_no_proof_reaches_kafka_or_the_log(
    server: Server, found: Found, event_type: str, expires_in_secs: int
) -> None:
    """Neither sign nor t, in no part of the record."""
    name = mark("proof")
    data = live_signed(live_event(name, event_type), expires_in_secs=expires_in_secs)
    assert _send(server, data) == 200

    (record,) = found(name)

    for member in (data["sign"], str(data["t"]), '"sign"', '"t"'):
        assert member not in repr(record)
    assert data["sign"].encode() not in server.output


def test_a_voice_chat_keeps_what_shares_names_with_its_envelope(
    server: Server, events: Events
) -> None:
    """Its own EventType and EventTime are content: they make neither the type nor the time."""
    event_id = mark("chat")
    body = rtc(event_id, EventType="VoiceChat", EventData=VOICE_CHAT)
    assert ask(server.port, post(RTC, body)).status == 200

    (event,) = events(event_id)

    assert (event["type"], event["id"]) == ("volcengine-rtc.VoiceChat", f"appId/{event_id}")
    assert (event["time"], event["timebasis"]) == ("2023-03-21T07:32:04.000Z", "envelope")
    assert event["data"] == json.loads(
        '{"app_id":"appId","business_id":"biz1","room_id":"room1","task_id":"task1",'
        '"user_id":"user1","round_id":7,"event_time":1611736812853,"event_type":0,'
        '"run_stage":"llmOutput","version":"2020-12-01"}'
    )


def test_a_segments_numbers_are_numbers(server: Server, events: Events) -> None:
    """Though the vendor's own example quotes them."""
    event_id = mark("segment")
    body = rtc(event_id, EventType="SegmentRealTimeData", EventData=SEGMENT)
    assert ask(server.port, post(RTC, body)).status == 200

    (event,) = events(event_id)
    (part,) = event["data"]["data"]

    assert event["type"] == "volcengine-rtc.SegmentRealTimeData"
    assert part == json.loads(
        '{"stream":{"user_id":"user1","stream_type":0},"object_key":"key","sample_rate":44100,'
        '"bits_per_sample":16,"channels":2,"size":256044,"time_stamp":1647317680214,'
        '"duration":8000}'
    )


def test_what_came_and_went_is_counted(server: Server, address: str) -> None:
    """Callbacks by source and type, refusals by reason, fields that no document names."""
    anomaly = {**ZEGO_TYPES["PlayerAnomaly"], "PlayerId": "counted"}
    push = push_started("counted")
    metrics: dict[tuple[str, ...], int] = {
        ("callbacks_total", "zego", "type", "PlayerAnomaly"): 2,
        ("callbacks_total", "zego", "type", "Unrecognized"): 1,
        ("callbacks_total", "live", "type", "PushStart"): 2,
        ("rejections_total", "zego", "reason", "proof-missing"): 1,
        ("rejections_total", "zego-strict", "reason", "stale"): 1,
        ("rejections_total", "live", "reason", "proof-missing"): 1,
    }

    def counted() -> list[float]:
        return [server.metric(m, **{"source": s, name: v}) for m, s, name, v in metrics] + [
            server.metric("unknown_fields_total", vendor="zego-cloud-player", type="PlayerAnomaly"),
            server.metric("unknown_fields_total", vendor="volcengine-live", type="PushStart"),
        ]

    before = counted()
    for members in (anomaly, {**anomaly, "New": 1}, {**anomaly, "EventType": 5}):
        assert ask(server.port, post(ZEGO, encoded(zego_signed(members)))).status == 200
    for data in (push, {**push, "detail": {**push["detail"], "New": 1}}):
        assert _send(server, live_signed(data)) == 200
    late = zego_signed(anomaly, age_secs=700)
    for path, body in ((ZEGO, anomaly), ("/callbacks/zego-strict", late), (LIVE, {"data": push})):
        assert ask(server.port, post(path, encoded(body)), address).status == 401

    assert [now - then for then, now in zip(before, counted(), strict=True)] == [
        *metrics.values(),
        1,
        1,
    ]


@pytest.mark.parametrize(("source", "code", "told"), CHECKED)
def test_check_tells_how_well_a_source_is_protected(
    tmp_path: Path, source: Members, code: int, told: str | None
) -> None:
    """What proves too little is a warning, what proves nothing is an error, each at its place."""
    done = check(tmp_path, {"one": source})

    assert done.returncode == code
    if told is None:
        assert "sources.one" not in done.stdout
    else:
        assert re.search(rf"router\.yaml:\d+:\d+: {told}", done.stdout)


def test_an_unprotected_source_does_not_start(start_server: StartServer) -> None:
    """`serve` ends with what `check` would have told."""
    unprotected = {"live": {"vendor": "volcengine-live", "unsigned": True}}

    with pytest.raises(DiedError, match=r"(?s)ended with 2;.*sources\.live: .*tokens"):
        start_server({"sources": unprotected})
