"""SQLite does what the fake does, whatever the units: the two share no code that decides."""

import asyncio
from collections.abc import Awaitable
from contextlib import ExitStack
from tempfile import TemporaryDirectory
from typing import TypeVar

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from router.consume.state import open_store
from router.consume.store import Store, Unit
from tests.fakes_store import FakeDatabase
from tests.integration.stores import cause, unit

T = TypeVar("T")

HANDLERS = ("a", "b")
KEYS = ("k", "l", "m")
NAMES = ("1", "2", "3", "4")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A unit before its versions are known.

    Attributes:
        reads: By key, how many looks ago it was read; None for a key that was seen empty.
    """

    handler: str
    name: str | None
    reads: dict[str, int | None]
    writes: dict[str, bytes | None]
    emits: tuple[str, ...]


values = st.none() | st.sampled_from([b"1", b"2"])
plans = st.builds(
    Plan,
    handler=st.sampled_from(HANDLERS),
    name=st.none() | st.sampled_from(NAMES),
    # Mostly what is there now, so that units are done as often as not.
    reads=st.dictionaries(st.sampled_from(KEYS), st.sampled_from([0, 0, 0, 1, 5, None])),
    writes=st.dictionaries(st.sampled_from(KEYS), values),
    emits=st.lists(st.sampled_from("XYZ"), max_size=2).map(tuple),
)


class TwoStores(RuleBasedStateMachine):
    """The fake and SQLite, given the same.

    Their versions and sequences differ, so what a unit read is told by when it was read.
    """

    def __init__(self) -> None:
        super().__init__()
        self._undo = ExitStack()
        self._runner = self._undo.enter_context(asyncio.Runner())
        folder = self._undo.enter_context(TemporaryDirectory())
        self._url = f"sqlite:///{folder}/state.db"
        self._database = FakeDatabase()
        self._open()
        # For each store, what every look showed: versions by handler and key.
        self._looks: tuple[list[dict[tuple[str, str], int]], ...] = ([], [])
        self._now_ms = 0

    def _open(self) -> None:
        self._stores: tuple[Store, ...] = (self._database.store(), open_store(self._url))
        for store in self._stores:
            self._run(store.start())

    def _run(self, call: Awaitable[T]) -> T:
        async def wait() -> T:
            return await call

        return self._runner.run(wait())

    @rule(group=st.lists(plans, min_size=1, max_size=5))
    def write(self, group: list[Plan]) -> None:
        """Units end alike."""
        self._now_ms += 1
        outcomes = [
            self._run(store.write([_unit(plan, looks) for plan in group], self._now_ms))
            for store, looks in zip(self._stores, self._looks, strict=True)
        ]
        assert outcomes[0] == outcomes[1]

    @rule(handler=st.sampled_from(HANDLERS), limit=st.integers(1, 3))
    def send(self, handler: str, limit: int) -> None:
        """The oldest records are alike, and are forgotten."""
        sent = []
        for store in self._stores:
            waiting = self._run(store.waiting(handler, limit))
            self._run(store.sent(handler, [entry.sequence for entry in waiting]))
            sent.append([entry.record for entry in waiting])
        assert sent[0] == sent[1]

    @rule(age_ms=st.integers(0, 5))
    def forget(self, age_ms: int) -> None:
        """As many effects are forgotten."""
        before_ms = self._now_ms - age_ms
        counts = {self._run(store.forget(before_ms, 100)) for store in self._stores}
        assert len(counts) == 1

    @rule()
    def restart(self) -> None:
        """All is there in the next process."""
        for store in self._stores:
            self._run(store.close())
        self._open()

    @invariant()
    def hold_the_same(self) -> None:
        """Values, effects and outboxes are alike."""
        fake, real = (self._look(number) for number in (0, 1))
        assert fake == real

    def _look(self, number: int) -> list[object]:
        store, seen = self._stores[number], list[object]()
        versions: dict[tuple[str, str], int] = {}
        for handler in HANDLERS:
            for key in KEYS:
                stored = self._run(store.read(handler, key))
                versions[handler, key] = stored.version
                assert (stored.version == 0) == (stored.value is None)
                seen.append(stored.value)
            seen.append(self._run(store.had_effect(handler, [cause(name) for name in NAMES])))
            seen.append([entry.record for entry in self._run(store.waiting(handler, 100))])
        self._looks[number].append(versions)
        return seen

    def teardown(self) -> None:
        """Close both."""
        for store in self._stores:
            self._run(store.close())
        self._undo.close()


def _unit(plan: Plan, looks: list[dict[tuple[str, str], int]]) -> Unit:
    reads = {
        key: 0 if ago is None else looks[max(0, len(looks) - 1 - ago)][plan.handler, key]
        for key, ago in plan.reads.items()
    }
    return unit(plan.name, handler=plan.handler, reads=reads, writes=plan.writes, emits=plan.emits)


TwoStores.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
TestTwoStores = TwoStores.TestCase
