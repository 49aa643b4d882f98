"""Without Kafka: 200 from the spool. Without either: 503 at the hard deadline, never earlier."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest

from tests.cluster import Cluster, read_all
from tests.e2e.callbacks import RTC, STUDIO, forged, rtc, studio
from tests.e2e.conftest import Published, StartServer
from tests.e2e.outage import (
    NEVER_SPOOLED,
    SMALL_SPOOL,
    Late,
    ask_together,
    assert_spooled,
    assert_unavailable,
    fill_spool,
)
from tests.e2e.serving import Server
from tests.e2e.wire import HOST, Client, ask, head, post

pytestmark = pytest.mark.kafka

TOPIC = "callbacks.volcengine-rtc.RoomCreate"
BACK_SECS = 30.0


@pytest.fixture(scope="module")
def nowhere() -> Iterator[str]:
    """An address that refuses connections: held, but nobody listens."""
    with socket.socket() as held:
        held.bind((HOST, 0))
        yield f"{HOST}:{held.getsockname()[1]}"


@pytest.fixture(scope="module")
def cut_off_server(start_server: StartServer, nowhere: str) -> Server:
    """A server whose Kafka is not there."""
    return start_server({"kafka": {"bootstrap_servers": nowhere}})


@pytest.fixture(scope="module")
def full_server(start_server: StartServer, nowhere: str) -> Server:
    """A server whose Kafka is not there, and whose spool is full."""
    server = start_server({"kafka": {"bootstrap_servers": nowhere}, "spool": SMALL_SPOOL})
    fill_spool(server)
    return server


@pytest.fixture(scope="module")
def own_cluster(tmp_path_factory: pytest.TempPathFactory, kafka: Cluster) -> Iterator[Cluster]:
    """A broker to be frozen, with one topic; where there is no Kafka at all, *kafka* skips."""
    assert kafka.bootstrap_servers
    with Cluster.start(tmp_path_factory.mktemp("own-kafka"), brokers=1) as cluster:
        cluster.create_topics([TOPIC])
        yield cluster


def _all_kinds(name: str) -> list[bytes]:
    """Return callbacks of every kind, recognised or not, small or large, many at once."""
    return [
        post(RTC, rtc(name)),
        post(RTC, rtc(name, EventType="Brandnew")),
        post(RTC, rtc(name, EventData=f'{{"RoomId":"{"x" * 500_000}"}}')),
        post(STUDIO, studio(name)),
        post(STUDIO, b"no JSON"),
        *(post(RTC, rtc(f"{name}-{number}")) for number in range(100)),
    ]


def _wait_in_kafka(read: Callable[[], AbstractSet[str]], ids: AbstractSet[str]) -> None:
    """Return when Kafka holds these."""
    deadline = time.monotonic() + BACK_SECS
    while left := ids - read():
        assert time.monotonic() < deadline, f"not in Kafka: {sorted(left)}"


def test_without_kafka_200_comes_from_the_spool(cut_off_server: Server) -> None:
    """Soon after the soft deadline, whatever the source and the event, also for many at once."""
    requests = _all_kinds("spooled")

    for late in ask_together(cut_off_server, requests):
        assert_spooled(late)
    assert cut_off_server.metric("spool_records") >= len(requests)


def test_without_kafka_and_spool_503_comes_at_the_deadline(full_server: Server) -> None:
    """Whatever the source and the event, also for many at once; nothing is claimed."""
    for late in ask_together(full_server, _all_kinds("cut-off")):
        assert_unavailable(late)


def test_the_deadline_counts_from_the_end_of_the_head(full_server: Server) -> None:
    """A body that comes a second later has a second less to become durable."""
    body = rtc("cut-off")
    lines = head(f"POST {RTC} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}")
    with Client(full_server.port) as client:
        client.send(lines[:30])
        assert client.is_silent(0.5)
        sent_at = time.monotonic()
        client.send(lines[30:])
        assert client.is_silent(1.0)
        answer = client.send(body).answer()
        late = Late(answer=answer, after_secs=time.monotonic() - sent_at)
        next_answer = client.send(post("/nowhere", b"")).answer()

    assert_unavailable(late)
    assert next_answer.status == 404  # a vendor's retry may come on the same connection


def test_without_kafka_refusals_are_as_ever(full_server: Server) -> None:
    """What is not authentic is refused at once, with its own status."""
    requests = [
        post("/nowhere", rtc("cut-off")),
        post(RTC, forged("cut-off")),
        post(RTC, b"{"),
        post(RTC, b"", method="GET"),
    ]

    answers = ask_together(full_server, requests)

    assert [late.answer.status for late in answers] == [404, 401, 400, 405]
    assert max(late.after_secs for late in answers) < 1.0


@pytest.mark.parametrize("name", ["cut_off_server", "full_server"])
def test_without_kafka_the_server_is_ready(name: str, request: pytest.FixtureRequest) -> None:
    """Taking every instance out of the balancer would lose what a retry may still save."""
    server: Server = request.getfixturevalue(name)

    assert server.get("/readyz").status == 200
    assert server.get("/healthz").status == 200


def test_the_deadlines_are_configured(start_server: StartServer, nowhere: str) -> None:
    """`ack.soft` is the time of the spool's 200, `ack.hard` that of the 503."""
    kafka, ack = {"bootstrap_servers": nowhere}, {"soft": "700ms", "hard": "2s"}
    server = start_server({"kafka": kafka, "ack": ack, "spool": SMALL_SPOOL})
    # Until it has looked for what an earlier run left, a new instance spools at once.
    assert ask(server.port, post(STUDIO, studio("first"))).status == 200

    [spooled] = ask_together(server, [post(RTC, rtc("spooled"))])
    [refused] = ask_together(server, [NEVER_SPOOLED])

    assert spooled.answer.status == 200
    assert 0.7 <= spooled.after_secs < 2.0
    assert_unavailable(refused, hard_secs=2.0)


def test_a_frozen_kafka_is_an_unavailable_one(
    start_server: StartServer, own_cluster: Cluster
) -> None:
    """While the broker does not answer 200 comes from the spool; once it does, all is in Kafka."""
    servers = own_cluster.bootstrap_servers
    server = start_server({"kafka": {"bootstrap_servers": servers}})
    assert ask(server.port, post(RTC, rtc("before-the-frost"))).status == 200
    own_cluster.freeze(1)
    try:
        answers = ask_together(server, [post(RTC, rtc(f"frost-{n}")) for n in range(20)])
    finally:
        own_cluster.thaw(1)

    for late in answers:
        assert_spooled(late)
    assert ask(server.port, post(RTC, rtc("thawed"))).status == 200
    ids = {"before-the-frost", "thawed", *(f"frost-{n}" for n in range(20))}
    _wait_in_kafka(
        lambda: {json.loads(read.value or b"")["id"] for read in read_all(servers, [TOPIC])},
        {f"appId/{name}" for name in ids},
    )


def test_a_frozen_kafka_and_a_full_spool_are_told(
    start_server: StartServer, own_cluster: Cluster
) -> None:
    """503 at the deadline; once the broker answers, the same callback gets 200."""
    settings = {"kafka": {"bootstrap_servers": own_cluster.bootstrap_servers}}
    server = start_server({**settings, "spool": SMALL_SPOOL})
    assert ask(server.port, post(RTC, rtc("before-the-frost"))).status == 200
    own_cluster.freeze(1)
    try:
        fill_spool(server)
        answers = ask_together(server, [post(RTC, rtc(f"frozen-{n}")) for n in range(20)])
    finally:
        own_cluster.thaw(1)

    for late in answers:
        assert_unavailable(late)
    deadline = time.monotonic() + BACK_SECS
    while ask(server.port, post(RTC, rtc("frozen-0"))).status != 200:
        assert time.monotonic() < deadline


def test_what_was_spooled_is_in_kafka_after_the_next_start(
    start_server: StartServer, nowhere: str, namespace: str, published: Published, tmp_path: Path
) -> None:
    """Also when the process that answered 200 was killed at once."""
    spool = {"path": str(tmp_path / "spool")}
    kafka = {"bootstrap_servers": nowhere, "namespace": namespace}
    names = [f"next-start-{number}" for number in range(50)]
    killed = start_server({"kafka": kafka, "spool": spool})
    for late in ask_together(killed, [post(RTC, rtc(name)) for name in names]):
        assert_spooled(late)
    killed.kill()
    assert not {f"appId/{name}" for name in names} & published().keys()

    start_server({"spool": spool})

    _wait_in_kafka(lambda: published().keys(), {f"appId/{name}" for name in names})


def test_what_was_answered_503_is_nowhere_else(
    server: Server, full_server: Server, published: Published
) -> None:
    """A server that is cut off disturbs no other: that one's callbacks are accepted."""
    [late] = ask_together(full_server, [post(RTC, rtc("cut-off"))])
    assert_unavailable(late)

    assert ask(server.port, post(RTC, rtc("connected"))).status == 200
    assert "appId/cut-off" not in published()
