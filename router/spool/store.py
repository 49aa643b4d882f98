"""`Store`: segments on disk, written by one thread.

Design: the next segment is always there before it is needed, header and name durable, so that
"full" is known before a record is in hand and a new segment costs no group its time. After an
error of a write or a sync a segment is never written or synced again: the kernel drops what it
could not write, and the next sync would say that all is well. The group goes to a new segment;
a second error within a minute means that the disk is broken. A full disk cuts the segment back
to its last good record and harms nothing that is there. What is written to a file without a name
is lost with this process, and a folder put in place of ours is another's: so a record counts only
if its segment has its name after the sync, and nothing is made or removed but beside our own lock.

A segment whose records are all settled is removed once the cursor says so durably. One that lies
behind another which is still needed is cut down to its header: its space returns at once, and it
is not missed.
"""

import errno
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import PurePath
from typing import Literal, TypeAlias

import structlog
from msgspec import Struct

from router.spool import files
from router.spool.cursor import Cursor, Span
from router.spool.disk import Disk
from router.spool.ledger import position_of
from router.spool.marks import encode_marks
from router.spool.port import Position
from router.spool.quota import Quota
from router.spool.segment import FRAME_BYTES, HEADER_BYTES, MAX_PAYLOAD_BYTES, encode_header
from router.spool.writable import Writable

SEGMENT_BYTES = 16 << 20
AGAIN_WITHIN_SECS = 60.0
_SEGMENTS = 4
_OTHER_FILES_BYTES = 64 << 10
_BLOCK_BYTES = 4096
_LEAST_BYTES = 256 << 10
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

Failure: TypeAlias = Literal["full", "write", "sync"]

log = structlog.get_logger(__name__)


class Written(Struct, frozen=True, kw_only=True):
    """What became of a group.

    Attributes:
        positions: Of the records that are durable, from the first one on.
        failure: Why the others are not; None if all are.
        closed: Segments that get no more records.
    """

    positions: list[Position]
    failure: Failure | None
    closed: list[int]


def segment_bytes(max_bytes: int) -> int:
    """Return the size of segments: at least four fit the quota, beside the other files."""
    share = (max_bytes - _OTHER_FILES_BYTES) // _SEGMENTS
    return max(_BLOCK_BYTES, min(SEGMENT_BYTES, share // _BLOCK_BYTES * _BLOCK_BYTES))


class Store:
    """The only writer of segments, marks and cursor. Its methods raise no `OSError`."""

    def __init__(
        self, folder: PurePath, quota: Quota, disk: Disk, on_error: Callable[[str], None]
    ) -> None:
        """Take the folder; *on_error* is told of the kind of every error.

        `next` and `lock`, the descriptor of what keeps others out, must be set before all else.
        """
        self.cursor = Cursor(folder, disk)
        self.next = 1
        self.lock: int | None = None
        self._folder = folder
        self._quota = quota
        self._disk = disk
        self._on_error = on_error
        self._segment_bytes = segment_bytes(quota.max_bytes)
        self._active: Writable | None = None
        self._reserve: Writable | None = None
        self._closed: list[int] = []
        self._marks_ends: dict[int, int] = {}
        self._is_volume_full = False
        self._failed_at: float | None = None

    @property
    def room(self) -> int:
        """How many bytes can be taken, as far as is known."""
        room = sum(segment.rest for segment in (self._active, self._reserve) if segment)
        if not self._is_volume_full:
            room += self._quota.left // self._segment_bytes * self._segment_bytes
        return room

    @property
    def wants_reserve(self) -> bool:
        """Whether `prepare` has something to do, and a prospect."""
        has_prospect = not self._is_volume_full and self._quota.takes(self._segment_bytes)
        return self._reserve is None and has_prospect

    def prepare(self) -> None:
        """Make the next segment ahead of its use, if there is none and there is room."""
        if self._reserve is None:
            self._is_volume_full = False
            with suppress(OSError):
                self._reserve = self._make(0)

    def write(self, payloads: Sequence[bytes]) -> Written:
        """Return once as many of these are durable as the disk takes, from the first one on."""
        positions: list[Position] = []
        failure: Failure | None = None
        while failure is None and len(positions) < len(payloads):
            error = self._write_some(payloads, positions)
            if error == "full" or (error is not None and self._is_second_error()):
                failure = error
        closed, self._closed = self._closed, []
        return Written(positions=positions, failure=failure, closed=closed)

    def remove(self, before: Sequence[int], between: Sequence[int], first: int | None) -> bool:
        """Give back the space of segments without need; False: not now.

        Args:
            before: Those before every needed one: removed once the cursor says so durably.
            between: Others: cut down to their headers.
            first: The lowest of those that stay; None if there is none.
        """
        if not self._is_ours:
            return False
        if before:
            mine = [segment.number for segment in (self._active, self._reserve) if segment]
            try:
                self._set_cursor(min([*mine, self.next, *([] if first is None else [first])]))
            except OSError as error:
                self._tell("write", "cursor_not_written", error)
                return False
        for number in before:
            self._unlink(files.segment_path(self._folder, number))
            self._unlink(files.marks_path(self._folder, number))
        for number in between:
            self._empty(number)
        self._is_volume_full = False
        return True

    def mark(self, offsets: Mapping[int, Sequence[int]]) -> None:
        """Write down which records of which segments are settled, without a sync."""
        for number, settled in offsets.items() if self._is_ours else ():
            path = files.marks_path(self._folder, number)
            try:
                fd = self._disk.open_or_create(path)
                try:
                    end = self._marks_end(number, path)
                    data = encode_marks(number, settled)
                    self._disk.write_all(fd, data, end)
                finally:
                    self._disk.close(fd)
            except OSError:  # then these come twice
                self._on_error("write")
            else:
                self._marks_ends[number] = end + len(data)
                self._quota.set(path, _blocks(end + len(data)))

    def finish(
        self,
        before: Sequence[int],
        between: Sequence[int],
        first: int | None,
        marks: Mapping[int, Sequence[int]],
    ) -> None:
        """Remove, mark, and let go of the files; nothing is written after this."""
        gone = {*before, *between}
        self.mark({number: settled for number, settled in marks.items() if number not in gone})
        self.remove(before, between, first)
        for segment in (self._active, self._reserve):
            if segment is not None:
                with suppress(OSError):
                    self._let_go(segment)
        self._active = self._reserve = None
        self.cursor.close()

    def _write_some(self, payloads: Sequence[bytes], positions: list[Position]) -> Failure | None:
        """Write as many of the payloads without a position as one segment takes."""
        need = FRAME_BYTES + len(payloads[len(positions)])
        try:
            segment = self._segment_with(need)
        except OSError as error:
            return "full" if error.errno in _FULL else "write"
        if segment is None:
            return "full"
        frames = list(segment.fitting(payloads, len(positions)))
        is_fresh = segment.end == HEADER_BYTES
        try:
            self._disk.write_all(segment.fd, b"".join(frames), segment.end)
        except OSError as error:
            if error.errno in _FULL:
                self._is_volume_full = True
                self._cut_back(segment)
                return "full" if is_fresh else None
            self._abandon(segment, "write", error)
            return "write"
        try:
            self._disk.fdatasync(segment.fd)
            if not self._disk.leads_to(segment.path, segment.fd):
                raise _gone()
        except OSError as error:
            self._abandon(segment, "sync", error)
            return "sync"
        for data in frames:
            positions.append(position_of(segment.number, segment.end))
            segment.end += len(data)
        return None

    def _segment_with(self, need: int) -> Writable | None:
        """Return a segment with room for that much; None if the quota has none."""
        if self._active is not None and need > self._active.rest:
            self._cut_back(self._active)
        if self._active is None:
            whole = HEADER_BYTES + need
            if whole > HEADER_BYTES + FRAME_BYTES + MAX_PAYLOAD_BYTES:
                return None
            reserve = self._reserve or self._make(whole)
            self._reserve = reserve
            if reserve is None or not self._enlarge(reserve, whole):
                return None
            self._active, self._reserve = reserve, None
        return self._active

    def _make(self, least: int) -> Writable | None:
        """Return a new segment of at least that size; None if the quota has no room for it.

        A disk that is nearly full is filled by smaller ones.
        """
        size = wanted = max(self._segment_bytes, least)
        number, path = self.next, files.segment_path(self._folder, self.next)
        while self._quota.takes(size):
            try:
                fd = self._make_file(number, path, size)
            except OSError as error:
                self.next += error.errno == errno.EEXIST
                smaller = max(least, size // 4)
                if error.errno not in _FULL or not _LEAST_BYTES <= smaller < size:
                    self._not_made(number, error)
                    raise
                size = smaller
            else:
                self.next = number + 1
                self._is_volume_full = size < wanted
                return Writable(number, path, fd, size)
        return None

    def _make_file(self, number: int, path: str, size: int) -> int:
        """Return a file that is durable, with its name and space; there is none after an error."""
        if not self._is_ours:
            raise _gone()
        fd = self._disk.create(path)
        self._quota.set(path, size)
        try:
            self._disk.fallocate(fd, size)
            self._disk.write_all(fd, encode_header(number, self._disk.unix_ms()), 0)
            self._disk.fsync(fd)
            self._disk.fsync_folder(str(self._folder))
        except OSError:
            with suppress(OSError):
                self._disk.close(fd)
            self._unlink(path)  # nobody was told of anything in it
            raise
        return fd

    def _enlarge(self, segment: Writable, size: int) -> bool:
        """Give a record that is larger than a segment one of its own size; False: no room."""
        if size <= segment.size:
            return True
        if not self._quota.takes(size - segment.size):
            return False
        try:
            self._disk.fallocate(segment.fd, size)
            self._disk.fsync(segment.fd)
        except OSError as error:
            self._not_made(segment.number, error)
            raise
        self._quota.set(segment.path, size)
        segment.size = size
        return True

    def _cut_back(self, segment: Writable) -> None:
        """End a segment that is full: what it does not use is given back."""
        self._active = None
        self._closed.append(segment.number)
        with suppress(OSError):
            self._disk.ftruncate(segment.fd, segment.end)
            self._quota.set(segment.path, _blocks(segment.end))
        with suppress(OSError):
            self._disk.close(segment.fd)

    def _abandon(self, segment: Writable, kind: Failure, error: OSError) -> None:
        """End a segment that the disk failed: it is only read from now on."""
        self._active = None
        self._closed.append(segment.number)
        self._tell(kind, "segment_abandoned", error, segment.number)
        with suppress(OSError):
            self._disk.close(segment.fd)

    def _is_second_error(self) -> bool:
        now, before = self._disk.monotonic(), self._failed_at
        self._failed_at = now
        return before is not None and now - before < AGAIN_WITHIN_SECS

    @property
    def _is_ours(self) -> bool:
        """Whether the folder is still the one that we hold the lock of."""
        path = str(self._folder / files.LOCK)
        return self.lock is not None and self._disk.leads_to(path, self.lock)

    def _set_cursor(self, first: int) -> None:
        self.cursor.write(Span(first, self.next))

    def _let_go(self, segment: Writable) -> None:
        """Close a segment; what it does not use is given back, all of it if nothing was told."""
        if segment is self._reserve and self._is_ours:
            self.next = segment.number
            first = self.cursor.span.first if self.cursor.span else 1
            self._set_cursor(min(first, segment.number))
            self._disk.unlink(segment.path)
        else:
            self._disk.ftruncate(segment.fd, segment.end)
        self._disk.close(segment.fd)

    def _empty(self, number: int) -> None:
        if self._quota.size(files.unreadable_path(self._folder, number)):
            return  # kept aside: that is the same file
        path = files.segment_path(self._folder, number)
        with suppress(OSError):
            fd = self._disk.open_write(path)
            try:
                self._disk.ftruncate(fd, HEADER_BYTES)
                self._quota.set(path, _BLOCK_BYTES)
            finally:
                self._disk.close(fd)
            self._unlink(files.marks_path(self._folder, number))

    def _unlink(self, path: str) -> None:
        try:
            self._disk.unlink(path)
        except FileNotFoundError:
            self._quota.drop(path)
        except OSError:  # garbage, removed at the next start
            self._on_error("write")
        else:
            self._quota.drop(path)

    def _marks_end(self, number: int, path: str) -> int:
        if number not in self._marks_ends:
            self._marks_ends[number] = self._disk.status(path).size
        return self._marks_ends[number]

    def _not_made(self, number: int, error: OSError) -> None:
        self._is_volume_full = error.errno in _FULL
        if not self._is_volume_full:  # that is a state, told of by whoever waits for room
            self._tell("write", "segment_not_made", error, number)

    def _tell(self, kind: str, event: str, error: OSError, number: int | None = None) -> None:
        self._on_error(kind)
        log.error(event, error=error.strerror or str(error), segment=number)


def _gone() -> OSError:
    """Return the error for files that nobody would find: somebody has taken the folder away."""
    return OSError(errno.ESTALE, "removed or replaced from outside")


def _blocks(length: int) -> int:
    """Return what a file of that length takes on the disk."""
    return -(-length // _BLOCK_BYTES) * _BLOCK_BYTES
