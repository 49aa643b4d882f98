"""Whatever happens to processes, each event has its effect once; and mistakes are noticed."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings

from router.handler import Context, Event
from tests import flawed
from tests.fakes import in_fake_time, now
from tests.unit.consume.consuming import Parts, Told, World, consuming, note, until
from tests.unit.consume.simulating import PLANS, Step, simulate

SOUND = Parts()
Plan = tuple[int, list[Step]]
QUICK = settings(
    max_examples=200, deadline=None, phases=[Phase.generate], database=None, derandomize=True
)


def _is_caught(check: Callable[[], None]) -> bool:
    try:
        check()
    except (AssertionError, TimeoutError):
        return True
    return False


@given(PLANS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_each_event_has_its_effect_once(plan: Plan) -> None:
    """Joins, leaves, crashes, lost sessions, answers lost, Kafka and the database away.

    Effects of a key are in the order of each topic, no commit passes an event without its effect,
    nothing is derived from what was not done, and what is derived is the same every time.
    """
    simulate(plan, SOUND)


@pytest.mark.parametrize(
    "parts",
    [
        flawed.COMMIT_BEFORE_EFFECT,
        flawed.MEMORY_OUTSIDE_THE_TRANSACTION,
        flawed.OUTBOX_BEFORE_COMMIT,
        flawed.LANES_BY_TOPIC,
        flawed.DEAF_TO_REBALANCES,
    ],
    ids=["commit first", "memory apart", "outbox first", "lanes by topic", "deaf"],
)
def test_a_flawed_twin_is_caught(parts: Parts) -> None:
    """The same check finds a plan that shows what is wrong with it."""
    find(PLANS, lambda plan: _is_caught(lambda: simulate(plan, parts)), settings=QUICK)


@in_fake_time
async def _check_that_keys_do_not_wait_for_others(parts: Parts) -> None:
    """A key whose events fail for a minute holds up nobody else, whatever partition they share."""
    world = World(partitions=1)

    async def stuck(event: Event[Told], context: Context) -> None:
        if event.subject == "stuck" and now() < 60.0:
            raise ValueError("not yet")
        await note(event, context)

    for number in range(10):
        world.tell("stuck" if number % 2 == 0 else f"key-{number}", number)
    async with consuming(world, stuck, parts):
        await until(lambda: all(world.noted(f"key-{n}") for n in range(1, 10, 2)), within_secs=5.0)


def test_keys_do_not_wait_for_others() -> None:
    """With lanes by key nobody does."""
    _check_that_keys_do_not_wait_for_others(SOUND)


def test_lanes_by_partition_are_caught() -> None:
    """With them a key waits for every key of its partition."""
    assert _is_caught(lambda: _check_that_keys_do_not_wait_for_others(flawed.LANES_BY_PARTITION))
