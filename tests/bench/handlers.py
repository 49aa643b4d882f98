"""`make bench ARGS=handlers`: records a second and a processor's second, by who handles them.

The same records, 6 partitions, the same broker, one process each, one after the other:

    aiokafka    getmany, JSON, an async function per record, a commit per batch
    faststream  a subscriber with its defaults
    trivial     our runner, a handler that counts
    stateful    our runner, a handler that writes one value in SQLite per record

What they promise differs: FastStream's default commits by timer, whatever became of the records;
ours commits what is finished, keeps the order of each key, and has its effects once.
"""

import asyncio
import json
import logging
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import click
from aiokafka import AIOKafkaConsumer
from confluent_kafka import Producer
from faststream import FastStream
from faststream.kafka import KafkaBroker

from router.clock import format_rfc3339
from router.consume.call import Calls
from router.consume.runner import Reading, Runner
from router.consume.state import open_store
from router.consume.writer import Writer
from router.handler import Context, Event, handler
from router.kafka.group import KafkaGroup
from router.kafka.port import KafkaSettings
from router.observability import Metrics, set_up_logging
from router.vendors.volcengine_rtc.events import RoomCreate
from tests.cluster import Cluster

PARTITIONS = 6
KEYS = 1000
FIRST_MS = 1_795_248_000_123
LATER_MS = 3_600_077
TOPIC = "callbacks.volcengine-rtc.RoomCreate"
ROLES = ("aiokafka", "faststream", "trivial", "stateful")


class Meter:
    """Counts records, and ends the process with its figures after the last one."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._count = 0
        self._began = 0.0
        self._cpu = 0.0
        self.done = asyncio.Event()

    def __call__(self) -> None:
        """Count one; tell after the last one."""
        if not self._count:
            self._began, self._cpu = time.monotonic(), _cpu_secs()
        self._count += 1
        if self._count == self._total:
            secs, cpu = time.monotonic() - self._began, _cpu_secs() - self._cpu
            click.echo(json.dumps({"rate": self._total / secs, "cpu_us": cpu / self._total * 1e6}))
            self.done.set()


def _cpu_secs() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def aiokafka_alone(bootstrap: str, meter: Meter) -> None:
    """What everybody writes first."""

    async def handle(event: dict[str, object]) -> None:
        if event["data"]:
            meter()

    consumer = AIOKafkaConsumer(
        TOPIC,
        bootstrap_servers=bootstrap,
        group_id="bench-aiokafka",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    while not meter.done.is_set():
        for batch in (await consumer.getmany(timeout_ms=200, max_records=500)).values():
            for record in batch:
                await handle(json.loads(record.value or b""))
        await consumer.commit()
    await consumer.stop()


async def faststream(bootstrap: str, meter: Meter) -> None:
    """A subscriber with its defaults, but from the beginning."""
    broker = KafkaBroker(bootstrap, logger=None)

    @broker.subscriber(TOPIC, group_id="bench-faststream", auto_offset_reset="earliest")
    async def handle(event: dict[str, object]) -> None:
        if event["data"]:
            meter()

    app = FastStream(broker, logger=None)
    running = asyncio.ensure_future(app.run())
    await meter.done.wait()
    app.exit()
    await running


async def ours(bootstrap: str, meter: Meter, *, has_state: bool) -> None:
    """Our runner, as `consume` assembles it."""

    @handler("bench", events=[RoomCreate], parallel=64)
    async def bench(event: Event[RoomCreate], context: Context) -> None:
        if has_state:
            await context.state.put(event.data.room_id, event.id)
        meter()

    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/state.db")
        await store.start()
        writer = Writer(store)
        name = "volcengine-rtc.RoomCreate"
        reading = Reading(topics=(TOPIC,), classes={name: RoomCreate}, dead_topic="dead")
        settings = KafkaSettings(bootstrap_servers=bootstrap, client_id="bench")
        calls = Calls(bench, reading.classes, store, writer, str)
        group = KafkaGroup(settings, f"bench-ours-{has_state}")
        runner = Runner(bench, reading, group, calls, _nothing, Metrics("bench"))
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(writer.run()), tasks.create_task(runner.run())]
            await meter.done.wait()
            await runner.drain()
            for task in running:
                task.cancel()
        await store.close()


async def _nothing(_: object) -> None:
    return None


RUN: dict[str, Callable[[str, Meter], Awaitable[None]]] = {
    "aiokafka": aiokafka_alone,
    "faststream": faststream,
    "trivial": partial(ours, has_state=False),
    "stateful": partial(ours, has_state=True),
}


def fill(bootstrap: str, total: int) -> None:
    """Write the records that all of them read."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20})
    for number in range(total):
        room = f"room-{number % KEYS}"
        happened_ms = FIRST_MS + number  # each its own: nobody remembers how it is read
        event = {
            "specversion": "1.0",
            "id": f"app/{number}",
            "source": "/callbacks/rtc",
            "type": "volcengine-rtc.RoomCreate",
            "subject": f"app/{room}",
            "time": format_rfc3339(happened_ms),
            "datacontenttype": "application/json",
            "dataschema": "urn:callback-router:volcengine-rtc.RoomCreate:1",
            "recordedtime": format_rfc3339(happened_ms + LATER_MS),
            "timebasis": "event",
            "idbasis": "vendor",
            "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "data": {"app_id": "app", "room_id": room, "timestamp": happened_ms},
        }
        while True:
            try:
                producer.produce(TOPIC, json.dumps(event).encode(), f"app/{room}".encode())
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush()


@click.command()
@click.option("--records", default=100_000, show_default=True)
@click.option("--rounds", default=2, show_default=True)
@click.option("--role", type=click.Choice(ROLES), hidden=True)
@click.option("--bootstrap", default="", hidden=True)
def main(records: int, rounds: int, role: str | None, bootstrap: str) -> None:
    """Measure all of them in turns, and print a line each."""
    if role is not None:
        set_up_logging(level=logging.WARNING)

        async def run() -> None:
            await RUN[role](bootstrap, Meter(records))

        asyncio.run(run())
        return
    click.echo(
        f"{'round':8}{'handled by':14}{'records/s':>12}{'CPU us/record':>16}{'per core':>12}"
    )
    for number in range(rounds):
        with Cluster.start() as kafka:
            kafka.create_topics([TOPIC], PARTITIONS)
            fill(kafka.bootstrap_servers, records)
            for name in ROLES:
                rate, cpu_us = _measured(name, kafka.bootstrap_servers, records)
                figures = f"{rate:>12,.0f}{cpu_us:>16.1f}{1e6 / cpu_us:>12,.0f}"
                click.echo(f"{number + 1:<8}{name:14}{figures}")


def _measured(role: str, bootstrap: str, records: int) -> tuple[float, float]:
    command = [sys.executable, "-m", "tests.bench.handlers", "--role", role]
    command += ["--bootstrap", bootstrap, "--records", str(records)]
    folder = Path(__file__).parents[2]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=300, cwd=folder
    )
    if not done.stdout:
        raise click.ClickException(done.stderr[-2000:])
    figures = json.loads(done.stdout.splitlines()[0])
    return figures["rate"], figures["cpu_us"]


if __name__ == "__main__":
    main()
