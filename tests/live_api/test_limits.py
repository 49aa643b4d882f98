"""The client asks no more often than it may, and shows no secret."""

import asyncio

import pytest

from router.live_api import (
    LiveApiError,
    Paces,
    Retried,
)
from tests.live_api.calling import DATA, DESCRIBE, KEY, UPDATE, client_of, pages_of
from tests.live_api.clock import WaitingClock
from tests.live_api.server import (
    SECRET_KEY,
    Code,
    LiveApiServer,
)


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
    repeated = f"wrong: {KEY} {SECRET_KEY} AKLTexampleexampleexample"
    server.then(Code("InternalError", message=repeated), Code("InvalidParam", message=repeated))
    caplog.set_level(0)
    asyncio.get_running_loop().set_debug(True)
    async with client_of(server, clock, on_retry=told.append) as client:
        with pytest.raises(LiveApiError) as raised:
            await client.update_callback(UPDATE)
        await client.update_callback(UPDATE)
        found = await client.describe_callback(DESCRIBE)

    error = raised.value
    texts = [repr(UPDATE), repr(found), repr(client), repr(told), repr(error), str(error)]
    texts += [repr(vars(error)), caplog.text, repr(error.__cause__), repr(error.__context__)]
    texts += [repr(server.credentials)]
    for secret in (KEY, SECRET_KEY, "AKLTexampleexampleexample"):
        assert not [text for text in texts if secret in text]
    assert error.message == "wrong: ******** ******** ********"
