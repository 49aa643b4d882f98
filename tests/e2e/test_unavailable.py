"""When nothing can be made durable: 503 at the hard deadline, never earlier, and nothing else."""

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from msgspec import Struct

from tests.cluster import Cluster
from tests.e2e.callbacks import RTC, STUDIO, forged, rtc, studio
from tests.e2e.conftest import Published, StartServer
from tests.e2e.serving import Server
from tests.e2e.wire import HOST, Answer, Client, ask, head, post

pytestmark = pytest.mark.kafka

DEADLINE_SECS = 3.0
LATE_SECS = 0.5
TOPIC = "callbacks.volcengine-rtc.RoomCreate"


@pytest.fixture(scope="module")
def refused_port() -> Iterator[int]:
    """A port that refuses connections: held, but nobody listens."""
    with socket.socket() as held:
        held.bind((HOST, 0))
        yield held.getsockname()[1]


@pytest.fixture(scope="module")
def cut_off_server(start_server: StartServer, refused_port: int) -> Server:
    """A server whose Kafka is not there."""
    return start_server({"kafka": {"bootstrap_servers": f"{HOST}:{refused_port}"}})


@pytest.fixture(scope="module")
def own_cluster(tmp_path_factory: pytest.TempPathFactory, kafka: Cluster) -> Iterator[Cluster]:
    """A broker to be frozen, with one topic; where there is no Kafka at all, *kafka* skips."""
    assert kafka.bootstrap_servers
    with Cluster.start(tmp_path_factory.mktemp("own-kafka"), brokers=1) as cluster:
        cluster.create_topics([TOPIC])
        yield cluster


class Late(Struct, frozen=True, kw_only=True):
    """An answer and how long after the end of the request's head it came."""

    answer: Answer
    after_secs: float


def _ask_together(server: Server, requests: list[bytes]) -> list[Late]:
    """Return the answers to requests sent at the same moment, each on its own connection."""
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(server.port)) for _ in requests]
        sent_at = []
        for client, request in zip(clients, requests, strict=True):
            sent_at.append(time.monotonic())
            client.send(request)
        arrived_at = _arrivals(clients)
        return [
            Late(answer=client.answer(), after_secs=arrived_at[client] - sent)
            for client, sent in zip(clients, sent_at, strict=True)
        ]


def _arrivals(clients: list[Client]) -> dict[Client, float]:
    """Return when each of them first had something to read."""
    arrived_at: dict[Client, float] = {}
    with selectors.DefaultSelector() as selector:
        for client in clients:
            selector.register(client, selectors.EVENT_READ, client)
        while len(arrived_at) < len(clients):
            ready = selector.select(10.0)
            assert ready, "no answer in 10 s"
            for key, _ in ready:
                arrived_at[key.data] = time.monotonic()
                selector.unregister(key.data)
    return arrived_at


def _assert_unavailable(late: Late) -> None:
    assert (late.answer.status, late.answer.reason) == (503, "unavailable")
    assert int(late.answer.headers["retry-after"]) > 0
    assert DEADLINE_SECS <= late.after_secs <= DEADLINE_SECS + LATE_SECS


def test_without_kafka_503_comes_at_the_deadline(cut_off_server: Server) -> None:
    """Whatever the source and the event, recognised or not, also for many at once."""
    requests = [
        post(RTC, rtc("cut-off")),
        post(RTC, rtc("cut-off", EventType="Brandnew")),
        post(RTC, rtc("cut-off", EventData=f'{{"RoomId":"{"x" * 500_000}"}}')),
        post(STUDIO, studio("cut-off")),
        post(STUDIO, b"no JSON"),
        *(post(RTC, rtc(f"cut-off-{number}")) for number in range(100)),
    ]

    for late in _ask_together(cut_off_server, requests):
        _assert_unavailable(late)


def test_the_deadline_counts_from_the_end_of_the_head(cut_off_server: Server) -> None:
    """A body that comes a second later has a second less to become durable."""
    body = rtc("cut-off")
    lines = head(f"POST {RTC} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}")
    with Client(cut_off_server.port) as client:
        client.send(lines[:30])
        assert client.is_silent(0.5)
        sent_at = time.monotonic()
        client.send(lines[30:])
        assert client.is_silent(1.0)
        answer = client.send(body).answer()
        late = Late(answer=answer, after_secs=time.monotonic() - sent_at)
        next_answer = client.send(post("/nowhere", b"")).answer()

    _assert_unavailable(late)
    assert next_answer.status == 404  # a vendor's retry may come on the same connection


def test_without_kafka_refusals_are_as_ever(cut_off_server: Server) -> None:
    """What is not authentic is refused at once, with its own status."""
    requests = [
        post("/nowhere", rtc("cut-off")),
        post(RTC, forged("cut-off")),
        post(RTC, b"{"),
        post(RTC, b"", method="GET"),
    ]

    answers = _ask_together(cut_off_server, requests)

    assert [late.answer.status for late in answers] == [404, 401, 400, 405]
    assert max(late.after_secs for late in answers) < 1.0


def test_without_kafka_the_server_is_ready(cut_off_server: Server) -> None:
    """Taking every instance out of the balancer would lose what a retry may still save."""
    assert cut_off_server.get("/readyz").status == 200
    assert cut_off_server.get("/healthz").status == 200


def test_the_deadline_is_configured(start_server: StartServer, refused_port: int) -> None:
    """`ack.hard` is the time of the answer."""
    server = start_server(
        {"kafka": {"bootstrap_servers": f"{HOST}:{refused_port}"}, "ack": {"hard": "1s"}}
    )

    [late] = _ask_together(server, [post(RTC, rtc("cut-off"))])

    assert late.answer.status == 503
    assert 1.0 <= late.after_secs <= 1.0 + LATE_SECS


def _is_accepted(server: Server, event_id: str) -> bool:
    return ask(server.port, post(RTC, rtc(event_id))).status == 200


def test_a_frozen_kafka_is_an_unavailable_one(
    start_server: StartServer, own_cluster: Cluster
) -> None:
    """While the broker does not answer 503 comes at the deadline; once it does, 200 again."""
    server = start_server({"kafka": {"bootstrap_servers": own_cluster.bootstrap_servers}})
    assert _is_accepted(server, "before-the-frost")
    own_cluster.freeze(1)
    try:
        answers = _ask_together(server, [post(RTC, rtc(f"frost-{n}")) for n in range(20)])
    finally:
        own_cluster.thaw(1)

    for late in answers:
        _assert_unavailable(late)
    deadline = time.monotonic() + 30.0
    while not (accepted := _is_accepted(server, "thawed")) and time.monotonic() < deadline:
        pass
    assert accepted


def test_what_was_answered_503_is_nowhere_else(
    server: Server, cut_off_server: Server, published: Published
) -> None:
    """A server that is cut off disturbs no other: that one's callbacks are accepted."""
    assert cut_off_server.port != server.port
    assert _is_accepted(server, "connected")
    assert "appId/cut-off" not in published()
