"""Spools and disks with one mistake each: what must not pass the tests does not.

Design: each twin is the obvious way to write the thing, and wrong in a way that shows only when
the power goes, a disk fails or fills up. A check that lets one of them pass proves nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, cast

from router.spool import files
from router.spool.disk import Disk
from router.spool.folder import Folder
from router.spool.recovery import Recovery
from router.spool.segment import FRAME_BYTES, Damage, Torn, Whole
from router.spool.spool import SegmentSpool
from router.spool.store import Store
from tests.unit.spool.simulated import SimulatedDisk


class _Unsynced:
    """A disk that says it has synced."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._disk, name)

    def fdatasync(self, fd: int) -> None:
        """Do nothing."""


class _UnsyncedStore(Store):
    """Tells of records that are only written."""

    def __init__(self, folder: Any, quota: Any, disk: Disk, on_error: Any) -> None:
        super().__init__(folder, quota, cast("Disk", _Unsynced(disk)), on_error)


class WithoutSync(SegmentSpool):
    """Leaves the sync out."""

    make_store = _UnsyncedStore


class _TrustingRecovery(Recovery):
    """Takes what was torn for a record."""

    def _pieces(self, number: int, data: bytes) -> Iterator[Whole | Damage | Torn]:
        for piece in super()._pieces(number, data):
            if isinstance(piece, Torn):
                start = piece.offset + FRAME_BYTES
                yield piece.offset, data[start : start + piece.length].ljust(26, b"\0")
            else:
                yield piece


class TrustsTornTails(SegmentSpool):
    """Finds records whose writing was cut off."""

    make_recovery = _TrustingRecovery


class _HastyStore(Store):
    """Removes first, and writes the cursor behind it."""

    def remove(self, before: Sequence[int], between: Sequence[int], first: int | None) -> bool:
        """Remove, then say so."""
        for number in before:
            with suppress(OSError):
                self._disk.unlink(files.segment_path(self._folder, number))
        return super().remove(before, between, first)


class UnlinksBeforeTheCursor(SegmentSpool):
    """Removes segments that the cursor still names."""

    make_store = _HastyStore


class _HastyFolder(Folder):
    """Takes what it cannot open for something of somebody else."""

    def _kind(self, number: int) -> Literal["ours", "newer", "foreign"]:
        with suppress(OSError):
            self._disk.close(self._disk.open_read(files.segment_path(self._path, number)))
            return super()._kind(number)
        return "foreign"


class PassesOverWhatIsClosed(SegmentSpool):
    """Lets the cursor pass over segments that it cannot open."""

    def __init__(self, folder: Path, max_bytes: int, **options: Any) -> None:
        super().__init__(folder, max_bytes, **options)
        self._folder = _HastyFolder(folder, self._disk, self._quota, self._on_error)


class FilesNotSynced(SimulatedDisk):
    """Gives a new file its name before its bytes are durable."""

    def fsync(self, fd: int) -> None:
        """Do nothing."""


class NamesNotSynced(SimulatedDisk):
    """Never syncs a folder."""

    def fsync_folder(self, path: str) -> None:
        """Do nothing."""


class ShortWritesIgnored(SimulatedDisk):
    """Takes a write for whole."""

    def write_all(self, fd: int, data: bytes, offset: int) -> None:
        """Write once."""
        self.pwrite(fd, data, offset)


class SyncsAgain(SimulatedDisk):
    """Tries a sync again that has failed."""

    def fdatasync(self, fd: int) -> None:
        """Sync, once more if it fails."""
        try:
            super().fdatasync(fd)
        except OSError:
            super().fdatasync(fd)

    fsync = fdatasync
