"""Two instances behind a real HAProxy with the shipped configuration: restarts go unnoticed."""

import asyncio
import http.client
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from msgspec import Struct

from tests.cluster import Cluster
from tests.haproxy import CONFIG, Address, HAProxy, ToolMissingError, tool
from tests.integration.command import PATHS, TOKEN, Running, Service, run, write_config
from tests.integration.steady import TOPIC, Steady, stored
from tests.kafka_node import free_ports
from tests.sender import rtc

pytestmark = pytest.mark.kafka

# Not 127.0.0.1, from where every connection here goes out: none of them can take the port of an
# instance that is away, nor be connected to itself.
HOST: Final = "127.0.0.2"
SENDER: Final = "127.0.0.3"
HARD_SECS = 3.0
PER_SEC = 150
ROUNDS = 2


class Scene(Struct, kw_only=True):
    """Two instances, which may be restarted, behind a balancer."""

    balancer: HAProxy
    configs: list[Path]
    instances: list[Service]

    async def restart(self, index: int) -> None:
        """Restart an instance as an operator does: SIGTERM, wait for the end, start, wait."""
        instance = self.instances[index]
        instance.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(instance.wait_ended, 25.0)
        assert code == 0, "\n".join(instance.err)
        await self.begin(index)

    async def begin(self, index: int) -> None:
        """Start an instance; on return the balancer sends it callbacks."""
        self.instances[index] = await asyncio.to_thread(Service, self.configs[index])
        await asyncio.to_thread(self.balancer.wait_up, f"ingress-{index + 1}")


@pytest.fixture(scope="module")
def haproxy() -> str:
    """The path of HAProxy; without it skip, or fail where REQUIRE_HAPROXY=1 asks for it."""
    try:
        return tool()
    except ToolMissingError as error:
        if os.environ.get("REQUIRE_HAPROXY") == "1":
            pytest.fail(f"REQUIRE_HAPROXY=1, but {error}")
        pytest.skip(str(error))


@pytest.fixture
def scene(haproxy: str, kafka: Cluster, tmp_path: Path, unique: str) -> Iterator[Scene]:
    """Two ready instances behind HAProxy, each with a folder of its own."""
    del haproxy
    kafka.create_topics([f"{unique}.{TOPIC}"])
    addresses: list[Address] = []
    configs: list[Path] = []
    for number in (1, 2):
        port, admin_port = free_ports(2)
        addresses.append((HOST, port, admin_port))
        configs.append(_configured(tmp_path / str(number), kafka, unique, addresses[-1]))
    with ExitStack() as stack:
        balancer = stack.enter_context(HAProxy.start(tmp_path, addresses))
        instances = [Service(config) for config in configs]
        stack.callback(lambda: _end(instances))
        for number in (1, 2):
            balancer.wait_up(f"ingress-{number}")
        yield Scene(balancer=balancer, configs=configs, instances=instances)


async def test_a_rolling_restart_goes_unnoticed(scene: Scene, kafka: Cluster, unique: str) -> None:
    """Under load nothing is refused, late or 5xx while each instance restarts, and all is kept."""
    async with Steady(scene.balancer.url, PER_SEC) as load:
        for _ in range(ROUNDS):
            for index in range(2):
                await load.wait_durable(PER_SEC // 2)
                await scene.restart(index)
        await load.wait_durable(PER_SEC // 2)

    assert [sent for sent in load.sent if sent.status != 200] == []
    assert max(sent.seconds for sent in load.sent) <= HARD_SECS + 0.5
    ids = await stored(kafka.bootstrap_servers, f"{unique}.{TOPIC}", load.durable)
    assert load.durable == set(ids)


async def test_a_killed_instance_costs_no_callback(
    scene: Scene, kafka: Cluster, unique: str
) -> None:
    """What its death leaves without an answer goes to the other one; twice in Kafka at worst."""
    async with Steady(scene.balancer.url, PER_SEC) as load:
        await load.wait_durable(PER_SEC // 2)
        scene.instances[0].send_signal(signal.SIGKILL)
        await asyncio.to_thread(scene.balancer.wait_up, "ingress-1", up=False)
        await load.wait_durable(PER_SEC // 2)

    assert [sent for sent in load.sent if sent.status != 200] == []
    drained = await asyncio.to_thread(run, "spool", "drain", "--config", scene.configs[0])
    assert drained.returncode == 0, drained.stderr
    ids = await stored(kafka.bootstrap_servers, f"{unique}.{TOPIC}", load.durable)
    assert load.durable == set(ids)


async def test_while_none_is_ready_the_accepting_one_gets_callbacks(scene: Scene) -> None:
    """With one instance gone and the other a lame duck, callbacks are still answered 200."""
    gone, lame = scene.instances
    gone.send_signal(signal.SIGKILL)
    await asyncio.to_thread(scene.balancer.wait_up, "ingress-1", up=False)
    lame.send_signal(signal.SIGTERM)
    await asyncio.to_thread(scene.balancer.wait_up, "ingress-2", up=False)

    assert await asyncio.to_thread(_status, scene.balancer, PATHS["rtc"], rtc()) == 200


def test_a_refusal_names_the_sender(scene: Scene) -> None:
    """Behind HAProxy the sender's address counts: neither HAProxy's nor one that he claims."""
    forged = rtc().replace(b'"Signature": "', b'"Signature": "0')

    assert _status(scene.balancer, PATHS["rtc"], forged, {"X-Forwarded-For": "203.0.113.9"}) == 401
    for instance in scene.instances:
        instance.send_signal(signal.SIGINT)
        assert instance.wait_ended() == 0
    [refused] = [line for one in scene.instances for line in one.err if "proof-wrong" in line]
    assert json.loads(refused)["address"] == SENDER


def test_a_token_is_not_logged(scene: Scene) -> None:
    """HAProxy logs what no instance answered, but not the path."""
    for instance in scene.instances:
        instance.send_signal(signal.SIGKILL)
        instance.wait_ended()

    assert _status(scene.balancer, PATHS["studio"], b"{}") == 503
    assert b"status=503" in scene.balancer.output
    assert TOKEN.encode() not in scene.balancer.output


def test_the_configuration_has_no_warning(haproxy: str, tmp_path: Path) -> None:
    """HAProxy's own check of the shipped file finds nothing, not even a warning."""
    addresses = {"INGRESS_1": f"{HOST}:1", "INGRESS_2": f"{HOST}:2"}
    done = subprocess.run(
        [haproxy, "-c", "-f", CONFIG],
        capture_output=True,
        env={**os.environ, **addresses},
        cwd=tmp_path,
        timeout=20,
        check=False,
        encoding="utf-8",
    )

    assert done.returncode == 0, done.stderr
    assert not re.search("WARNING|ALERT", done.stdout + done.stderr)


def _configured(folder: Path, kafka: Cluster, namespace: str, address: Address) -> Path:
    """Return a new instance's configuration, with a short lame duck and a spool of its own."""
    folder.mkdir()
    host, port, admin_port = address
    return write_config(
        folder,
        kafka.bootstrap_servers,
        f"{namespace}.",
        listen=f"{host}:{port}",
        admin=f"{host}:{admin_port}",
        trusted_proxies=["127.0.0.1/32"],
        lame_duck="1500ms",
        spool={"path": str(folder / "spool"), "allow_ephemeral": True},
    )


def _status(
    balancer: HAProxy, path: str, body: bytes, headers: Mapping[str, str] | None = None
) -> int:
    """Return the status of the answer to one callback of `SENDER`."""
    connection = http.client.HTTPConnection("127.0.0.1", balancer.port, 20.0, (SENDER, 0))
    try:
        connection.request("POST", path, body, dict(headers or {}))
        return connection.getresponse().status
    finally:
        connection.close()


def _end(instances: list[Service]) -> None:
    for instance in instances:
        Running.__exit__(instance)
