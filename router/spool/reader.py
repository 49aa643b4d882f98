"""`Reader`: records by their positions, many with one call to the disk; runs in a thread of its own.

Design: what comes back in one call is bounded, since each lane that drains holds as much in
memory. A disk that does not give back what it has taken may do so later, so that is an error, and
nothing is told to be gone; only a last try tells which records it is about, and costs no others.
"""

import errno
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import PurePath

import structlog

from router.record import Record
from router.spool import files
from router.spool.aside import Damaged
from router.spool.disk import Disk
from router.spool.ledger import number_of, offset_of
from router.spool.port import Position
from router.spool.segment import FRAME_BYTES, decode, payload_at, seed_of, whole_bytes

READ_BYTES = 1 << 20
WINDOW_BYTES = 256 << 10
_LOST = {errno.EIO, errno.ENODATA, errno.EILSEQ, errno.EREMOTEIO}

log = structlog.get_logger(__name__)


class Reader:
    """Reads for the drain."""

    def __init__(self, folder: PurePath, disk: Disk, on_error: Callable[[str], None]) -> None:
        """Take the folder."""
        self._folder = folder
        self._disk = disk
        self._on_error = on_error

    def read(
        self, positions: Sequence[Position], *, is_last_try: bool = False
    ) -> tuple[list[Record | None], list[Damaged]]:
        """Return the first of the records, None where there is damage, and that damage.

        About `READ_BYTES` of them, at least one. Damage without bytes is what the disk did not
        give back in the last try.

        Raises:
            OSError: The disk cannot be read now.
        """
        records: list[Record | None] = []
        damaged: list[Damaged] = []
        left = READ_BYTES
        for number, group in groupby(positions, number_of):
            offsets = [offset_of(position) for position in group]
            try:
                fd = self._disk.open_read(files.segment_path(self._folder, number))
            except FileNotFoundError:
                self._on_error("missing")
                log.warning("segment_missing", segment=number, records=len(offsets))
                records += [None] * len(offsets)
                continue
            segment = _Segment(fd, number, self._disk, is_last_try=is_last_try)
            try:
                for offset in offsets:
                    record, size = segment.read(offset)
                    records.append(record)
                    left -= size
                    if left <= 0:
                        break
            finally:
                self._disk.close(fd)
            self._tell(segment.damaged)
            damaged += segment.damaged
            if left <= 0:
                break
        return records, damaged

    def _tell(self, damaged: Sequence[Damaged]) -> None:
        for each in damaged:
            kind = "damaged" if each.data else "unreadable"
            self._on_error(kind)
            log.error("record_lost", why=kind, segment=each.number, offset=each.offset)


class _Segment:
    """One segment, read forwards.

    Attributes:
        damaged: What was found to be no record.
    """

    def __init__(self, fd: int, number: int, disk: Disk, *, is_last_try: bool) -> None:
        self.damaged: list[Damaged] = []
        self._fd = fd
        self._number = number
        self._disk = disk
        self._is_last_try = is_last_try
        self._seed = seed_of(number)
        self._window = b""
        self._begin = 0

    def read(self, offset: int) -> tuple[Record | None, int]:
        """Return the record at an offset behind the last one, if it is whole, and its size."""
        at = offset - self._begin
        size = whole_bytes(self._window, at)
        if size is None or at + size > len(self._window):
            try:
                self._window, self._begin = self._window_at(offset), offset
            except OSError as error:
                if not self._is_last_try or error.errno not in _LOST:
                    raise
                self.damaged.append(Damaged(self._number, offset, b""))
                return None, 0
            at = 0
            size = whole_bytes(self._window, at)
        payload = payload_at(self._window, at, self._seed)
        stored = None if payload is None else decode(payload)
        if stored is None:
            size = size or WINDOW_BYTES
            self.damaged.append(Damaged(self._number, offset, self._window[at : at + size]))
            return None, size
        return stored.record, size or 0

    def _window_at(self, offset: int) -> bytes:
        most = FRAME_BYTES if self._is_last_try else WINDOW_BYTES  # without its neighbours' sectors
        window = self._disk.pread(self._fd, most, offset)
        window = self._filled(window, offset, FRAME_BYTES)
        return self._filled(window, offset, whole_bytes(window, 0) or 0)

    def _filled(self, window: bytes, offset: int, size: int) -> bytes:
        """Return at least *size* bytes, if the file has them: a read ends before a bad sector."""
        while len(window) < size:
            more = self._disk.pread(self._fd, size - len(window), offset + len(window))
            if not more:
                break
            window += more
        return window
