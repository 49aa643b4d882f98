"""What the client does about errors, silence, cuts, and what is no answer at all."""

import gzip

import pytest

from router.config.secret import Secret
from router.live_api import (
    Credentials,
    LiveApiError,
    LiveClient,
    Paces,
    Retried,
    Timeouts,
    UpdateCallback,
)
from tests.live_api.calling import DESCRIBE, UPDATE, client_of
from tests.live_api.clock import START_MS, WaitingClock
from tests.live_api.codes import CODES, LIVE_CODES
from tests.live_api.server import DOMAIN, VHOST, Act, Code, Cut, Hang, LiveApiServer, Raw

ATTEMPTS = {
    "CommonErr": 4,
    "ResourceNotFound": 2,
    "InternalError": 4,
    "InternalError.DB": 4,
    "InternalServiceError": 4,
    "InternalServiceError.BadResponse": 4,
    "InternalServiceTimeout": 4,
    "FlowLimitExceeded": 4,
    "AccountFlowLimitExceeded": 4,
    "ServiceUnavailableTemp": 4,
}
"""How often is asked in all; a code that is not here: once."""


@pytest.mark.parametrize("code", CODES)
async def test_an_error_is_tried_as_often_as_its_code_allows(
    code: str, server: LiveApiServer, client: LiveClient
) -> None:
    """And then told with everything that came with it, whatever the status of HTTP was."""
    attempts = ATTEMPTS.get(code, 1)
    server.then(*[Code(code)] * attempts)

    with pytest.raises(LiveApiError) as raised:
        await client.update_callback(UPDATE)

    error = raised.value
    assert len(server.asked) == error.attempts == attempts
    assert (error.http_status, error.message) == CODES[code]
    assert (error.code, error.request_id) == (code, f"20261121{attempts:026d}")
    assert code in str(error)
    assert error.hint in str(error)
    assert error.request_id in str(error)


def test_all_seventeen_codes_are_tried() -> None:
    """The table of the tests is that of the documents, in number at least."""
    assert len(LIVE_CODES) == 17


@pytest.mark.parametrize("act", [Code("CommonErr"), Hang(performs=True), Cut()], ids=str)
async def test_a_passing_fault_is_survived(
    act: Act, server: LiveApiServer, clock: WaitingClock
) -> None:
    """The next attempt does what was asked; who called is told of the first one."""
    told: list[Retried] = []
    server.then(act)
    async with client_of(
        server, clock, timeouts=Timeouts(attempt_secs=0.2), on_retry=told.append
    ) as client:
        await client.update_callback(UPDATE)

    assert len(server.asked) == 2
    assert list(server.account.registered) == [(VHOST, "", "show", "push")]
    assert [(retried.action, retried.attempts) for retried in told] == [("UpdateCallback", 1)]
    assert [retried.after_secs for retried in told] == clock.waits


async def test_each_attempt_is_signed_anew(
    server: LiveApiServer, client: LiveClient, clock: WaitingClock
) -> None:
    """The time that is signed is that of the attempt, and the waits grow."""
    server.then(*[Code("InternalError")] * 3)

    await client.describe_callback(DESCRIBE)

    dates = [asked.headers["X-Date"] for asked in server.asked]
    assert len(set(dates)) > 1
    assert len({asked.headers["Authorization"] for asked in server.asked}) > 1
    assert server.refused == {"InternalError": 3}
    first, second, third = clock.waits
    assert 0.25 <= first <= 0.5 <= second <= 1.0 <= third <= 2.0


async def test_no_attempt_begins_after_the_total_time(
    server: LiveApiServer, clock: WaitingClock
) -> None:
    """Back-off ends where the next attempt would come too late."""
    server.then(*[Code("InternalError")] * 4)
    async with client_of(server, clock, timeouts=Timeouts(total_secs=0.6)) as client:
        with pytest.raises(LiveApiError) as raised:
            await client.describe_callback(DESCRIBE)

    assert raised.value.attempts == len(server.asked) == 2
    assert clock.monotonic_secs() < 0.6


UNREADABLE = {
    "a page": (Raw(502, b"<html>Bad Gateway</html>", "text/html"), "unreadable", 4),
    "a page with 200": (Raw(200, b"<html>Welcome</html>", "text/html"), "unreadable", 1),
    "nothing": (Raw(200, b""), "unreadable", 1),
    "no JSON": (Raw(200, b'{"ResponseMetadata":'), "unreadable", 1),
    "a comma too many": (Raw(200, b'{"ResponseMetadata":{"RequestId":"1"},}'), "unreadable", 1),
    "a list": (Raw(200, b"[]"), "unreadable", 1),
    "no metadata": (Raw(200, b"{}"), "unreadable", 1),
    "a wrong type": (
        Raw(200, b'{"ResponseMetadata":{},"Result":{"CallbackList":"none"}}'),
        "unreadable",
        1,
    ),
    "a status without an error": (Raw(503, b'{"ResponseMetadata":{}}'), "unreadable", 4),
    "a redirection": (
        Raw(302, b"", headers={"Location": "http://127.0.0.1:1/"}),
        "redirected",
        1,
    ),
    "no permission without a code": (Raw(403, b"Forbidden", "text/plain"), "unreadable", 1),
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_what_is_no_answer_is_a_clear_error(
    name: str, server: LiveApiServer, client: LiveClient
) -> None:
    """Only a gateway's trouble is tried again; a redirection is never followed."""
    raw, code, attempts = UNREADABLE[name]
    server.then(*[raw] * attempts)

    with pytest.raises(LiveApiError) as raised:
        await client.describe_callback(DESCRIBE)

    assert raised.value.code == code
    assert raised.value.http_status == raw.status
    assert len(server.asked) == attempts


async def test_silence_is_given_up(server: LiveApiServer, client: LiveClient) -> None:
    """Each attempt has its time, and there are four."""
    server.then(*[Hang()] * 4)

    with pytest.raises(LiveApiError) as raised:
        await client.describe_callback(DESCRIBE)

    assert (raised.value.code, raised.value.who, raised.value.http_status) == (
        "timed-out",
        "vendor",
        0,
    )
    assert len(server.asked) == 4


async def test_a_cut_answer_is_no_answer(server: LiveApiServer, client: LiveClient) -> None:
    """Half an answer four times is an error."""
    server.then(*[Cut()] * 4)

    with pytest.raises(LiveApiError) as raised:
        await client.describe_callback(DESCRIBE)

    assert raised.value.code == "cut-off"


async def test_nobody_there_is_a_clear_error(clock: WaitingClock) -> None:
    """A refused connection names the host, and is tried four times."""
    async with LiveApiServer() as server:
        endpoint, credentials = server.endpoint, server.credentials
    async with LiveClient(endpoint, credentials, clock=clock, paces=Paces()) as client:
        with pytest.raises(LiveApiError, match=r"127\.0\.0\.1") as raised:
            await client.describe_callback(DESCRIBE)

    assert (raised.value.code, raised.value.who, raised.value.attempts) == (
        "unreachable",
        "caller",
        4,
    )


async def test_an_endpoint_without_tls_is_not_trusted(
    server: LiveApiServer, clock: WaitingClock
) -> None:
    """Plain HTTP behind https:// is told at once, and nothing is sent."""
    endpoint = server.endpoint.replace("http:", "https:")
    async with LiveClient(endpoint, server.credentials, clock=clock, paces=Paces()) as client:
        with pytest.raises(LiveApiError) as raised:
            await client.describe_callback(DESCRIBE)

    assert (raised.value.code, raised.value.attempts) == ("untrusted", 1)
    assert server.asked == []


async def test_an_answer_has_a_bound(server: LiveApiServer, clock: WaitingClock) -> None:
    """A small answer that unpacks to more than 64 MiB is left."""
    bomb = gzip.compress(bytes(65 << 20), 1)
    server.then(Raw(200, bomb, headers={"Content-Encoding": "gzip"}))
    async with client_of(server, clock) as client:
        with pytest.raises(LiveApiError, match="more than 67108864 bytes") as raised:
            await client.describe_callback(DESCRIBE)

    assert raised.value.code == "too-large"
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("ahead_secs", "words"),
    [(3600, "3600 s ahead"), (-1200, "1200 s behind")],
    ids=["ahead", "behind"],
)
async def test_a_wrong_clock_is_explained(
    ahead_secs: int, words: str, server: LiveApiServer
) -> None:
    """By the time that the refusal carries; nothing is tried again."""
    wrong = WaitingClock(START_MS + ahead_secs * 1000)
    async with client_of(server, wrong) as client:
        with pytest.raises(LiveApiError, match=words) as raised:
            await client.describe_callback(DESCRIBE)

    assert raised.value.code == "InvalidTimestamp"
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("credentials", "code"),
    [
        (Credentials(access_key="AKLTother", secret_key=Secret(b"x")), "InvalidAccessKey"),
        (
            Credentials(access_key="AKLTexampleexampleexample", secret_key=Secret(b"x")),
            "SignatureDoesNotMatch",
        ),
    ],
    ids=["id", "secret"],
)
async def test_wrong_credentials_are_explained(
    credentials: Credentials, code: str, server: LiveApiServer, clock: WaitingClock
) -> None:
    """The account has to act, and its clock is not blamed."""
    async with LiveClient(server.endpoint, credentials, clock=clock, paces=Paces()) as client:
        with pytest.raises(LiveApiError, match="access_key and secret_key") as raised:
            await client.describe_callback(DESCRIBE)

    assert (raised.value.code, raised.value.who) == (code, "account")


async def test_a_request_with_faults_is_not_sent(server: LiveApiServer, client: LiveClient) -> None:
    """All of them are told at once."""
    wrong = UpdateCallback(domain=DOMAIN, app="show", message_type="Push", callback_detail_list=())

    with pytest.raises(LiveApiError) as raised:
        await client.update_callback(wrong)

    assert raised.value.code == "not-sent"
    assert raised.value.message.count("; ") == 2
    assert server.asked == []


@pytest.mark.parametrize(
    "endpoint",
    [
        "live.volcengineapi.com",
        "ftp://live.volcengineapi.com",
        "https://",
        "https://user@live.volcengineapi.com",
        "https://live.volcengineapi.com/v1",
        "https://live.volcengineapi.com?Action=x",
        "https://live.volcengineapi.com:port",
        "https://live.volcengineapi.com\n",
    ],
)
async def test_an_endpoint_is_a_host_and_no_more(
    endpoint: str, server: LiveApiServer, clock: WaitingClock
) -> None:
    """Else nothing is sent, and nothing raised before."""
    async with LiveClient(endpoint, server.credentials, clock=clock) as client:
        with pytest.raises(LiveApiError, match="endpoint") as raised:
            await client.describe_callback(DESCRIBE)

    assert raised.value.code == "not-sent"


async def test_a_key_that_no_header_can_hold_is_not_sent(
    server: LiveApiServer, clock: WaitingClock
) -> None:
    """A line's end at the end of a key is common, and would be a forged header."""
    credentials = Credentials(access_key="AKLTexample\n", secret_key=Secret(b"x"))
    async with LiveClient(server.endpoint, credentials, clock=clock) as client:
        with pytest.raises(LiveApiError, match="access key's id") as raised:
            await client.describe_callback(DESCRIBE)

    assert raised.value.code == "not-sent"
