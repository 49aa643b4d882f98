"""`survey`: what a spool's folder holds, for people; takes no lock and changes nothing.

While a process uses the folder its last write may look torn, and what it has settled within the
last second still waits here.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from router.spool import cursor, files
from router.spool.disk import Disk
from router.spool.marks import decode_marks
from router.spool.recovery import read_all
from router.spool.segment import (
    HEADER_BYTES,
    VERSION,
    Damage,
    Stored,
    Torn,
    decode,
    decode_header,
    scan,
    summary,
)

_EVENT_ID = "event_id"


class Waiting(Struct):
    """Records of one topic.

    Attributes:
        waiting: Not settled.
        settled: Settled, in segments that are still there.
        oldest_ms: When the oldest one that waits was received; None if none waits.
    """

    waiting: int = 0
    settled: int = 0
    oldest_ms: int | None = None


class Refused(Struct, frozen=True, kw_only=True):
    """A record that Kafka never takes.

    Attributes:
        file: Its name, below the folder.
        event_id: From the record's headers; empty if there is none.
        size: Bytes of the value.
        refused_ms: When it was put aside.
    """

    file: str
    reason: str
    topic: str
    key: bytes
    event_id: str
    size: int
    refused_ms: int


class Survey(Struct, kw_only=True):
    """What there is.

    Attributes:
        topics: What waits, by topic.
        bytes: What all files take on the disk.
        segments: Segments that count.
        refused: What was put aside, the oldest first.
        damaged: Places in segments that are no record any more.
        torn: Segments whose last record was cut off.
        foreign: Files that are not understood, and left alone.
        unreadable: Files that the disk does not give back.
    """

    topics: dict[str, Waiting]
    bytes: int = 0
    segments: int = 0
    refused: list[Refused]
    damaged: int = 0
    torn: int = 0
    foreign: list[str]
    unreadable: list[str]

    @property
    def waiting(self) -> int:
        """How many records wait."""
        return sum(topic.waiting for topic in self.topics.values())

    @property
    def oldest_ms(self) -> int | None:
        """When the oldest record that waits was received."""
        times = (topic.oldest_ms for topic in self.topics.values())
        return min((time for time in times if time is not None), default=None)


def survey(folder: Path, disk: Disk | None = None) -> Survey:
    """Return what the folder holds; a folder that is not there holds nothing.

    Raises:
        OSError: The folder cannot be listed.
    """
    return _Surveyor(folder, disk or Disk()).survey()


def read_refused(folder: Path, disk: Disk | None = None) -> Iterator[tuple[str, Stored]]:
    """Yield file and record of what was refused; the reason is the record's last header."""
    disk = disk or Disk()
    for name in disk.listdir(str(folder / files.REFUSED)):
        found = files.numbered(name)
        if found is None or found[1] != "rec":
            continue
        with suppress(OSError):
            data = _read(disk, str(folder / files.REFUSED / name))
            for piece in scan(found[0], data):
                stored = decode(piece[1]) if isinstance(piece, tuple) else None
                if stored is not None and stored.record.headers:
                    yield f"{files.REFUSED}/{name}", stored


class _Surveyor:
    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder = folder
        self._disk = disk
        self._seen = Survey(topics={}, refused=[], foreign=[], unreadable=[])

    def survey(self) -> Survey:
        seen, names = self._seen, self._disk.listdir(str(self._folder))
        first = self._first()
        for name in names:
            self._measure(name)
            found = files.numbered(name)
            if found is None:
                known = {files.LOCK, files.REFUSED, files.CORRUPT, cursor.NAME}
                if name not in known and not name.endswith(".tmp"):
                    seen.foreign.append(name)
            elif found[1] == "seg" and found[0] >= first:
                try:
                    self._segment(found[0], name)
                except FileNotFoundError:
                    pass  # removed meanwhile
                except OSError:
                    seen.unreadable.append(name)
        seen.refused = [
            _refused(file, stored) for file, stored in read_refused(self._folder, self._disk)
        ]
        return seen

    def _first(self) -> int:
        with suppress(OSError):
            found = cursor.latest(_read(self._disk, str(self._folder / cursor.NAME)))
            if found is not None:
                return found[1].first
        return 0

    def _measure(self, name: str) -> None:
        inner = [name]
        if name in {files.REFUSED, files.CORRUPT}:
            inner += [f"{name}/{each}" for each in self._disk.listdir(str(self._folder / name))]
        for each in inner:
            with suppress(OSError):
                self._seen.bytes += self._disk.status(str(self._folder / each)).allocated

    def _segment(self, number: int, name: str) -> None:
        data = _read(self._disk, str(self._folder / name))
        header = decode_header(data[:HEADER_BYTES])
        if header is not None and (header.version != VERSION or header.number != number):
            self._seen.foreign.append(name)
            return
        self._seen.segments += 1
        settled: set[int] = set()
        with suppress(OSError):
            marks = _read(self._disk, files.marks_path(self._folder, number))
            settled, _ = decode_marks(number, marks)
        for piece in scan(number, data):
            if isinstance(piece, Damage):
                self._seen.damaged += 1
            elif isinstance(piece, Torn):
                self._seen.torn += 1
            else:
                self._count(piece[1], is_settled=piece[0] in settled)

    def _count(self, payload: bytes, *, is_settled: bool) -> None:
        topic, _, received_ms = summary(payload)
        count = self._seen.topics.setdefault(topic.decode(errors="replace"), Waiting())
        if is_settled:
            count.settled += 1
        else:
            count.waiting += 1
            count.oldest_ms = min(count.oldest_ms or received_ms, received_ms)


def _refused(file: str, stored: Stored) -> Refused:
    *headers, (_, reason) = stored.record.headers
    return Refused(
        file=file,
        reason=reason.decode(errors="replace"),
        topic=stored.record.topic,
        key=stored.record.key,
        event_id=dict(headers).get(_EVENT_ID, b"").decode(errors="replace"),
        size=len(stored.record.value),
        refused_ms=stored.received_ms,
    )


def _read(disk: Disk, path: str) -> bytes:
    """Return all of a file."""
    size = disk.status(path).size
    fd = disk.open_read(path)
    try:
        return read_all(disk, fd, size)
    finally:
        disk.close(fd)
