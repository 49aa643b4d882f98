"""`FailingDisk`: a real disk whose calls a test can fail, hold up or cut short by name."""

import errno
import os
from collections import defaultdict
from threading import Event

from router.spool.disk import Disk

_LONGEST_SECS = 30.0


class FailingDisk(Disk):
    """See the module.

    Attributes:
        failures: Which error numbers the next calls of a name end with, and for which files.
        held: Calls of these names wait until the event is set.
        entered: Set when a call of that name begins.
        calls: The names of all calls, in order.
        now: What the clock says.
        kind: The type of the file system; None: the real one.
    """

    def __init__(self) -> None:
        """Begin as a disk that works."""
        self.failures: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self.held: dict[str, Event] = {}
        self.entered: dict[str, Event] = defaultdict(Event)
        self.calls: list[str] = []
        self.now = 1000.0
        self.kind: str | None = None
        self.short_by = 0
        self.owner: int | None = None

    def fail(self, name: str, times: int = 1, number: int = errno.EIO, suffix: str = "") -> None:
        """Let the next calls of that name fail, for files whose path ends so."""
        self.failures[name] += [(number, suffix)] * times

    def hold(self, name: str) -> Event:
        """Let calls of that name wait; return the event that ends it."""
        self.held[name] = Event()
        return self.held[name]

    def monotonic(self) -> float:
        """Return a clock that only the test puts forward."""
        return self.now

    def file_system(self, path: str) -> str:
        """Return `kind`, or the real one."""
        return super().file_system(path) if self.kind is None else self.kind

    def user(self) -> int:
        """Return another user, or the real one."""
        return super().user() if self.owner is None else self.owner

    def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        """Write, or only a part of it."""
        self._enter("pwrite", fd)
        if self.short_by:
            short, self.short_by = self.short_by, 0
            return super().pwrite(fd, data[: len(data) - short], offset)
        return super().pwrite(fd, data, offset)

    def create(self, path: str) -> int:
        """Make a file."""
        self._enter("create", path)
        return super().create(path)

    def open_read(self, path: str) -> int:
        """Open a file."""
        self._enter("open_read", path)
        return super().open_read(path)

    def open_or_create(self, path: str) -> int:
        """Open a file."""
        self._enter("open_or_create", path)
        return super().open_or_create(path)

    def pread(self, fd: int, length: int, offset: int) -> bytes:
        """Read."""
        self._enter("pread", fd)
        return super().pread(fd, length, offset)

    def fdatasync(self, fd: int) -> None:
        """Sync."""
        self._enter("fdatasync", fd)
        super().fdatasync(fd)

    def fsync(self, fd: int) -> None:
        """Sync."""
        self._enter("fsync", fd)
        super().fsync(fd)

    def fsync_folder(self, path: str) -> None:
        """Sync names."""
        self._enter("fsync_folder", path)
        super().fsync_folder(path)

    def fallocate(self, fd: int, length: int) -> None:
        """Take space."""
        self._enter("fallocate", fd)
        super().fallocate(fd, length)

    def ftruncate(self, fd: int, length: int) -> None:
        """Cut off."""
        self._enter("ftruncate", fd)
        super().ftruncate(fd, length)

    def rename(self, old: str, new: str) -> None:
        """Name."""
        self._enter("rename", new)
        super().rename(old, new)

    def unlink(self, path: str) -> None:
        """Remove."""
        self._enter("unlink", path)
        super().unlink(path)

    def mkdir(self, path: str) -> None:
        """Make a folder."""
        self._enter("mkdir", path)
        super().mkdir(path)

    def listdir(self, path: str) -> list[str]:
        """List."""
        self._enter("listdir", path)
        return super().listdir(path)

    def _enter(self, name: str, file: int | str) -> None:
        self.calls.append(name)
        self.entered[name].set()
        if name in self.held:
            self.held[name].wait(_LONGEST_SECS)
        if self.failures[name] and _path(file).endswith(self.failures[name][0][1]):
            number, _ = self.failures[name].pop(0)
            raise OSError(number, os.strerror(number))


def _path(file: int | str) -> str:
    return file if isinstance(file, str) else os.readlink(f"/proc/self/fd/{file}")  # noqa: PTH115
