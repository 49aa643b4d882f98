"""What the publisher asks of the spool, and what it is told: roles and values, no files."""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeAlias

from msgspec import Struct

from router.record import Record

Position: TypeAlias = int
"""Where a record lies on disk: the segment's number in the upper bits, the offset in the lower 32.

A later record has a greater position; numbers of segments are never used again.
"""


class Entry(Protocol):
    """A record to append.

    Attributes:
        record: What is kept.
        key_hash: Of the record's key, 31 bits; kept with it, so that a recovered record finds its
            partition without being read.
        size: An upper bound of the bytes that it takes.
        is_wanted: False once it needs no place on disk any more; such an entry is left out.
    """

    @property
    def record(self) -> Record:
        """The record."""

    @property
    def key_hash(self) -> int:
        """The hash of the record's key."""

    @property
    def size(self) -> int:
        """An upper bound of the bytes that it takes."""

    @property
    def is_wanted(self) -> bool:
        """Whether it still needs a place on disk."""


class Found(Struct, frozen=True):
    """A record of an earlier run that nobody has told to be settled."""

    position: Position
    topic: str
    key_hash: int


class Usage(Struct, frozen=True, kw_only=True):
    """How much waits.

    Attributes:
        records: Durable and not settled.
        bytes: What all files take on the disk.
        oldest_unix_ms: When the oldest segment that is still needed was begun; None when empty.
    """

    records: int
    bytes: int
    oldest_unix_ms: int | None


class Listener(Protocol):
    """Whom the spool tells, always on the event loop and never from within a call to the spool."""

    def appended(self, entries: Sequence[Entry], positions: Sequence[Position | None]) -> None:
        """These are durable, in the order of `append`; None: it was no longer wanted."""

    def not_appended(self, entries: Sequence[Entry]) -> None:
        """None of these is durable, as far as is known, nor anything taken after them.

        They are all that was taken and not told of; until `resume` nothing more is taken.
        """

    def found(self, records: Sequence[Found]) -> None:
        """Records of an earlier run, by rising position."""

    def recovered(self) -> None:
        """There are no more of an earlier run."""


class Spool(Protocol):
    """Keeps records on disk, in the order of `append`, until they are settled."""

    @property
    def is_taking(self) -> bool:
        """Whether `append` takes entries now."""

    @property
    def usage(self) -> Usage:
        """How much waits."""

    async def run(self, listener: Listener) -> None:
        """Recover, then write what is appended, until cancelled; nothing is told before or after."""

    def append(self, entries: Sequence[Entry]) -> bool:
        """Take entries to be written; False: none was taken, the disk is full or broken."""

    def resume(self) -> None:
        """Try again after `not_appended`, if there is a prospect; see `is_taking`."""

    async def read(
        self, positions: Sequence[Position], *, is_last_try: bool = False
    ) -> list[Record | None]:
        """Return the records at the first of these rising positions; None where there is damage.

        As many as fit into a mebibyte or so, at least one. In the last try what the disk does not
        give back is damage too, and its segment is kept aside.

        Raises:
            UnavailableError: The disk cannot be read now.
        """

    def settle(self, positions: Iterable[Position]) -> None:
        """Forget these: Kafka has them, or `refuse` has, or they cannot be read."""

    async def refuse(self, record: Record, reason: str) -> bool:
        """Keep a record that Kafka will never take apart from the others; whether it is durable."""

    async def flush(self) -> None:
        """Return when everything taken before was told of."""

    async def close(self) -> None:
        """Write down what is settled and let go of the files; bounded, also on a hanging disk."""
