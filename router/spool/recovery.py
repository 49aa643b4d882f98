"""`Recovery`: what segments of earlier runs hold; runs in a thread of its own.

Design: recovery runs beside a live listener, so it holds the interpreter for about a millisecond
and then gives way for as long. Only the newest segment that was begun may have a torn tail: its
last write was under way when the process or the power went. Anything else that is no record is
damage: copied aside, told, and stepped over.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import PurePath

import structlog
from msgspec import Struct

from router.spool import files
from router.spool.aside import Damaged
from router.spool.disk import Disk
from router.spool.ledger import position_of
from router.spool.marks import decode_marks
from router.spool.port import Found
from router.spool.segment import (
    FRAME_BYTES,
    HEADER_BYTES,
    Damage,
    Torn,
    Whole,
    decode_header,
    scan,
    summary,
)

CHUNK_RECORDS = 2048
_BLOCK_BYTES = 64 << 10
_BREATH_RECORDS = 64
_BREATH_SECS = 0.001

log = structlog.get_logger(__name__)


class Chunk(Struct, frozen=True, kw_only=True):
    """Part of what a segment of an earlier run holds.

    Attributes:
        number: Of the segment.
        found: Records that are not settled, by rising position.
        received_ms: When the first of them was received; 0 if there is none.
        damaged: Bytes to put aside.
        is_last: Whether this was the segment's last part, and all of it could be read.
    """

    number: int
    found: list[Found]
    received_ms: int
    damaged: list[Damaged]
    is_last: bool


class Recovery:
    """Reads the segments of earlier runs, one after the other."""

    def __init__(
        self,
        folder: PurePath,
        numbers: Sequence[int],
        disk: Disk,
        on_error: Callable[[str], None],
    ) -> None:
        """Take the segments' numbers, rising."""
        self._folder = folder
        self._numbers = numbers
        self._disk = disk
        self._on_error = on_error
        self._topics: dict[bytes, str] = {}
        self._breath_at = 0.0

    def chunks(self) -> Iterator[Chunk]:
        """Yield what was found; each step is bounded."""
        self._breath_at = self._disk.monotonic()
        for number in self._numbers:
            try:
                data, is_whole = self._read_segment(number)
            except FileNotFoundError:
                self._tell("missing", "segment_missing", number)
                data, is_whole = b"", True
            except OSError as error:
                self._tell("read", "segment_unreadable", number, error=str(error))
                continue  # it stays, for the next start
            yield from self._chunks_of(number, data, self._settled(number), is_whole=is_whole)

    def _chunks_of(
        self, number: int, data: bytes, settled: set[int], *, is_whole: bool
    ) -> Iterator[Chunk]:
        found: list[Found] = []
        damaged: list[Damaged] = []
        received_ms = 0
        for count, piece in enumerate(self._pieces(number, data)):
            if not count % _BREATH_RECORDS:
                self._breathe()
            if isinstance(piece, Damage):
                damaged.append(self._damage(number, data, piece.offset, piece.length))
            elif isinstance(piece, Torn):
                damaged += self._torn(number, data, piece, is_whole=is_whole)
            elif piece[0] not in settled:
                topic, key_hash, at_ms = summary(piece[1])
                received_ms = received_ms or at_ms
                position = position_of(number, piece[0])
                found.append(Found(position, self._topic(topic), key_hash))
                if len(found) == CHUNK_RECORDS:
                    yield _chunk(number, found, received_ms, damaged, is_last=False)
                    found, damaged, received_ms = [], [], 0
        yield _chunk(number, found, received_ms, damaged, is_last=is_whole)

    def _pieces(self, number: int, data: bytes) -> Iterator[Whole | Damage | Torn]:
        is_headless = decode_header(data[:HEADER_BYTES]) is None
        for piece in scan(number, data):
            if is_headless:  # without anything behind it, its making was cut off
                is_headless = False
                yield Damage(0, HEADER_BYTES)
            yield piece

    def _torn(self, number: int, data: bytes, torn: Torn, *, is_whole: bool) -> list[Damaged]:
        if not is_whole:
            return []
        if any(map(self._is_begun, self._numbers[self._numbers.index(number) + 1 :])):
            return [self._damage(number, data, torn.offset, torn.length)]
        self._tell("torn", "torn_tail_cut", number, offset=torn.offset, length=torn.length)
        with suppress(OSError):  # not cut is torn again at the next start, no more
            fd = self._disk.open_write(files.segment_path(self._folder, number))
            try:
                self._disk.ftruncate(fd, torn.offset)
            finally:
                self._disk.close(fd)
        return []

    def _damage(self, number: int, data: bytes, offset: int, length: int) -> Damaged:
        self._tell("damaged", "damage_found", number, offset=offset, length=length)
        return Damaged(number, offset, data[offset : offset + length])

    def _is_begun(self, number: int) -> bool:
        """Return whether anything was written to a segment behind its header."""
        with suppress(OSError):
            fd = self._disk.open_read(files.segment_path(self._folder, number))
            try:
                return any(self._disk.pread(fd, FRAME_BYTES, HEADER_BYTES))
            finally:
                self._disk.close(fd)
        return False

    def _read_segment(self, number: int) -> tuple[bytes, bool]:
        """Return a segment's bytes, zeros where the disk has none, and whether there are such."""
        path = files.segment_path(self._folder, number)
        size = self._disk.status(path).size
        fd = self._disk.open_read(path)
        try:
            return read_all(self._disk, fd, size), True
        except OSError as error:
            self._tell("read", "segment_unreadable_in_part", number, error=str(error))
            return b"".join(_readable_blocks(self._disk, fd, size)), False
        finally:
            self._disk.close(fd)

    def _settled(self, number: int) -> set[int]:
        """Return the offsets that are marked; what is not whole at the end is cut off.

        Marks that cannot be read cost no record: all of the segment's come once more.
        """
        path = files.marks_path(self._folder, number)
        settled: set[int] = set()
        try:
            fd = self._disk.open_write(path)
            try:
                data = read_all(self._disk, fd, self._disk.status(path).size)
                settled, end = decode_marks(number, data)
                if end < len(data):
                    self._disk.ftruncate(fd, end)
            finally:
                self._disk.close(fd)
        except FileNotFoundError:
            pass  # nothing is settled
        except OSError as error:
            self._tell("read", "marks_unreadable", number, error=str(error))
        return settled

    def _topic(self, topic: bytes) -> str:
        text = self._topics.get(topic)
        if text is None:
            text = self._topics[topic] = topic.decode(errors="replace")
        return text

    def _breathe(self) -> None:
        now = self._disk.monotonic()
        if now - self._breath_at > _BREATH_SECS:
            self._disk.give_way(_BREATH_SECS)
            self._breath_at = self._disk.monotonic()

    def _tell(self, kind: str, event: str, number: int, **details: object) -> None:
        self._on_error(kind)
        log.warning(event, segment=number, **details)


def _chunk(
    number: int,
    found: list[Found],
    received_ms: int,
    damaged: list[Damaged],
    *,
    is_last: bool,
) -> Chunk:
    return Chunk(
        number=number, found=found, received_ms=received_ms, damaged=damaged, is_last=is_last
    )


def read_all(disk: Disk, fd: int, size: int) -> bytes:
    """Return the first *size* bytes of a file, or what there is of them."""
    data = disk.pread(fd, size, 0)
    while len(data) < size:
        more = disk.pread(fd, size - len(data), len(data))
        if not more:
            break
        data += more
    return data


def _readable_blocks(disk: Disk, fd: int, size: int) -> Iterator[bytes]:
    for offset in range(0, size, _BLOCK_BYTES):
        length = min(_BLOCK_BYTES, size - offset)
        try:
            yield disk.pread(fd, length, offset).ljust(length, b"\0")
        except OSError:
            yield bytes(length)
