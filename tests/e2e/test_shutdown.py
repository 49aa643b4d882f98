"""Ending: after SIGTERM still accepting for a while, after Ctrl-C not; in order both times."""

import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.callbacks import RTC, rtc
from tests.e2e.conftest import Published, StartServer
from tests.e2e.outage import NEVER_SPOOLED, SMALL_SPOOL
from tests.e2e.serving import Server
from tests.e2e.wire import HOST, Client, ask, head, post

pytestmark = pytest.mark.kafka

LAME_DUCK_SECS = 1.2


def _start(start_server: StartServer) -> Server:
    return start_server({"lame_duck": "1200ms"})


def _wait_draining(server: Server, within_secs: float = 1.0) -> None:
    deadline = time.monotonic() + within_secs
    while server.get("/readyz").status != 503:
        assert time.monotonic() < deadline, "still ready"


def test_after_sigterm_callbacks_are_accepted_for_a_while(
    start_server: StartServer, published: Published
) -> None:
    """Not ready at once, but accepting, on old and new connections, until the end; then exit 0."""
    server = _start(start_server)
    names = [f"lame-duck-{number}" for number in range(20)]
    with Client(server.port) as old, Client(server.port) as idle:
        assert old.send(post(RTC, rtc("before-sigterm"))).answer().status == 200
        assert idle.send(post(RTC, rtc("before-sigterm"))).answer().status == 200
        server.send_signal(signal.SIGTERM)
        signalled_at = time.monotonic()
        _wait_draining(server)
        assert server.get("/healthz").status == 200
        assert old.send(post(RTC, rtc("old-connection"))).answer().status == 200
        statuses = [ask(server.port, post(RTC, rtc(name))).status for name in names]

        assert server.wait_ended() == 0

    assert LAME_DUCK_SECS <= time.monotonic() - signalled_at <= LAME_DUCK_SECS + 2.0
    assert statuses == [200] * 20
    assert {"appId/old-connection", *(f"appId/{name}" for name in names)} <= published().keys()


def test_answers_of_a_lame_duck_ask_for_another_connection(start_server: StartServer) -> None:
    """Answers carry `Connection: close` then, so that a balancer's connections move on."""
    server = _start(start_server)
    with Client(server.port) as old:
        assert "connection" not in old.send(post(RTC, rtc("moving"))).answer().headers
        server.send_signal(signal.SIGTERM)
        _wait_draining(server)

        [answer] = old.send(post(RTC, rtc("moving"))).answers()

    assert answer.status == 200
    assert answer.headers["connection"] == "close"
    assert server.wait_ended() == 0


def test_what_is_in_flight_at_sigterm_is_answered(
    start_server: StartServer, published: Published
) -> None:
    """Many callbacks sent at the moment of the signal all get their 200."""
    server = _start(start_server)
    names = [f"in-flight-{number}" for number in range(200)]
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(server.port)) for _ in names]
        for client, name in zip(clients, names, strict=True):
            client.send(post(RTC, rtc(name)))
        server.send_signal(signal.SIGTERM)
        statuses = [client.answer().status for client in clients]

    assert statuses == [200] * 200
    assert server.wait_ended() == 0
    assert {f"appId/{name}" for name in names} <= published().keys()


def test_sigint_ends_within_a_second(start_server: StartServer, published: Published) -> None:
    """Ctrl-C waits for no lame duck; what was accepted is published."""
    server = _start(start_server)
    last = post(RTC, rtc("before-sigint"), "Connection: close")
    assert ask(server.port, last).status == 200
    server.send_signal(signal.SIGINT)

    assert server.wait_ended(1.0) == 0
    with pytest.raises(ConnectionRefusedError):
        Client(server.port)
    assert b"Traceback" not in server.output
    assert "appId/before-sigint" in published()


def test_sigint_waits_for_no_open_connection(start_server: StartServer) -> None:
    """Connections without a request, used before or not, are no reason to go on."""
    server = _start(start_server)
    with Client(server.port) as idle, Client(server.port) as silent:
        assert idle.send(post(RTC, rtc("idle"))).answer().status == 200
        server.send_signal(signal.SIGINT)

        assert server.wait_ended(1.0) == 0
        assert idle.is_closed()
        assert silent.is_closed()


def test_ctrl_c_cuts_the_lame_duck_short(start_server: StartServer) -> None:
    """Who has sent SIGTERM and cannot wait sends SIGINT."""
    server = start_server({"lame_duck": "60s"})
    server.send_signal(signal.SIGTERM)
    _wait_draining(server)

    server.send_signal(signal.SIGINT)

    assert server.wait_ended(1.0) == 0


@pytest.fixture
def nowhere() -> Iterator[dict[str, str]]:
    """A Kafka that refuses connections: its port is held, but nobody listens."""
    with socket.socket() as held:
        held.bind((HOST, 0))
        yield {"bootstrap_servers": f"{HOST}:{held.getsockname()[1]}"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_without_kafka_the_end_is_orderly(
    start_server: StartServer, nowhere: dict[str, str], number: signal.Signals
) -> None:
    """A callback under way is answered from the spool, and the end does not wait for Kafka."""
    server = start_server({"kafka": nowhere, "lame_duck": "1s", "ack": {"soft": "1500ms"}})
    with Client(server.port) as client:
        client.send(post(RTC, rtc("spooled")))
        assert client.is_silent(0.2)
        server.send_signal(number)
        answers = client.answers()

    assert server.wait_ended() == 0
    assert [answer.status for answer in answers] == [200]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_without_kafka_and_spool_the_end_is_orderly(
    start_server: StartServer, nowhere: dict[str, str], number: signal.Signals
) -> None:
    """A callback that cannot become durable gets its 503, and the end waits for nothing else."""
    server = start_server({"kafka": nowhere, "lame_duck": "1s", "spool": SMALL_SPOOL})
    with Client(server.port) as client:
        client.send(NEVER_SPOOLED)
        assert client.is_silent(0.2)
        server.send_signal(number)
        answers = client.answers()

    assert server.wait_ended() == 0
    # Ctrl-C may cut it off; a 200 would be a lie, whatever the signal.
    expected = [[503]] if number == signal.SIGTERM else [[503], []]
    assert [answer.status for answer in answers] in expected


def test_sighup_is_no_end(start_server: StartServer) -> None:
    """SIGHUP reloads: the server goes on with the same configuration."""
    server = _start(start_server)
    with Client(server.port) as client:
        assert client.send(post(RTC, rtc("before-sighup"))).answer().status == 200
        server.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            server.wait_ended(0.5)

        assert ask(server.port, post(RTC, rtc("after-sighup"))).status == 200


def test_a_port_that_is_taken_is_told_without_a_traceback(tmp_path: Path) -> None:
    """The command ends with an exit code that is not 0, and says why in a line."""
    with socket.create_server((HOST, 0)) as taken:
        listen = f"{HOST}:{taken.getsockname()[1]}"
        settings = {"listen": listen, "kafka": {"bootstrap_servers": f"{HOST}:1"}}
        with Server(tmp_path, settings) as server:
            code = server.wait_ended()

    assert code in {1, 2}
    assert b"Traceback" not in server.output
    assert server.output


def test_a_configuration_with_errors_is_not_served(tmp_path: Path) -> None:
    """The user must change something: exit 2, with the place of the error."""
    settings = {
        "kafka": {"bootstrap_servers": f"{HOST}:1"},
        "sources": {"rtc": {"vendor": "volcengine-rtc", "secrets": [{"env": "NOT_SET_ANYWHERE"}]}},
    }
    with Server(tmp_path, settings) as server:
        code = server.wait_ended()

    assert code == 2
    assert b"sources.rtc.secrets[0].env" in server.output
    assert b"Traceback" not in server.output


def test_half_a_request_does_not_hold_up_the_end(start_server: StartServer) -> None:
    """A sender in the middle of a request keeps nobody longer than its own deadlines."""
    server = start_server({"lame_duck": "0s"})
    with Client(server.port) as half_head, Client(server.port) as half_body:
        half_head.send(head(f"POST {RTC} HTTP/1.1")[:-2])
        half_body.send(post(RTC, rtc("half"))[:-9])
        server.send_signal(signal.SIGTERM)

        assert server.wait_ended(8.0) == 0


def test_a_connection_that_left_before_does_not_end_the_wait(
    start_server: StartServer, nowhere: dict[str, str]
) -> None:
    """A probe that came and went in the lame duck takes no callback's answer with it."""
    server = start_server({"kafka": nowhere, "lame_duck": "1s", "spool": SMALL_SPOOL})
    server.send_signal(signal.SIGTERM)
    with Client(server.port) as probe:
        assert ask(server.port, post("/nowhere", b"x")).status == 404
        probe.reset()
    with Client(server.port) as client:
        client.send(NEVER_SPOOLED)
        answers = client.answers()

    assert [answer.status for answer in answers] == [503]
