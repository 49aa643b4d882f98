"""`dead redrive` and `replay` while `consume` works on the same PostgreSQL, and beside each other."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

import pytest

from router.consume.state import open_store
from tests.cluster import Cluster
from tests.integration.command import Running
from tests.integration.repairing import MENDED, Bench
from tests.integration.stores import running_postgres
from tests.postgres import Postgres

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]

ROOMS = ("a", "b", "c")
HANDLER = "count-rooms"
REDRIVE = ("dead", "redrive", HANDLER, "--yes")
REPLAY = ("replay", "--handler", HANDLER, "--from-offset", "0", "--yes")
RATES = ("60", "70", "80")
_WAIT_SECS = 20.0


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """One server for all of these tests."""
    yield from running_postgres()


@pytest.fixture
def bench(kafka: Cluster, postgres: Postgres, tmp_path: Path, unique: str) -> Bench:
    """A bench with topics and a database on the server of its own."""
    return Bench(kafka, tmp_path, unique, postgres)


def _events(first: int, last: int) -> list[tuple[str, str]]:
    """Return rooms in turn, with the numbers from *first* to *last* as ids."""
    return [(ROOMS[number % len(ROOMS)], str(number)) for number in range(first, last + 1)]


def _counts(bench: Bench, events: Sequence[tuple[str, str]], times: int = 1) -> None:
    """Check that each event was counted and announced so many times, and nothing else was."""
    room_of = {f"appId/{name}": room for room, name in events}
    expected = {
        room: list(range(1, times * len(list(each)) + 1)) for room, each in _by_room(events)
    }
    deadline = time.monotonic() + _WAIT_SECS
    while len(counted := bench.counted()) < times * len(events):  # `consume` may send what is left
        assert time.monotonic() < deadline, counted
    assert sorted(name for name, _ in counted) == sorted([*room_of] * times)
    found = {room: sorted(n for name, n in counted if room_of[name] == room) for room in expected}
    assert found == expected


def _by_room(events: Sequence[tuple[str, str]]) -> Iterator[tuple[str, Iterator[tuple[str, str]]]]:
    return groupby(sorted(events), key=lambda event: event[0])


def _started(stack: ExitStack, bench: Bench, *commands: Sequence[str]) -> list[Running]:
    """Return commands that run at the same time."""
    return [
        stack.enter_context(Running(*command, "--config", bench.config)) for command in commands
    ]


def _results(running: Sequence[Running]) -> list[str]:
    """Return the last line of each command, which must end well."""
    codes = [each.wait_ended(60.0) for each in running]
    assert codes == [0] * len(running), [each.err[-20:] for each in running]
    return [each.out[-1] for each in running]


def test_letters_are_redriven_beside_consume(bench: Bench) -> None:
    """Twice at the same time, while events of the same rooms come: each has its effect once."""
    letters, more = _events(1, 60), _events(61, 90)
    bench.publish(*letters)
    bench.consume("event_died", times=len(letters))
    bench.write(MENDED)
    with bench.consuming(), ExitStack() as stack:
        running = _started(stack, bench, REDRIVE, REDRIVE)
        bench.publish(*more)
        lines = _results(running)
        again = bench.run(*REDRIVE)
        _counts(bench, [*letters, *more])

    assert all(line.endswith("died 0") for line in lines)
    assert (again.returncode, again.stdout) == (0, "redrive: done 0  died 0\n")


def test_events_are_replayed_beside_consume(bench: Bench) -> None:
    """The same events at the same time, in three processes: each has its effect once."""
    bench.write(MENDED)
    events = _events(1, 300)
    bench.publish(*events)
    with ExitStack() as stack:
        running = _started(stack, bench, REPLAY, REPLAY)
        running[0].wait_line(lambda line: line.startswith("replay: "))  # both are in the middle
        stack.enter_context(bench.consuming())
        lines = _results(running)
        skipped = bench.run(*REPLAY)
        _counts(bench, events)

    assert all(line.endswith("died 0") for line in lines)
    assert skipped.stdout == f"replay: done 0  skipped {len(events)}  died 0\n"


def test_what_is_replayed_again_beside_consume_happens_once_more(bench: Bench) -> None:
    """With --again each event has its effect once more, and `consume` announces it."""
    bench.write(MENDED)
    events = _events(1, 60)
    bench.publish(*events)
    with bench.consuming():
        _counts(bench, events)
        again = bench.run(*REPLAY, "--again")
        _counts(bench, events, times=2)

    assert (again.returncode, again.stdout) == (0, f"replay: done {len(events)}  died 0\n")


def test_repairs_beside_each_other_leave_nothing_behind(bench: Bench) -> None:
    """One of them empties the outbox: what another one adds last leaves too before that one ends."""
    bench.write(MENDED)
    events = _events(1, 100)
    bench.publish(*events)
    with ExitStack() as stack:
        lines = _results(_started(stack, bench, *[(*REPLAY, "--rate", r) for r in RATES]))

    assert all(line.endswith("died 0") for line in lines)
    _counts(bench, events)


async def test_a_repair_sends_what_the_process_before_it_left(bench: Bench) -> None:
    """Who led the outbox may end without having seen the last record: then it is ours to send."""
    bench.write(MENDED)
    events = _events(1, 10)
    bench.publish(*events)
    leader = open_store(bench.url)
    await leader.start()
    try:
        assert await leader.lead(HANDLER)
        with Running(*REPLAY, "--config", bench.config) as replay:
            async with asyncio.timeout(_WAIT_SECS):
                while len(await leader.waiting(HANDLER, 100)) < len(events):
                    continue
            assert bench.counted() == []  # nobody sends: the leader only leads
            await leader.close()
            assert replay.wait_ended() == 0
    finally:
        await leader.close()

    _counts(bench, events)
