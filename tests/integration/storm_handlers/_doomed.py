"""`consume` that ends as `kill -9` ends it, at a named point: `_doomed.py CONFIG HANDLER POINT`.

Design: the service itself, of parts that tell where they are; the product knows nothing of it.
It dies when it comes by the point a second time, so that something is done, something under way
and something not begun; at what may happen only once, the first time.
"""

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGKILL
from typing import Any, Final

from msgspec.structs import replace
from sqlalchemy import event

from router.app import Stop
from router.app.consume import Consume
from router.assembly import CHECKS, group_of, handlers_of
from router.config import Configuration, load
from router.consume.outbox import Outbox
from router.consume.postgres import PostgresDatabase
from router.consume.runner import Reading, Runner
from router.consume.state import SqlStore
from router.consume.store import Cause, Unit, Waiting, Written
from router.consume.writer import Writer
from router.handler import Context, Handler, Outcome
from router.kafka.group import KafkaGroup
from router.kafka.port import KafkaSettings
from router.observability import set_up_logging
from router.record import Partition, Received, Record

POINTS: Final = {
    "partitions-assigned": 1,
    "records-fetched": 2,
    "effects-asked-for": 2,
    "handler-called": 60,
    "handler-returned": 60,
    "before-the-transaction": 2,
    "before-the-database-commit": 2,
    "after-the-database-commit": 2,
    "outbox-read": 2,
    "outbox-sending": 2,
    "outbox-sent": 2,
    "outbox-forgotten": 2,
    "dead-letter-sending": 1,
    "dead-letter-sent": 1,
    "before-the-offset-commit": 2,
    "after-the-offset-commit": 2,
}
"""Where it may die, in the order of one event's way, and which time that it comes by."""

_SESSION_MS = 2000  # the shorter, the sooner the group knows that a member is gone
_LAST_OF_A_UNIT = "INSERT INTO callback_router_outbox"


class Doom:
    """Ends this process at a point."""

    def __init__(self, point: str) -> None:
        """Take one of `POINTS`."""
        self._point = point
        self._left = POINTS[point]

    def pass_by(self, point: str) -> None:
        """End the process if this is where and when it ends."""
        if point == self._point:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), SIGKILL)


class DoomedStore(SqlStore):
    """The store on PostgreSQL."""

    def __init__(self, url: str, doom: Doom) -> None:
        """Take the database, and what ends the process."""
        super().__init__(PostgresDatabase(url))
        self._doom = doom

    async def start(self) -> None:
        """Connect; from now on tell when a unit is in the database but not committed."""

        def executed(_: Any, __: Any, statement: str, *___: Any) -> None:
            if statement.startswith(_LAST_OF_A_UNIT):
                self._doom.pass_by("before-the-database-commit")

        await super().start()
        assert self._engine is not None
        event.listen(self._engine.sync_engine, "after_cursor_execute", executed)

    async def had_effect(self, handler: str, causes: Sequence[Cause]) -> set[Cause]:
        """Return what is known."""
        known = await super().had_effect(handler, causes)
        self._doom.pass_by("effects-asked-for")
        return known

    async def write(self, units: Sequence[Unit], now_ms: int) -> list[Written]:
        """Write."""
        self._doom.pass_by("before-the-transaction")
        written = await super().write(units, now_ms)
        self._doom.pass_by("after-the-database-commit")
        return written

    async def waiting(self, handler: str, limit: int) -> list[Waiting]:
        """Return what waits."""
        waiting = await super().waiting(handler, limit)
        if waiting:
            self._doom.pass_by("outbox-read")
        return waiting

    async def sent(self, handler: str, sequences: Sequence[int]) -> None:
        """Forget what was sent."""
        await super().sent(handler, sequences)
        self._doom.pass_by("outbox-forgotten")


class DoomedGroup(KafkaGroup):
    """A member of the group."""

    def __init__(self, settings: KafkaSettings, group_id: str, doom: Doom) -> None:
        """Take what a member takes, and what ends the process."""
        super().__init__(settings, group_id, session_ms=_SESSION_MS)
        self._doom = doom

    async def poll(self, max_records: int) -> list[Received]:
        """Return records."""
        records = await super().poll(max_records)
        if records:
            self._doom.pass_by("records-fetched")
        return records

    async def commit(self, offsets: Mapping[Partition, int]) -> bool:
        """Commit."""
        self._doom.pass_by("before-the-offset-commit")
        is_done = await super().commit(offsets)
        self._doom.pass_by("after-the-offset-commit")
        return is_done


class DoomedRunner(Runner):
    """The runner, which is told what it has."""

    doom: Doom

    async def assigned(self, partitions: Sequence[Partition]) -> None:
        """Begin with these."""
        await super().assigned(partitions)
        self.doom.pass_by("partitions-assigned")


class Doomed(Consume):
    """The service."""

    def __init__(
        self, configuration: Configuration, found: tuple[Handler, Reading], doom: Doom
    ) -> None:
        """Take what it consumes, and what ends the process."""
        super().__init__(configuration, [(_doomed(found[0], doom), found[1])])
        self._doom = doom
        self._store = DoomedStore(configuration.options.state.url, doom)
        self._outboxes = {name: Outbox(name, self._store, self._send) for name in self._outboxes}
        self._writer = Writer(self._store, self._look)

    def _runner(self, handler: Handler, reading: Reading) -> Runner:
        runner = super()._runner(handler, reading)
        group = group_of(self._configuration, handler)
        doomed = DoomedRunner(
            handler,
            reading,
            DoomedGroup(self.settings, group, self._doom),
            runner._calls,
            runner._send,
            self.metrics,
        )
        doomed.doom = self._doom
        return doomed

    async def _written_to_kafka(self, records: list[Record]) -> None:
        what = "dead-letter" if ".dead." in records[0].topic else "outbox"
        done = asyncio.Event()
        self._publisher.publish(records, done.set)
        await asyncio.sleep(0)  # the publisher takes it up
        self._doom.pass_by(f"{what}-sending")
        await done.wait()
        self._doom.pass_by(f"{what}-sent")


def _doomed(handler: Handler, doom: Doom) -> Handler:
    """Return the handler with its function between two points."""

    async def function(event: Any, context: Context) -> Outcome:
        doom.pass_by("handler-called")
        outcome = await handler.function(event, context)
        doom.pass_by("handler-returned")
        return outcome

    return replace(handler, function=function)


async def _run(config: Path, name: str, point: str) -> None:
    configuration = load(config, os.environ, CHECKS)
    found = next(found for found in handlers_of(configuration) if found[0].name == name)
    await Doomed(configuration, found, Doom(point)).run(Stop())


if __name__ == "__main__":
    set_up_logging()
    asyncio.run(_run(Path(sys.argv[1]), *sys.argv[2:]))
