"""What becomes of events: effects, retries, and the offsets behind them."""

import asyncio
import itertools
from collections import Counter, defaultdict

import pytest

from router.consume.runner import MANY_READY
from router.handler import Context, DeadLetter, Event, Retry
from tests.fakes import in_fake_time, now, passed
from tests.unit.consume.consuming import Told, World, consuming, note, until


@in_fake_time
async def test_every_event_has_its_effect_and_is_committed() -> None:
    """State, derived events and offsets; each key in the order of its records."""
    world = World()
    for number in range(20):
        world.tell(f"k{number % 3}", number)
    async with consuming(world) as process:
        await world.settled()
        await until(lambda: len(world.sent) == 20)

        assert process.count("done") == 20
    assert world.noted("k0") == [["a", number] for number in range(0, 20, 3)]
    assert {record.topic for record in world.sent} == {"derived.Noted"}


@in_fake_time
async def test_a_failure_is_retried_in_place_while_other_keys_go_on() -> None:
    """The events behind it wait, those of other keys do not, not even of its own partition."""
    world = World(partitions=1)
    attempts: list[tuple[int, float]] = []

    async def fail_first(event: Event[Told], context: Context) -> None:
        if event.id == "bad/a/0":
            attempts.append((context.attempt, now()))
            if context.attempt < 5:
                raise ValueError("not yet")
        await note(event, context)

    world.tell("bad", 0)
    world.tell("bad", 1)
    world.tell("good", 2)
    async with consuming(world, fail_first):
        await until(lambda: world.noted("good") == [["a", 2]], within_secs=0.1)
        assert world.noted("bad") is None
        await world.settled()

    assert [attempt for attempt, _ in attempts] == [1, 2, 3, 4, 5]
    assert world.noted("bad") == [["a", 0], ["a", 1]]
    waits = [later - before for (_, before), (_, later) in itertools.pairwise(attempts)]
    for wait, most in zip(waits, (0.2, 0.4, 0.8, 1.6), strict=True):
        assert most / 2 <= wait <= most + 0.01


@in_fake_time
async def test_nothing_is_committed_behind_what_is_retried() -> None:
    """The partition's offset stays before the unfinished event, whatever else is done."""
    world = World(partitions=1)

    async def fail_for_a_while(event: Event[Told], context: Context) -> None:
        if event.subject == "bad" and now() < 20.0:
            raise ValueError("not yet")
        await note(event, context)

    for number in range(3):
        world.tell("good", number)
    world.tell("bad", 3)
    world.tell("good", 4)
    async with consuming(world, fail_for_a_while):
        await until(lambda: len(world.noted("good") or []) == 4)
        await until(lambda: now() > 15.0)
        assert world.broker.committed["group", ("a", 0)] == 3
        await world.settled()


@in_fake_time
async def test_a_handler_may_put_an_event_aside_or_off() -> None:
    """`DeadLetter` at once with its reason, `Retry` after its time."""
    world = World()
    called: list[float] = []

    async def choose(event: Event[Told], context: Context) -> Retry | DeadLetter | None:
        await note(event, context)
        if event.subject == "spam":
            return DeadLetter("spam")
        called.append(now())
        return Retry(30.0) if context.attempt == 1 else None

    world.tell("spam", 0)
    world.tell("later", 0)
    async with consuming(world, choose):
        await world.settled()

    assert [(letter["reason"], letter["detail"]) for letter in world.dead] == [("rejected", "spam")]
    assert called[1] - called[0] == pytest.approx(30.0)
    assert world.noted("spam") is None, "what a refused call has put is forgotten"
    assert world.noted("later") == [["a", 0]]


@in_fake_time
@pytest.mark.parametrize("what", ["a future", "a timeout", "a result"])
async def test_failures_of_any_kind_are_the_handlers(what: str) -> None:
    """A CancelledError from within, a TimeoutError of its own, a strange result."""
    world = World()

    async def fail(event: Event[Told], context: Context) -> None:
        await note(event, context)
        if context.attempt == 1 and what == "a future":
            cancelled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            cancelled.cancel()
            await cancelled
        if context.attempt == 1 and what == "a timeout":
            async with asyncio.timeout(0.01):
                await asyncio.get_running_loop().create_future()
        if context.attempt == 1 and what == "a result":
            return 7  # type: ignore[return-value]  # a mistake that no checker has seen
        return None

    world.tell("k", 0)
    world.tell("k", 1)
    async with consuming(world, fail) as process:
        await world.settled()

        assert (process.count("retried"), process.count("done")) == (2, 2)
    assert world.noted("k") == [["a", 0], ["a", 1]]


@in_fake_time
async def test_a_conflict_runs_the_call_again_and_is_no_attempt() -> None:
    """Keys that share a value see each other's writes: no update is lost."""
    world = World()
    attempts: Counter[int] = Counter()

    async def count(event: Event[Told], context: Context) -> None:
        attempts[context.attempt] += 1
        total = await context.state.get("total") or 0
        await passed(0.01)
        await context.state.put("total", total + 1)
        context.emit("Noted", {"number": event.data.number, "total": total + 1})

    for number in range(10):
        world.tell(f"k{number}", number)
    async with consuming(world, count) as process:
        await world.settled()
        await until(lambda: len(world.sent) == 10)

        assert process.count("retried") == 0
    assert world.noted("total") == 10
    assert list(attempts) == [1]
    assert attempts[1] > 10


@in_fake_time
async def test_duplicates_are_skipped() -> None:
    """In the same batch, later, and by a process that began afterwards."""
    world = World()
    called: list[str] = []

    async def noting(event: Event[Told], context: Context) -> None:
        called.append(event.id)
        await note(event, context)

    for _ in range(3):
        world.tell("k", 1)
    async with consuming(world, noting):
        await world.settled()
        at_first = len(called)
        world.tell("k", 1)
        await world.settled()
    world.tell("k", 1)
    async with consuming(world, noting) as process:
        await world.settled()
        assert process.count("skipped") == 1

    assert len(called) == at_first
    assert world.noted("k") == [["a", 1]]
    assert len(world.sent) == 1


@in_fake_time
async def test_events_that_nothing_names_are_never_skipped() -> None:
    """Two of them with one id are two."""
    world = World()
    for _ in range(3):
        world.tell("k", 1, id_basis="none")
    async with consuming(world) as process:
        await world.settled()
        assert process.count("skipped") == 0

    assert world.noted("k") == [["a", 1]] * 3


@in_fake_time
async def test_while_the_store_is_away_nothing_is_committed() -> None:
    """Nothing dies, nothing counts as an attempt, and later everything is done."""
    world = World()
    attempts: set[int] = set()

    async def noting(event: Event[Told], context: Context) -> None:
        attempts.add(context.attempt)
        await note(event, context)

    async with consuming(world, noting) as process:
        world.tell("k", 0)
        await world.settled()
        world.database.is_up = False
        for number in range(1, 20):
            world.tell(f"k{number}", number)
        await passed(900.0)
        assert (world.dead, len(world.broker.commits)) == ([], 1)
        world.database.is_up = True
        await world.settled()

        assert (process.count("done"), process.count("retried")) == (20, 0)
    assert attempts == {1}


@in_fake_time
async def test_an_unknown_write_has_its_effect_once() -> None:
    """The answer was lost, the effect was not: written again it is known."""
    world = World()
    world.database.answers_lost = 3
    for number in range(5):
        world.tell("k", number)
    async with consuming(world):
        await world.settled()
        await until(lambda: len(world.sent) == 5)

    assert world.noted("k") == [["a", number] for number in range(5)]


@in_fake_time
async def test_more_keys_than_can_be_taken_in_at_once_are_all_served() -> None:
    """Reading waits for the workers, and goes on when they have caught up or take too long."""
    world = World(partitions=12)
    count = 3 * MANY_READY

    async def busy(event: Event[Told], context: Context) -> None:
        await passed(1.5 if now() < 10.0 else 0.0)
        await note(event, context)

    for number in range(count):
        world.tell(f"k{number}", number)
    async with consuming(world, busy, parallel=8) as process:
        await world.settled()

        assert process.count("done") == count


@in_fake_time
async def test_between_topics_the_earliest_time_comes_first() -> None:
    """Of what is held; and one event of a key runs at a time, whatever its topic."""
    world = World(topics=("a", "b"))
    running: defaultdict[str, int] = defaultdict(int)

    async def alone(event: Event[Told], context: Context) -> None:
        running[event.subject] += 1
        assert running[event.subject] == 1
        await passed(0.1)
        await note(event, context)
        running[event.subject] -= 1

    for number in (1, 4, 2):
        world.tell("k", number, topic="a")
    for number in (0, 3, 5):
        world.tell("k", number, topic="b")
    async with consuming(world, alone) as process:
        await world.settled()
        assert process.count("retried") == 0

    order = world.noted("k")
    assert order[1:] == [["a", 1], ["b", 3], ["a", 4], ["a", 2], ["b", 5]] or order == [
        ["b", 0], ["a", 1], ["b", 3], ["a", 4], ["a", 2], ["b", 5],
    ]  # fmt: skip


@in_fake_time
async def test_the_lag_is_what_is_not_finished() -> None:
    """It goes down when events are done, stays while Kafka does not answer, and is 0 at the end."""
    world = World()
    is_over = asyncio.Event()

    async def wait(event: Event[Told], context: Context) -> None:
        await note(event, context)
        if event.data.number == 1:
            await is_over.wait()

    world.tell("k", 0)
    world.tell("k", 1)
    world.tell("k", 2)
    async with consuming(world, wait, timeout_secs=900.0) as process:
        await until(lambda: process.lag == 2, within_secs=10.0)
        world.broker.is_up = False
        is_over.set()
        await passed(10.0)
        assert process.lag == 2
        world.broker.is_up = True
        await until(lambda: process.lag == 0, within_secs=10.0)
