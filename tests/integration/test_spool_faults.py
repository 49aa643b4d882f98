"""A disk that fails, hangs or fills up under a running spool: real files, real threads."""

import asyncio
import errno
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.errors import UnavailableError
from router.spool.spool import SegmentSpool
from tests.unit.spool.failing import FailingDisk
from tests.unit.spool.flawed_spools import WithoutSync
from tests.unit.spool.spooling import MIB, Item, Told, items, read_all, real, record, running, until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that is not there yet."""
    return tmp_path / "spool"


async def _hang(disk: FailingDisk, spool: SegmentSpool, number: int) -> threading.Event:
    """Return what ends the sync of this record, which has begun."""
    release = disk.hold("fdatasync")
    disk.entered["fdatasync"].clear()
    spool.append(items(number))
    await asyncio.to_thread(disk.entered["fdatasync"].wait, 10)
    return release


async def _fill(spool: SegmentSpool, told: Told, entries: list[Item]) -> int:
    """Append by tens until the spool takes no more; return how many are durable."""
    for start in range(0, len(entries), 10):
        if not spool.append(entries[start : start + 10]):
            break
        await spool.flush()
    return len(told.places)


async def _go_on(spool: SegmentSpool, told: Told, entries: list[Item]) -> None:
    """Check that the spool takes records again, and keeps them."""
    spool.resume()
    await until(lambda: spool.is_taking)
    assert spool.append(entries)
    await spool.flush()
    assert told.entries[-len(entries) :] == entries


async def test_nothing_is_told_before_the_sync_has_returned(folder: Path) -> None:
    """While `fdatasync` hangs nothing is durable; the loop runs on, and more is taken."""
    disk = FailingDisk()
    spool = real(folder, disk=disk)
    async with running(spool) as told:
        release = await _hang(disk, spool, 1)
        assert spool.append(items(2))
        assert told.entries == []

        release.set()
        await spool.flush()
        assert len(told.places) == 2


async def test_a_spool_without_sync_is_caught(folder: Path) -> None:
    """Seen by the same means: it tells although `fdatasync` has not returned."""
    disk = FailingDisk()
    spool = WithoutSync(folder, 64 * MIB, on_error=print, allow_ephemeral=True, disk=disk)
    spool.open()
    async with running(spool) as told:
        release = disk.hold("fdatasync")
        spool.append(items(1))
        await spool.flush()
        assert len(told.places) == 1
        release.set()


async def test_what_gathers_during_a_sync_is_one_group(folder: Path) -> None:
    """A slow disk makes larger groups: one write and one sync for all that waited."""
    disk = FailingDisk()
    spool = real(folder, disk=disk)
    async with running(spool) as told:
        release = await _hang(disk, spool, 0)
        disk.calls.clear()
        for number in range(1, 300):
            spool.append(items(number))
        release.set()
        await spool.flush()

        assert len(told.places) == 300
        assert disk.calls == ["pwrite", "fdatasync"]


@pytest.mark.parametrize("call", ["fdatasync", "pwrite"])
async def test_one_error_costs_a_segment_and_no_record(folder: Path, call: str) -> None:
    """The group is written to a new segment; the old one is never touched again, but still read."""
    errors: list[str] = []
    disk = FailingDisk()
    spool = real(folder, disk=disk, errors=errors)
    entries = items(1, 2, 3)
    async with running(spool) as told:
        spool.append(entries[:1])
        await spool.flush()
        disk.fail(call, suffix=".seg")
        spool.append(entries[1:])
        await spool.flush()

        assert [place >> 32 for place in told.places] == [1, 2, 2]
        assert errors == ["sync" if call == "fdatasync" else "write"]
        assert await read_all(spool, told.places) == [entry.record for entry in entries]
        assert spool.is_taking
        kept = told.places

    again = real(folder)
    async with running(again) as told:
        await told.wait_recovered()
        assert set(kept) <= {found.position for found in told.founds}


async def test_two_errors_turn_the_spool_off_for_a_while(folder: Path) -> None:
    """All that was taken is not appended, in order; after 5 s, `resume` finds a way again."""
    disk = FailingDisk()
    errors: list[str] = []
    spool = real(folder, disk=disk, errors=errors)
    entries = items(*range(600))
    async with running(spool) as told:
        disk.fail("fdatasync", times=2, suffix=".seg")
        assert spool.append(entries)
        await spool.flush()

        assert told.failed == entries
        assert told.entries == []
        assert errors == ["sync", "sync"]
        spool.resume()
        assert not spool.is_taking
        assert not spool.append(entries)
        disk.now += 5.0
        assert spool.is_taking
        assert spool.append(entries)
        await spool.flush()
        assert told.entries == entries


async def test_a_second_error_within_a_minute_turns_it_off(folder: Path) -> None:
    """Two errors within 60 s mean a broken disk, also where the first one was mended."""
    disk = FailingDisk()
    spool = real(folder, disk=disk)
    async with running(spool) as told:
        disk.fail("fdatasync", suffix=".seg")
        spool.append(items(1))
        await spool.flush()
        assert len(told.places) == 1

        disk.now += 59.0
        disk.fail("fdatasync", suffix=".seg")
        spool.append(items(2))
        await spool.flush()
        assert len(told.failed) == 1

        disk.now += 61.0
        spool.resume()
        disk.fail("fdatasync", suffix=".seg")
        spool.append(items(3))
        await spool.flush()
        assert len(told.places) == 2


async def test_off_lasts_twice_as_long_each_time(folder: Path) -> None:
    """5 s, 10 s, 20 s and so on, never more than a minute."""
    disk = FailingDisk()
    spool = real(folder, disk=disk)
    async with running(spool) as told:
        for secs in (5.0, 10.0, 20.0, 40.0, 60.0, 60.0):
            disk.fail("fdatasync", times=2, suffix=".seg")
            spool.resume()
            assert spool.append(items(1))
            await told.wait(lambda: not spool.is_taking)
            disk.failures.clear()
            spool.resume()
            disk.now += secs - 1.0
            assert not spool.is_taking
            disk.now += 1.1
            assert spool.is_taking


async def test_a_short_write_is_written_to_its_end(folder: Path) -> None:
    """A write that stops half-way is gone on with."""
    disk = FailingDisk()
    spool = real(folder, disk=disk)
    entries = items(1, 2, 3, size=5000)
    async with running(spool) as told:
        disk.short_by = 7000
        spool.append(entries)
        await spool.flush()

        assert await read_all(spool, told.places) == [entry.record for entry in entries]


async def test_close_does_not_wait_for_a_disk_that_hangs(folder: Path) -> None:
    """It gives up after two seconds, and keeps the lock: the thread may write yet."""
    disk = FailingDisk()
    spool = real(folder, disk=disk)
    release = disk.hold("fdatasync")
    try:
        async with asyncio.timeout(10), running(spool):
            spool.append(items(1))
            await asyncio.to_thread(disk.entered["pwrite"].wait, 10)
        with pytest.raises(UnavailableError):
            real(folder)
    finally:
        release.set()


async def test_the_quota_ends_what_is_taken_and_settling_reopens_it(folder: Path) -> None:
    """Full is told before anything is lost; nothing that is there is touched; then it goes on."""
    errors: list[str] = []
    spool = real(folder, max_bytes=2 * MIB, errors=errors)
    entries = items(*range(400), size=10_000)
    async with running(spool) as told:
        durable = await _fill(spool, told, entries)

        assert 1.4 * MIB < durable * 10_000 < 2 * MIB
        assert spool.usage.bytes <= 2 * MIB
        assert not spool.is_taking
        assert errors == ["full"]
        assert await read_all(spool, told.places) == [entry.record for entry in entries[:durable]]

        spool.settle(told.places[: durable // 2])
        await until(lambda: spool.usage.bytes < 2 * MIB)
        await _go_on(spool, told, entries[-10:])


async def test_a_settled_segment_behind_a_needed_one_gives_its_space_back(folder: Path) -> None:
    """One record that nobody takes must not hold the whole disk."""
    spool = real(folder, max_bytes=2 * MIB)
    async with running(spool) as told:
        for number in range(700):  # four times the quota
            while not spool.append(items(number, size=10_000)):
                spool.resume()
                await asyncio.sleep(0)
            await spool.flush()
            spool.settle(told.places[1:])

        assert spool.usage.records == 1
        assert spool.usage.bytes <= 2 * MIB
        first = told.places[0]

    again = real(folder, max_bytes=2 * MIB)
    async with running(again) as told:
        await told.wait_recovered()
        assert [found.position for found in told.founds] == [first]


async def test_a_group_may_end_where_one_does_not_fit(folder: Path) -> None:
    """What comes before it is durable or left out; it and what follows are not appended."""
    spool = real(folder, max_bytes=2 * MIB)
    entries = [*items(1, 2), *items(3, size=3 * MIB), *items(4)]
    entries[1].is_wanted = False
    async with running(spool) as told:
        assert spool.append(entries)
        await spool.flush()

        assert told.entries == entries[:2]
        assert [position is None for position in told.positions] == [False, True]
        assert told.failed == entries[2:]


async def test_a_record_larger_than_a_segment_gets_one_of_its_own_size(folder: Path) -> None:
    """Large records are kept like small ones, in their order; what never fits harms nobody."""
    spool = real(folder, max_bytes=2 * MIB)
    entries = [*items(1), *items(2, size=MIB), *items(3)]
    async with running(spool) as told:
        assert spool.append(entries)
        await spool.flush()
        assert told.entries == entries
        assert await read_all(spool, told.places) == [entry.record for entry in entries]

        assert spool.append(items(4, size=3 * MIB))
        await spool.flush()
        assert len(told.failed) == 1
        assert not spool.is_taking
        spool.settle(told.places)
        spool.resume()
        await until(lambda: spool.is_taking)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of 8 MiB; skipped where we may not mount."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)  # noqa: S607


async def test_a_full_disk_harms_nothing(small_disk: Path) -> None:
    """The disk is smaller than the quota: not appended, nothing lost; freed, it is used again."""
    errors: list[str] = []
    spool = real(small_disk / "spool", max_bytes=64 * MIB, errors=errors)
    entries = items(*range(3000), size=10_000)
    async with running(spool) as told:
        durable = await _fill(spool, told, entries)
        assert durable * 10_000 > 5 * MIB
        assert "full" in errors
        assert told.entries == entries[:durable]
        assert await read_all(spool, told.places) == [entry.record for entry in entries[:durable]]
        spool.settle(told.places)
        await _go_on(spool, told, entries[-10:])


async def test_a_read_error_is_told_and_can_be_tried_again(folder: Path) -> None:
    """A disk that cannot be read now is no damage."""
    disk = FailingDisk()
    errors: list[str] = []
    spool = real(folder, disk=disk, errors=errors)
    async with running(spool) as told:
        spool.append(items(1))
        await spool.flush()
        disk.fail("pread")
        with pytest.raises(UnavailableError):
            await spool.read(told.places)
        assert errors == ["read"]
        assert await spool.read(told.places) == [record(1)]


async def test_a_record_that_rots_reads_as_none(folder: Path) -> None:
    """Damage is told, copied aside, and costs only its record."""
    errors: list[str] = []
    spool = real(folder, errors=errors)
    async with running(spool) as told:
        spool.append(items(1, 2, 3))
        await spool.flush()
        number, offset = told.places[1] >> 32, told.places[1] & 0xFFFFFFFF
        with (folder / f"{number:020}.seg").open("r+b") as file:
            file.seek(offset + 30)
            file.write(b"\xff")

        assert await spool.read(told.places) == [record(1), None, record(3)]
        assert errors == ["damaged"]
        assert len(list((folder / "corrupt").iterdir())) == 1


async def test_a_refused_record_needs_room_and_a_disk(folder: Path) -> None:
    """What cannot be kept apart is said not to be durable."""
    disk = FailingDisk()
    errors: list[str] = []
    spool = real(folder, max_bytes=2 * MIB, disk=disk, errors=errors)
    async with running(spool):
        disk.fail("fsync")
        assert not await spool.refuse(record(1), "too-large")
        disk.fail("rename", number=errno.ENOSPC)
        assert not await spool.refuse(record(1), "too-large")
        assert not await spool.refuse(record(1, size=3 * MIB), "too-large")
        assert await spool.refuse(record(1), "too-large")

        assert errors == ["write", "write", "full", "refused"]
        assert [path.name for path in (folder / "refused").glob("*.rec")] == [f"{1:020}.rec"]


async def test_a_refused_record_costs_two_syncs(folder: Path) -> None:
    """Its file and its name: the folder is there since the first one, or is made once more."""
    disk = FailingDisk()
    spool = real(folder, disk=disk)
    async with running(spool) as told:
        await told.wait_recovered()
        assert await spool.refuse(record(1), "too-large")
        disk.calls.clear()
        assert await spool.refuse(record(2), "too-large")
        syncs = [call for call in disk.calls if "sync" in call]

        shutil.rmtree(folder / "refused")
        assert [await spool.refuse(record(3), "too-large") for _ in range(2)] == [False, True]

    assert syncs == ["fsync", "fsync_folder"]


def test_a_disk_that_never_syncs_does_not_hang_the_start(folder: Path) -> None:
    """The test of the sync is bounded, and the spool starts: Kafka may take everything."""
    disk = FailingDisk()
    real(folder).open  # noqa: B018 - the files are there
    release = disk.hold("fdatasync")
    errors: list[str] = []
    spool = SegmentSpool(
        folder.with_name("other"), MIB, on_error=errors.append, allow_ephemeral=True, disk=disk
    )
    spool.open()

    assert errors == ["sync"]
    release.set()
