"""`SqlStore`: the store of handlers' effects in a database; `open_store` makes it from a URL.

Design: one write is one transaction of few statements for any number of units: what they name is
looked up at once, `Ledger` decides, and what changed is written. What the database loses before
its commit was asked for is tried again here. Whether a commit without an answer happened nobody
knows: that is told as `UnavailableError`, and when the units come again their causes answer it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol, TypeVar

from sqlalchemy import Column, ColumnElement, CursorResult, Executable
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from router.consume import statements
from router.consume.postgres import PostgresDatabase
from router.consume.sqlite import SqliteDatabase
from router.consume.store import Cause, Store, Stored, Unit, Waiting, Written
from router.consume.tables import TABLES
from router.errors import InvariantError, UnavailableError

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]

_CALL_SECS = 10.0
_ATTEMPTS = 3
_AGAIN = {"40001", "40P01"}
"""SQLSTATE of a serialization failure and of a deadlock."""


class Database(Protocol):
    """What SQLite and PostgreSQL do each in its own way.

    Attributes:
        name: For messages, without a password.
        reading: Execution options of what only reads.
    """

    name: str
    reading: dict[str, Any]

    async def open(self) -> AsyncEngine:
        """Return an engine; `close` is called after it, and if this fails."""

    def exclude(self, handlers: Collection[str]) -> Executable:
        """Return the first statement of a transaction that alone writes for *handlers*."""

    def is_in(self, column: Column[Any], values: Sequence[Any]) -> ColumnElement[bool]:
        """Return the condition that the column holds one of *values*, of which there is one."""

    async def lead(self, handler: str) -> bool:
        """Return whether this process leads the handler, trying to."""

    async def close(self) -> None:
        """Let go of everything beside the engine; once more does nothing."""


def open_store(url: str) -> Store:
    """Return the store at `sqlite:///PATH` or `postgresql://...`, not started."""
    is_file = url.startswith("sqlite:")
    return SqlStore(SqliteDatabase(url) if is_file else PostgresDatabase(url))


class SqlStore:
    """A store in one database; `Store` says what its methods promise."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._engine: AsyncEngine | None = None
        # SQLite has one writer, and on PostgreSQL a second transaction would wait for our own.
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Connect and make the tables that are missing."""

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(self._database.exclude([""]))
            await connection.run_sync(TABLES.create_all)

        async with AsyncExitStack() as undo:
            undo.push_async_callback(self.close)
            async with self._answering():
                self._engine = await self._database.open()
            try:
                await self._commit(work)
            except ValueError:  # of asyncpg about the URL; it may quote a part of the password
                hint = "not a URL; a password needs %-codes for : / ? # @"
                raise UnavailableError(f"{self._database.name}: {hint}") from None
            undo.pop_all()

    async def read(self, handler: str, key: str) -> Stored:
        """Return the value of a key, as last committed."""

        async def work(connection: AsyncConnection) -> Stored:
            row = (await connection.execute(statements.value_of(handler, key))).one_or_none()
            return Stored(0, None) if row is None else Stored(row.version, row.value)

        return await self._look(work)

    async def had_effect(self, handler: str, causes: Sequence[Cause]) -> set[Cause]:
        """Return those of *causes* whose units were written."""

        async def work(connection: AsyncConnection) -> set[Cause]:
            asked = {(handler, cause) for cause in causes}
            found = await statements.remembered(connection, self._database.is_in, asked)
            return {cause for _, cause in found}

        return await self._look(work) if causes else set()

    async def write(self, units: Sequence[Unit], now_ms: int) -> list[Written]:
        """Write units of any handlers, each on its own terms, in one commit; return when durable."""
        handlers = {unit.handler for unit in units}

        async def work(connection: AsyncConnection) -> list[Written]:
            await connection.execute(self._database.exclude(handlers))
            ledger = await statements.look_up(connection, self._database.is_in, units)
            outcomes = [ledger.take(unit) for unit in units]
            await statements.write_down(connection, ledger, now_ms)
            return outcomes

        return await self._commit(work) if units else []

    async def waiting(self, handler: str, limit: int) -> list[Waiting]:
        """Return the oldest records of the handler's outbox, in the order of their commits."""

        async def work(connection: AsyncConnection) -> list[Waiting]:
            rows = await connection.execute(statements.oldest_records(handler, limit))
            return [statements.waiting_of(row) for row in rows]

        return await self._look(work)

    async def sent(self, handler: str, sequences: Sequence[int]) -> None:
        """Forget records of the outbox that are in Kafka."""
        rows = [{"of_handler": handler, "of_sequence": sequence} for sequence in sequences]

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(statements.SENT, rows)

        if rows:
            await self._commit(work)

    async def lead(self, handler: str) -> bool:
        """Tell whether this process may empty the handler's outbox: at most one does at a time."""

        async def attempt() -> bool:
            return bool(self._started) and await self._database.lead(handler)

        async with self._answering():
            return await _again(attempt)

    async def forget(self, before_ms: int, limit: int) -> int:
        """Forget effects that were remembered before; return how many, at most *limit*."""

        async def work(connection: AsyncConnection) -> int:
            done = await connection.execute(statements.old_effects(before_ms, limit))
            return done.rowcount if isinstance(done, CursorResult) else 0

        return await self._commit(work)

    async def close(self) -> None:
        """Let go of the connections and of what this process leads; once more does nothing."""
        engine, self._engine = self._engine, None
        try:
            if engine is not None:
                await engine.dispose()
        finally:
            await self._database.close()

    async def _look(self, work: Work[T]) -> T:
        async def attempt() -> T:
            async with self._started.connect() as plain:
                return await work(await plain.execution_options(**self._database.reading))

        async with self._answering():
            return await _again(attempt)

    async def _commit(self, work: Work[T]) -> T:
        async def attempt() -> T:
            async with self._started.connect() as connection:
                result = await work(connection)
                try:
                    await connection.commit()
                except DBAPIError as error:
                    raise _UnansweredError(_reason(error)) from error
                return result

        async with self._answering(), self._turn:
            return await _again(attempt)

    @property
    def _started(self) -> AsyncEngine:
        if self._engine is None:
            raise InvariantError("the store is not started")
        return self._engine

    @asynccontextmanager
    async def _answering(self) -> AsyncIterator[None]:
        """Give the database its time; what it raises is raised as `UnavailableError`."""
        try:
            async with asyncio.timeout(_CALL_SECS):
                yield
        except (SQLAlchemyError, OSError) as error:
            raise UnavailableError(f"{self._database.name}: {_reason(error)}") from error


class _UnansweredError(SQLAlchemyError):
    """A commit failed: it may have happened, so it is not tried again."""


async def _again(attempt: Callable[[], Awaitable[T]]) -> T:
    """Return what *attempt* returns; where the database gave it up it is tried again at once."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return await attempt()
        except DBAPIError as error:
            # Lost connections are found when they are used; the first that is takes all others
            # out of the pool, so that the next attempt has a new one.
            was_given_up = getattr(error.orig, "sqlstate", None) in _AGAIN
            if not (error.connection_invalidated or was_given_up):
                raise
    return await attempt()


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {_CALL_SECS:.0f} s"
    origin = error.orig if isinstance(error, DBAPIError) else error
    return " ".join(str(origin).split()) or type(error).__name__
