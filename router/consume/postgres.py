"""The state database on a PostgreSQL, for any number of processes.

Design: the units of one handler are written by one process at a time, under an advisory lock of
the transaction. So what was looked up still holds when it is written, also where it was looked
up that nothing is there; nothing deadlocks and nothing has to be tried again; and numbers of the
outbox rise in the order of the commits, which keeps the order of what is sent. The price is one
group of a handler at a time, and a group is as large as what waited for it. Rejected:
SERIALIZABLE, which aborts units that never met when groups are large, and numbers the outbox in
another order than it commits; and row locks, which cannot hold what does not exist.

Locks are named by the state table, so that schemas of one database do not meet. A process that
vanished with its machine, or froze, loses its session and its locks after about 30 s.
"""

import asyncio
import re
from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import ARRAY, Column, ColumnElement, TextClause, any_, literal, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from router.consume.tables import STATE

_CONNECTIONS = 8
_CONNECT_SECS = 5
_SESSION: Final = {
    "application_name": "callback-router",
    "idle_in_transaction_session_timeout": "10s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
}


def _lock(role: str, handler: str) -> str:
    """Return SQL for the number of a lock that is nobody else's; *handler* is SQL too."""
    # The table is not there yet when it is made: then the name goes without it.
    table = f"to_regclass('{STATE.name}')::oid"
    return f"hashtextextended(concat_ws('/', 'callback-router', {table}, '{role}', {handler}), 0)"


# A server that does not wait for its disk is told to, for what we answer for.
_EXCLUDE = text(f"""
    SELECT pg_advisory_xact_lock({_lock("write", "handler")}),
        set_config('synchronous_commit', CASE current_setting('synchronous_commit')
            WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, true)
    FROM unnest(CAST(:handlers AS text[])) AS handler
""")  # noqa: S608 - of our own constants
_LEAD = text(f"SELECT pg_try_advisory_lock({_lock('lead', 'CAST(:handler AS text)')})")
_PING = text("SELECT 1")


class PostgresDatabase:
    """A server and this process's place on it.

    Attributes:
        name: For messages, without the password.
        reading: Execution options of what only reads: one statement is one round trip.
    """

    def __init__(self, url: str) -> None:
        """Take `postgresql://...` with whatever libpq's URLs may hold."""
        self.name = f"state database {masked(url)}"
        self.reading: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"}
        self._url = url
        self._leadership: _Leadership | None = None

    async def open(self) -> AsyncEngine:
        """Return an engine; it connects, and reads the URL, when it is used."""
        self._leadership = _Leadership(self._engine(poolclass=NullPool))
        return self._engine(pool_size=_CONNECTIONS, max_overflow=0)

    def _engine(self, **pool: Any) -> AsyncEngine:
        given = dict(parse_qsl(urlsplit(self._url).query))
        session = {name: value for name, value in _SESSION.items() if name not in given}
        return create_async_engine(
            "postgresql+asyncpg://",
            # As it is: asyncpg knows sslmode, several hosts and the like, SQLAlchemy does not.
            connect_args={"dsn": self._url, "timeout": _CONNECT_SECS, "server_settings": session},
            hide_parameters=True,
            # Others would see the store as it was before they waited for their lock.
            isolation_level="READ COMMITTED",
            **pool,
        )

    def exclude(self, handlers: Collection[str]) -> TextClause:
        """Return the first statement of a transaction that alone writes for *handlers*."""
        # In one order everywhere, so that two processes cannot wait for each other.
        return _EXCLUDE.bindparams(handlers=sorted(handlers))

    def is_in(self, column: Column[Any], values: Sequence[Any]) -> ColumnElement[bool]:
        """Return the condition that the column holds one of *values*: one text for any number."""
        return column == any_(literal(list(values), ARRAY(column.type)))

    async def lead(self, handler: str) -> bool:
        """Return whether this process has the handler's lock, trying to get it."""
        return self._leadership is not None and await self._leadership.has(handler)

    async def close(self) -> None:
        """Give up all leads."""
        if self._leadership is not None:
            await self._leadership.resign()


class _Leadership:
    """The locks of this process, all on one connection, and lost with it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._connection: AsyncConnection | None = None
        self._led: set[str] = set()
        self._turn = asyncio.Lock()

    async def has(self, handler: str) -> bool:
        async with self._turn, AsyncExitStack() as undo:
            undo.push_async_callback(self.resign)  # a connection that fails once is not trusted
            if self._connection is None:
                autocommit = self._engine.execution_options(isolation_level="AUTOCOMMIT")
                self._connection = await autocommit.connect()
            if handler in self._led:
                await self._connection.execute(_PING)
            elif await self._connection.scalar(_LEAD, {"handler": handler}):
                self._led.add(handler)
            undo.pop_all()
            return handler in self._led

    async def resign(self) -> None:
        connection, self._connection = self._connection, None
        self._led.clear()
        if connection is not None:
            await connection.close()  # without a pool, so the session ends and its locks with it


def masked(url: str) -> str:
    """Return a database's URL with stars for every password in it."""
    # Up to the last @: one that nobody escaped is rather hidden with the host than shown.
    return re.sub(r"(://[^:/?]*:).*@|((?i:password)=)[^&]*", _stars, url)


def _stars(match: re.Match[str]) -> str:
    user, parameter = match.groups()
    return f"{user}***@" if user else f"{parameter}***"
