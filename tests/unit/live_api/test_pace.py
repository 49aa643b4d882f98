"""Turns: no more than so many in any second, and no fewer than needed."""

import asyncio
import time

import pytest

from router.live_api.pace import Pace, Paces, SystemClock
from tests.fakes import in_fake_time


async def _taken(pace: Pace, clock: SystemClock, count: int) -> list[float]:
    """Return when each of *count* turns came, all asked for at once."""
    began_secs = clock.monotonic_secs()

    async def take() -> float:
        await pace.turn(clock)
        return round(clock.monotonic_secs() - began_secs, 6)

    return await asyncio.gather(*(take() for _ in range(count)))


@in_fake_time
async def test_many_at_once_take_turns() -> None:
    """The first ten at once, ten more a second and a tenth later, and so on; first come first."""
    assert await _taken(Pace(10), SystemClock(), 25) == [0.0] * 10 + [1.1] * 10 + [2.2] * 5


@in_fake_time
async def test_after_a_pause_no_more_than_ten_pass() -> None:
    """A long pause earns nothing: ten, and the next ten a second later."""
    pace, clock = Pace(10), SystemClock()
    await _taken(pace, clock, 10)
    await clock.sleep(3600.0)

    assert await _taken(pace, clock, 20) == [0.0] * 10 + [1.1] * 10


@in_fake_time
async def test_a_turn_that_is_given_up_is_lost() -> None:
    """Nobody comes earlier for it, so the rate is kept in any case."""
    pace, clock = Pace(1), SystemClock()
    await pace.turn(clock)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await pace.turn(clock)

    assert await _taken(pace, clock, 1) == [1.7]


def test_one_action_is_counted_for_itself() -> None:
    """DescribeLiveCallbackData has a pace of its own; the others share one."""
    paces = Paces()
    data = paces.of("DescribeLiveCallbackData")

    others = {
        paces.of(action) for action in ("UpdateCallback", "DeleteCallback", "DescribeCallback")
    }

    assert len(others) == 1
    assert data not in others


async def test_the_systems_clock_is_the_systems() -> None:
    """The wall clock is that of this machine, to the millisecond."""
    before = time.time_ns() // 1_000_000

    assert before <= SystemClock().unix_ms() <= before + 60_000
