"""What is put aside and never deleted by us: refused records and damaged bytes."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import PurePath

import structlog
from msgspec import Struct
from msgspec.structs import replace

from router.record import Record
from router.spool import files
from router.spool.disk import Disk
from router.spool.quota import Quota
from router.spool.segment import encode, encode_header

log = structlog.get_logger(__name__)


class Damaged(Struct, frozen=True):
    """Bytes of a segment that are no record any more; none where the disk gives none back."""

    number: int
    offset: int
    data: bytes


class Aside:
    """Writes to `refused/` and `corrupt/`, within the quota."""

    def __init__(self, folder: PurePath, quota: Quota, disk: Disk) -> None:
        """Take the spool's folder."""
        self._folder = folder
        self._quota = quota
        self._disk = disk
        self._next = 0
        self._made: set[str] = set()

    def refuse(self, record: Record, key_hash: int, reason: str) -> str | None:
        """Return None once the record is durable among the refused, else the kind of error."""
        headers = (*record.headers, (files.REASON, reason.encode()))
        try:
            number = self._number()
            now_ms = self._disk.unix_ms()
            kept = encode(number, replace(record, headers=headers), key_hash, now_ms)
            data = encode_header(number, now_ms) + kept
            if not self._quota.takes(len(data)):
                return "full"
            self._write(files.refused_path(self._folder, number), data)
        except OSError as error:
            self._made.clear()  # somebody may have removed the folder with all that was in it
            log.warning("refused_record_not_kept", error=str(error))
            return "write"
        self._next = number + 1
        return None

    def keep(self, damaged: Iterable[Damaged]) -> None:
        """Copy damaged bytes, once, as far as there is room; without any keep the whole segment."""
        for each in damaged:
            if each.data:
                self._keep_bytes(each)
            else:
                self._keep_segment(each.number)

    def _keep_bytes(self, damaged: Damaged) -> None:
        path = files.corrupt_path(self._folder, damaged.number, damaged.offset)
        if self._quota.size(path) or not self._quota.takes(len(damaged.data)):
            return
        try:
            self._write(path, damaged.data)
        except OSError as error:
            log.warning("damage_not_kept", segment=damaged.number, error=str(error))

    def _keep_segment(self, number: int) -> None:
        """Give a segment a second name, so that another tool may read it, or a better disk."""
        path, second = (
            files.segment_path(self._folder, number),
            files.unreadable_path(self._folder, number),
        )
        if self._quota.size(second):
            return
        try:
            self._make(str(PurePath(second).parent))
            self._disk.link(path, second)
            self._disk.fsync_folder(str(PurePath(second).parent))
        except OSError as error:
            log.warning("damage_not_kept", segment=number, error=str(error))
        else:  # counted once, under the name that stays
            self._quota.set(second, self._quota.size(path))
            self._quota.set(path, 0)

    def _number(self) -> int:
        if not self._next:
            names = map(files.numbered, self._disk.listdir(str(self._folder / files.REFUSED)))
            self._next = 1 + max((found[0] for found in names if found), default=0)
        return self._next

    def _make(self, folder: str) -> None:
        """Return when a folder is durable: once, since records may be refused by the thousand."""
        if folder not in self._made:
            self._disk.mkdir(folder)
            self._disk.fsync_folder(str(self._folder))
            self._made.add(folder)

    def _write(self, path: str, data: bytes) -> None:
        """Return when a new file is durable under its name."""
        folder = str(PurePath(path).parent)
        temporary = f"{path}.tmp"
        self._make(folder)
        with suppress(FileNotFoundError):
            self._disk.unlink(temporary)
        fd = self._disk.create(temporary)
        try:
            self._disk.write_all(fd, data, 0)
            self._disk.fsync(fd)
        finally:
            self._disk.close(fd)
        self._disk.rename(temporary, path)
        self._disk.fsync_folder(folder)
        self._quota.set(path, len(data))
