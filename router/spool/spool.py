"""`SegmentSpool`: the spool on real files; this side runs on the event loop and never blocks.

Design: all that blocks runs in two threads of its own: one writes, one reads, so that a recovery
of gigabytes keeps no record waiting. Nothing is told before the sync that covers it has returned.
There is no timer: while a group is being written the next one gathers, so the slower the disk,
the larger the groups. One job is under way per thread, and its outcome is looked at here, so
there are no locks.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from itertools import compress
from pathlib import Path

import structlog

from router.errors import UnavailableError
from router.record import Record
from router.spool.aside import Aside, Damaged
from router.spool.cursor import NAME as CURSOR
from router.spool.cursor import SLOT_BYTES
from router.spool.disk import Disk
from router.spool.folder import Folder
from router.spool.inbox import Inbox
from router.spool.ledger import Ledger, number_of, offset_of
from router.spool.port import Entry, Listener, Position, Usage
from router.spool.quota import Quota
from router.spool.reader import Reader
from router.spool.recovery import Chunk, Recovery
from router.spool.segment import encode_payload
from router.spool.store import Store, Written
from router.spool.worker import Runs, Worker

MARKS = 1000
MARKS_SECS = 1.0
CLOSE_SECS = 2.0
FULL_AGAIN_SECS = 5.0
OFF_SECS = 5.0
LONGEST_OFF_SECS = 60.0

log = structlog.get_logger(__name__)


class SegmentSpool:
    """See `router.spool.port.Spool`.

    After `not_appended` nothing is taken until `resume`. Where the disk is full, `is_taking` is
    True again once space was freed, or a while later, since others may have freed it; where it is
    broken, after a while that doubles from 5 s to a minute.
    """

    make_store = Store
    make_recovery = Recovery

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        *,
        on_error: Callable[[str], None],
        allow_ephemeral: bool = False,
        disk: Disk | None = None,
        make_worker: Callable[[str], Runs] = Worker,
    ) -> None:
        """Take the folder and how much it may hold; nothing is touched before `open`.

        *on_error* is told of the kind of every error, perhaps from another thread: full, write,
        sync, read, damaged, unreadable, torn, missing, cursor, version, refused.
        """
        self._disk = disk or Disk()
        self._quota = Quota(max_bytes)
        self._folder_path = folder
        self._folder = Folder(folder, self._disk, self._quota, on_error)
        self._store = self.make_store(folder, self._quota, self._disk, on_error)
        self._aside = Aside(folder, self._quota, self._disk)
        self._reader = Reader(folder, self._disk, on_error)
        self._allow_ephemeral = allow_ephemeral
        self._on_error = on_error
        self._writes, self._reads = make_worker("spool-writer"), make_worker("spool-reader")
        self._lock: int | None = None
        self._old: list[int] = []
        self._ledger = Ledger()
        self._inbox = Inbox()
        self._wake = asyncio.Event()
        self._room = 0
        self._marks: dict[int, list[int]] = {}
        self._marks_count = 0
        self._is_marking_timed = self._is_marking_due = self._is_making_due = False
        self._is_suspended = self._is_full = False
        self._off_until = 0.0
        self._off_secs = 0.0

    def open(self) -> None:
        """Claim the folder and look at what is in it; blocks, so call it before anything runs.

        Raises:
            ConfigError: The folder cannot be used, and what to change.
            UnavailableError: Another process uses it, or the disk cannot be read.
        """
        self._lock = self._folder.claim(allow_ephemeral=self._allow_ephemeral)
        cursor = self._store.cursor
        try:
            inventory = self._folder.take_stock(cursor.read())
        except OSError as error:
            cursor.close()
            self._unlock()
            raise UnavailableError(f"the spool {self._folder_path}: {error.strerror}") from error
        self._store.lock = self._lock
        self._store.next = inventory.span.next
        self._quota.set(str(self._folder_path / CURSOR), 2 * SLOT_BYTES)
        with suppress(OSError):  # tried again before anything is removed
            # Also where it says so already: perhaps only memory does, and the disk has failed.
            cursor.write(inventory.span)
            self._folder.remove(inventory.garbage)
        self._old = inventory.numbers
        self._ledger.open([*self._old, *inventory.newer])
        if self._folder.try_sync() is not None:
            self._store.prepare()
        self._room = self._store.room
        log.info("spool_opened", segments=len(self._old), bytes=self._quota.used)

    @property
    def is_taking(self) -> bool:
        """Whether `append` takes entries now."""
        if self._is_suspended or self._is_full or self._lock is None:
            return False
        return not self._off_secs or self._off_until <= self._disk.monotonic()

    @property
    def usage(self) -> Usage:
        """How much waits."""
        return Usage(
            records=self._ledger.records,
            bytes=self._quota.used,
            oldest_unix_ms=self._ledger.since_ms,
        )

    async def run(self, listener: Listener) -> None:
        """Recover, then write what is appended, until cancelled; nothing is told before or after."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._recover(listener))
            tasks.create_task(self._write(listener))

    def append(self, entries: Sequence[Entry]) -> bool:
        """Take entries to be written; False: none was taken, the disk is full or broken.

        They are taken as long as there is room for some: what does not fit is `not_appended`.
        """
        if not self.is_taking:
            return False
        if self._inbox.bytes >= self._room:
            self._note_full()
            return False
        self._inbox.put(entries)
        self._wake.set()
        return True

    def resume(self) -> None:
        """Try again after `not_appended`, if there is a prospect; see `is_taking`."""
        self._is_suspended = False

    async def read(
        self, positions: Sequence[Position], *, is_last_try: bool = False
    ) -> list[Record | None]:
        """Return the records at the first of these positions; None where they are gone.

        Raises:
            UnavailableError: The disk cannot be read now.
        """
        if self._lock is None:
            raise UnavailableError("the spool is closed")
        try:
            records, damaged = await self._reads.call(
                partial(self._reader.read, positions, is_last_try=is_last_try)
            )
        except OSError as error:
            self._on_error("read")
            raise UnavailableError(f"the spool cannot be read: {error.strerror}") from error
        if damaged:
            await self._keep(damaged)
        return records

    def settle(self, positions: Iterable[Position]) -> None:
        """Forget these: Kafka has them, or `refuse` has, or they cannot be read."""
        for position in self._ledger.settle(positions):
            self._marks.setdefault(number_of(position), []).append(offset_of(position))
            self._marks_count += 1
        if self._ledger.has_done or self._marks_count >= MARKS:
            self._wake.set()
        elif self._marks_count and not self._is_marking_timed:
            self._is_marking_timed = True
            asyncio.get_running_loop().call_later(MARKS_SECS, self._mark_now)

    async def refuse(self, record: Record, reason: str) -> bool:
        """Keep a record that Kafka will never take apart from the others; whether it is durable."""
        if self._lock is None:
            return False
        error = await self._writes.call(partial(self._aside.refuse, record, 0, reason))
        self._on_error(error or "refused")
        return error is None

    async def flush(self) -> None:
        """Return when everything taken before was told of."""
        await self._inbox.flush()

    async def close(self) -> None:
        """Write down what is settled and let go of the files; bounded, also on a hanging disk."""
        if self._lock is None:
            return
        before, between = self._ledger.removable()
        done = self._writes.call(
            partial(
                self._store.finish, before, between, self._ledger.first_but(before), self._marks
            )
        )
        self._writes.stop()
        self._reads.stop()
        finished, _ = await asyncio.wait({done}, timeout=CLOSE_SECS)
        if finished:
            done.result()
            self._unlock()
        else:  # the lock stays until the process ends: its thread may write yet
            log.warning("spool_close_given_up", after_secs=CLOSE_SECS)
            self._lock = None

    # On the event loop.

    async def _recover(self, listener: Listener) -> None:
        recovery = self.make_recovery(self._folder_path, self._old, self._disk, self._on_error)
        chunks = recovery.chunks()
        while (chunk := await self._reads.call(partial(next, chunks, None))) is not None:
            self._ledger.add([found.position for found in chunk.found], chunk.received_ms)
            if chunk.found:
                listener.found(chunk.found)
            await self._recovered(chunk)
        listener.recovered()

    async def _recovered(self, chunk: Chunk) -> None:
        if chunk.damaged:
            await self._keep(chunk.damaged)
        if chunk.is_last:
            self._ledger.close([chunk.number])
            self._wake.set()

    async def _write(self, listener: Listener) -> None:
        await self._writes.call(int)  # its thread begins while there is memory for one
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._inbox:
                await _all_read()
                await self._write_group(listener)
                self._wake.set()
            await self._tidy()

    async def _write_group(self, listener: Listener) -> None:
        group = self._inbox.next_group()
        are_wanted = [entry.is_wanted for entry in group]
        wanted = list(compress(group, are_wanted))
        if not wanted:
            self._tell_appended(listener, group, [None] * len(group))
            return
        now_ms = self._disk.unix_ms()
        # Here, not in the writer's thread: two threads in turns for the interpreter cost more than
        # the work, and where all is spooled the loop would only wait for it. At most some 2 ms.
        payloads = [encode_payload(entry.record, entry.key_hash, now_ms) for entry in wanted]
        written = await self._writes.call(partial(self._store.write, payloads))
        self._ledger.add(written.positions, now_ms)
        self._ledger.close(written.closed)
        self._is_making_due |= bool(written.closed)
        self._room = self._store.room
        told = _spread(written.positions, are_wanted)
        self._tell_appended(listener, group[: len(told)], told)
        self._tell_not_appended(listener, group[len(told) :], written)

    def _tell_appended(
        self, listener: Listener, entries: Sequence[Entry], positions: Sequence[Position | None]
    ) -> None:
        self._inbox.count_told(entries)
        if entries:
            listener.appended(entries, positions)
        self._inbox.tell_flushed()

    def _tell_not_appended(
        self, listener: Listener, entries: list[Entry], written: Written
    ) -> None:
        if written.failure is None:
            if self._off_secs:
                log.info("spool_writes_again")
            self._off_secs = 0.0
            return
        entries += self._inbox.rest()
        self._is_suspended = True
        if written.failure == "full":
            self._note_full()
        else:
            self._off_secs = min(LONGEST_OFF_SECS, 2 * self._off_secs or OFF_SECS)
            self._off_until = self._disk.monotonic() + self._off_secs
            log.error("spool_turned_off", error=written.failure, secs=self._off_secs)
        self._inbox.count_told(entries)
        listener.not_appended(entries)
        self._inbox.tell_flushed()

    async def _tidy(self) -> None:
        """Do what is due beside the groups: free, mark, prepare."""
        if self._ledger.has_done:
            await self._remove()
        if self._marks_count >= MARKS or self._is_marking_due:
            marks, self._marks, self._marks_count = self._marks, {}, 0
            self._is_marking_due = False
            await self._writes.call(partial(self._store.mark, marks))
        if self._is_making_due:
            self._is_making_due = False
            await self._writes.call(self._store.prepare)
            self._room = self._store.room
            self._note_free()
            if self._is_full:
                self._note_full()

    async def _remove(self) -> None:
        self._ledger.has_done = False
        before, between = self._ledger.removable()
        if not before and not between:
            return
        first = self._ledger.first_but(before)
        for number in (*before, *between):
            self._marks_count -= len(self._marks.pop(number, ()))
        if await self._writes.call(partial(self._store.remove, before, between, first)):
            self._ledger.forget(before)
            self._ledger.emptied(between)
            self._is_making_due = self._is_making_due or self._store.wants_reserve
            self._room = self._store.room
            self._note_free()
        else:
            asyncio.get_running_loop().call_later(FULL_AGAIN_SECS, self._remove_again)

    def _remove_again(self) -> None:
        self._ledger.has_done = True
        self._wake.set()

    def _mark_now(self) -> None:
        self._is_marking_timed, self._is_marking_due = False, True
        self._wake.set()

    async def _keep(self, damaged: Sequence[Damaged]) -> None:
        await self._writes.call(partial(self._aside.keep, damaged))

    def _note_full(self) -> None:
        if not self._is_full:
            self._is_full = True
            self._on_error("full")
            log.error("spool_filled", bytes=self._quota.used, max_bytes=self._quota.max_bytes)
        with suppress(RuntimeError):  # before anything runs: `run` will see
            asyncio.get_running_loop().call_later(FULL_AGAIN_SECS, self._try_room)

    def _note_free(self) -> None:
        if self._is_full and self._room:
            self._is_full = False
            log.info("spool_has_room", bytes=self._quota.used)

    def _try_room(self) -> None:
        if self._is_full:  # others may have freed what we lack
            self._is_making_due = True
            self._wake.set()

    def _unlock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            self._disk.close(lock)


async def _all_read() -> None:
    """Let the loop read what has come in: the larger a group, the less each record costs.

    The first turn comes before what the loop finds readable in it, the second one after that.
    """
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def _spread(positions: Sequence[Position], are_wanted: Sequence[bool]) -> Sequence[Position | None]:
    """Return the positions of the wanted, None for the others; it ends where a position lacks."""
    if all(are_wanted):
        return positions
    rest = iter(positions)
    spread: list[Position | None] = []
    for is_wanted in are_wanted:
        position = next(rest, None) if is_wanted else None
        if is_wanted and position is None:
            break
        spread.append(position)
    return spread
