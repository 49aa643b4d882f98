"""The client asks no more often than it may, and shows no secret."""

import asyncio

import pytest
from msgspec import structs

from router.live_api import (
    CallbackDetail,
    LiveApiError,
    Paces,
    Retried,
)
from tests.live_api.calling import DATA, DESCRIBE, KEY, UPDATE, URL, client_of, pages_of
from tests.live_api.clock import WaitingClock
from tests.live_api.server import (
    ACCESS_KEY,
    SECRET_KEY,
    Code,
    LiveApiServer,
)

TOKEN = "live-token-0123456789"


@pytest.mark.parametrize(
    ("action", "count", "per_sec"),
    [("DescribeCallback", 35, 10), ("DescribeLiveCallbackData", 95, 30)],
)
async def test_no_more_is_asked_in_a_second_than_allowed(
    action: str, count: int, per_sec: int, server: LiveApiServer, clock: WaitingClock
) -> None:
    """By the server's own count, of two clients together; and not much less either."""
    paces = Paces()
    async with (
        client_of(server, clock, paces=paces) as first,
        client_of(server, clock, paces=paces) as second,
    ):
        for number in range(count):
            client = second if number % 2 else first
            if action == "DescribeCallback":
                await client.describe_callback(DESCRIBE)
            else:
                await pages_of(client, DATA)

    at = [asked.at_secs for asked in server.asked]
    assert server.refused.total() == 0
    assert len(at) == count
    assert max(sum(since <= one < since + 1.0 for one in at) for since in at) == per_sec
    assert at[-1] == pytest.approx(3.3)


async def test_trying_again_counts_too(server: LiveApiServer, clock: WaitingClock) -> None:
    """The tenth request of a second is tried again in the next one, though its wait is shorter."""
    async with client_of(server, clock) as client:
        for _ in range(9):
            await client.describe_callback(DESCRIBE)
        server.then(Code("InternalError"))
        await client.describe_callback(DESCRIBE)

    assert [asked.at_secs for asked in server.asked] == [0.0] * 10 + [pytest.approx(1.1)]


async def test_the_groups_are_counted_apart(server: LiveApiServer, clock: WaitingClock) -> None:
    """Ten of the one and thirty of the other need no waiting."""
    async with client_of(server, clock) as client:
        for _ in range(10):
            await client.describe_callback(DESCRIBE)
        for _ in range(30):
            await pages_of(client, DATA)

    assert clock.waits == []


async def test_secrets_show_nowhere(
    server: LiveApiServer, clock: WaitingClock, caplog: pytest.LogCaptureFixture
) -> None:
    """In no log line, error, cause or repr, also if the vendor repeats them in its message."""
    told: list[Retried] = []
    update = structs.replace(UPDATE, callback_detail_list=(CallbackDetail(url=f"{URL}/{TOKEN}"),))
    repeated = f"wrong: {KEY} {SECRET_KEY} {ACCESS_KEY} {URL}/{TOKEN} /{TOKEN}"
    server.then(Code("InternalError", message=repeated), Code("InvalidParam", message=repeated))
    server.account.calls = [{"CallbackTime": "2026-11-21T07:30:00Z", "CallbackBody": KEY}]
    caplog.set_level(0)
    asyncio.get_running_loop().set_debug(True)
    async with client_of(server, clock, on_retry=told.append) as client:
        with pytest.raises(LiveApiError) as raised:
            await client.update_callback(update)
        await client.update_callback(update)
        found = await client.describe_callback(DESCRIBE)
        calls = await pages_of(client, DATA)

    error = raised.value
    texts = [repr(update), repr(found), repr(calls), repr(client), repr(told), repr(error)]
    texts += [str(error), repr(vars(error)), repr(error.__cause__), repr(error.__context__)]
    texts += [caplog.text, repr(server.credentials)]
    for secret in (KEY, SECRET_KEY, ACCESS_KEY, TOKEN):
        assert not [text for text in texts if secret in text]
    assert error.message == "wrong: ******** ******** ******** ******** /********"
    assert "https://callbacks.example.com" in repr(found)
