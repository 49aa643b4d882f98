"""Whose address counts: the peer's, or what a trusted proxy says of it."""

import pytest

from tests.e2e.callbacks import RTC, forged, rtc
from tests.e2e.conftest import Published, StartServer
from tests.e2e.serving import Server
from tests.e2e.wire import Client, ask, post

pytestmark = pytest.mark.kafka

GUARDED = "/callbacks/guarded"  # allows 203.0.113.0/24 and 127.0.9.0/24
PROXY = "127.4.0.1"
OTHER_PROXY = "127.4.1.1"
STRANGER = "127.4.2.1"
ALLOWED = "203.0.113.7"
REFUSED = "198.51.100.7"


@pytest.fixture(scope="module")
def proxied_server(start_server: StartServer) -> Server:
    """A server that trusts two proxies."""
    return start_server({"trusted_proxies": [f"{PROXY}/32", "127.4.1.0/24"]})


@pytest.mark.parametrize(
    ("address", "lines", "status"),
    [
        pytest.param("127.0.9.1", [], 200, id="allowed-peer"),
        pytest.param(STRANGER, [], 403, id="refused-peer"),
        pytest.param(STRANGER, [ALLOWED], 403, id="claimed-by-a-stranger"),
        pytest.param("127.0.9.1", [REFUSED], 200, id="claim-of-a-stranger-is-ignored"),
        pytest.param(PROXY, [ALLOWED], 200, id="told-by-a-proxy"),
        pytest.param(OTHER_PROXY, [ALLOWED], 200, id="told-by-another-proxy"),
        pytest.param(PROXY, [REFUSED], 403, id="refused-behind-a-proxy"),
        pytest.param(PROXY, [], 403, id="a-proxy-itself"),
        pytest.param(PROXY, [f"{REFUSED}, {ALLOWED}"], 200, id="the-last-hop-counts"),
        pytest.param(PROXY, [f"{ALLOWED}, {REFUSED}"], 403, id="a-forged-first-hop"),
        pytest.param(PROXY, [f"{ALLOWED},{REFUSED}"], 403, id="a-forged-hop-without-a-space"),
        pytest.param(PROXY, [ALLOWED, REFUSED], 403, id="the-last-line-counts"),
        pytest.param(PROXY, [REFUSED, ALLOWED], 200, id="two-lines-are-one-list"),
        pytest.param(PROXY, ["nonsense"], 403, id="no-address"),
        pytest.param(PROXY, [f"{ALLOWED}, nonsense"], 403, id="no-address-as-last-hop"),
        pytest.param(PROXY, [""], 403, id="empty"),
        pytest.param(PROXY, [f"{ALLOWED}/24"], 403, id="a-network"),
        pytest.param(PROXY, ["unknown"], 403, id="unknown"),
        pytest.param(PROXY, ["2001:db8::1"], 403, id="ipv6"),
        pytest.param(PROXY, [f"::ffff:{REFUSED}"], 403, id="mapped"),
        pytest.param(PROXY, ["fe80::1%eth0"], 403, id="ipv6-with-zone"),
        pytest.param(PROXY, ["٢٠٣.0.113.7"], 403, id="digits-of-another-script"),
    ],
)
def test_the_senders_address_decides(
    proxied_server: Server, address: str, lines: list[str], status: int
) -> None:
    """`X-Forwarded-For` counts only if a trusted proxy sent it, and then its last hop."""
    headers = [f"X-Forwarded-For: {line}" for line in lines]

    answer = ask(proxied_server.port, post(GUARDED, rtc("guarded"), *headers), address)

    assert answer.status == status
    assert status == 200 or answer.reason == "address"


@pytest.mark.parametrize("header", ["Forwarded: for=203.0.113.7", "X-Real-IP: 203.0.113.7"])
def test_other_headers_tell_no_address(proxied_server: Server, header: str) -> None:
    """Only the header that proxies are known to set is read."""
    assert ask(proxied_server.port, post(GUARDED, rtc("guarded"), header), PROXY).status == 403


def test_a_claimed_address_harms_no_open_source(server: Server) -> None:
    """Where nobody is refused by address, a forged header changes nothing."""
    for value in (ALLOWED, "nonsense", ""):
        answer = ask(server.port, post(RTC, rtc("claimed"), f"X-Forwarded-For: {value}"))

        assert answer.status == 200


def test_nothing_from_a_refused_address_is_published(
    proxied_server: Server, published: Published
) -> None:
    """An authentic callback from elsewhere is refused, and leaves no event."""
    ask(proxied_server.port, post(GUARDED, rtc("from-elsewhere")), STRANGER)
    ask(proxied_server.port, post(GUARDED, rtc("from-there")), "127.0.9.1")

    events = published()

    assert "appId/from-there" in events
    assert "appId/from-elsewhere" not in events


def _forge(client: Client, sender: str) -> int:
    request = post(RTC, forged("behind-a-proxy"), f"X-Forwarded-For: {sender}")
    return client.send(request).answer().status


def test_failures_are_counted_by_the_address_behind_the_proxy(proxied_server: Server) -> None:
    """One sender's forgeries bring 429 to it alone, not to all who come through the proxy."""
    with Client(proxied_server.port, PROXY) as client:
        statuses = {_forge(client, REFUSED) for _ in range(2000)}
        elsewhere = _forge(client, ALLOWED)

    assert statuses == {401, 429}
    assert elsewhere == 401


def test_a_stranger_cannot_spread_its_failures(proxied_server: Server) -> None:
    """Who is no proxy is counted by its own address, whatever it claims."""
    with Client(proxied_server.port, STRANGER) as client:
        statuses = {_forge(client, f"192.0.2.{number % 250}") for number in range(2000)}

    assert statuses == {401, 429}
