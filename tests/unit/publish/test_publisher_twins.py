"""Checks of the publisher's promises, each of which a twin with one mistake does not pass."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, find, settings

from router.kafka.port import SendError
from router.publish.publisher import Publisher
from tests import flawed
from tests.fakes import FakeKafka, Verdict, in_fake_time, passed
from tests.fakes_spool import FakeFolder
from tests.unit.publish.outages import PLANS, suffer
from tests.unit.publish.publishing import LARGE, numbers, running

Check = Callable[[type[Publisher]], None]
NUMBERS = numbers(40)
QUICK = settings(
    max_examples=1000, deadline=None, phases=[Phase.generate], database=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip


@in_fake_time
async def check_that_nothing_overtakes_the_disk(kind: type[Publisher]) -> None:
    """After an outage the backlog comes first, also before what comes while it goes."""
    kafka = FakeKafka({"a": 1})
    async with running(kafka, FakeFolder(), kind) as bench:
        kafka.is_held = True
        for number in NUMBERS[:30]:
            bench.publish(number.ljust(LARGE))
        await bench.settle()
        kafka.release()
        for number in NUMBERS[30:]:
            bench.publish(number)
            await passed(0.001)
        await bench.wait_until(lambda: bench.publisher.is_empty)
    assert bench.in_kafka() == NUMBERS


@in_fake_time
async def check_that_a_slow_lane_answers_at_once(kind: type[Publisher]) -> None:
    """Once a lane is slow its callbacks wait for the disk and not for their soft deadline."""
    kafka = FakeKafka({"a": 1})
    async with running(kafka, FakeFolder(), kind) as bench:
        kafka.is_held = True
        bench.publish("first")
        await passed(0.5)
        bench.publish("second")
        await passed(0.01)
        assert bench.durable == ["first", "second"]


@in_fake_time
async def check_that_nothing_is_told_too_early(kind: type[Publisher]) -> None:
    """With Kafka and the disk hanging nothing is told."""
    kafka = FakeKafka({"a": 1})
    async with running(kafka, FakeFolder(), kind) as bench:
        kafka.is_held = bench.folder.is_held = True
        bench.publish("v")
        await passed(2.0)
        assert bench.durable == []


@in_fake_time
async def check_that_a_broken_producer_goes(kind: type[Publisher]) -> None:
    """A partition that one producer can never write again is written by the next."""
    kafka = FakeKafka({"a": 1})
    async with running(kafka, FakeFolder(), kind) as bench:
        lost = SendError("replace", "OutOfOrderSequenceNumber")
        kafka.verdicts.append(Verdict(error=lost, is_written=False))
        bench.publish("v")
        for _ in range(500):  # no time need pass, and with the twin none does
            await asyncio.sleep(0)
        assert bench.in_kafka() == ["v"]


@in_fake_time
async def check_that_what_was_given_up_is_gone(kind: type[Publisher]) -> None:
    """After its 503 it is not sent, and nobody is told."""
    kafka = FakeKafka({"a": 1})
    kafka.is_up = False
    async with running(kafka, FakeFolder(), kind) as bench:
        bench.folder.is_full = True
        ticket = bench.publish("v")
        await passed(3.0)
        ticket.abandon()
        kafka.is_up = True
        await bench.settle()
        assert (bench.in_kafka(), bench.durable) == ([], [])


@in_fake_time
async def check_that_what_is_on_disk_is_not_given_up(kind: type[Publisher]) -> None:
    """It goes to Kafka, and the disk is let go, though its event was answered 503."""
    kafka = FakeKafka({"a": 1})
    kafka.is_up = False
    async with running(kafka, FakeFolder(), kind) as bench:
        bench.folder.is_held = True
        ticket = bench.publish("v")
        await passed(3.0)
        ticket.abandon()
        bench.folder.is_held = False
        bench.folder.release()
        await bench.settle()
        on_disk = bench.on_disk()
        kafka.is_up = True
        await bench.settle()
        assert bench.on_disk() == []
        assert bench.in_kafka() == on_disk


@in_fake_time
async def check_that_the_older_goes_to_disk_as_well(kind: type[Publisher]) -> None:
    """A record that is durable on disk has all that is older of its lane there, too."""
    kafka = FakeKafka({"a": 1})
    kafka.is_up = False
    async with running(kafka, FakeFolder(), kind) as bench:
        for number in NUMBERS[:5]:
            bench.publish(number)
            await passed(0.01)
        bench.publish("at once", soft_secs=0.0)
        await passed(0.05)
        assert bench.on_disk() == [*NUMBERS[:5], "at once"]


CHECKS: dict[str, tuple[Check, type[Publisher]]] = {
    "overtaking": (check_that_nothing_overtakes_the_disk, flawed.LIVE_OVERTAKES_SPOOL),
    "waiting": (check_that_a_slow_lane_answers_at_once, flawed.NEW_WAIT_IN_A_SLOW_LANE),
    "too early": (check_that_nothing_is_told_too_early, flawed.TOLD_BEFORE_DURABLE),
    "poisoned": (check_that_a_broken_producer_goes, flawed.POISONED_PRODUCER_KEPT),
    "given up": (check_that_what_was_given_up_is_gone, flawed.ABANDONED_ONES_KEPT),
    "late": (check_that_what_is_on_disk_is_not_given_up, flawed.LATE_ONES_DROPPED),
    "newest": (check_that_the_older_goes_to_disk_as_well, flawed.NEWEST_TO_THE_SPOOL_ONLY),
}


def _is_caught(check: Callable[[], None]) -> bool:
    try:
        check()
    except (AssertionError, TimeoutError, ExceptionGroup):
        return True
    return False


@pytest.mark.parametrize("check", [check for check, _ in CHECKS.values()], ids=CHECKS)
def test_the_publisher_keeps_its_promises(check: Check) -> None:
    """The sound one passes every check."""
    check(Publisher)


@pytest.mark.parametrize(("check", "twin"), CHECKS.values(), ids=CHECKS)
def test_a_flawed_twin_is_caught(check: Check, twin: type[Publisher]) -> None:
    """The check finds the mistake."""
    assert _is_caught(lambda: check(twin))


@pytest.mark.parametrize(
    "twin",
    [flawed.LIVE_OVERTAKES_SPOOL, flawed.TOLD_BEFORE_DURABLE, flawed.ABANDONED_ONES_KEPT],
    ids=["overtaking", "too early", "given up"],
)
def test_random_outages_find_it_too(twin: type[Publisher]) -> None:
    """Some plan of outages shows what is wrong, without knowing where to look."""
    find(PLANS, lambda plan: _is_caught(lambda: suffer(plan, twin)), settings=QUICK)
