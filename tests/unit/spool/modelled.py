"""A list as the model of a spool, and the processes that use a spool on a simulated disk.

Design: the model knows what was told durable and is not settled, and what was given to `append`
at all. After a restart everything told and not settled must be
found at its place and in order, and nothing may be found that was never appended.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path, PurePath
from random import Random
from typing import Any, TypeVar

from router.errors import ConfigError, UnavailableError
from router.record import Record
from router.spool import files
from router.spool.cursor import latest
from router.spool.ledger import number_of
from router.spool.port import Entry, Found, Position
from router.spool.segment import scan
from router.spool.spool import SegmentSpool
from tests.fakes import FakeTimeLoop
from tests.unit.spool.simulated import SimulatedDisk
from tests.unit.spool.spooling import Told, items

T = TypeVar("T")
FOLDER = Path("/spool")
MAX_BYTES = 1 << 20
_TURNS = 50
_OLDEST_FIRST = 0.7

MakeSpool = Callable[..., SegmentSpool]


class InlineWorker:
    """Runs jobs on the loop, one a turn: the same order in every run."""

    def __init__(self, name: str) -> None:
        """Take the name."""
        self.name = name

    def call(self, job: Callable[[], T]) -> "asyncio.Future[T]":
        """Return the future of a job that runs soon."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[T] = loop.create_future()
        loop.call_soon(partial(_run, job, told))
        return told

    def stop(self) -> None:
        """Take no more."""


def _run(job: Callable[[], T], told: "asyncio.Future[T]") -> None:
    try:
        result = job()
    except OSError as error:
        if not told.done():
            told.set_exception(error)
    else:
        if not told.done():
            told.set_result(result)


class World:
    """One disk, one process at a time, and the model."""

    def __init__(self, seed: int, make_spool: MakeSpool, make_disk: Any = SimulatedDisk) -> None:
        """Start the first process."""
        self.disk: SimulatedDisk = make_disk(Random(seed))  # noqa: S311 - what a disk does is no secret
        self.kept: dict[Position, Record] = {}
        self.maybe: dict[Position, Record] = {}
        self.appended: list[Record] = []
        self.refused: list[str] = []
        self.complaints: list[str] = []
        self.at_start: list[tuple[str, int, int]] = []
        self._make_spool = make_spool
        self._runner = asyncio.Runner(loop_factory=FakeTimeLoop)
        self._start()

    def end(self) -> None:
        """Stop everything."""
        self.disk.crash()
        self._runner.close()

    # What happens.

    def fail(self, name: str, number: int, times: int) -> None:
        """Let the next calls of that name fail."""
        self.has_failed = True
        self.disk.fail(name, number, times=times)

    def append(self, sizes: list[int]) -> None:
        """Append records of these sizes."""
        begin = len(self.appended)
        entries = [
            entry for number, size in enumerate(sizes, begin) for entry in items(number, size=size)
        ]
        self.appended += [entry.record for entry in entries]

        async def append() -> bool:
            self.spool.resume()
            return self.spool.append(entries)

        self._run(append())

    def flush(self) -> None:
        """Let what was taken be told of."""
        self._run(self.spool.flush())

    def settle(self, random: Random) -> None:
        """Settle some of what is known, often what is oldest."""
        known = self._known()
        count = random.randint(0, len(known))
        some = known[:count] if random.random() < _OLDEST_FIRST else random.sample(known, count)
        for position in some:
            self.kept.pop(position, None)
            self.maybe.pop(position, None)

        async def settle() -> None:
            self.spool.settle(some)
            for _ in range(_TURNS):
                await asyncio.sleep(0)

        self._run(settle())

    def read(self) -> None:
        """What waits is read back as it was."""
        wanted = self._known()
        try:
            records = self._run(self.spool.read(wanted))
        except UnavailableError:
            return  # it is tried again
        if not self.disk.has_crashed:
            both = self.kept | self.maybe
            assert records == [both[position] for position in wanted]

    def refuse(self, number: int) -> None:
        """Refuse a record."""
        reason = f"reason-{number}"
        if self._run(self.spool.refuse(items(number)[0].record, reason)) is True:
            self.refused.append(reason)

    def wait(self, secs: float) -> None:
        """Let so much fake time pass."""

        async def wait() -> None:
            never = asyncio.get_running_loop().create_future()
            await asyncio.wait({never}, timeout=secs)

        self._run(wait())

    def close(self) -> None:
        """End the process well, and start the next one."""
        self.flush()
        self._run(self.spool.close())
        is_clean = not (self.errors or self.has_failed or self.disk.has_crashed)
        kept = {*self.kept, *self.maybe}
        is_clean &= not self.at_start
        self.restart(keeps_memory=True)
        if is_clean:
            assert {found.position for found in self.told.founds} == kept

    def restart(self, *, keeps_memory: bool) -> None:
        """End the process where it is, or the power, and start the next one."""
        self.maybe = {}
        self.disk.crash()
        self._end_task()
        self.disk = self.disk.after_crash(keeps_memory=keeps_memory)
        self._start()
        self.check_found()

    # What must hold.

    def check(self) -> None:
        """Nothing was complained about, and the process lives."""
        assert self.complaints == []
        if self.spool_task.done() and not self.disk.has_crashed:
            self.spool_task.result()
            raise AssertionError("the spool has ended")

    def check_found(self) -> None:
        """Everything that must be found is, and nothing else than may be.

        What a disk does not give back at a start must be found at the next one.
        """
        positions = [found.position for found in self.told.founds]
        assert positions == sorted(set(positions)), "not in order"
        missing = self.kept.keys() - set(positions)
        assert self.has_failed or not missing, f"lost: {missing}"
        self.disk.failures.clear()
        for found, record in zip(
            self.told.founds, self._run(self.spool.read(positions)) or (), strict=False
        ):
            self._check_record(found, record)

    def _check_record(self, found: Found, record: Record | None) -> None:
        assert record is not None
        assert record in self.appended, "invented"
        assert found.topic == record.topic
        if found.position in self.kept:
            assert self.kept[found.position] == record
        else:  # never told, or settled: it may be lost again
            self.maybe[found.position] = record

    def _before_unlink(self, path: str) -> None:
        named = files.numbered(PurePath(path).name)
        if named is None or named[1] != "seg":
            return
        number = named[0]
        data = bytes(self.disk.names[path].data)
        cursor = self.disk.durable_names.get(str(FOLDER / "cursor"))
        found = latest(bytes(cursor.durable)) if cursor else None
        is_covered = found is not None and found[1].first > number
        holds = any(isinstance(piece, tuple) for piece in scan(number, data))
        if holds and not is_covered:
            self.complaints.append(f"segment {number} goes before the cursor covers it")
        if any(number_of(position) == number for position in self.kept):
            self.complaints.append(f"segment {number} goes with what is needed")

    # How it is run.

    def _start(self) -> None:
        self.disk.before_unlink = self._before_unlink
        self.has_failed = bool(self.at_start)
        for name, number, after in self.at_start:
            self.disk.fail(name, number, after=after)
        self.at_start = []
        try:
            self._open()
        except (UnavailableError, ConfigError):  # it says so, and is started again
            self.disk.failures.clear()
            self._open()
        self.spool_task = self._runner.run(self._create_task())
        self._run(self.told.wait_recovered())

    def _open(self) -> None:
        self.errors: list[str] = []
        self.told = _Tells(self)
        self.spool = self._make_spool(
            FOLDER,
            MAX_BYTES,
            on_error=self.errors.append,
            disk=self.disk,
            make_worker=InlineWorker,
        )
        self.spool.open()

    async def _create_task(self) -> "asyncio.Task[None]":
        return asyncio.create_task(self.spool.run(self.told))

    def _end_task(self) -> None:
        async def end() -> None:
            self.spool_task.cancel()
            await asyncio.wait({self.spool_task})

        self._runner.run(end())

    def _known(self) -> list[Position]:
        """Return what waits and this process knows of, rising."""
        known = {*self.told.places, *(found.position for found in self.told.founds)}
        return sorted(known & (self.kept.keys() | self.maybe.keys()))

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T | None:
        """Return what it gives; None if the disk crashes before."""

        async def run() -> T | None:
            crashed = asyncio.Event()
            self.disk.on_crash = crashed.set
            task = asyncio.create_task(coroutine)
            crash = asyncio.create_task(crashed.wait())
            await asyncio.wait({task, crash}, return_when=asyncio.FIRST_COMPLETED)
            crash.cancel()
            if not self.disk.has_crashed:
                return task.result()
            task.cancel()
            await asyncio.wait({task})
            return None

        return self._runner.run(run())


class _Tells(Told):
    """Takes what is told into the model at once; from a crash on nobody hears anything."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def appended(self, entries: Sequence[Entry], positions: Sequence[Position | None]) -> None:
        """Take it over."""
        if self._world.disk.has_crashed:
            return
        super().appended(entries, positions)
        for entry, position in zip(entries, positions, strict=True):
            assert position is not None
            assert position not in self._world.kept, "told twice"
            self._world.kept[position] = entry.record
