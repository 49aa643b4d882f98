"""The tables of the state database, the same on SQLite and PostgreSQL.

Design: names that come from events are kept as bytes. Text would not take every string (no NUL
in PostgreSQL, no lone surrogate anywhere), an index takes no long one, and one name that the
database refuses would stop every unit that is written with it.
"""

import hashlib

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, LargeBinary, MetaData, Table
from sqlalchemy import Text as Ascii

_PREFIX = "callback_router"
_LONGEST_BYTES = 1000
"""PostgreSQL indexes rows of up to 2704 bytes, and that of an effect holds two names."""

TABLES = MetaData()

STATE = Table(
    f"{_PREFIX}_state",
    TABLES,
    Column("handler", Ascii, primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("value", LargeBinary, nullable=False),
)

EFFECTS = Table(
    f"{_PREFIX}_effects",
    TABLES,
    Column("handler", Ascii, primary_key=True),
    Column("source", LargeBinary, primary_key=True),
    Column("id", LargeBinary, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Index(f"{_PREFIX}_effects_by_age", "at_ms"),
    sqlite_with_rowid=False,  # the key is nearly the whole row: keep it once
)

OUTBOX = Table(
    f"{_PREFIX}_outbox",
    TABLES,
    # Identity and AUTOINCREMENT never give a number twice, so a late `sent` hits no new record.
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True),
    Column("handler", Ascii, nullable=False),
    Column("topic", Ascii, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("headers", LargeBinary, nullable=False),
    Index(f"{_PREFIX}_outbox_in_order", "handler", "sequence"),
    implicit_returning=False,
    sqlite_autoincrement=True,
)


def as_bytes(name: str) -> bytes:
    """Return the column's value for any name: different ones for different names.

    A long name is its SHA-256 behind a byte that no UTF-8 begins with.
    """
    encoded = name.encode("utf-8", "surrogatepass")
    if len(encoded) <= _LONGEST_BYTES:
        return encoded
    return b"\xff" + hashlib.sha256(encoded).digest()
