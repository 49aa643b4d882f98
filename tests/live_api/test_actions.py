"""The four actions against a server that keeps the vendor's rules."""

import json
from typing import Any

import pytest

from router.config.secret import Secret
from router.live_api import (
    CallbackCall,
    CallbackDetail,
    DeleteCallback,
    DescribeLiveCallbackData,
    LiveClient,
    Registered,
    UpdateCallback,
)
from tests.live_api.calling import DATA, DESCRIBE, KEY, NOW_SECS, UPDATE, URL, pages_of
from tests.live_api.server import DOMAIN, VHOST, LiveApiServer, Raw


async def test_what_is_registered_is_described(server: LiveApiServer, client: LiveClient) -> None:
    """A registration comes back as it was sent, its key as stars, and the request has an id."""
    request_id = await client.update_callback(UPDATE)

    assert request_id == "2026112100000000000000000000000001"
    assert await client.describe_callback(DESCRIBE) == (
        Registered(
            message_type="push",
            vhost=VHOST,
            app="show",
            transcode_callback=1,
            callback_detail_list=(CallbackDetail(url=URL),),
            create_time="2026-11-21T08:00:00+00:00",
            auth_enable=True,
            auth_key_primary=Secret(KEY.encode()),
        ),
    )
    assert server.refused.total() == 0


async def test_an_update_replaces_as_a_whole(client: LiveClient) -> None:
    """What the second one does not name is gone: the key and the transcoded streams."""
    await client.update_callback(UPDATE)
    again = UpdateCallback(
        vhost=VHOST,
        app="show",
        message_type="push",
        callback_detail_list=(CallbackDetail(url=URL),),
    )

    await client.update_callback(again)

    (found,) = await client.describe_callback(DESCRIBE)
    assert (found.transcode_callback, found.auth_enable) == (0, False)
    assert found.auth_key_primary == Secret(b"")


async def test_a_deletion_without_app_and_type_takes_all(
    server: LiveApiServer, client: LiveClient
) -> None:
    """Of the vhost that is named; what is registered by domain stays."""
    detail = (CallbackDetail(url=URL),)
    for kind in ("push", "record"):
        await client.update_callback(
            UpdateCallback(vhost=VHOST, message_type=kind, callback_detail_list=detail)
        )
    await client.update_callback(
        UpdateCallback(domain=DOMAIN, message_type="push", callback_detail_list=detail)
    )
    await client.update_callback(UPDATE)

    await client.delete_callback(DeleteCallback(vhost=VHOST, app="show", message_type="push"))
    assert set(server.account.registered) == {
        (VHOST, "", "", "push"),
        (VHOST, "", "", "record"),
        ("", DOMAIN, "", "push"),
    }
    await client.delete_callback(DeleteCallback(vhost=VHOST))

    assert set(server.account.registered) == {("", DOMAIN, "", "push")}
    assert await client.describe_callback(DESCRIBE) == ()


async def test_the_request_is_the_documented_one(server: LiveApiServer, client: LiveClient) -> None:
    """POST with the action and the version in the query, JSON in the body, signed in full."""
    await client.update_callback(UPDATE)

    (asked,) = server.asked
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.headers["X-Date"] == "20261121T080000Z"
    assert asked.headers["Authorization"].startswith(
        "HMAC-SHA256 Credential=AKLTexampleexampleexample/20261121/cn-north-1/live/request, "
        "SignedHeaders=content-type;host;x-content-sha256;x-date, Signature="
    )
    assert json.loads(asked.body) == {
        "Vhost": VHOST,
        "App": "show",
        "MessageType": "push",
        "TranscodeCallback": 1,
        "CallbackDetailList": [{"CallbackType": "http", "URL": URL}],
        "AuthEnable": True,
        "AuthKeyPrimary": KEY,
    }


def _calls(count: int) -> list[dict[str, Any]]:
    return [
        {
            "Domain": DOMAIN,
            "App": "show",
            "Stream": f"stream-{number}",
            "CallbackTime": "2026-11-21T07:30:00Z",
            "CallbackEventType": "push_start",
            "CallbackAddress": URL,
            "CallbackStatus": "fail" if number % 2 else "success",
            "CallbackMethod": "POST",
            "CallbackBody": json.dumps({"data": {"stream": f"stream-{number}"}}),
            "CallbackResponseCode": 503,
            "CallbackResponseTime": {"ms": 12},
            "CallbackErrorMessage": None,
        }
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, [0]), (3, [3]), (5, [5]), (6, [5, 1]), (10, [5, 5])], ids=str
)
async def test_every_call_is_on_one_page(
    count: int, sizes: list[int], server: LiveApiServer, client: LiveClient
) -> None:
    """Pages follow each other until all that are counted have come, and no further."""
    server.account.calls = _calls(count)

    pages = await pages_of(client, _sized(5))

    assert [len(page.calls) for page in pages] == sizes
    assert [page.number for page in pages] == list(range(1, len(sizes) + 1))
    assert {page.total_count for page in pages} == {count}
    assert [call.stream for page in pages for call in page.calls] == [
        f"stream-{number}" for number in range(count)
    ]
    assert len(server.asked) == len(sizes)


def _sized(size: int, **more: Any) -> DescribeLiveCallbackData:
    return DescribeLiveCallbackData(
        start_secs=NOW_SECS - 3600, end_secs=NOW_SECS, page_size=size, **more
    )


async def test_a_call_has_all_that_is_needed(server: LiveApiServer, client: LiveClient) -> None:
    """What is null or missing is empty; what is not needed may be of any type."""
    server.account.calls = _calls(2)

    (page,) = await pages_of(client, _sized(100, callback_status=("fail",), app="show"))

    assert page.calls == (
        CallbackCall(
            domain=DOMAIN,
            app="show",
            stream="stream-1",
            callback_time="2026-11-21T07:30:00Z",
            callback_event_type="push_start",
            callback_address=URL,
            callback_body='{"data": {"stream": "stream-1"}}',
        ),
    )
    (asked,) = server.asked
    assert json.loads(asked.body) == {
        "App": "show",
        "CallbackStatus": ["fail"],
        "StartTime": "2026-11-21T07:00:00Z",
        "EndTime": "2026-11-21T08:00:00Z",
        "PageNum": 1,
        "PageSize": 100,
    }


async def test_smaller_pages_than_asked_for_lose_nothing(
    server: LiveApiServer, client: LiveClient
) -> None:
    """With a count until all have come."""
    server.then(*[_result({"CallbackInfoList": _calls(2), "Pagination": {"TotalCount": 4}})] * 2)

    assert [len(page.calls) for page in await pages_of(client, DATA)] == [2, 2]
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("last", "sizes"),
    [({"CallbackInfoList": None}, [2, 1, 0]), ({"CallbackInfoList": _calls(1)}, [2, 1])],
    ids=["empty", "again"],
)
async def test_without_a_count_pages_end_all_the_same(
    last: dict[str, Any], sizes: list[int], server: LiveApiServer, client: LiveClient
) -> None:
    """With an empty page, or with one that comes again."""
    server.then(
        _result({"CallbackInfoList": _calls(2)}),
        _result({"CallbackInfoList": _calls(1), "Pagination": {}}),
        _result(last),
    )

    assert [len(page.calls) for page in await pages_of(client, DATA)] == sizes
    assert len(server.asked) == 3


def _result(result: object) -> Raw:
    return Raw(200, json.dumps({"ResponseMetadata": {}, "Result": result}).encode())


async def test_reading_may_begin_at_a_later_page(server: LiveApiServer, client: LiveClient) -> None:
    """What lies before it is counted as seen."""
    server.account.calls = _calls(6)

    pages = await pages_of(client, _sized(5, page_num=2))

    assert [(page.number, len(page.calls)) for page in pages] == [(2, 1)]
    assert len(server.asked) == 1
