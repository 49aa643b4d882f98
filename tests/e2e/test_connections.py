"""Many requests on one connection, many connections of one address, and abrupt ends."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.callbacks import RTC, STUDIO, forged, rtc, studio
from tests.e2e.conftest import Published, StartServer
from tests.e2e.serving import Server
from tests.e2e.wire import Client, ClosedError, ask, chunked, head, post

pytestmark = pytest.mark.kafka

PER_ADDRESS = 5
PROXY = "127.3.0.1"


@pytest.fixture(scope="module")
def narrow_server(start_server: StartServer) -> Server:
    """A server that takes few connections of one address, unless it is a trusted proxy's."""
    return start_server(
        {"connections_per_address": PER_ADDRESS, "trusted_proxies": [f"{PROXY}/32"]}
    )


@pytest.fixture
def clients() -> Iterator[ExitStack]:
    """What closes this test's connections."""
    with ExitStack() as stack:
        yield stack


def test_pipelined_requests_are_answered_in_their_order(
    server: Server, published: Published, address: str
) -> None:
    """Requests sent without waiting get their own answers, accepted or refused, one by one."""
    names = ["pipelined-1", "pipelined-2", "pipelined-3"]
    requests = [
        post(RTC, rtc(names[0])),
        post(RTC, forged("pipelined")),
        post("/nowhere", rtc("pipelined")),
        post(STUDIO, studio("pipelined")),
        post(RTC, b"", method="GET"),
        head(f"POST {RTC} HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked")
        + chunked(rtc(names[1])),
        post(RTC, b""),
        post(RTC, rtc(names[2])),
    ]
    with Client(server.port, address) as client:
        client.send(b"".join(requests))
        statuses = [client.answer().status for _ in requests]

    assert statuses == [200, 401, 404, 200, 405, 200, 400, 200]
    assert {f"appId/{name}" for name in names} <= published().keys()


def test_many_pipelined_callbacks_are_all_answered(server: Server, published: Published) -> None:
    """A hundred callbacks in one write get a hundred times 200, and are published once each."""
    names = [f"burst-{number}" for number in range(100)]
    with Client(server.port) as client:
        client.send(b"".join(post(RTC, rtc(name)) for name in names))
        statuses = [client.answer().status for _ in names]

    assert statuses == [200] * 100
    assert {f"appId/{name}" for name in names} <= published().keys()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param(post(RTC, rtc("kept")), 200, id="accepted"),
        pytest.param(post(RTC, forged("kept")), 401, id="forged"),
        pytest.param(post("/nowhere", rtc("kept")), 404, id="unknown-path"),
        pytest.param(post("/nowhere", b"x" * 10_000), 404, id="unknown-path-large-body"),
        pytest.param(
            head("POST /nowhere HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked")
            + chunked(rtc("kept"), b"x" * 1000),
            404,
            id="unknown-path-chunked",
        ),
        pytest.param(post(RTC, rtc("kept"), method="PUT"), 405, id="other-method"),
        pytest.param(post("/callbacks/guarded", rtc("kept")), 403, id="refused-address"),
        pytest.param(post(RTC, rtc("kept"), "Content-Encoding: br"), 415, id="encoded"),
        pytest.param(post(RTC, b"{"), 400, id="no-json"),
        pytest.param(post(RTC, b""), 400, id="empty"),
    ],
)
def test_a_connection_is_used_again(
    server: Server, address: str, request_: bytes, status: int
) -> None:
    """After an answer of any status the next callback on the same connection is accepted."""
    with Client(server.port, address) as client:
        for _ in range(3):
            assert client.send(request_).answer().status == status
            assert client.send(post(RTC, rtc("kept"))).answer().status == 200


@pytest.mark.parametrize(
    "request_", [post(RTC, rtc("close"), "Connection: close"), post("/", b"", "Connection: close")]
)
def test_a_client_may_ask_for_the_end(server: Server, request_: bytes) -> None:
    """`Connection: close` is followed by one answer and the end."""
    with Client(server.port) as client:
        [answer] = client.send(request_).answers()

    assert answer.headers["connection"] == "close"


def _wait_published(published: Published, names: set[str]) -> bool:
    deadline = time.monotonic() + 5.0
    while not names <= published().keys():
        if time.monotonic() > deadline:
            return False
    return True


def test_a_reset_right_after_the_request_loses_nothing(
    server: Server, published: Published
) -> None:
    """A sender that is gone before its answer has delivered its callback all the same."""
    names = [f"reset-{number}" for number in range(10)]
    for name in names:
        with Client(server.port) as client:
            assert client.send(post(RTC, rtc("before-reset"))).answer().status == 200
            client.send(post(RTC, rtc(name))).reset()

    assert _wait_published(published, {f"appId/{name}" for name in names})


def test_an_end_right_after_the_request_loses_nothing(server: Server, published: Published) -> None:
    """A sender that closes its side in order, at once, is accepted and answered."""
    with Client(server.port) as client:
        client.send(post(RTC, rtc("half-closed"))).half_close()
        answers = client.answers()

    assert [answer.status for answer in answers] in ([200], [])
    assert _wait_published(published, {"appId/half-closed"})


def _is_served(server: Server, address: str) -> bool:
    try:
        return ask(server.port, post(RTC, rtc("served")), address).status == 200
    except (ClosedError, ConnectionError):
        return False


def test_an_address_holds_a_bounded_number_of_connections(
    narrow_server: Server, clients: ExitStack
) -> None:
    """One more is not served; those that are there, and other addresses, are."""
    held = [
        clients.enter_context(Client(narrow_server.port, "127.3.0.2")) for _ in range(PER_ADDRESS)
    ]
    for client in held:
        assert client.send(post(RTC, rtc("held"))).answer().status == 200

    assert not _is_served(narrow_server, "127.3.0.2")
    assert _is_served(narrow_server, "127.3.0.3")
    for client in held:
        assert client.send(post(RTC, rtc("held"))).answer().status == 200


@pytest.mark.parametrize("address", ["127.3.0.4", "127.3.0.5"])
def test_a_closed_connection_makes_room(
    narrow_server: Server, clients: ExitStack, address: str
) -> None:
    """Once one of them has ended, in order or by a reset, the address is served again."""
    held = [clients.enter_context(Client(narrow_server.port, address)) for _ in range(PER_ADDRESS)]
    for client in held:
        assert client.send(post(RTC, rtc("held"))).answer().status == 200
    assert not _is_served(narrow_server, address)

    if address == "127.3.0.4":
        held[0].half_close()
    else:
        held[0].reset()

    deadline = time.monotonic() + 5.0
    while not (served := _is_served(narrow_server, address)) and time.monotonic() < deadline:
        assert held[1].send(post(RTC, rtc("held"))).answer().status == 200
    assert served


def test_silent_connections_count_too(narrow_server: Server, clients: ExitStack) -> None:
    """Connections that have sent nothing yet are connections."""
    for _ in range(PER_ADDRESS):
        clients.enter_context(Client(narrow_server.port, "127.3.0.6"))

    assert not _is_served(narrow_server, "127.3.0.6")


def test_a_trusted_proxy_may_hold_more(narrow_server: Server, clients: ExitStack) -> None:
    """Behind a proxy's address are many senders."""
    for _ in range(3 * PER_ADDRESS):
        client = clients.enter_context(Client(narrow_server.port, PROXY))
        assert client.send(post(RTC, rtc("proxied"))).answer().status == 200


def test_hundreds_of_connections_are_served(server: Server, clients: ExitStack) -> None:
    """The default bound leaves room for a vendor's many connections."""
    held = [clients.enter_context(Client(server.port, "127.3.0.7")) for _ in range(500)]
    for client in held:
        client.send(post(RTC, rtc("hundreds")))

    assert {client.answer(20.0).status for client in held} == {200}
