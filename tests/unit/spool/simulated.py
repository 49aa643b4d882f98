"""`SimulatedDisk`: files in memory that tell what was written from what is durable.

Design: a crash keeps what was synced and, of what was not, either a prefix of the calls in their
order, the last of them in part, or any of them, each block of a write for itself: a disk owes no
order. That holds per file for its bytes, per disk for its names. An error of a sync loses what it
should have written, and the next sync says that all is well, as Linux does. Any other call fails
before or after it has had its effect. From a crash on every call fails and changes nothing, so the
process that goes on can do no harm.
"""

import asyncio
import errno
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePath
from random import Random
from typing import TypeVar

from router.spool.disk import Disk, Status

T = TypeVar("T")
_AFTER = 0.6
_IN_ORDER = 0.5
_BLOCK_BYTES = 4096
_FULL = (errno.ENOSPC, errno.EDQUOT)
_WITHOUT_ANSWER = {"rename", "unlink", "mkdir", "ftruncate", "fallocate", "fsync_folder"}
"""Calls of which an error does not say whether they had their effect."""
Write = tuple[int, bytes]  # an offset and bytes, or a new length and nothing
Name = tuple[str, str, "Inode | None"]  # link or unlink, the path, what it leads to


class Inode:
    """A file's bytes: those in memory, those on the disk, and what lies between."""

    def __init__(self, data: bytes = b"") -> None:
        """Begin durable."""
        self.data = bytearray(data)
        self.durable = bytearray(data)
        self.pending: list[Write] = []
        self.is_locked = False

    def write(self, offset: int, data: bytes) -> None:
        """Change bytes, or the length where there are none."""
        _apply(self.data, offset, data)
        self.pending.append((offset, data))

    def sync(self) -> None:
        """Make durable what is pending."""
        for each in self.pending:
            _apply(self.durable, *each)
        self.pending.clear()

    def lose(self) -> None:
        """Forget what is pending: memory has it, the disk never will."""
        self.pending.clear()

    def after_crash(self, random: Random) -> "Inode":
        """Return what a crash leaves."""
        left = Inode(bytes(self.durable))
        if random.random() > _IN_ORDER:
            for block in _blocks(self.pending):
                if random.random() < _AFTER:
                    _apply(left.data, *block)
            return Inode(bytes(left.data))
        count = random.randint(0, len(self.pending))
        for offset, data in self.pending[:count]:
            _apply(left.data, offset, data)
        if count < len(self.pending):
            offset, data = self.pending[count]
            if data:
                _apply(left.data, offset, data[: random.randint(1, len(data))])
        return Inode(bytes(left.data))


class SimulatedDisk(Disk):
    """See the module.

    Attributes:
        calls_left: How many calls until the crash; None: there is none.
        sync_errors: How many of the next syncs of a file's bytes fail.
        write_errors: How many of the next writes fail.
        short_writes: How many of the next writes stop half-way, without an error.
        failures: The errors of the next calls, by their names; 0: none.
        capacity: How many bytes there may be; more is ENOSPC, after a short write.
        before_unlink: Told of the path of what is about to go.
        on_crash: Told of the crash.
    """

    def __init__(self, random: Random) -> None:
        """Begin empty."""
        self.random = random
        self.names: dict[str, Inode] = {}
        self.durable_names: dict[str, Inode] = {}
        self.pending_names: list[Name] = []
        self.folders: set[str] = set()
        self.calls_left: int | None = None
        self.has_crashed = False
        self.sync_errors = 0
        self.write_errors = 0
        self.short_writes = 0
        self.failures: dict[str, deque[int]] = {}
        self.capacity = 1 << 40
        self.before_unlink: Callable[[str], None] = lambda _: None
        self.on_crash: Callable[[], None] = lambda: None
        self._fds: dict[int, Inode] = {}
        self._next_fd = 3

    def after_crash(self, *, keeps_memory: bool) -> "SimulatedDisk":
        """Return the disk of the next process; *keeps_memory*: only the process has died."""
        left = SimulatedDisk(self.random)
        left.folders = set(self.folders)
        left.names = dict(self.names if keeps_memory else self.durable_names)
        if not keeps_memory:
            for name in self._names_kept():
                _rename(left.names, name)
            copies: dict[int, Inode] = {}
            for path, inode in left.names.items():
                copy = copies.setdefault(id(inode), inode.after_crash(self.random))
                left.names[path] = copy
            left.durable_names = dict(left.names)
        else:
            left.durable_names = dict(self.durable_names)
            left.pending_names = list(self.pending_names)
            for inode in left.names.values():
                inode.is_locked = False
        return left

    def _names_kept(self) -> list[Name]:
        """Return which changes of names a crash has not undone, in their order."""
        pending = self.pending_names
        if self.random.random() < _IN_ORDER:
            return pending[: self.random.randint(0, len(pending))]
        return [name for name in pending if self.random.random() < _AFTER]

    def fail(self, name: str, number: int, *, times: int = 1, after: int = 0) -> None:
        """Let calls of that name fail, after so many that do not."""
        self.failures[name] = deque([0] * after + [number] * times)

    def _call(self, name: str, change: Callable[[], T]) -> T:
        """Return what the call gives, unless it fails or the crash comes before or after it."""
        if self.has_crashed:
            raise OSError(errno.EIO, "crashed")
        if self.failures.get(name) and (number := self.failures[name].popleft()):
            if name in _WITHOUT_ANSWER and self.random.random() > _AFTER:
                change()
            raise OSError(number, name)
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left <= 0:
                if self.random.random() < _AFTER:
                    change()
                self.crash()
                raise OSError(errno.EIO, "crashed")
        return change()

    def crash(self) -> None:
        """Do nothing from now on."""
        self.has_crashed = True
        self.on_crash()

    @property
    def used(self) -> int:
        """How many bytes there are."""
        return sum(len(inode.data) for inode in self.names.values())

    def create(self, path: str) -> int:
        """Make a file that is not there."""
        if path in self.names:
            raise FileExistsError(errno.EEXIST, "exists", path)
        return self._call("open", lambda: self._open(self._link(path, Inode())))

    def open_read(self, path: str) -> int:
        """Open a file."""
        return self._call("open", lambda: self._open(self._find(path)))

    open_write = open_read

    def open_or_create(self, path: str) -> int:
        """Open a file, made if it is not there."""
        return self.open_read(path) if path in self.names else self.create(path)

    def close(self, fd: int) -> None:
        """Let go of a descriptor, and of the lock with it."""
        inode = self._fds.pop(fd)
        inode.is_locked = False

    def pread(self, fd: int, length: int, offset: int) -> bytes:
        """Return bytes from memory."""
        return self._call("pread", lambda: bytes(self._fds[fd].data[offset : offset + length]))

    def pwrite(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        """Write all, or what there is space for."""
        inode = self._fds[fd]
        if self.write_errors:
            self.write_errors -= 1
            inode.write(offset, bytes(data[: len(data) // 2]) or b"\0")
            raise OSError(errno.EIO, "write")
        grows = max(0, offset + len(data) - len(inode.data))
        fits = len(data) - max(0, grows - max(0, self.capacity - self.used))
        if fits <= 0:
            raise OSError(errno.ENOSPC, "full")
        if self.short_writes and fits > 1:
            self.short_writes -= 1
            fits //= 2
        part = bytes(data[:fits])

        def change() -> int:
            inode.write(offset, part)
            return len(part)

        return self._call("pwrite", change)

    def fdatasync(self, fd: int) -> None:
        """Make a file's bytes durable, or lose them."""
        inode = self._fds[fd]
        if self.sync_errors:
            self.sync_errors -= 1
            inode.lose()
            raise OSError(self.random.choice((errno.EIO, *_FULL)), "sync")
        self._call("fsync", inode.sync)

    fsync = fdatasync

    def fsync_folder(self, path: str) -> None:
        """Make the names in a folder durable."""

        def change() -> None:
            here = [n for n in self.pending_names if str(PurePath(n[1]).parent) == path]
            for name in here:
                _rename(self.durable_names, name)
                self.pending_names.remove(name)

        self._call("fsync_folder", change)

    def ftruncate(self, fd: int, length: int) -> None:
        """Cut off, without a sync."""
        self._call("ftruncate", lambda: self._fds[fd].write(length, b""))

    def fallocate(self, fd: int, length: int) -> None:
        """Take space, if there is some."""
        inode = self._fds[fd]
        if self.used + length - len(inode.data) > self.capacity:
            raise OSError(errno.ENOSPC, "full")
        if length > len(inode.data):
            self._call("fallocate", lambda: inode.write(length, b""))

    def rename(self, old: str, new: str) -> None:
        """Give another name, at once or not at all."""

        def change() -> None:
            inode = self.names[old]
            self._unlink(old)
            self._link(new, inode)

        self._call("rename", change)

    def unlink(self, path: str) -> None:
        """Remove a name."""
        self._find(path)

        def change() -> None:
            self.before_unlink(path)
            self._unlink(path)

        self._call("unlink", change)

    def mkdir(self, path: str) -> None:
        """Make a folder, durable at once."""
        self._call("mkdir", lambda: self.folders.add(path))

    def listdir(self, path: str) -> list[str]:
        """Return the names in a folder."""
        paths = {*self.names, *self.folders}
        return sorted(PurePath(each).name for each in paths if str(PurePath(each).parent) == path)

    def status(self, path: str) -> Status:
        """Return what a path is."""
        is_folder = path in self.folders
        size = 0 if is_folder else len(self._find(path).data)
        return Status(
            is_folder=is_folder, is_link=False, mode=0o700, owner=0, size=size, allocated=size
        )

    def leads_to(self, path: str, fd: int) -> bool:
        """Return whether a path is still a name of that open file."""
        return self.names.get(path) is self._fds[fd]

    def file_system(self, path: str) -> str:  # noqa: ARG002 - one for all
        """Return a type that lasts."""
        return "simulated"

    def flock(self, fd: int) -> bool:
        """Lock, unless somebody has."""
        inode = self._fds[fd]
        was_locked, inode.is_locked = inode.is_locked, True
        return not was_locked

    def user(self) -> int:
        """Return the owner of everything."""
        return 0

    def monotonic(self) -> float:
        """Return the fake time, or none before the loop runs."""
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:
            return 0.0

    def unix_ms(self) -> int:
        """Return a time like any other."""
        return 1_700_000_000_000

    def give_way(self, secs: float) -> None:
        """There is nobody else."""

    def _open(self, inode: Inode) -> int:
        self._next_fd += 1
        self._fds[self._next_fd] = inode
        return self._next_fd

    def _find(self, path: str) -> Inode:
        if path not in self.names:
            raise FileNotFoundError(errno.ENOENT, "not there", path)
        return self.names[path]

    def _link(self, path: str, inode: Inode) -> Inode:
        self.names[path] = inode
        self.pending_names.append(("link", path, inode))
        return inode

    def _unlink(self, path: str) -> None:
        del self.names[path]
        self.pending_names.append(("unlink", path, None))


def _blocks(writes: Iterable[Write]) -> Iterator[Write]:
    """Yield the writes, each in blocks that reach the disk by themselves."""
    for offset, data in writes:
        if not data:
            yield offset, data
        start = 0
        while start < len(data):
            length = _BLOCK_BYTES - (offset + start) % _BLOCK_BYTES
            yield offset + start, data[start : start + length]
            start += length


def _apply(target: bytearray, offset: int, data: bytes) -> None:
    """Write *data*, or set the length to *offset* where there is none."""
    if not data:
        del target[offset:]
    if offset > len(target):
        target.extend(bytes(offset - len(target)))
    target[offset : offset + len(data)] = data


def _rename(names: dict[str, Inode], name: Name) -> None:
    _, path, inode = name
    if inode is None:
        names.pop(path, None)
    else:
        names[path] = inode
