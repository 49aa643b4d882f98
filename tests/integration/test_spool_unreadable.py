"""What the disk does not give back now may be given back later: nothing passes over it."""

from errno import EACCES, EIO, EMFILE
from pathlib import Path

import pytest

from tests.unit.spool.failing import FailingDisk
from tests.unit.spool.spooling import (
    MIB,
    filled,
    found_in,
    header_of,
    real,
    running,
    segment_in,
    until,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that is not there yet."""
    return tmp_path / "spool"


async def test_part_of_a_segment_that_cannot_be_read_costs_only_itself(folder: Path) -> None:
    """A bad sector: the rest is found, and the segment stays for the next start."""
    told = await filled(folder)
    disk = FailingDisk()
    errors: list[str] = []
    spool = real(folder, max_bytes=2 * MIB, disk=disk, errors=errors)
    disk.fail("pread", times=2)
    async with running(spool) as again:
        await again.wait_recovered()
        positions = [found.position for found in again.founds]
        assert set(positions) < set(told.places)
        assert positions[-1] == told.places[-1]
        assert errors[0] == "read"
        spool.settle(positions)
        await until(lambda: spool.usage.records == 0)
    assert segment_in(folder, told.places[0] >> 32).exists()


async def test_a_segment_that_cannot_be_opened_stays(folder: Path) -> None:
    """The others are found, and the next start tries it again."""
    told = await filled(folder)
    first = min(place >> 32 for place in told.places)
    disk = FailingDisk()
    errors: list[str] = []
    spool = real(folder, max_bytes=2 * MIB, disk=disk, errors=errors)
    disk.fail("open_read", suffix=segment_in(folder, first).name)
    async with running(spool) as again:
        await again.wait_recovered()
        rest = [place for place in told.places if place >> 32 != first]
        assert [found.position for found in again.founds] == rest
        assert errors == ["read"]

    assert await found_in(folder, []) == told.places


@pytest.mark.parametrize("number", [EACCES, EMFILE, EIO], ids=["rights", "files", "disk"])
async def test_a_segment_that_the_start_cannot_open_is_no_garbage(
    folder: Path, number: int
) -> None:
    """Nothing may pass over it: once it can be opened, what it holds is found."""
    told = await filled(folder)
    first = min(place >> 32 for place in told.places)
    disk = FailingDisk()
    disk.fail("open_read", 2, number, suffix=segment_in(folder, first).name)
    errors: list[str] = []
    spool = real(folder, max_bytes=2 * MIB, disk=disk, errors=errors)
    async with running(spool) as again:
        await again.wait_recovered()
        rest = [place for place in told.places if place >> 32 != first]
        assert [found.position for found in again.founds] == rest
        spool.settle(rest)
        await until(lambda: spool.usage.records == 0)

    assert errors == ["read", "read"]
    assert await found_in(folder, []) == [place for place in told.places if place >> 32 == first]


async def test_a_newer_version_finds_again_what_it_has_left(folder: Path) -> None:
    """An older one that runs in between passes over none of its segments."""
    told = await filled(folder)
    first = min(place >> 32 for place in told.places)
    ours = segment_in(folder, first).read_bytes()
    newer = header_of(first, version=2)
    segment_in(folder, first).write_bytes(newer + ours[len(newer) :])
    spool = real(folder, max_bytes=2 * MIB)
    async with running(spool) as again:
        await again.wait_recovered()
        *rest, last = (found.position for found in again.founds)
        spool.settle(rest)
        await until(lambda: spool.usage.records == 1)
    assert await found_in(folder, []) == [last]

    segment_in(folder, first).write_bytes(ours)  # now that version is ours
    of_first = [place for place in told.places if place >> 32 == first]
    assert await found_in(folder, []) == [*of_first, last]


async def test_marks_that_cannot_be_read_skip_no_record(folder: Path) -> None:
    """What they said comes twice, and is told; the records do not wait for the next start."""
    told = await filled(folder)
    number = told.places[0] >> 32
    marks = folder / f"{number:020}.done"
    marks.symlink_to("nowhere")  # ours are no links: ELOOP
    errors: list[str] = []

    assert await found_in(folder, errors) == told.places
    assert errors == ["read"]
