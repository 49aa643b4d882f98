"""`Cursor`: the first segment that may hold something, and the number of the next one.

Design: two slots with checksums, written in turns and in place, so that the cursor can be written
on a full disk and a write that is cut off leaves the other slot. Segments before the first one
are garbage; so the cursor is durable before any of them is removed, and a number is never used
again. After an error the file is made anew: what one sync has failed to write, the next one says
to have written. Of a file that was found there, the name may be in memory only, if the process
that renamed it was killed; so its first write syncs the folder too.
"""

from contextlib import suppress
from pathlib import PurePath
from struct import Struct as Layout

import google_crc32c
from msgspec import Struct

from router.spool.disk import Disk

NAME = "cursor"
SLOT_BYTES = 4096
_MAGIC = b"SPLC"
_SLOT = Layout(">4sHQQQ")
_CRC = Layout(">I")
_VERSION = 1


class Span(Struct, frozen=True):
    """Segments from `first` on may hold something; the next one is `next`."""

    first: int
    next: int


def encode_slot(sequence: int, span: Span) -> bytes:
    """Return the bytes of a slot."""
    head = _SLOT.pack(_MAGIC, _VERSION, sequence, span.first, span.next)
    return head + _CRC.pack(google_crc32c.value(head))


def decode_slot(data: bytes) -> tuple[int, Span] | None:
    """Return sequence and span of a slot, or None if it is not whole."""
    head, rest = data[: _SLOT.size], data[_SLOT.size : _SLOT.size + _CRC.size]
    if len(rest) < _CRC.size or _CRC.unpack(rest)[0] != google_crc32c.value(head):
        return None
    magic, version, sequence, first, following = _SLOT.unpack(head)
    if magic != _MAGIC or version != _VERSION or not first <= following:
        return None
    return sequence, Span(first, following)


def latest(data: bytes) -> tuple[int, Span] | None:
    """Return the newer one of the slots of a cursor's file, if one is whole."""
    slots = (decode_slot(data[:SLOT_BYTES]), decode_slot(data[SLOT_BYTES:]))
    return max((slot for slot in slots if slot), key=lambda slot: slot[0], default=None)


class Cursor:
    """The file, and what it says."""

    def __init__(self, folder: PurePath, disk: Disk) -> None:
        """Take the folder; nothing is opened."""
        self._folder = str(folder)
        self._path = str(folder / NAME)
        self._disk = disk
        self._fd = -1
        self._sequence = 0
        self._is_name_durable = False
        self.span: Span | None = None

    def read(self) -> Span | None:
        """Return what the file says, or None: there is none, or it is garbage."""
        with suppress(OSError):
            self._fd = self._disk.open_write(self._path)
            found = latest(self._disk.pread(self._fd, 2 * SLOT_BYTES, 0))
            if found is not None:
                self._sequence, self.span = found
        if self.span is None:
            self.close()
        return self.span

    def write(self, span: Span) -> None:
        """Return when *span* is durable.

        Raises:
            OSError: It may not be; the next call makes the file anew.
        """
        slot = encode_slot(self._sequence + 1, span)
        try:
            if self._fd < 0:
                self._make(slot)
            else:
                self._disk.write_all(self._fd, slot, (self._sequence + 1) % 2 * SLOT_BYTES)
                self._disk.fdatasync(self._fd)
            if not self._is_name_durable:
                self._disk.fsync_folder(self._folder)
                self._is_name_durable = True
        except OSError:
            self.close()
            raise
        self._sequence += 1
        self.span = span

    def close(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            with suppress(OSError):
                self._disk.close(fd)

    def _make(self, slot: bytes) -> None:
        self._is_name_durable = False
        temporary = f"{self._path}.tmp"
        with suppress(FileNotFoundError):
            self._disk.unlink(temporary)
        self._fd = self._disk.create(temporary)
        # Both slots are written, so that their blocks are there however full the disk gets.
        at = (self._sequence + 1) % 2 * SLOT_BYTES
        blank = bytes(2 * SLOT_BYTES)
        self._disk.write_all(self._fd, blank[:at] + slot + blank[at + len(slot) :], 0)
        self._disk.fsync(self._fd)
        self._disk.rename(temporary, self._path)
