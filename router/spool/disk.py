"""`Disk`: the only system calls of the spool, one method each.

Design: a test derives from it to fail, delay or kill at a call by name, or models a disk that
forgets what was not synced; so nothing else in this package may touch a file or read a clock.
Paths are text and descriptors are integers: that is what the calls take.
"""

import errno
import fcntl
import os
import re
import stat
import time
from contextlib import suppress

from msgspec import Struct

_MOUNTS = "/proc/self/mountinfo"
_OCTAL = re.compile(r"\\([0-7]{3})")
_FILE_MODE = 0o600
_FOLDER_MODE = 0o700


class Status(Struct, frozen=True, kw_only=True):
    """What a path is: `allocated` counts the bytes that it takes on the disk."""

    is_folder: bool
    is_link: bool
    mode: int
    owner: int
    size: int
    allocated: int


class Disk:
    """A real one. Every method raises `OSError` as the system call does."""

    def create(self, path: str) -> int:
        """Make a file that is not there, for reading and writing."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)

    def open_read(self, path: str) -> int:
        """Open a file for reading."""
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)

    def open_write(self, path: str) -> int:
        """Open a file that is there for writing in place."""
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)

    def open_or_create(self, path: str) -> int:
        """Open a file for reading and writing, made if it is not there."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _FILE_MODE)

    def close(self, fd: int) -> None:
        """Let go of a descriptor."""
        os.close(fd)

    def pread(self, fd: int, length: int, offset: int) -> bytes:
        """Return at most *length* bytes from *offset*."""
        return os.pread(fd, length, offset)

    def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        """Write some of *data* at *offset*; return how many bytes."""
        return os.pwrite(fd, data, offset)

    def write_all(self, fd: int, data: bytes, offset: int) -> None:
        """Write all of *data*: a short write is followed by another, which tells the error."""
        written = self.pwrite(fd, data, offset)
        while written < len(data):
            more = self.pwrite(fd, memoryview(data)[written:], offset + written)
            if more <= 0:
                raise OSError(errno.EIO, "nothing more is written")
            written += more

    def fdatasync(self, fd: int) -> None:
        """Return when the file's bytes, and its length, are durable."""
        os.fdatasync(fd)

    def fsync(self, fd: int) -> None:
        """Return when the file is durable; its name may not be, see `fsync_folder`."""
        os.fsync(fd)

    def fsync_folder(self, path: str) -> None:
        """Return when the names in a folder are durable."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def ftruncate(self, fd: int, length: int) -> None:
        """Cut the file off."""
        os.ftruncate(fd, length)

    def fallocate(self, fd: int, length: int) -> None:
        """Take the space for a file of that length; what is new is zero."""
        os.posix_fallocate(fd, 0, length)

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, in place of whatever had it."""
        os.replace(old, new)  # noqa: PTH105 - one method per system call

    def link(self, path: str, second: str) -> None:
        """Give a file a second name."""
        os.link(path, second)

    def unlink(self, path: str) -> None:
        """Remove a file."""
        os.unlink(path)  # noqa: PTH108 - one method per system call

    def mkdir(self, path: str) -> None:
        """Make a folder that only we may enter, and those above it."""
        parent = os.path.dirname(path)  # noqa: PTH120 - paths are text here
        if parent:
            os.makedirs(parent, exist_ok=True)  # noqa: PTH103 - paths are text here
        with suppress(FileExistsError):
            os.mkdir(path, _FOLDER_MODE)  # noqa: PTH102 - one method per system call

    def listdir(self, path: str) -> list[str]:
        """Return the names in a folder, sorted; none if it is not there."""
        try:
            return sorted(os.listdir(path))  # noqa: PTH208 - one method per system call
        except FileNotFoundError:
            return []

    def status(self, path: str) -> Status:
        """Return what a path is; a link is not followed."""
        found = os.lstat(path)
        return Status(
            is_folder=stat.S_ISDIR(found.st_mode),
            is_link=stat.S_ISLNK(found.st_mode),
            mode=stat.S_IMODE(found.st_mode),
            owner=found.st_uid,
            size=found.st_size,
            allocated=found.st_blocks * 512,
        )

    def leads_to(self, path: str, fd: int) -> bool:
        """Return whether a path is still a name of that open file."""
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            return False
        return os.path.samestat(found, os.fstat(fd))

    def file_system(self, path: str) -> str:
        """Return the type of the file system that holds a path; empty where that is not told."""
        try:
            with open(_MOUNTS, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
                lines = file.readlines()
        except OSError:
            return ""
        return _type_of(os.path.realpath(path), lines)

    def flock(self, fd: int) -> bool:
        """Return whether the file is now locked by us until it is closed."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def user(self) -> int:
        """Return who we are."""
        return os.geteuid()

    def process(self) -> int:
        """Return the number of this process."""
        return os.getpid()

    def monotonic(self) -> float:
        """Return seconds that only rise."""
        return time.monotonic()

    def unix_ms(self) -> int:
        """Return the wall clock in milliseconds."""
        return time.time_ns() // 1_000_000

    def give_way(self, secs: float) -> None:
        """Let other threads run: a scan beside the event loop must not hold it up."""
        time.sleep(secs)


def _type_of(path: str, lines: list[str]) -> str:
    """Return the type on the line of the mount that is nearest above *path*.

    Source: proc(5), /proc/pid/mountinfo: the mount point is field 5, the type follows " - ".
    """
    best, kind = "", ""
    for line in lines:
        mount, _, rest = line.partition(" - ")
        point = _OCTAL.sub(lambda found: chr(int(found[1], 8)), mount.split(" ")[4])
        is_above = path == point or path.startswith(point.rstrip("/") + "/")
        if is_above and len(point) >= len(best):  # of equal ones the last hides the others
            best, kind = point, rest.split(" ")[0]
    return kind
