"""`FakeStore`: the store of handlers' effects, in memory.

Design: it passes the suite of `tests/integration/test_store.py` as SQLite and PostgreSQL do, and
shares no code with them: units are written one by one into dictionaries, so that it is also what
the real ones are compared with. `FakeDatabase` is what outlives a store: a test restarts a
process by making a new store of the same database.
"""

import itertools
from collections.abc import Sequence

from router.consume.store import Cause, InUseError, Stored, Unit, Waiting, Written
from router.errors import InvariantError, UnavailableError


class FakeDatabase:
    """The database behind fake stores; everything that tests ask and steer is here.

    Attributes:
        is_up: Whether it answers; set by the test at any time.
        is_shared: Whether it serves several stores at once, as PostgreSQL does.
        answers_lost: How many of the next writes are written, but end as if the connection
            had broken: the unknown outcome.
        values: What the keys hold, by handler and key.
        effects: When each cause was remembered, by handler and cause.
        outbox: Records by sequence, each with its handler.
        groups: The number of units of every write.
    """

    def __init__(self, *, is_shared: bool = False) -> None:
        self.is_up = True
        self.is_shared = is_shared
        self.answers_lost = 0
        self.values: dict[tuple[str, str], Stored] = {}
        self.effects: dict[tuple[str, Cause], int] = {}
        self.outbox: dict[int, tuple[str, Waiting]] = {}
        self.groups: list[int] = []
        self._open: list[FakeStore] = []
        self._leaders: dict[str, FakeStore] = {}
        self._versions = itertools.count(1)
        self._sequences = itertools.count(1)

    def store(self) -> "FakeStore":
        """Return a new store, not started."""
        return FakeStore(self)

    def admit(self, store: "FakeStore") -> None:
        """Let a store in.

        Raises:
            InUseError: Another one is in, and the database is not shared.
        """
        if not self.is_shared and self._open not in ([], [store]):
            raise InUseError("the fake state database is in use")
        if store not in self._open:
            self._open.append(store)

    def dismiss(self, store: "FakeStore") -> None:
        """Let a store go, and what it leads."""
        self._open = [each for each in self._open if each is not store]
        self._leaders = {name: who for name, who in self._leaders.items() if who is not store}

    def has(self, store: "FakeStore") -> bool:
        """Return whether the store was let in."""
        return store in self._open

    def leader(self, handler: str, candidate: "FakeStore") -> "FakeStore":
        """Return who leads the handler: the candidate if there is none yet."""
        return self._leaders.setdefault(handler, candidate)

    def write(self, unit: Unit, now_ms: int) -> Written:
        """Write one unit and return what became of it."""
        if unit.cause is not None and (unit.handler, unit.cause) in self.effects:
            return "had-effect"
        seen = {key: self.value(unit.handler, key).version for key in unit.reads}
        if seen != unit.reads:
            return "conflict"
        if unit.cause is not None:
            self.effects[unit.handler, unit.cause] = now_ms
        for key, value in unit.writes.items():
            if value is None:
                self.values.pop((unit.handler, key), None)
            else:
                self.values[unit.handler, key] = Stored(next(self._versions), value)
        for record in unit.outbox:
            sequence = next(self._sequences)
            self.outbox[sequence] = (unit.handler, Waiting(sequence, record))
        return "done"

    def value(self, handler: str, key: str) -> Stored:
        """Return what a key holds."""
        return self.values.get((handler, key), Stored(0, None))

    def waiting(self, handler: str) -> list[Waiting]:
        """Return a handler's outbox, in order."""
        return [entry for owner, entry in self.outbox.values() if owner == handler]


class FakeStore:
    """A store of a `FakeDatabase`; `router.consume.store.Store` says what it promises."""

    def __init__(self, database: FakeDatabase | None = None) -> None:
        """Take the database; without one it gets its own."""
        self.database = database or FakeDatabase()

    async def start(self) -> None:
        """Connect."""
        self._check_up()
        self.database.admit(self)

    async def read(self, handler: str, key: str) -> Stored:
        """Return the value of a key, as last committed."""
        return self._reached().value(handler, key)

    async def had_effect(self, handler: str, causes: Sequence[Cause]) -> set[Cause]:
        """Return those of *causes* whose units were written."""
        effects = self._reached().effects
        return {cause for cause in causes if (handler, cause) in effects}

    async def write(self, units: Sequence[Unit], now_ms: int) -> list[Written]:
        """Write units one after the other."""
        database = self._reached()
        database.groups.append(len(units))
        outcomes = [database.write(unit, now_ms) for unit in units]
        if database.answers_lost:
            database.answers_lost -= 1
            raise UnavailableError("the fake state database did not answer")
        return outcomes

    async def waiting(self, handler: str, limit: int) -> list[Waiting]:
        """Return the oldest records of the handler's outbox, in order."""
        return self._reached().waiting(handler)[:limit]

    async def sent(self, handler: str, sequences: Sequence[int]) -> None:
        """Forget records of the outbox that are in Kafka."""
        outbox = self._reached().outbox
        for sequence in sequences:
            if sequence in outbox and outbox[sequence][0] == handler:
                del outbox[sequence]

    async def lead(self, handler: str) -> bool:
        """Tell whether this store may empty the handler's outbox: the first that asks."""
        return self._reached().leader(handler, self) is self

    async def forget(self, before_ms: int, limit: int) -> int:
        """Forget the oldest effects that were remembered before; return how many."""
        effects = self._reached().effects
        old = sorted((e for e in effects if effects[e] < before_ms), key=lambda e: effects[e])
        for effect in old[:limit]:
            del effects[effect]
        return len(old[:limit])

    async def close(self) -> None:
        """Let another store in, and lead."""
        self.database.dismiss(self)

    def _reached(self) -> FakeDatabase:
        self._check_up()
        if not self.database.has(self):
            raise InvariantError("the store is not started")
        return self.database

    def _check_up(self) -> None:
        if not self.database.is_up:
            raise UnavailableError("the fake state database is away")
