"""Fixtures: the vendor and a client, both by a clock of the test's own."""

from collections.abc import AsyncIterator

import pytest

from router.live_api import LiveClient, Timeouts
from tests.live_api.calling import client_of
from tests.live_api.clock import WaitingClock
from tests.live_api.server import LiveApiServer


@pytest.fixture
def clock() -> WaitingClock:
    """The client's clock."""
    return WaitingClock()


@pytest.fixture
async def server(clock: WaitingClock) -> AsyncIterator[LiveApiServer]:
    """The vendor, by the same clock."""
    async with LiveApiServer(unix_ms=clock.unix_ms, monotonic_secs=clock.monotonic_secs) as serving:
        yield serving


@pytest.fixture
async def client(server: LiveApiServer, clock: WaitingClock) -> AsyncIterator[LiveClient]:
    """A client that gives up an attempt after a fifth of a second."""
    async with client_of(server, clock, timeouts=Timeouts(attempt_secs=0.2)) as calling:
        yield calling
