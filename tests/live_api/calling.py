"""What the tests of the client ask for."""

from typing import Any

from router.config.secret import Secret
from router.live_api import (
    CallbackDetail,
    CallbackPage,
    DescribeCallback,
    DescribeLiveCallbackData,
    LiveClient,
    Paces,
    UpdateCallback,
)
from tests.live_api.clock import START_MS, WaitingClock
from tests.live_api.server import VHOST, LiveApiServer

URL = "https://callbacks.example.com/callbacks/live"
KEY = "LiveAuthKey0123456789"
UPDATE = UpdateCallback(
    vhost=VHOST,
    app="show",
    message_type="push",
    transcode_callback=1,
    callback_detail_list=(CallbackDetail(url=URL),),
    auth_enable=True,
    auth_key_primary=Secret(KEY.encode()),
)
DESCRIBE = DescribeCallback(vhost=VHOST)
NOW_SECS = START_MS // 1000
DATA = DescribeLiveCallbackData(start_secs=NOW_SECS - 3600, end_secs=NOW_SECS)


def client_of(server: LiveApiServer, clock: WaitingClock, **options: Any) -> LiveClient:
    """Return a client with a pace of its own, if no other is given."""
    return LiveClient(
        server.endpoint, server.credentials, **{"clock": clock, "paces": Paces(), **options}
    )


async def pages_of(client: LiveClient, request: DescribeLiveCallbackData) -> list[CallbackPage]:
    """Return all the pages."""
    return [page async for page in client.describe_live_callback_data(request)]
