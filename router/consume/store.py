"""What handlers' effects are kept in: the role, and the values that go in and out.

Design: a handler runs without a transaction open and only reads; what it wants written is one
`Unit`, checked and written later together with the memory that the event had its effect. So a
slow handler holds no lock, many units share one commit, and a value that another event changed
meanwhile is a `conflict`: the handler runs again.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from router.errors import UnavailableError
from router.record import Record


class Cause(msgspec.Struct, frozen=True):
    """The identity of an event: its source and id."""

    source: str
    id: str


class Stored(msgspec.Struct, frozen=True):
    """A value as it lies in the store: JSON, and a number that changes with it (0: none there).

    A key never has one number for two values, not even where it was removed between them.
    """

    version: int
    value: bytes | None


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """All effects of one event, written together or not at all.

    Attributes:
        handler: Whose state.
        cause: What is remembered; None for an event that nothing names: it is never skipped.
        reads: The version of each key that was read.
        writes: The new JSON of each key; None removes it.
        outbox: Derived records in the order in which they were emitted; topics with the namespace.
    """

    handler: str
    cause: Cause | None
    reads: dict[str, int] = {}
    writes: dict[str, bytes | None] = {}
    outbox: tuple[Record, ...] = ()


class Waiting(msgspec.Struct, frozen=True):
    """A record of the outbox that is not known to be in Kafka, and its place in the order."""

    sequence: int
    record: Record


Written = Literal["done", "conflict", "had-effect"]
"""What became of a unit; of those that are not `done` nothing was written."""


class InUseError(UnavailableError):
    """Another process has a store that serves one.

    It may end and then the same call succeeds, as when an old process drains while its successor
    starts: hence unavailable, exit code 1, and no error of the configuration.
    """


class Store(Protocol):
    """State, effect memory and outbox of all handlers of a configuration.

    Every method but `close` raises `UnavailableError` where the database does not serve now;
    later calls work again without a new store.
    """

    async def start(self) -> None:
        """Connect and make the tables that are missing.

        Raises:
            InUseError: The store serves one process, and another one has it.
        """

    async def read(self, handler: str, key: str) -> Stored:
        """Return the value of a key, as last committed."""

    async def had_effect(self, handler: str, causes: Sequence[Cause]) -> set[Cause]:
        """Return those of *causes* whose units were written."""

    async def write(self, units: Sequence[Unit], now_ms: int) -> list[Written]:
        """Write units of any handlers, each on its own terms, in one commit; return when durable.

        A unit sees what those before it in the list wrote. On `UnavailableError` all of the
        list may be written, or nothing: written again, a unit with a cause ends as `had-effect`
        if it was.
        """

    async def waiting(self, handler: str, limit: int) -> list[Waiting]:
        """Return the oldest records of the handler's outbox, in the order of their commits."""

    async def sent(self, handler: str, sequences: Sequence[int]) -> None:
        """Forget records of the outbox that are in Kafka."""

    async def lead(self, handler: str) -> bool:
        """Tell whether this process may empty the handler's outbox: at most one does at a time.

        True holds as long as the connection to the database does: ask before every round.
        """

    async def forget(self, before_ms: int, limit: int) -> int:
        """Forget effects that were remembered before; return how many, at most *limit*."""

    async def close(self) -> None:
        """Let go of the connections and of what this process leads; once more does nothing."""
