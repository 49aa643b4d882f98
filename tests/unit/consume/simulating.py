"""A group of processes over twelve partitions that come, go, crash and freeze; and what must hold.

Design: a plan is a list of steps, so that Hypothesis can make it and shrink it; all chance
within a step comes from one seed. What must hold at every moment is checked when it happens (a
commit, a published record, a call), the rest at the end, when all is well again and everything
was worked off.
"""

import random
from collections import defaultdict
from typing import Any

import msgspec
from hypothesis import strategies as st

from router.consume.store import Cause
from router.handler import Context, Event, Retry
from router.record import Record, decode_event
from tests.fakes import in_fake_time, passed
from tests.fakes_group import Commit
from tests.unit.consume.consuming import NAME, Parts, Process, Told, World, marked_as, note, until

TOPICS = ("a", "b")
PARTITIONS = 12
KEYS = tuple(f"key-{number}" for number in range(6))
MOST_PROCESSES = 4

Step = tuple[str, int]
"""What is done, and a number that it makes something of."""

STEPS = st.one_of(
    *(
        st.tuples(st.just(name), st.integers(0, 9))
        for name in ("tell", "tell", "tell", "pass", "pass", "join", "leave", "crash", "freeze")
    ),
    *(st.tuples(st.just(name), st.integers(0, 9)) for name in ("store", "broker", "answers")),
)
PLANS = st.tuples(st.integers(0, 2**32), st.lists(STEPS, min_size=5, max_size=40))


class Simulation:
    """One run of a plan."""

    def __init__(self, seed: int, parts: Parts) -> None:
        """Take where all chance comes from, and what processes are made of."""
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._parts = parts
        self._faults: list[str] = []
        self._processes: list[Process] = []
        self._numbers = 0
        self._told: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self._under_way: dict[tuple[int, str], str] = {}
        self.world = World(TOPICS, PARTITIONS)
        self.world.store_lag = lambda: self._chance.choice([0.0, 0.0, 0.02, 0.3])
        self.world.broker.lag = lambda: self._chance.choice([0.0, 0.1, 1.0])
        self.world.broker.on_commit = self._check_commit
        self.world.on_send = self._check_sent

    async def step(self, name: str, number: int) -> None:
        """Do one thing, as far as it can be done now."""
        match name:
            case "tell":
                self._tell(number)
            case "pass":
                await passed(self._chance.choice([0.1, 0.7, 3.0, 8.0]))
            case "join" if len(self._processes) < MOST_PROCESSES and self.world.database.is_up:
                await self._join()
            case "leave" | "crash" if self._processes:
                process = self._processes.pop(number % len(self._processes))
                await (process.leave() if name == "leave" else process.crash())
            case "freeze" if self._processes:
                process = self._processes[number % len(self._processes)]
                self.world.broker.expire(process.group)
            case "store":
                self.world.database.is_up = number > 3
            case "broker":
                self.world.broker.is_up = number > 3
            case "answers":
                self.world.database.answers_lost = self.world.broker.commits_lost = number % 3
            case _:
                pass  # nobody is there to leave, or none could join
        self.check_faultless()

    async def end(self) -> None:
        """Let all be well, wait until everything is worked off, and check what came of it."""
        self.world.database.is_up = self.world.broker.is_up = True
        if not self._processes:
            await self._join()
        await until(lambda: bool(self._faults) or self.world.is_committed(), within_secs=300.0)
        await passed(2.0)
        for key in KEYS:
            self._check_effects(key)
        self._check_derived()
        while self._processes:
            await self._processes.pop().leave()
        self.check_faultless()

    def check_faultless(self) -> None:
        """Raise an AssertionError for the first thing that did not hold."""
        assert not self._faults, self._faults[0]

    async def stop(self) -> None:
        """End whatever still runs."""
        while self._processes:
            await self._processes.pop().crash()

    async def _join(self) -> None:
        number = len(self._under_way) + self._chance.randrange(10**9)

        async def handle(event: Event[Told], context: Context) -> Retry | None:
            return await self._handle(number, event, context)

        process = Process(self.world, marked_as(handle, parallel=4), self._parts)
        self._processes.append(process)
        await process.start()

    async def _handle(self, process: int, event: Event[Told], context: Context) -> Retry | None:
        """Note the event, sooner or later; within a process one of a key at a time."""
        place = process, event.subject
        self._check(place not in self._under_way, f"{event.id} beside another of its key")
        self._under_way[place] = event.id
        try:
            await passed(self._chance.choice([0.0, 0.0, 0.1, 1.0]))
            if self._chance.random() < 0.1:
                raise ValueError("by chance")
            if self._chance.random() < 0.1:
                return Retry(self._chance.choice([0.1, 4.0]))
            if self._chance.random() < 0.02:
                await passed(8.0)  # longer than a rebalance waits
            await note(event, context)
        finally:
            del self._under_way[place]
        return None

    def _tell(self, count: int) -> None:
        for _ in range(count):
            topic, key = self._chance.choice(TOPICS), self._chance.choice(KEYS)
            if self._told[topic, key] and self._chance.random() < 0.1:
                self.world.tell(key, self._chance.choice(self._told[topic, key]), topic=topic)
                continue
            self._numbers += 1
            self._told[topic, key].append(self._numbers)
            self.world.tell(key, self._numbers, topic=topic)

    def _had_effect(self, source: str, name: str) -> bool:
        return (NAME, Cause(source, name)) in self.world.database.effects

    def _check_commit(self, commit: Commit) -> None:
        for record in self.world.broker.log[commit.partition][: commit.offset]:
            raw: dict[str, Any] = msgspec.json.decode(record.value)
            self._check(self._had_effect(raw["source"], raw["id"]), f"{commit} passes {raw['id']}")

    def _check_sent(self, record: Record) -> None:
        event = decode_event(record.value)
        name = str(event.causeid)
        self._check(self._had_effect(str(event.causesource), name), f"{name} is not done")

    def _check_effects(self, key: str) -> None:
        """Each event of the key once, and those of a topic in its order."""
        noted = self.world.noted(key) or []
        for topic in TOPICS:
            found = [number for name, number in noted if name == topic]
            self._check(found == self._told[topic, key], f"{key} of {topic}: {found}")

    def _check_derived(self) -> None:
        """One of each event, however often it was published, and always the same."""
        contents: defaultdict[str, set[bytes]] = defaultdict(set)
        for record in self.world.sent:
            contents[decode_event(record.value).id].add(record.value)
        self._check(len(contents) == self._numbers, f"{len(contents)} of {self._numbers} derived")
        self._check(all(len(values) == 1 for values in contents.values()), "one id, two events")

    def _check(self, claim: object, words: str) -> None:
        """Note what does not hold: here an exception would be some handler's or task's affair."""
        if not claim:
            self._faults.append(words)


@in_fake_time
async def simulate(plan: tuple[int, list[Step]], parts: Parts) -> None:
    """Run a plan and raise an AssertionError where something does not hold."""
    seed, steps = plan
    simulation = Simulation(seed, parts)
    try:
        for name, number in (("join", 0), *steps):
            await simulation.step(name, number)
        await simulation.end()
    finally:
        await simulation.stop()
