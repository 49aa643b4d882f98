"""What the tests of the store share: units to write, and stores to write them to."""

import os
from collections.abc import Iterator, Mapping

import pytest

from router.consume.store import Cause, Unit
from router.record import Record
from tests.postgres import Postgres, ToolMissingError

HANDLER = "recording-ready"
NOW_MS = 1_790_000_000_000


def cause(name: str) -> Cause:
    """Return an event's identity."""
    return Cause("/callbacks/rtc", name)


def record(name: str) -> Record:
    """Return a record that differs from others in every part."""
    headers = (("content-type", b"\x00\xff"), (f"name-ä-{name}", name.encode()))
    return Record(
        topic=f"derived.{name}", key=f"key {name}".encode(), value=b"\x00" + name.encode(),
        headers=headers,
    )  # fmt: skip


def unit(
    name: str | None = None,
    *,
    handler: str = HANDLER,
    reads: Mapping[str, int] | None = None,
    writes: Mapping[str, bytes | None] | None = None,
    emits: tuple[str, ...] = (),
) -> Unit:
    """Return a unit; *name* is its cause's, None for an event that nothing names."""
    return Unit(
        handler=handler,
        cause=None if name is None else cause(name),
        reads=dict(reads or {}),
        writes=dict(writes or {}),
        outbox=tuple(record(each) for each in emits),
    )


def running_postgres() -> Iterator[Postgres]:
    """Yield a server; without one installed skip, or fail where REQUIRE_POSTGRES=1 asks for it."""
    try:
        server = Postgres.start()
    except ToolMissingError as error:
        if os.environ.get("REQUIRE_POSTGRES") == "1":
            pytest.fail(f"REQUIRE_POSTGRES=1, but {error}")
        pytest.skip(str(error))
    with server:
        yield server
