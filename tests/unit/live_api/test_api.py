"""Requests of the management API: what goes out, and every documented rule."""

import json
from typing import Any

import pytest
from msgspec import structs

from router.config.secret import Secret
from router.live_api.api import (
    CallbackCall,
    CallbackDetail,
    DeleteCallback,
    DescribeCallback,
    DescribeLiveCallbackData,
    Request,
    UpdateCallback,
    body,
    faults,
    secrets,
)

NOW_MS = 1_795_248_000_000  # 2026-11-21T08:00:00Z
NOW_SECS = NOW_MS // 1000
DAY = 24 * 3600
DETAIL = CallbackDetail(url="http://example.com/callback")
UPDATE = UpdateCallback(
    vhost="push.live.example.com",
    app="example_app",
    message_type="push",
    callback_detail_list=(DETAIL,),
)
DATA = DescribeLiveCallbackData(start_secs=NOW_SECS - DAY, end_secs=NOW_SECS)
NO_TYPE = "MessageType is one of push, push_end, snapshot, record, audit_snapshot"
ONE_PLACE = "exactly one of Vhost and Domain is needed"
VHOST_ONLY = "App goes with Vhost only, not with Domain"
APP = "App consists of 1 to 30 letters, digits, _, - and ."
TRANSCODE = "TranscodeCallback goes with push and push_end only"
URL = "URL begins with http:// or https:// and names a host"
KEY_NEEDED = "AuthKeyPrimary is needed where AuthEnable is true"
KEY_SEEN = "AuthKeyPrimary consists of ASCII characters that can be seen"
ORDER = "StartTime lies before EndTime, both from 1970 on"
SPAN = "StartTime and EndTime are at most 31 days apart"
AGE = "StartTime is at most 366 days ago"


def _detail(url: str) -> tuple[CallbackDetail]:
    return (CallbackDetail(url=url),)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"vhost": "", "app": ""}, [ONE_PLACE]),
        ({"domain": "push.example.com", "app": ""}, [ONE_PLACE]),
        ({"domain": "push.example.com"}, [ONE_PLACE, VHOST_ONLY]),
        ({"vhost": "", "domain": "push.example.com"}, [VHOST_ONLY]),
        ({"vhost": "", "domain": "push.example.com", "app": ""}, []),
        ({"app": ""}, []),
        ({"app": "A-z_0.9"}, []),
        ({"app": "a" * 30}, []),
        ({"app": "a" * 31}, [APP]),
        ({"app": "a b"}, [APP]),
        ({"app": "a\n"}, [APP]),
        ({"app": "é"}, [APP]),
        ({"message_type": ""}, ["MessageType is needed"]),
        ({"message_type": "Push"}, [NO_TYPE]),
        ({"message_type": "audit_snapshot"}, []),
        ({"transcode_callback": 1}, []),
        ({"transcode_callback": 1, "message_type": "push_end"}, []),
        ({"transcode_callback": 1, "message_type": "record"}, [TRANSCODE]),
        ({"transcode_callback": 2}, ["TranscodeCallback is 0 or 1"]),
        ({"callback_detail_list": ()}, ["CallbackDetailList needs at least one URL"]),
        ({"callback_detail_list": (DETAIL, DETAIL)}, []),
        ({"callback_detail_list": _detail("https://example.com:8443/a?b=c")}, []),
        ({"callback_detail_list": _detail("ftp://example.com/")}, [URL]),
        ({"callback_detail_list": _detail("https://")}, [URL]),
        ({"callback_detail_list": _detail("https://[example.com/")}, [URL]),
        ({"callback_detail_list": _detail("https://example.com/a b")}, [URL]),
        ({"callback_detail_list": _detail("https://example.com/\n")}, [URL]),
        ({"callback_detail_list": _detail("example.com/callback")}, [URL]),
        (
            {"callback_detail_list": (structs.replace(DETAIL, callback_type="HTTP"),)},
            ["CallbackType is http, which means HTTPS too"],
        ),
        ({"auth_enable": True}, [KEY_NEEDED]),
        ({"auth_enable": True, "auth_key_primary": Secret(b"")}, [KEY_NEEDED]),
        ({"auth_enable": True, "auth_key_primary": Secret(b"1622194197-0-0-5552***")}, []),
        ({"auth_enable": True, "auth_key_primary": Secret(b"key\n")}, [KEY_SEEN]),
        ({"auth_key_primary": Secret(b"\xff")}, [KEY_SEEN]),
    ],
    ids=str,
)
def test_an_update_keeps_the_rules(changed: dict[str, Any], expected: list[str]) -> None:
    """Each broken rule is told, and all of them together."""
    assert faults(structs.replace(UPDATE, **changed)) == expected


@pytest.mark.parametrize("kind", [DeleteCallback, DescribeCallback])
@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"vhost": "v"}, []),
        ({"vhost": "v", "app": "a", "message_type": "record"}, []),
        ({"domain": "d", "message_type": "push"}, []),
        ({}, [ONE_PLACE]),
        ({"vhost": "v", "domain": "d"}, [ONE_PLACE]),
        ({"domain": "d", "app": "a"}, [VHOST_ONLY]),
        ({"vhost": "v", "app": "a/b"}, [APP]),
        ({"vhost": "v", "message_type": "push_start"}, [NO_TYPE]),
    ],
    ids=str,
)
def test_deleting_and_describing_keep_the_rules(
    kind: type[DeleteCallback | DescribeCallback], members: dict[str, str], expected: list[str]
) -> None:
    """The place is needed; the application and the type are not."""
    assert faults(kind(**members)) == expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"callback_event_type": ("push_start", "record_event")}, []),
        (
            {"callback_event_type": ("push",)},
            ["CallbackEventType holds some of push_start, push_end, snapshot_event, record_event"],
        ),
        ({"callback_status": ("fail", "success")}, []),
        ({"callback_status": ("failed",)}, ["CallbackStatus holds some of success, fail"]),
        ({"page_size": 1}, []),
        ({"page_size": 1000}, []),
        ({"page_size": 0}, ["PageSize is 1 to 1000"]),
        ({"page_size": 1001}, ["PageSize is 1 to 1000"]),
        ({"page_num": 0}, ["PageNum is 1 or more"]),
        ({"start_secs": NOW_SECS}, [ORDER]),
        ({"start_secs": -1, "end_secs": 5}, [ORDER, AGE]),
        ({"end_secs": 253_402_300_800}, [ORDER, SPAN]),
        ({"start_secs": NOW_SECS - 31 * DAY}, []),
        ({"start_secs": NOW_SECS - 31 * DAY - 1}, [SPAN]),
        ({"start_secs": NOW_SECS - 366 * DAY, "end_secs": NOW_SECS - 365 * DAY}, []),
        ({"start_secs": NOW_SECS - 366 * DAY - 1, "end_secs": NOW_SECS - 365 * DAY}, [AGE]),
    ],
    ids=str,
)
def test_asking_what_was_sent_keeps_the_rules(changed: dict[str, Any], expected: list[str]) -> None:
    """The time is bounded twice: in length, and in age."""
    assert faults(structs.replace(DATA, **changed), NOW_MS) == expected


def test_without_a_clock_age_is_not_looked_at() -> None:
    """A configuration can be checked without one."""
    old = structs.replace(DATA, start_secs=0, end_secs=DAY)

    assert faults(old) == []
    assert faults(old, NOW_MS) == [AGE]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (
            UPDATE,
            {
                "Vhost": "push.live.example.com",
                "App": "example_app",
                "MessageType": "push",
                "TranscodeCallback": 0,
                "CallbackDetailList": [
                    {"CallbackType": "http", "URL": "http://example.com/callback"}
                ],
                "AuthEnable": False,
            },
        ),
        (
            structs.replace(UPDATE, auth_enable=True, auth_key_primary=Secret(b"abc123XYZ")),
            {
                "Vhost": "push.live.example.com",
                "App": "example_app",
                "MessageType": "push",
                "TranscodeCallback": 0,
                "CallbackDetailList": [
                    {"CallbackType": "http", "URL": "http://example.com/callback"}
                ],
                "AuthEnable": True,
                "AuthKeyPrimary": "abc123XYZ",
            },
        ),
        (
            DeleteCallback(vhost="push.live.example.com", app="live", message_type="push"),
            {"Vhost": "push.live.example.com", "App": "live", "MessageType": "push"},
        ),
        (DescribeCallback(domain="push.example.com"), {"Domain": "push.example.com"}),
        (
            DATA,
            {
                "StartTime": "2026-11-20T08:00:00Z",
                "EndTime": "2026-11-21T08:00:00Z",
                "PageNum": 1,
                "PageSize": 1000,
            },
        ),
        (
            structs.replace(
                DATA,
                domain_list=("push.example.com",),
                app="live",
                stream="stream-7",
                callback_event_type=("push_end",),
                callback_status=("fail",),
            ),
            {
                "DomainList": ["push.example.com"],
                "App": "live",
                "Stream": "stream-7",
                "CallbackEventType": ["push_end"],
                "CallbackStatus": ["fail"],
                "StartTime": "2026-11-20T08:00:00Z",
                "EndTime": "2026-11-21T08:00:00Z",
                "PageNum": 1,
                "PageSize": 1000,
            },
        ),
    ],
    ids=["update", "signed", "delete", "describe", "data", "all data"],
)
def test_the_body_has_the_vendors_names(request_: Request, expected: dict[str, Any]) -> None:
    """What is not given is not sent; times are to the second."""
    assert json.loads(body(request_)) == expected


def test_what_is_secret_does_not_show() -> None:
    """Only the body that is sent holds the key, and the path that may end in a token."""
    request = structs.replace(
        UPDATE,
        callback_detail_list=_detail("https://example.com/callbacks/live/live-token-0123456789"),
        auth_enable=True,
        auth_key_primary=Secret(b"abc123XYZ"),
    )

    assert not [word for word in ("abc123XYZ", "live-token") if word in repr(request)]
    assert "CallbackDetail(http https://example.com/********)" in repr(request)
    assert b"abc123XYZ" in body(request)
    assert secrets(request) == (
        "abc123XYZ",
        "https://example.com/callbacks/live/live-token-0123456789",
        "live-token-0123456789",
    )
    assert secrets(UPDATE) == ("http://example.com/callback",)
    assert secrets(DATA) == ()


def test_a_call_shows_what_it_is_and_not_what_it_holds() -> None:
    """Its address and its body hold what is nobody else's business."""
    call = CallbackCall(
        domain="push.example.com",
        app="show",
        stream="stream-7",
        callback_time="2026-11-21T07:30:00Z",
        callback_event_type="push_start",
        callback_address="https://example.com/callbacks/live/live-token-0123456789",
        callback_body='{"data":{"sign":"c2453c1a"}}',
    )

    assert repr(call) == (
        "CallbackCall(push_start push.example.com/show/stream-7 2026-11-21T07:30:00Z)"
    )
