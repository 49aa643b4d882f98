"""`python -m tests.bench.spool`: the spool's rate and its price, by size of group.

Design: a closed loop of one appender: so many entries, then wait until they are told. So a row is
one size of group, and its time per group is that of one sync and two changes of thread. CPU is
that of the process, both threads and the loop. Recovery is measured beside a loop that looks at
the clock, since it must not hold up a listener. Moving, when the number of a topic's partitions
becomes known or changes, holds it up for a moment at a time.
"""

import asyncio
import resource
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click
import structlog

from router.publish.topics import Topics
from router.record import Record
from router.spool.disk import Disk
from router.spool.port import Entry, Found, Position
from router.spool.spool import SegmentSpool

GROUPS = (1, 64, 512)
RECORD_BYTES = 1024
MAX_BYTES = 2 << 30
PLACES = 1_000_000
MOVES = ((1, 6), (6, 12), (96, 192))
_TICK_SECS = 0.001
_PRIME = 2_654_435_761


class _Entry:
    """An entry that is always wanted."""

    key_hash = 1
    is_wanted = True

    def __init__(self, record: Record) -> None:
        self.record = record
        self.size = record.size


class _Listener:
    """Counts."""

    def __init__(self) -> None:
        self.positions: list[Position | None] = []
        self.found_count = 0
        self.is_recovered = asyncio.Event()

    def appended(self, entries: Sequence[Entry], positions: Sequence[Position | None]) -> None:
        """Count them."""
        assert len(entries) == len(positions)
        self.positions += positions

    def not_appended(self, entries: Sequence[Entry]) -> None:
        """End: the figures would be of something else."""
        raise click.ClickException(f"{len(entries)} records were not appended")

    def found(self, records: Sequence[Found]) -> None:
        """Count them."""
        self.found_count += len(records)

    def recovered(self) -> None:
        """Note it."""
        self.is_recovered.set()


class _WithoutSync(Disk):
    """What is left when the disk costs nothing."""

    def fdatasync(self, fd: int) -> None:
        """Do nothing."""


def _spool(folder: Path, disk: Disk) -> SegmentSpool:
    spool = SegmentSpool(folder, MAX_BYTES, on_error=print, allow_ephemeral=True, disk=disk)
    spool.open()
    return spool


def _cpu_secs() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def _append(spool: SegmentSpool, group: int, secs: float) -> str:
    """Return the row of one size of group."""
    entries = [_Entry(_record(number)) for number in range(group)]
    spent: list[float] = []
    cpu = _cpu_secs()
    begin = time.perf_counter()
    while time.perf_counter() - begin < secs:
        start = time.perf_counter()
        spool.append(entries)
        await spool.flush()
        spent.append(time.perf_counter() - start)
    took, cpu = time.perf_counter() - begin, _cpu_secs() - cpu
    records = len(spent) * group
    spent.sort()
    p50, p99 = spent[len(spent) // 2], spent[int(len(spent) * 0.99)]
    return (
        f"{group:>6} {records / took:>12,.0f} {cpu / records * 1e6:>12.1f}"
        f" {p50 * 1e3:>9.2f} {p99 * 1e3:>9.2f}"
    )


async def _recover(folder: Path) -> str:
    """Return how fast recovery is, and how late the loop ran beside it."""
    spool, listener = _spool(folder, Disk()), _Listener()
    begin = time.perf_counter()
    task = asyncio.create_task(spool.run(listener))
    late: list[float] = []
    while not listener.is_recovered.is_set():
        due = time.perf_counter() + _TICK_SECS
        with suppress(TimeoutError):
            async with asyncio.timeout(_TICK_SECS):
                await listener.is_recovered.wait()
        late.append(max(0.0, time.perf_counter() - due))
    took = time.perf_counter() - begin
    await _end(spool, task)
    late.sort()
    return (
        f"{listener.found_count:,} records found in {took:.1f} s"
        f" ({listener.found_count / took:,.0f}/s);"
        f" the loop was late by {late[len(late) // 2] * 1e3:.2f} ms,"
        f" p99 {late[int(len(late) * 0.99)] * 1e3:.2f} ms, at most {late[-1] * 1e3:.1f} ms"
    )


def _move(before: int, after: int) -> str:
    """Return how long the loop stands still each time, while places find their new lanes."""
    topics = Topics(lambda key: key[0])
    topics.learn({"bench": before})
    topics.recover()
    topics.found(
        Found(number * RECORD_BYTES, "bench", number * _PRIME % (1 << 31))
        for number in range(PLACES)
    )
    topics.recovered()
    begin = now = time.perf_counter()
    parts = []
    topics.learn({"bench": after})
    while topics.are_moving:
        began, now = now, time.perf_counter()
        parts.append(now - began)
        topics.move()
    took = time.perf_counter() - begin
    return (
        f"{PLACES:,} places from {before} to {after} partitions:"
        f" {took:.2f} s in {len(parts)} parts of at most {max(parts) * 1e3:.0f} ms"
    )


async def _end(spool: SegmentSpool, task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await spool.close()


def _record(number: int) -> Record:
    headers = (("content-type", b"application/cloudevents+json"), ("event_id", b"%032d" % number))
    return Record(topic="bench", key=b"%d" % number, value=b"v" * RECORD_BYTES, headers=headers)


async def _bench(folder: Path, secs: float) -> None:
    click.echo(f"{'group':>6} {'records/s':>12} {'CPU us/rec':>12} {'p50 ms':>9} {'p99 ms':>9}")
    for title, disk in (("with fdatasync", Disk()), ("without", _WithoutSync())):
        click.echo(title)
        for group in GROUPS:
            place = folder / f"{title.split()[0]}-{group}"
            spool, listener = _spool(place, disk), _Listener()
            task = asyncio.create_task(spool.run(listener))
            click.echo(await _append(spool, group, secs))
            await _end(spool, task)
    click.echo(await _recover(folder / f"with-{GROUPS[-1]}"))
    for before, after in MOVES:
        click.echo(_move(before, after))


@click.command()
@click.option("--secs", default=3.0, show_default=True, help="Length of one row.")
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="On which disk.")
def main(secs: float, folder: Path | None) -> None:
    """Measure `append` until told, and recovery."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with tempfile.TemporaryDirectory(dir=folder, prefix="bench-spool-") as made:
        asyncio.run(_bench(Path(made), secs))


if __name__ == "__main__":
    main()
