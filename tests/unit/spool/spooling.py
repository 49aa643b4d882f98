"""What tests of the spool share: records, entries, and a listener that can be waited for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import google_crc32c
from msgspec import Struct

from router.record import Record
from router.spool.disk import Disk
from router.spool.port import Entry, Found, Position, Spool
from router.spool.segment import encode_header
from router.spool.spool import SegmentSpool

DEADLINE_SECS = 20.0
MIB = 1 << 20


class Item(Struct):
    """An entry of a test."""

    record: Record
    key_hash: int = 7
    is_wanted: bool = True

    @property
    def size(self) -> int:
        """An upper bound of the bytes that it takes."""
        return self.record.size


def record(number: int, size: int = 100) -> Record:
    """Return a record that its number tells from others, with a value of that size."""
    return Record(
        topic=f"topic-{number % 3}",
        key=b"key-%d" % number,
        value=b"%d " % number + b"v" * size,
        headers=(("content-type", b"x/y"), ("event_id", b"id-%d" % number)),
    )


def items(*numbers: int, size: int = 100) -> list[Item]:
    """Return an entry for each number."""
    return [Item(record(number, size)) for number in numbers]


class Told:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.entries: list[Entry] = []
        self.positions: list[Position | None] = []
        self.failed: list[Entry] = []
        self.founds: list[Found] = []
        self.is_recovered = False
        self.news = asyncio.Event()

    def appended(self, entries: Sequence[Entry], positions: Sequence[Position | None]) -> None:
        """Keep them."""
        assert len(entries) == len(positions)
        self.entries += entries
        self.positions += positions
        self.news.set()

    def not_appended(self, entries: Sequence[Entry]) -> None:
        """Keep them."""
        self.failed += entries
        self.news.set()

    def found(self, records: Sequence[Found]) -> None:
        """Keep them."""
        assert not self.is_recovered
        self.founds += records
        self.news.set()

    def recovered(self) -> None:
        """Keep that."""
        assert not self.is_recovered
        self.is_recovered = True
        self.news.set()

    @property
    def places(self) -> list[Position]:
        """The positions of what is durable."""
        return [position for position in self.positions if position is not None]

    async def wait(self, condition: Callable[[], bool]) -> None:
        """Return when the condition holds, looked at whenever something was told."""
        async with asyncio.timeout(DEADLINE_SECS):
            while not condition():
                self.news.clear()
                await self.news.wait()

    async def wait_recovered(self) -> None:
        """Return when there are no more records of an earlier run."""
        await self.wait(lambda: self.is_recovered)


async def until(condition: Callable[[], bool]) -> None:
    """Return when the condition holds, looked at in every turn of the loop."""
    async with asyncio.timeout(DEADLINE_SECS):
        while not condition():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)


@asynccontextmanager
async def running(spool: Spool) -> AsyncIterator[Told]:
    """Run an opened spool; close it in the end."""
    told = Told()
    task = asyncio.create_task(spool.run(told))
    try:
        yield told
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await spool.close()


async def read_all(spool: Spool, positions: Sequence[Position]) -> list[Record | None]:
    """Return what lies at rising positions, read a mebibyte or so at a time."""
    records: list[Record | None] = []
    while len(records) < len(positions):
        records += await spool.read(positions[len(records) :])
    return records


def real(
    folder: Path,
    *,
    max_bytes: int = 64 * MIB,
    disk: Disk | None = None,
    errors: list[str] | None = None,
) -> SegmentSpool:
    """Return an opened spool on real files, wherever temporary folders lie."""
    spool = SegmentSpool(
        folder,
        max_bytes,
        on_error=(errors if errors is not None else []).append,
        allow_ephemeral=True,
        disk=disk,
    )
    spool.open()
    return spool


def segment_in(folder: Path, number: int) -> Path:
    """Return where a segment lies."""
    return folder / f"{number:020}.seg"


def header_of(number: int, *, version: int) -> bytes:
    """Return the header of a segment that another version has written."""
    head = encode_header(number, 1)[:-4]
    head = head[:4] + version.to_bytes(2, "big") + head[6:]
    return head + int(google_crc32c.value(head)).to_bytes(4, "big")


async def filled(folder: Path, count: int = 40, size: int = 30_000) -> Told:
    """Fill several segments, end, and return what was told."""
    spool = real(folder, max_bytes=8 * MIB // 4)
    async with running(spool) as told:
        spool.append(items(*range(count), size=size))
        await spool.flush()
    assert len(told.places) == count
    assert len({place >> 32 for place in told.places}) > 2
    return told


async def found_in(folder: Path, errors: list[str]) -> list[int]:
    """Return the positions that the next process finds."""
    spool = real(folder, max_bytes=8 * MIB // 4, errors=errors)
    async with running(spool) as told:
        await told.wait_recovered()
        positions = [found.position for found in told.founds]
        assert None not in await read_all(spool, positions)
    return positions
