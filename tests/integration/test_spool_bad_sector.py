"""A page of the disk that nobody gets back: how long it counts as an error, and what it costs."""

import errno
import os
from pathlib import Path

import pytest

from router.errors import UnavailableError
from tests.unit.spool.failing import FailingDisk
from tests.unit.spool.spooling import MIB, items, real, running, until

_PAGE_BYTES = 4096


class _BadSector(FailingDisk):
    """A disk that never gives back one page: a read ends before it, or fails in it.

    Attributes:
        bad: File and offset of the page.
    """

    def __init__(self) -> None:
        """Begin without it."""
        super().__init__()
        self.bad: tuple[str, int] | None = None

    def pread(self, fd: int, length: int, offset: int) -> bytes:
        """Read as far as the page."""
        if self.bad is None or not str(Path(f"/proc/self/fd/{fd}").readlink()).endswith(
            self.bad[0]
        ):
            return super().pread(fd, length, offset)
        begin = self.bad[1]
        if begin <= offset < begin + _PAGE_BYTES:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().pread(fd, min(length, begin - offset) if offset < begin else length, offset)


@pytest.mark.parametrize("size", [10_000, 3000, 300])
async def test_the_last_try_costs_what_the_disk_does_not_give_back(
    tmp_path: Path, size: int
) -> None:
    """A bad sector is an error until then; it is counted, and its segment stays for a person."""
    folder, disk = tmp_path / "spool", _BadSector()
    errors: list[str] = []
    spool = real(folder, max_bytes=2 * MIB, disk=disk, errors=errors)
    entries = items(*range(100), size=size)
    async with running(spool) as told:
        spool.append(entries)
        await spool.flush()
        first, bad = told.places[0] >> 32, told.places[30] & 0xFFFFFFFF
        bad += _PAGE_BYTES - bad % _PAGE_BYTES
        disk.bad = f"{first:020}.seg", bad
        places = told.places[:40]
        with pytest.raises(UnavailableError):
            await spool.read(places[31 - (size > _PAGE_BYTES) :])
        records = await spool.read(places, is_last_try=True)
        spool.settle(told.places)
        await until(lambda: spool.usage.records == 0)

    begins = [place & 0xFFFFFFFF for place in told.places]
    spoiled = {n for n in range(40) if begins[n] < bad + _PAGE_BYTES and begins[n + 1] > bad}
    assert spoiled
    assert [record is None for record in records] == [n in spoiled for n in range(len(records))]
    assert errors == ["read", *["unreadable"] * len(spoiled)]
    assert [each.name for each in (folder / "corrupt").iterdir()] == [f"{first:020}.seg"]
