"""SIGTERM under load: not ready, but accepting; then an orderly end within the promised time."""

import asyncio
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

import aiohttp
import pytest

from tests.cluster import Cluster
from tests.integration.command import PATHS, Service, run, write_config
from tests.integration.steady import TOPIC, Steady, stored
from tests.kafka_node import free_ports
from tests.sender import rtc

pytestmark = pytest.mark.kafka

# Not 127.0.0.1, from where connections go out: see test_rolling_restart.
ADMIN_HOST: Final = "127.0.0.2"
LAME_DUCK_SECS = 2
PER_SEC = 150
# Of the 25 s that are promised for the default lame duck of 10 s.
AFTER_LAME_DUCK_SECS = 15.0


class Serve(Protocol):
    """Starts an instance."""

    def __call__(self, kafka: Cluster, lame_duck: str = ...) -> "Instance":
        """Return it, listening."""


class Instance(Service):
    """`serve` with its operators' port."""

    def __init__(self, config: Path, admin_port: int) -> None:
        """Start it, and return when it listens."""
        super().__init__(config)
        self.config = config
        self.readyz = f"http://{ADMIN_HOST}:{admin_port}/readyz"

    async def wait_not_ready(self) -> float:
        """Return the moment, on the monotonic clock, at which it said that it is not ready."""
        async with asyncio.timeout(5.0), aiohttp.ClientSession() as session:
            while True:
                async with session.get(self.readyz) as answer:
                    if answer.status == 503:
                        return time.monotonic()


@pytest.fixture
def serve(tmp_path: Path, unique: str) -> Iterator[Serve]:
    """A function that returns a listening instance on a Kafka, and how long its lame duck is."""
    started: list[Instance] = []

    def start(kafka: Cluster, lame_duck: str = f"{LAME_DUCK_SECS}s") -> Instance:
        kafka.create_topics([f"{unique}.{TOPIC}"])
        [admin_port] = free_ports(1)
        config = write_config(
            tmp_path,
            kafka.bootstrap_servers,
            f"{unique}.",
            admin=f"{ADMIN_HOST}:{admin_port}",
            lame_duck=lame_duck,
            spool={"path": str(tmp_path / "spool"), "allow_ephemeral": True},
        )
        started.append(Instance(config, admin_port))
        return started[-1]

    yield start
    for instance in started:
        instance.__exit__()


async def test_under_load_the_lame_duck_answers_everything(
    serve: Serve, kafka: Cluster, unique: str
) -> None:
    """All that comes before its end gets 200, with `Connection: close` since it is not ready."""
    instance = await asyncio.to_thread(serve, kafka)
    async with Steady(instance.url, PER_SEC) as load:
        await load.wait_durable(PER_SEC // 2)
        instance.send_signal(signal.SIGTERM)
        not_ready_at = await instance.wait_not_ready()
        await load.wait_durable(PER_SEC // 2)
        load.stop()
    within_secs = LAME_DUCK_SECS + AFTER_LAME_DUCK_SECS
    assert await asyncio.to_thread(instance.wait_ended, within_secs) == 0

    assert [sent for sent in load.sent if sent.status != 200] == []
    late = [sent for sent in load.sent if sent.began_at > not_ready_at]
    assert len(late) >= PER_SEC // 4
    assert {sent.connection for sent in late} == {"close"}
    drained = await asyncio.to_thread(run, "spool", "drain", "--config", instance.config)
    assert drained.returncode == 0, drained.stderr
    ids = await stored(kafka.bootstrap_servers, f"{unique}.{TOPIC}", load.durable)
    assert load.durable == set(ids)


async def test_a_second_sigterm_ends_the_lame_duck(serve: Serve, kafka: Cluster) -> None:
    """Who asks again cannot wait; a callback whose head was read is still answered first."""
    instance = await asyncio.to_thread(serve, kafka, "60s")
    body = rtc(EventId="under-way")
    reader, writer = await asyncio.open_connection("127.0.0.1", instance.port)
    instance.send_signal(signal.SIGTERM)
    await instance.wait_not_ready()
    head = f"POST {PATHS['rtc']} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n"
    writer.write(f"{head}Expect: 100-continue\r\n\r\n".encode())
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"

    instance.send_signal(signal.SIGTERM)
    await _wait_refused(instance.port)
    writer.write(body)
    answer = await asyncio.wait_for(reader.read(), 5.0)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nconnection: close\r\n" in answer.lower()
    assert await asyncio.to_thread(instance.wait_ended, 5.0) == 0
    writer.close()
    await writer.wait_closed()


async def test_a_kafka_that_hangs_does_not_delay_the_end(
    serve: Serve, kafka: Cluster, tmp_path: Path
) -> None:
    """Each callback is answered, durable elsewhere or 503; then exit 0 within the promised time."""
    del kafka  # for others; without Kafka's tools it has skipped this
    with await asyncio.to_thread(Cluster.start, tmp_path) as hanging:
        instance = await asyncio.to_thread(serve, hanging)
        async with Steady(instance.url, PER_SEC) as load:
            await load.wait_durable(PER_SEC // 2)
            await asyncio.to_thread(hanging.freeze, 1)
            instance.send_signal(signal.SIGTERM)
            signalled_at = time.monotonic()
            await load.wait_sent(PER_SEC // 2)
            load.stop()
            within_secs = LAME_DUCK_SECS + AFTER_LAME_DUCK_SECS
            assert await asyncio.to_thread(instance.wait_ended, within_secs) == 0

    assert time.monotonic() - signalled_at >= LAME_DUCK_SECS
    assert {sent.status for sent in load.sent} <= {200, 503}
    assert "Traceback" not in "\n".join(instance.err)


async def _wait_refused(port: int) -> None:
    """Wait until no new connection is taken any more."""
    async with asyncio.timeout(5.0):
        while await asyncio.to_thread(_is_open, port):
            pass


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
