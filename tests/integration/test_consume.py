"""The handlers' runtime on a real Kafka: rebalances, a blocked loop, poison, and `--only`."""

import asyncio
import json
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGTERM
from typing import Any

import msgspec
import pytest

from router.consume.call import Calls
from router.consume.runner import MAX_HELD_PER_PARTITION, Reading, Runner
from router.consume.writer import Writer
from router.handler import Context, Event, Function, Handler, handler
from router.kafka.group import KafkaGroup
from router.kafka.groups import members_of, states_of
from router.kafka.port import KafkaSettings
from router.kafka.producer import KafkaProducer
from router.observability import Metrics
from router.record import Record
from tests.cluster import Cluster, Read, read_all
from tests.fakes_store import FakeDatabase, FakeStore
from tests.integration.command import Running, run, write_config

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

PARTITIONS = 12
SESSION_MS = 2000
LIMIT_SECS = 30.0
NAME = "noting"
TIME = "2026-11-21T08:00:00.123Z"


class Told(msgspec.Struct, frozen=True):
    """The event class of these tests."""

    number: int


class _Scene:
    """Two topics, a group and a database of the test's own."""

    def __init__(self, cluster: Cluster, prefix: str) -> None:
        self.topics = (f"{prefix}a", f"{prefix}b")
        self.group = f"{prefix}group"
        self.dead_topic = f"{prefix}dead"
        self.database = FakeDatabase(is_shared=True)
        self.dead: list[Record] = []
        self.metrics = Metrics()
        self.settings = KafkaSettings(bootstrap_servers=cluster.bootstrap_servers, client_id="t")
        self._cluster = cluster
        self._producer = KafkaProducer(self.settings)

    async def start(self) -> None:
        """Make the topics."""
        await asyncio.to_thread(self._cluster.create_topics, self.topics, PARTITIONS)
        await self._producer.start()

    async def stop(self) -> None:
        """Let go of the producer."""
        await self._producer.close()

    async def tell(self, keys: Sequence[str], numbers: Iterable[int]) -> None:
        """Write one event of each topic, key and number."""
        batches: dict[tuple[str, int], list[Record]] = {}
        for topic in self.topics:
            for number in numbers:
                for key in keys:
                    place = topic, zlib.crc32(key.encode()) % PARTITIONS
                    batches.setdefault(place, []).append(_record(topic, key, number))
        for (topic, partition), records in batches.items():
            await (await self._producer.send(topic, partition, records))

    async def send(self, records: Sequence[Record]) -> None:
        """Keep dead letters."""
        self.dead += records

    @asynccontextmanager
    async def consuming(self, function: Function, **patience: Any) -> AsyncIterator[Runner]:
        """Yield a member that runs, and let it leave in good order."""
        marked = handler(NAME, events=[Told], **patience)(function)
        store = FakeStore(self.database)
        await store.start()
        writer = Writer(store)
        runner = self._runner(marked, store, writer)
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(runner.run()), tasks.create_task(writer.run())]
            yield runner
            await runner.drain()
            for task in running:
                task.cancel()

    def _runner(self, marked: Handler, store: FakeStore, writer: Writer) -> Runner:
        classes: dict[str, type[msgspec.Struct]] = {"rtc.Told": Told}
        reading = Reading(topics=self.topics, classes=classes, dead_topic=self.dead_topic)
        group = KafkaGroup(self.settings, self.group, session_ms=SESSION_MS)
        calls = Calls(marked, classes, store, writer, "derived.{}".format)
        return Runner(marked, reading, group, calls, self.send, self.metrics)

    def noted(self, key: str) -> list[list[Any]]:
        """Return topic and number of each effect of a key, in order."""
        value = self.database.value(NAME, key).value
        return [] if value is None else list(msgspec.json.decode(value))

    @property
    def lag(self) -> float | None:
        """What a member tells of itself."""
        name = "callback_router_handler_lag"
        return self.metrics.registry.get_sample_value(name, {"handler": NAME})

    async def behind(self) -> int:
        """Return how many records are not committed."""
        places = [(topic, number) for topic in self.topics for number in range(PARTITIONS)]
        return (await states_of(self.settings, self.group, places)).lag


def _record(topic: str, key: str, number: int) -> Record:
    event = {
        "id": f"{topic}/{key}/{number}", "source": "/callbacks/rtc", "type": "rtc.Told",
        "subject": key, "time": TIME, "recordedtime": TIME, "idbasis": "vendor",
        "data": {"number": number},
    }  # fmt: skip
    return Record(topic=topic, key=key.encode(), value=msgspec.json.encode(event), headers=())


async def note(event: Event[Told], context: Context) -> None:
    """Keep an event's topic and number with its subject."""
    before = await context.state.get(event.subject) or []
    await context.state.put(event.subject, [*before, [event.id.split("/")[0], event.data.number]])


@pytest.fixture
async def scene(kafka: Cluster, topic_prefix: str) -> AsyncIterator[_Scene]:
    """Topics of the test's own."""
    made = _Scene(kafka, topic_prefix)
    await made.start()
    yield made
    await made.stop()


async def _until(is_true: Callable[[], bool]) -> None:
    """Return when the condition holds.

    Raises:
        TimeoutError: It does not in time.
    """
    async with asyncio.timeout(LIMIT_SECS):
        while not is_true():
            await _moment()


async def _moment() -> None:
    """Let a hundredth of a second pass."""
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.01, over.set_result, None)
    await over


async def test_effects_are_once_and_in_order_through_rebalances(scene: _Scene) -> None:
    """A second member joins, the first one leaves; each key of a topic keeps its order."""
    keys = [f"key-{number}" for number in range(40)]
    numbers = range(10)
    called = {"one": 0, "two": 0}

    async def noting(who: str, event: Event[Told], context: Context) -> None:
        called[who] += 1
        await _moment()
        await note(event, context)

    async def one(event: Event[Told], context: Context) -> None:
        await noting("one", event, context)

    async def two(event: Event[Told], context: Context) -> None:
        await noting("two", event, context)

    def count() -> int:
        return sum(len(scene.noted(key)) for key in keys)

    await scene.tell(keys, numbers)
    async with scene.consuming(two, parallel=4) as _:
        async with scene.consuming(one, parallel=4):
            await _until(lambda: min(called.values()) > 50)
        await _until(lambda: count() == 800)

    for key in keys:
        for topic in scene.topics:
            assert [number for name, number in scene.noted(key) if name == topic] == [*numbers]
    assert (scene.dead, await scene.behind()) == ([], 0)


async def test_a_blocked_loop_loses_its_session_and_nothing_else(scene: _Scene) -> None:
    """A handler that blocks for longer than the session: it joins again, and effects are once."""
    blocked: list[str] = []

    async def block(event: Event[Told], context: Context) -> None:
        if not blocked:
            blocked.append(event.id)
            threading.Event().wait(2 * SESSION_MS / 1000)  # what a handler must not do
        await note(event, context)

    await scene.tell(["k1", "k2", "k3"], range(3))
    async with scene.consuming(block, timeout_secs=60.0):
        await _until(lambda: sum(len(scene.noted(key)) for key in ("k1", "k2", "k3")) == 18)
        await scene.tell(["k1"], [3])
        await _until(lambda: len(scene.noted("k1")) == 8)
    assert len(blocked) == 1
    for topic in scene.topics:
        assert [number for name, number in scene.noted("k1") if name == topic] == [0, 1, 2, 3]
    assert (scene.dead, await scene.behind()) == ([], 0)


async def test_lag_counts_what_was_never_read(scene: _Scene) -> None:
    """Of a handler that waits, its partitions are paused when they are full: Kafka has the rest."""
    is_over = asyncio.Event()

    async def wait(event: Event[Told], context: Context) -> None:
        await is_over.wait()
        await note(event, context)

    await scene.tell(["k"], range(MAX_HELD_PER_PARTITION))
    async with scene.consuming(wait, timeout_secs=60.0):
        await _until(lambda: scene.lag == 2 * MAX_HELD_PER_PARTITION)
        await scene.tell(["k", "other"], range(MAX_HELD_PER_PARTITION, MAX_HELD_PER_PARTITION + 50))
        await _until(lambda: scene.lag == 2 * (MAX_HELD_PER_PARTITION + 100))
        assert await scene.behind() == scene.lag
        is_over.set()
        await _until(lambda: scene.lag == 0)


STOPPED = "callbacks.volcengine-rtc.RecordStopped"
SLOW = '''
"""A handler that takes its time."""

import asyncio

from router.handler import Context, Event, handler
from router.vendors.volcengine_rtc.events import RecordStopped


@handler("slow", events=[RecordStopped])
async def slow(event: Event[RecordStopped], context: Context) -> None:
    context.log.info("slow_began")
    await asyncio.sleep(60.0)
'''
HANDLERS = Path(__file__).parents[2] / "handlers"
GROUPS = ("callback-router.recording-ready", "callback-router.show-list-progress")


class _Command:
    """A configuration for `consume`, with the shipped handlers and topics of its own."""

    def __init__(
        self, kafka: Cluster, namespace: str, folder: Path, handlers: Path = HANDLERS
    ) -> None:
        self.namespace = namespace
        self.servers = kafka.bootstrap_servers
        self.config = write_config(
            folder,
            self.servers,
            namespace,
            topics={"partitions": 1, "replication": 1, "min_insync_replicas": 1},
            handlers=[str(handlers)],
            state={"url": f"sqlite:///{folder}/state.db"},
        )
        assert run("topics", "apply", "--config", self.config).returncode == 0

    async def produce(self, *values: bytes) -> None:
        """Write records that say that a recording stopped, or say nothing."""
        producer = KafkaProducer(KafkaSettings(bootstrap_servers=self.servers, client_id="t"))
        await producer.start()
        topic = f"{self.namespace}{STOPPED}"
        records = [Record(topic=topic, key=b"k", value=value, headers=()) for value in values]
        await (await producer.send(topic, 0, records))
        await producer.close()

    async def read(self, topic: str, count: int) -> list[Read]:
        """Return the records of a topic, as soon as there are so many."""
        return await asyncio.to_thread(read_all, self.servers, [f"{self.namespace}{topic}"], count)


def _stopped(number: int) -> bytes:
    """Return the event of a recording that failed, so that no upload will follow."""
    event = {
        "specversion": "1.0", "id": f"app/{number}", "source": "/callbacks/rtc",
        "type": "volcengine-rtc.RecordStopped", "subject": f"app/room/{number}", "time": TIME,
        "recordedtime": TIME, "timebasis": "event", "idbasis": "vendor", "traceparent": "",
        "data": {"app_id": "app", "room_id": "room", "task_id": f"task-{number}", "code": 1},
    }  # fmt: skip
    return json.dumps(event).encode()


@pytest.fixture
def command(kafka: Cluster, topic_prefix: str, tmp_path: Path) -> _Command:
    """Topics, made by the command."""
    return _Command(kafka, topic_prefix, tmp_path)


async def test_only_what_was_asked_for_runs_and_poison_stops_nobody(command: _Command) -> None:
    """What is no event is a dead letter with its place; what comes behind it is handled."""
    settings = KafkaSettings(bootstrap_servers=command.servers, client_id="t")
    groups = [f"{command.namespace}{name}" for name in GROUPS]
    poison = msgspec.json.encode({**json.loads(_stopped(7)), "time": "9999-12-31T23:59:60Z"})
    await command.produce(_stopped(1), b"\xff\x00 no event", poison, _stopped(2))
    with Running("consume", "--config", command.config, "--only", "recording-ready") as consume:
        ready = await command.read("derived.RecordingReady", 2)
        dead = await command.read("callback-router.dead.recording-ready", 2)
        members = await members_of(settings, groups)
        consume.send_signal(SIGTERM)
        assert await asyncio.to_thread(consume.wait_ended) == 0

    tasks = [json.loads(record.value or b"")["data"]["task_id"] for record in ready]
    assert tasks == ["task-1", "task-2"]
    assert [record.value for record in dead] == [b"\xff\x00 no event", poison]
    assert [record.headers["dead_reason"] for record in dead] == [b"undecodable"] * 2
    assert [record.headers["dead_offset"] for record in dead] == [b"1", b"2"]
    assert members == dict(zip(groups, [1, 0], strict=True))


async def test_a_service_that_waits_for_topics_ends_when_asked(
    kafka: Cluster, topic_prefix: str, tmp_path: Path
) -> None:
    """Without the topics that it reads it waits, says so, and ends in good order."""
    state = {"url": f"sqlite:///{tmp_path}/state.db"}
    handlers = [str(HANDLERS)]
    config = write_config(
        tmp_path, kafka.bootstrap_servers, topic_prefix, handlers=handlers, state=state
    )
    with Running("consume", "--config", config) as consume:
        await asyncio.to_thread(consume.wait_line, lambda line: "not_there_yet" in line)
        consume.send_signal(SIGTERM)
        assert await asyncio.to_thread(consume.wait_ended) == 0


async def test_a_second_sigterm_waits_for_nobody(
    kafka: Cluster, topic_prefix: str, tmp_path: Path
) -> None:
    """The first gives a call under way its five seconds; the second ends in order at once."""
    (tmp_path / "slow").mkdir()
    (tmp_path / "slow" / "slow.py").write_text(SLOW, encoding="utf-8")
    command = _Command(kafka, topic_prefix, tmp_path, tmp_path / "slow")
    await command.produce(_stopped(1))
    with Running("consume", "--config", command.config) as consume:
        await asyncio.to_thread(consume.wait_line, lambda line: "slow_began" in line)
        began = asyncio.get_running_loop().time()
        consume.send_signal(SIGTERM)
        await asyncio.to_thread(consume.wait_line, lambda line: "draining" in line)
        consume.send_signal(SIGTERM)
        assert await asyncio.to_thread(consume.wait_ended) == 0
        took_secs = asyncio.get_running_loop().time() - began

    assert took_secs < 4.0
    assert any("stopped" in line for line in (*consume.out, *consume.err))


def test_a_handler_that_is_not_there_is_told(command: _Command) -> None:
    """With those that are."""
    done = run("consume", "--config", command.config, "--only", "recording-redy")

    assert done.returncode == 2
    assert "no handler is called recording-redy; there are: " in done.stderr
    assert "recording-ready" in done.stderr
