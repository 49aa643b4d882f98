"""The state database as one file: durable at each commit, and for one process.

Design: SQLite would let several processes in, but handlers of one outbox in two processes would
both send it, and each commit would wait for the other's. So a lock beside the file, which the
kernel lets go with the process, however that ends, keeps a second one out and says what to do.
"""

import asyncio
import fcntl
import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Column, ColumnElement, Executable, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from router.consume.store import InUseError

_PREFIX = "sqlite:///"
_BUSY_SECS = 5
_CONNECTIONS = 4
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",  # readers do not wait for the writer
    "PRAGMA synchronous=FULL",  # in WAL mode less than this loses commits with the power
)
_BEGIN = text("BEGIN IMMEDIATE")


class SqliteDatabase:
    """A file and its lock, `<file>.lock`; the folder is made.

    Attributes:
        name: For messages.
        reading: Execution options of what only reads.
    """

    def __init__(self, url: str) -> None:
        """Take `sqlite:///PATH`; the path is relative to the working directory."""
        self.name = f"state database {url}"
        self.reading: dict[str, Any] = {}
        self._path = Path(url.removeprefix(_PREFIX))
        self._lock: int | None = None

    async def open(self) -> AsyncEngine:
        """Return an engine, which is this process's alone.

        Raises:
            InUseError: Another process has the file open.
            OSError: The folder or the lock cannot be made.
        """
        # Resolved, so that two ways to one file lead to one lock.
        path = await asyncio.to_thread(self._path.resolve)
        await asyncio.to_thread(self._take_lock, path)
        engine = create_async_engine(
            URL.create("sqlite+aiosqlite", database=str(path)),
            connect_args={"timeout": _BUSY_SECS},
            hide_parameters=True,
            max_overflow=0,
            pool_size=_CONNECTIONS,
        )
        event.listen(engine.sync_engine, "connect", _prepare)
        return engine

    def _take_lock(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Not fcntl's other kind of lock: closing any descriptor of the file would drop it.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            if not isinstance(error, BlockingIOError):
                raise
            raise InUseError(
                f"{self.name} is in use by another process, and SQLite serves one: stop that one, "
                "or let all of them use a PostgreSQL (state.url: postgresql://...)"
            ) from error
        self._lock = lock

    def exclude(self, handlers: Collection[str]) -> Executable:  # noqa: ARG002 - of all handlers
        """Return the first statement of a transaction that no other writer disturbs."""
        return _BEGIN

    def is_in(self, column: Column[Any], values: Sequence[Any]) -> ColumnElement[bool]:
        """Return the condition that the column holds one of *values*."""
        return column.in_(values)

    async def lead(self, handler: str) -> bool:  # noqa: ARG002 - of all handlers
        """Return True: there is no other process."""
        return True

    async def close(self) -> None:
        """Let another process in; the engine is disposed of already."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)


def _prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()
