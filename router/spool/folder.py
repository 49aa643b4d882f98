"""What must hold of a spool's folder before it is used, and what lies in it."""

import errno
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import PurePath
from threading import Thread
from typing import Literal

import structlog
from msgspec import Struct

from router.errors import ConfigError, Problem, UnavailableError
from router.spool import files
from router.spool.cursor import Span
from router.spool.disk import Disk
from router.spool.quota import Quota
from router.spool.segment import HEADER_BYTES, VERSION, decode_header

EPHEMERAL = frozenset({"tmpfs", "ramfs", "devtmpfs", "rootfs", "overlay", "aufs"})
NETWORK = frozenset(
    {
        "9p",
        "afs",
        "ceph",
        "cifs",
        "fuse.ceph",
        "fuse.glusterfs",
        "fuse.s3fs",
        "fuse.sshfs",
        "glusterfs",
        "ncpfs",
        "nfs",
        "nfs4",
        "smb3",
        "smbfs",
    }
)
_OTHERS_MAY_WRITE = 0o002
_SYNCS = 50
_SYNC_BYTES = 4096
_SELF_TEST_SECS = 1.0
_HANGS_SECS = 3.0
_SLOW_MS = 50.0

log = structlog.get_logger(__name__)


class Inventory(Struct, frozen=True, kw_only=True):
    """What lies in the folder.

    Attributes:
        numbers: Segments that may hold something, rising.
        newer: Segments of a version that is not ours: it may come back, so they stay.
        span: What the cursor shall say.
        garbage: Files to remove once it does.
    """

    numbers: list[int]
    newer: list[int]
    span: Span
    garbage: list[str]


class Folder:
    """The folder, before the spool runs; every method blocks."""

    def __init__(
        self, path: PurePath, disk: Disk, quota: Quota, on_error: Callable[[str], None]
    ) -> None:
        """Take the path; nothing is touched."""
        self._path = path
        self._disk = disk
        self._quota = quota
        self._on_error = on_error

    def claim(self, *, allow_ephemeral: bool) -> int:
        """Return the descriptor of the lock, which this process holds until it is closed.

        Raises:
            ConfigError: The folder cannot be used, and what to change.
            UnavailableError: Another process uses it, or the disk does not let us in now.
        """
        path = str(self._path)
        try:
            self._disk.mkdir(path)
            self._check(allow_ephemeral=allow_ephemeral)
            lock = self._disk.open_or_create(str(self._path / files.LOCK))
        except OSError as error:
            if error.errno in {errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE}:
                raise UnavailableError(f"the spool {path}: {error.strerror}") from error
            raise self._problem(
                f"cannot be used: {error.strerror}; give a folder that this user may write to"
            ) from error
        try:
            self._lock(lock)
        except (OSError, UnavailableError) as error:
            self._disk.close(lock)
            if isinstance(error, OSError):
                raise UnavailableError(f"the spool {path}: {error.strerror}") from error
            raise
        return lock

    def take_stock(self, span: Span | None) -> Inventory:
        """Return what counts, given what the cursor says; gaps are told.

        Raises:
            OSError: The folder cannot be read.
        """
        names = self._disk.listdir(str(self._path))
        self._measure(names)
        segments = self._numbers(names, "seg")
        marks = self._numbers(names, "done")
        if span is not None and not self._is_plausible(span, segments):
            self._tell("cursor", "cursor_not_plausible", first=span.first, next=span.next)
            span = Span(min(segments), max(span.next, max(segments) + 1))
        first = span.first if span else min(segments, default=1)
        following = max([span.next if span else 1, first, *(n + 1 for n in segments + marks)])
        kinds = {number: self._kind(number) for number in segments}
        ours = [number for number in segments if kinds[number] == "ours"]
        kept = [number for number in ours if number >= first]
        newer = [n for n in segments if kinds[n] == "newer" and n >= first]
        garbage = [files.segment_path(self._path, number) for number in ours if number < first]
        lost = set(marks) - set(kept) - (set(segments) - set(ours))
        garbage += [files.marks_path(self._path, number) for number in lost]
        self._tell_missing(first, [number for number in segments if number >= first], span)
        span = Span(min([*kept, *newer, following]), following)
        return Inventory(numbers=kept, newer=newer, span=span, garbage=garbage)

    def remove(self, garbage: Sequence[str]) -> None:
        """Remove files; what stays is removed at the next start."""
        for path in garbage:
            self._unlink(path)

    def try_sync(self) -> float | None:
        """Return the 99th percentile of some dozen syncs in milliseconds; None: none came back."""
        spent: list[float] = []
        failed: list[OSError] = []
        test = Thread(target=self._sync_often, args=(spent, failed), daemon=True)
        test.start()
        test.join(_HANGS_SECS)
        if not spent:
            reason = failed[0].strerror if failed else "it does not come back"
            full = bool(failed) and failed[0].errno in {errno.ENOSPC, errno.EDQUOT}
            self._tell("full" if full else "sync", "spool_sync_not_measured", error=reason)
            return None
        p99_ms = sorted(spent)[int(len(spent) * 0.99)] * 1000
        say = log.warning if p99_ms > _SLOW_MS else log.info
        say("spool_sync_measured", p99_ms=round(p99_ms, 2), syncs=len(spent))
        return p99_ms

    def _check(self, *, allow_ephemeral: bool) -> None:
        path = str(self._path)
        status = self._disk.status(path)
        if status.is_link:
            raise self._problem("is a symbolic link; give the folder that it leads to")
        if not status.is_folder:
            raise self._problem("is no folder; give one, or a name that is not taken")
        if status.owner not in {self._disk.user(), 0}:
            raise self._problem(
                f"belongs to user {status.owner}; give it to user {self._disk.user()}"
            )
        if status.mode & _OTHERS_MAY_WRITE:
            raise self._problem("may be written to by everyone; take that right away")
        kind = self._disk.file_system(path)
        if kind in EPHEMERAL | NETWORK and not allow_ephemeral:
            why = "does not outlive the machine" if kind in EPHEMERAL else "is reached over a net"
            raise self._problem(
                f"lies on a file system that {why} ({kind}), so a callback answered 200 could be "
                "lost; give a folder on a local disk, or set spool.allow_ephemeral: true"
            )

    def _lock(self, lock: int) -> None:
        if not self._disk.flock(lock):
            owner = self._disk.pread(lock, 32, 0).decode(errors="replace").strip()
            raise UnavailableError(
                f"the spool {self._path} is in use by process {owner or 'unknown'}: "
                "stop that one, or give this one a folder of its own"
            )
        self._disk.ftruncate(lock, 0)
        self._disk.write_all(lock, f"{self._disk.process()}\n".encode(), 0)

    def _measure(self, names: list[str]) -> None:
        for name in names:
            path = self._path / name
            inner = [name]
            if name in {files.REFUSED, files.CORRUPT}:
                inner = [f"{name}/{each}" for each in self._disk.listdir(str(path))]
            for each in inner:
                full = str(self._path / each)
                if each.endswith(".tmp") and each != name:
                    self._unlink(full)  # its writing was cut off
                else:
                    with suppress(OSError):
                        self._quota.set(full, self._disk.status(full).allocated)

    def _numbers(self, names: list[str], kind: str) -> list[int]:
        found = (files.numbered(name) for name in names)
        return [number[0] for number in found if number and number[1] == kind]

    def _is_plausible(self, span: Span, segments: list[int]) -> bool:
        """Return whether the cursor can be of these files.

        The first segment stays while the cursor names it, unless it is still to be made. Without
        it the segments before are no garbage that anyone knows of: they are looked at again.
        """
        return span.first in segments or not any(number < span.first for number in segments)

    def _kind(self, number: int) -> Literal["ours", "newer", "foreign"]:
        """Return whether a segment can be one that we wrote, damaged or not, or whose it is.

        One that cannot be opened is ours: the next start may be let in, and whatever the cursor
        has left behind would be garbage then.
        """
        path = files.segment_path(self._path, number)
        try:
            fd = self._disk.open_read(path)
            try:
                header = decode_header(self._disk.pread(fd, HEADER_BYTES, 0))
            finally:
                self._disk.close(fd)
        except OSError as error:
            self._tell("read", "segment_unreadable", segment=number, error=error.strerror)
            return "ours"
        if header is not None and (header.version != VERSION or header.number != number):
            self._tell(
                "version",
                "segment_foreign",
                segment=number,
                version=header.version,
                number=header.number,
            )
            return "newer" if header.number == number else "foreign"
        return "ours"

    def _tell_missing(self, first: int, segments: list[int], span: Span | None) -> None:
        last = max(segments, default=first - 1)
        if span is not None and span.first < span.next:
            last = max(last, span.first)
        missing = last - first + 1 - len(segments)
        if missing > 0:
            self._tell("missing", "segments_missing", first=first, last=last, segments=missing)

    def _sync_often(self, spent: list[float], failed: list[OSError]) -> None:
        path = str(self._path / "selftest")
        begin = self._disk.monotonic()
        try:
            with suppress(FileNotFoundError):
                self._disk.unlink(path)
            fd = self._disk.create(path)
            try:
                for turn in range(_SYNCS):
                    start = self._disk.monotonic()
                    self._disk.write_all(fd, bytes(_SYNC_BYTES), turn * _SYNC_BYTES)
                    self._disk.fdatasync(fd)
                    now = self._disk.monotonic()
                    spent.append(now - start)
                    if now - begin > _SELF_TEST_SECS:
                        break
            finally:
                self._disk.close(fd)
                self._disk.unlink(path)
        except OSError as error:
            failed.append(error)

    def _unlink(self, path: str) -> None:
        with suppress(OSError):
            self._disk.unlink(path)
            self._quota.drop(path)

    def _problem(self, message: str) -> ConfigError:
        name = os.fspath(self._path)
        return ConfigError(
            [Problem(file=name, line=1, column=1, where="spool.path", message=message)]
        )

    def _tell(self, kind: str, event: str, **details: object) -> None:
        self._on_error(kind)
        log.warning(event, **details)
