"""Whatever happens to Kafka or to the service: what was answered 200 can be read, in order.

What Kafka does not have in time is in the spool, so it can be read once Kafka is back, or after
the next start of the service.
"""

import asyncio
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from signal import SIGTERM

import pytest
from confluent_kafka.admin import AdminClient

from tests.cluster import Cluster
from tests.integration.command import Service, run, write_config
from tests.integration.sending import TOPIC, Vendor, arrived, missing
from tests.kafka_node import free_ports

pytestmark = pytest.mark.kafka

STUDIO = {"studio": {"vendor": "alibaba-caster", "tokens": [{"env": "STUDIO_TOKEN"}]}}
ROOMS = [f"room{number}" for number in range(8)]
STREAM = 500
SOFT_SECS = 0.3
HARD_SECS = 3.0
GRACE_SECS = 0.5
BACK_SECS = 60.0
# More than the smallest spool takes, once there are some of them.
LARGE = "x" * 200_000

ClusterOfThree = Callable[[], Cluster]


class _Bench:
    """Three brokers, a topic that two of them must have, and a service that publishes to it."""

    def __init__(self, cluster: Cluster, prefix: str, folder: Path) -> None:
        self.cluster = cluster
        self._folder = folder
        self._prefix = prefix
        self.topic = f"{prefix}{TOPIC}"
        cluster.create_topics([self.topic], 3, 3, {"min.insync.replicas": "2"})
        self.config = self.configured()

    def configured(self, **settings: object) -> Path:
        """Return the configuration, with other settings; the spool stays the same folder."""
        servers = self.cluster.bootstrap_servers
        return write_config(self._folder, servers, self._prefix, lame_duck="0s", **settings)

    def with_small_spool(self) -> Path:
        """Return a configuration whose spool takes a few large records, and then none."""
        path = str(self._folder / "spool")
        return self.configured(spool={"path": path, "allow_ephemeral": True, "max_bytes": "1MiB"})

    async def lost(self, vendor: Vendor) -> set[tuple[str, int]]:
        """Return what was answered 200 and cannot be read, though a service had time to bring it."""
        return await lost(self.cluster, self.topic, vendor)

    def leader(self, partition: int) -> int:
        """Return the broker that leads a partition."""
        admin = AdminClient({"bootstrap.servers": self.cluster.bootstrap_servers, "log_level": 2})
        found = admin.list_topics(self.topic, timeout=10.0).topics[self.topic]
        return found.partitions[partition].leader


async def lost(cluster: Cluster, topic: str, vendor: Vendor) -> set[tuple[str, int]]:
    """Return what was answered 200 and cannot be read within a minute."""
    deadline = time.monotonic() + BACK_SECS
    while True:
        left = missing(vendor.taken, await arrived(cluster.bootstrap_servers, topic))
        if not left or time.monotonic() > deadline:
            return left


@pytest.fixture
def bench(kafka_cluster_of_three: ClusterOfThree, topic_prefix: str, tmp_path: Path) -> _Bench:
    """A healthy cluster and a topic of the test's own."""
    return _Bench(kafka_cluster_of_three(), topic_prefix, tmp_path)


async def test_topics_are_made_to_survive(bench: _Bench, topic_prefix: str, tmp_path: Path) -> None:
    """`topics apply` with its defaults makes three copies, two of which must have a record."""
    namespace = f"{topic_prefix}applied."
    config = write_config(tmp_path, bench.cluster.bootstrap_servers, namespace, sources=STUDIO)
    done = await asyncio.to_thread(run, "topics", "apply", "--config", config)
    again = await asyncio.to_thread(run, "check", "--connect", "--config", config)

    made = done.stdout.splitlines()
    assert (done.returncode, again.returncode) == (0, 0)
    assert all(line.endswith(": 6 partitions x 3") for line in made[:-1])
    assert len(made) > 2
    assert again.stdout.splitlines()[-1] == f"0 missing, 0 differ, {len(made) - 1} as configured"
    assert "warning" not in done.stdout


async def test_one_broker_less_is_no_loss(bench: _Bench) -> None:
    """After a broker is killed callbacks are taken at the first attempt, and all reach Kafka."""
    with Service(bench.config) as service:
        async with Vendor(service.url) as vendor:
            assert {a.status for a in await vendor.send_all(ROOMS, [0])} == {200}
            await asyncio.to_thread(bench.cluster.kill, 1)
            after = await vendor.send_all(ROOMS, range(1, 12))
            left = await bench.lost(vendor)

    assert {answer.status for answer in after} == {200}
    assert len(vendor.taken) == 12 * len(ROOMS)
    assert left == set()


async def test_without_enough_brokers_the_answer_comes_from_the_spool(bench: _Bench) -> None:
    """With two of three frozen: 200 soon after the soft deadline; all in Kafka after the thaw."""
    with Service(bench.config) as service:
        async with Vendor(service.url) as vendor:
            await vendor.send_all(ROOMS, [0])
            for number in (2, 3):
                bench.cluster.freeze(number)
            spooled = await vendor.send_all(ROOMS, [1, 2])
            for number in (2, 3):
                bench.cluster.thaw(number)
            after = await vendor.send_all(ROOMS, [3])
            left = await bench.lost(vendor)

    assert {answer.status for answer in [*spooled, *after]} == {200}
    assert max(answer.seconds for answer in spooled) <= SOFT_SECS + GRACE_SECS
    assert left == set()


async def test_without_brokers_and_room_the_answer_is_late_and_honest(bench: _Bench) -> None:
    """With the spool full as well: 503 at the hard deadline, not before; 200 after the thaw."""
    with Service(bench.with_small_spool()) as service:
        async with Vendor(service.url) as vendor:
            await vendor.send_all(ROOMS, [0])
            for number in (2, 3):
                bench.cluster.freeze(number)
            filling = await asyncio.gather(*(vendor.send(room, 1, LARGE) for room in ROOMS))
            refused = await vendor.send_all(ROOMS, [2])
            for number in (2, 3):
                bench.cluster.thaw(number)
            await asyncio.gather(*(vendor.insist(room, 3) for room in ROOMS))
            after = await vendor.send_all(ROOMS, [4])
            left = await bench.lost(vendor)

    assert {answer.status for answer in filling} == {200, 503}
    assert {answer.status for answer in refused} == {503}
    unavailable = [answer for answer in [*filling, *refused] if answer.status == 503]
    assert all(answer.retry_after for answer in unavailable)
    assert min(answer.seconds for answer in unavailable) >= HARD_SECS
    assert max(answer.seconds for answer in unavailable) <= HARD_SECS + GRACE_SECS
    assert {answer.status for answer in after} == {200}
    assert left == set()


async def test_kafka_as_a_whole_may_restart(bench: _Bench) -> None:
    """All brokers are killed and come back: everything is taken, and the service goes on."""
    with Service(bench.config) as service:
        async with Vendor(service.url) as vendor:
            await vendor.send_all(ROOMS, [0])
            for number in (1, 2, 3):
                await asyncio.to_thread(bench.cluster.kill, number)
            spooled = await vendor.send_all(ROOMS, [1])
            await asyncio.to_thread(bench.cluster.heal)
            after = await vendor.send_all(ROOMS, [2, 3])
            left = await bench.lost(vendor)

    assert {answer.status for answer in [*spooled, *after]} == {200}
    assert left == set()


async def test_kafka_and_the_service_may_be_killed(bench: _Bench) -> None:
    """What was taken while no broker was there is in Kafka after the next start, in order."""
    with Service(bench.config) as service:
        async with Vendor(service.url) as vendor:
            await vendor.send_all(ROOMS, [0])
            for number in (1, 2, 3):
                await asyncio.to_thread(bench.cluster.kill, number)
            for number in (1, 2, 3):
                spooled = await vendor.send_all(ROOMS, [number])
                assert {answer.status for answer in spooled} == {200}
    await asyncio.to_thread(bench.cluster.heal)
    with Service(bench.config):
        left = await bench.lost(vendor)
        found = await arrived(bench.cluster.bootstrap_servers, bench.topic)

    assert left == set()
    assert [list(dict.fromkeys(found[room])) for room in ROOMS] == [[0, 1, 2, 3]] * len(ROOMS)


async def test_a_killed_leader_loses_and_reorders_nothing(bench: _Bench) -> None:
    """Streams of numbers, sent again by the vendor where refused, arrive whole and in order."""
    quarter = asyncio.Event()

    async def stream(vendor: Vendor, room: str) -> None:
        for number in range(STREAM):
            await vendor.insist(room, number)
            if len(vendor.taken) >= STREAM * len(ROOMS) // 4:
                quarter.set()

    with Service(bench.config) as service:
        async with Vendor(service.url) as vendor, asyncio.TaskGroup() as group:
            for room in ROOMS:
                group.create_task(stream(vendor, room))
            await quarter.wait()
            leader = await asyncio.to_thread(bench.leader, 0)
            await asyncio.to_thread(bench.cluster.kill, leader)
        left = await bench.lost(vendor)

    assert left == set()
    found = await arrived(bench.cluster.bootstrap_servers, bench.topic)
    for room in ROOMS:
        firsts = list(dict.fromkeys(found[room]))
        assert len(firsts) == STREAM
        assert all(one < other for one, other in pairwise(firsts))


async def test_the_end_answers_what_is_under_way(bench: _Bench) -> None:
    """SIGTERM while Kafka keeps callbacks waiting: all are answered 200, and exit 0 comes soon.

    Kafka does not come back before the end, so they are there after the next start.
    """
    with Service(bench.configured(ack={"soft": "1500ms"})) as service:
        async with Vendor(service.url) as vendor:
            await vendor.send_all(ROOMS, [0])
            for number in (1, 2, 3):
                bench.cluster.freeze(number)
            waiting = asyncio.ensure_future(vendor.send_all(ROOMS, [1, 2, 3]))
            answered_early, _ = await asyncio.wait([waiting], timeout=GRACE_SECS)
            service.send_signal(SIGTERM)
            await asyncio.to_thread(service.wait_line, lambda line: '"event": "draining"' in line)
            answers = await waiting
            code = await asyncio.to_thread(service.wait_ended)
    for number in (1, 2, 3):
        bench.cluster.thaw(number)
    with Service(bench.config):
        left = await bench.lost(vendor)

    assert not answered_early
    assert {answer.status for answer in answers} == {200}
    assert code == 0
    assert left == set()


async def test_the_end_under_load_loses_nothing(bench: _Bench) -> None:
    """SIGTERM in the middle of a stream: every 200 can be read, and the exit code is 0."""
    half = asyncio.Event()

    async def stream(vendor: Vendor, room: str) -> None:
        for number in range(10 * STREAM):
            if (await vendor.send(room, number)).status != 200:
                return
            if len(vendor.taken) >= STREAM:
                half.set()

    with Service(bench.config) as service:
        async with Vendor(service.url) as vendor:
            async with asyncio.TaskGroup() as group:
                for number in range(32):
                    group.create_task(stream(vendor, f"room{number}"))
                await half.wait()
                service.send_signal(SIGTERM)
            code = await asyncio.to_thread(service.wait_ended)
    found = await arrived(bench.cluster.bootstrap_servers, bench.topic)

    assert len(vendor.taken) >= STREAM
    assert code == 0
    assert missing(vendor.taken, found) == set()


async def test_a_refused_record_blocks_no_other(
    kafka: Cluster, topic_prefix: str, tmp_path: Path
) -> None:
    """What Kafka refuses for itself is kept apart; its neighbours of the same room arrive."""
    topic = f"{topic_prefix}{TOPIC}"
    await asyncio.to_thread(
        kafka.create_topics, [topic], partitions=1, config={"max.message.bytes": "5000"}
    )
    config = write_config(tmp_path, kafka.bootstrap_servers, topic_prefix)
    with Service(config) as service:
        async with Vendor(service.url) as vendor:
            too_large = asyncio.ensure_future(vendor.send("room", 0, "x" * 20_000))
            beside = await vendor.send_all(["room"], range(1, 40))
            refused = await too_large
            after = await vendor.send_all(["room", "another"], range(40, 60))
            vendor.taken.remove(("room", 0))
            left = await lost(kafka, topic, vendor)
            await asyncio.to_thread(service.wait_line, lambda line: "record_refused" in line)
            kept = await _kept(tmp_path / "spool" / "refused")

    assert {answer.status for answer in [refused, *beside, *after]} == {200}
    assert left == set()
    assert LARGE[:20_000].encode() in kept
    found = await arrived(kafka.bootstrap_servers, topic)
    assert 0 not in found["room"]


async def _kept(folder: Path) -> bytes:
    """Return the bytes of the one record in *folder*, once it is there."""
    async with asyncio.timeout(BACK_SECS):
        while not (found := await asyncio.to_thread(lambda: [*folder.glob("*.rec")])):
            pass
    (file,) = found
    return await asyncio.to_thread(file.read_bytes)


async def test_topics_may_be_made_later(kafka: Cluster, topic_prefix: str, tmp_path: Path) -> None:
    """Callbacks that come before their topics are taken, and arrive soon after `topics apply`."""
    config = write_config(tmp_path, kafka.bootstrap_servers, topic_prefix)
    with Service(config) as service:
        async with Vendor(service.url) as vendor:
            (answer,) = await vendor.send_all(["room"], [0])
            await asyncio.to_thread(service.wait_line, lambda line: "topics_missing" in line)
            done = await asyncio.to_thread(run, "topics", "apply", "--config", config)
            left = await lost(kafka, f"{topic_prefix}{TOPIC}", vendor)

    assert (answer.status, done.returncode) == (200, 0)
    assert left == set()


async def test_small_limits_cut_nothing(kafka: Cluster, topic_prefix: str, tmp_path: Path) -> None:
    """Where a request to Kafka holds few records, every 200 can be read all the same."""
    topic = f"{topic_prefix}{TOPIC}"
    await asyncio.to_thread(
        kafka.create_topics, [topic], partitions=1, config={"max.message.bytes": "4096"}
    )
    limits = {"max_message_bytes": "4KiB"}
    config = write_config(
        tmp_path, kafka.bootstrap_servers, topic_prefix, max_body_bytes="2KiB", topics=limits
    )
    with Service(config) as service:
        async with Vendor(service.url) as vendor:
            answers = await vendor.send_all(["room"], range(100))
            left = await lost(kafka, topic, vendor)

    assert {answer.status for answer in answers} == {200}
    assert left == set()


async def test_the_listener_does_not_wait_for_kafka(tmp_path: Path) -> None:
    """Without any Kafka it listens, answers 200 from the spool, and ends in order."""
    config = write_config(tmp_path, f"127.0.0.1:{free_ports(1)[0]}", lame_duck="0s")
    with Service(config) as service:
        async with Vendor(service.url) as vendor:
            (answer,) = await vendor.send_all(["room"], [0])
        service.send_signal(SIGTERM)
        code = await asyncio.to_thread(service.wait_ended)

    assert answer.status == 200
    assert answer.seconds <= SOFT_SECS + GRACE_SECS
    assert code == 0
    assert service.out == []
    logged = [line for line in service.err if not line.endswith("(warning)")]
    assert [line for line in logged if not line.startswith("{")] == []
