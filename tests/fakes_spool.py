"""`FakeSpool`: the spool in memory, with a folder that outlives it and can be steered by tests.

Design: it passes the port suite of the real one. A caller that breaks the port's rules ends in an
AssertionError. Nothing is told from within a call, and nothing before it is durable.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from router.errors import UnavailableError
from router.record import Record
from router.spool.port import Entry, Found, Listener, Position, Usage

_GROUP_RECORDS = 512
_FIRST = 1 << 32
_READ_BYTES = 1 << 20


class Kept(Struct, frozen=True):
    """A record in the folder."""

    record: Record
    key_hash: int
    received_ms: int


class FakeFolder:
    """What survives a process, and what the disk does; tests set the attributes at any time.

    Attributes:
        kept: What is durable and not settled, by position.
        refused: What was refused, with the reason.
        is_held: Whether syncs hang, until `release`.
        is_unreadable: Whether `read` raises.
        unreadable: Positions that make `read` raise, but for the last try.
        is_full: Whether nothing is taken; set back, `resume` finds room again.
        failing: How many of the next groups fail; then everything goes well again.
        damaged: Positions that read as None.
        groups: The sizes of the groups that were made durable.
    """

    def __init__(self) -> None:
        """Begin empty, on a disk that works."""
        self.kept: dict[Position, Kept] = {}
        self.refused: list[tuple[Record, str]] = []
        self.is_held = self.is_unreadable = self.is_full = False
        self.failing = 0
        self.damaged: set[Position] = set()
        self.unreadable: set[Position] = set()
        self.groups: list[int] = []
        self.next: Position = _FIRST
        self._released = asyncio.Event()

    def release(self) -> None:
        """Let syncs that hang return, and hold no more."""
        self.is_held = False
        self._released.set()

    async def sync(self) -> None:
        """Return when the disk does."""
        while self.is_held:
            self._released.clear()
            await self._released.wait()


class FakeSpool:
    """One process's spool; see `router.spool.port.Spool`."""

    def __init__(
        self, folder: FakeFolder | None = None, *, unix_ms: Callable[[], int] = lambda: 1
    ) -> None:
        """Take the folder that earlier processes left, if there were any."""
        self.folder = folder or FakeFolder()
        self.is_closed = False
        self._unix_ms = unix_ms
        self._old = dict(self.folder.kept)
        self._queue: list[Entry] = []
        self._wake = asyncio.Event()
        self._is_suspended = False
        self._flushing: list[tuple[int, asyncio.Future[None]]] = []
        self._taken = self._told = 0

    @property
    def is_taking(self) -> bool:
        """Whether `append` takes entries now."""
        return not (self._is_suspended or self.folder.is_full or self.is_closed)

    @property
    def usage(self) -> Usage:
        """How much waits."""
        kept = self.folder.kept.values()
        return Usage(
            records=len(kept),
            bytes=sum(each.record.size for each in kept),
            oldest_unix_ms=min((each.received_ms for each in kept), default=None),
        )

    async def run(self, listener: Listener) -> None:
        """Recover, then write what is appended, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._recover(listener))
            tasks.create_task(self._write(listener))

    def append(self, entries: Sequence[Entry]) -> bool:
        """Take entries to be written; False: none was taken."""
        if not self.is_taking:
            return False
        self._queue += entries
        self._taken += len(entries)
        self._wake.set()
        return True

    def resume(self) -> None:
        """Try again after `not_appended`."""
        self._is_suspended = False

    async def read(
        self, positions: Sequence[Position], *, is_last_try: bool = False
    ) -> list[Record | None]:
        """Return the records at the first of these rising positions; None where there is damage."""
        await asyncio.sleep(0)
        is_bad = self.folder.unreadable.intersection(positions) and not is_last_try
        if self.folder.is_unreadable or self.is_closed or is_bad:
            raise UnavailableError("FakeSpool cannot be read")
        assert list(positions) == sorted(set(positions)), "positions that do not rise"
        kept = self.folder.kept
        gone = self.folder.damaged | self.folder.unreadable
        records: list[Record | None] = []
        left = _READ_BYTES
        for each in positions:
            record = None if each in gone or each not in kept else kept[each].record
            records.append(record)
            left -= record.size if record is not None else 0
            if left <= 0:
                break
        return records

    def settle(self, positions: Iterable[Position]) -> None:
        """Forget these."""
        for position in positions:
            self.folder.kept.pop(position, None)

    async def refuse(self, record: Record, reason: str) -> bool:
        """Keep a record apart from the others; whether it is durable."""
        await self.folder.sync()
        if self.folder.is_full or self.is_closed:
            return False
        self.folder.refused.append((record, reason))
        return True

    async def flush(self) -> None:
        """Return when everything taken before was told of."""
        if self._told < self._taken:
            flushed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._flushing.append((self._taken, flushed))
            await flushed

    async def close(self) -> None:
        """Take nothing more."""
        await asyncio.sleep(0)
        self.is_closed = True

    async def _recover(self, listener: Listener) -> None:
        await asyncio.sleep(0)
        found = [
            Found(position, kept.record.topic, kept.key_hash)
            for position, kept in sorted(self._old.items())
        ]
        if found:
            listener.found(found)
        listener.recovered()

    async def _write(self, listener: Listener) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                group, self._queue = self._queue[:_GROUP_RECORDS], self._queue[_GROUP_RECORDS:]
                await self._write_group(listener, group)

    async def _write_group(self, listener: Listener, group: list[Entry]) -> None:
        are_wanted = [entry.is_wanted for entry in group]
        await asyncio.sleep(0)
        await self.folder.sync()
        if self.folder.failing or (self.folder.is_full and any(are_wanted)):
            self.folder.failing = max(0, self.folder.failing - 1)
            group, self._queue = group + self._queue, []
            self._is_suspended = True
            self._told += len(group)
            listener.not_appended(group)
        else:
            positions = [
                self._keep(entry) if is_wanted else None
                for entry, is_wanted in zip(group, are_wanted, strict=True)
            ]
            self.folder.groups.append(sum(are_wanted))
            self._told += len(group)
            listener.appended(group, positions)
        for taken, flushed in self._flushing:
            if taken <= self._told and not flushed.done():
                flushed.set_result(None)
        self._flushing = [each for each in self._flushing if not each[1].done()]

    def _keep(self, entry: Entry) -> Position:
        position = self.folder.next
        self.folder.next += entry.record.size
        self.folder.kept[position] = Kept(entry.record, entry.key_hash, self._unix_ms())
        return position
