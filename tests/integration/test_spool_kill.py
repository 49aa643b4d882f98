"""A process is killed at each call to the disk; the next one finds what was told durable.

The file is also the program of that process: it appends, settles and refuses for ever, and says
what it was told on its standard output.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from router.spool.port import Position
from tests.unit.spool.failing import FailingDisk
from tests.unit.spool.spooling import MIB, Told, items, read_all, real, running, until

ROOT = Path(__file__).parents[2]
CALLS = [
    "create",
    "fallocate",
    "fdatasync",
    "fsync",
    "fsync_folder",
    "ftruncate",
    "open_or_create",
    "pwrite",
    "rename",
    "unlink",
]
AT_THE_START = ["create", "fdatasync", "fsync_folder", "listdir", "mkdir", "pwrite", "unlink"]
_AFTER_RECORDS = 100
_SIZE = 5000


class _KillingDisk(FailingDisk):
    """Kills its process at a call, before the call or after it."""

    def __init__(self, name: str, *, is_after: bool) -> None:
        super().__init__()
        self.is_armed = False
        call = getattr(self, name)

        def kill(*args: Any) -> Any:
            if not self.is_armed:
                return call(*args)
            if is_after:
                call(*args)
            os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError("it lives")

        setattr(self, name, kill)


class _Says(Told):
    """Says what it is told; what it has said before it is killed counts."""

    def appended(self, entries: Sequence[Any], positions: Sequence[Position | None]) -> None:
        """Say it."""
        super().appended(entries, positions)
        _say("told", [position for position in positions if position is not None])


def _say(what: str, positions: Sequence[Position]) -> None:
    line = " ".join([what, *map(str, positions)]) + "\n"
    os.write(1, line.encode())


async def _work(folder: Path, disk: _KillingDisk, *, from_the_start: bool) -> None:
    """Use a spool until the end comes."""
    disk.is_armed = from_the_start
    spool = real(folder, max_bytes=MIB, disk=disk)
    told = _Says()
    task = asyncio.create_task(spool.run(told))
    number = settled = 0
    while not task.done():
        disk.is_armed = from_the_start or number > _AFTER_RECORDS
        spool.resume()
        spool.append(items(*range(number, number + 5), size=_SIZE))
        number += 5
        await spool.flush()
        await spool.refuse(items(number, size=10)[0].record, "killed")
        some = told.places[settled : settled + 5]
        settled += len(some)
        _say("settled", some)
        spool.settle(some)
        if disk.is_armed and number % 50 == 0:  # leave time for timers: marks are written by one
            await asyncio.wait({task}, timeout=1.1)


def _killed(folder: Path, call: str, when: str, moment: str) -> dict[str, set[Position]]:
    """Run the process until it is killed; return what it said."""
    child = subprocess.run(
        [sys.executable, __file__, str(folder), call, when, moment],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=50,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()
    said: dict[str, set[Position]] = {"told": set(), "settled": set()}
    for line in child.stdout.decode().splitlines():
        what, *positions = line.split()
        if what in said:  # the rest is the log
            said[what] |= set(map(int, positions))
    return said


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", CALLS)
async def test_a_process_killed_while_it_works_loses_nothing(
    tmp_path: Path, call: str, moment: str
) -> None:
    """Whatever call it died at, what was told and not settled is found, in order."""
    said = await asyncio.to_thread(_killed, tmp_path / "spool", call, "running", moment)
    assert len(said["told"]) >= _AFTER_RECORDS
    assert len(said["settled"]) >= _AFTER_RECORDS // 2

    spool = real(tmp_path / "spool", max_bytes=MIB)
    async with running(spool) as told:
        await told.wait_recovered()
        found = [each.position for each in told.founds]
        assert found == sorted(set(found))
        assert said["told"] - said["settled"] <= set(found)
        assert None not in await read_all(spool, found)
        spool.settle(found)
        await until(lambda: spool.append(items(1)))  # it may have been full
        await spool.flush()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", AT_THE_START)
async def test_a_process_killed_at_its_start_harms_nothing(
    tmp_path: Path, call: str, moment: str
) -> None:
    """The next one starts as if nothing had been, and finds what was there before."""
    first = real(tmp_path / "spool", max_bytes=MIB)
    async with running(first) as told:
        first.append(items(*range(40), size=_SIZE))
        await first.flush()
        kept = told.places
    await asyncio.to_thread(_killed, tmp_path / "spool", call, "start", moment)

    async with running(real(tmp_path / "spool", max_bytes=MIB)) as again:
        await again.wait_recovered()
        assert {found.position for found in again.founds} >= set(kept)


if __name__ == "__main__":
    path, name, when, moment = sys.argv[1:]
    asyncio.run(
        _work(
            Path(path),
            _KillingDisk(name, is_after=moment == "after"),
            from_the_start=when == "start",
        )
    )
