"""What every spool promises behind the port: the fake one and the real one."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from router.errors import UnavailableError
from router.spool.port import Spool
from tests.fakes_spool import FakeFolder, FakeSpool
from tests.unit.spool.spooling import Item, items, real, record, running, until

MakeSpool = Callable[[], Spool]


@pytest.fixture(params=["fake", "real"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> MakeSpool:
    """Return a function that starts a process: a new spool on the same folder."""
    if request.param == "real":
        return lambda: real(tmp_path / "spool")
    folder: list[FakeFolder] = []

    def fake() -> Spool:
        if not folder:
            folder.append(FakeFolder())
        return FakeSpool(folder[0])

    return fake


async def test_what_is_appended_is_told_in_order(make: MakeSpool) -> None:
    """Entries of many calls are told once each, in their order, at rising positions."""
    spool = make()
    entries = items(*range(1500))
    async with running(spool) as told:
        for start in range(0, 1500, 50):
            assert spool.append(entries[start : start + 50])
        await spool.flush()

        assert told.entries == entries
        assert told.places == sorted(set(told.places))
        assert len(told.places) == 1500
        assert spool.usage.records == 1500
        assert spool.usage.bytes > 0
        assert spool.usage.oldest_unix_ms is not None


async def test_nothing_is_told_from_within_a_call(make: MakeSpool) -> None:
    """`append`, `settle` and `resume` return before anyone is told of anything."""
    spool = make()
    async with running(spool) as told:
        await told.wait_recovered()
        spool.append(items(1))
        spool.resume()

        assert told.entries == []
        await spool.flush()
        assert len(told.entries) == 1


async def test_what_is_not_wanted_is_left_out(make: MakeSpool) -> None:
    """An entry that needs no place any more is told with None, and takes none."""
    spool = make()
    entries = items(1, 2, 3)
    entries[1].is_wanted = False
    async with running(spool) as told:
        assert spool.append(entries)
        await spool.flush()

        assert [position is None for position in told.positions] == [False, True, False]
        assert spool.usage.records == 2


async def test_a_group_of_which_nothing_is_wanted_is_told(make: MakeSpool) -> None:
    """Also where there is nothing to write everyone is told."""
    spool = make()
    async with running(spool) as told:
        assert spool.append([Item(record(1), is_wanted=False)])
        await spool.flush()

        assert told.positions == [None]


async def test_records_are_read_as_they_were_appended(make: MakeSpool) -> None:
    """`read` gives every record at its position back, whole."""
    spool = make()
    entries = items(*range(40), size=20_000)
    async with running(spool) as told:
        spool.append(entries)
        await spool.flush()

        assert await spool.read(told.places) == [entry.record for entry in entries]
        assert await spool.read(told.places[7:9]) == [entries[7].record, entries[8].record]
        assert await spool.read([]) == []


@pytest.mark.parametrize(("size", "fit"), [(100_000, 11), (400_000, 3), (2_000_000, 1)])
async def test_what_is_read_at_once_is_bounded(make: MakeSpool, size: int, fit: int) -> None:
    """As many as fit into a mebibyte, and one that goes beyond; the rest is asked for again."""
    spool = make()
    entries = items(*range(2 * fit), size=size)
    async with running(spool) as told:
        spool.append(entries)
        await spool.flush()
        first = await spool.read(told.places)
        second = await spool.read(told.places[len(first) :])

        assert (len(first), len(second)) == (fit, fit)
        assert first + second == [entry.record for entry in entries]


async def test_a_restart_finds_what_is_not_settled(make: MakeSpool) -> None:
    """After a restart what was not settled is found, in order, and can be read."""
    first = make()
    entries = items(*range(300))
    async with running(first) as told:
        first.append(entries)
        await first.flush()
        first.settle(told.places[:100])
        first.settle(told.places[150:200])
        kept = told.places[100:150] + told.places[200:]

    second = make()
    async with running(second) as again:
        await again.wait_recovered()

        assert [found.position for found in again.founds] == kept
        assert {found.key_hash for found in again.founds} == {7}
        records = [entry.record for entry in entries[100:150] + entries[200:]]
        assert [found.topic for found in again.founds] == [each.topic for each in records]
        assert await second.read(kept) == records
        assert second.usage.records == 150


async def test_what_is_appended_while_recovering_comes_behind(make: MakeSpool) -> None:
    """A new record's position is greater than that of every old one."""
    first = make()
    async with running(first):
        first.append(items(1, 2))
        await first.flush()

    second = make()
    assert second.append(items(3))
    async with running(second) as told:
        await told.wait_recovered()
        await second.flush()

        assert max(found.position for found in told.founds) < told.places[0]


async def test_nothing_is_left_when_everything_is_settled(make: MakeSpool) -> None:
    """Settled records are not found again, not even those found in this run."""
    first = make()
    async with running(first) as told:
        first.append(items(1, 2, 3))
        await first.flush()
        first.settle(told.places[:1])

    second = make()
    async with running(second) as told:
        await told.wait_recovered()
        second.settle([found.position for found in told.founds])
        await until(lambda: second.usage.records == 0)
        assert second.usage.oldest_unix_ms is None

    third = make()
    async with running(third) as told:
        await told.wait_recovered()
        assert told.founds == []


async def test_settling_twice_changes_nothing(make: MakeSpool) -> None:
    """Settling a record again, or one that never was, lets no other record go."""
    first = make()
    async with running(first) as told:
        first.append(items(1, 2))
        await first.flush()
        first.settle([told.places[0], told.places[0], told.places[1] + 1])
        first.settle([told.places[0]])

        assert first.usage.records == 1

    second = make()
    async with running(second) as again:
        await again.wait_recovered()
        assert [found.position for found in again.founds] == told.places[1:]


async def test_flush_returns_at_once_when_nothing_waits(make: MakeSpool) -> None:
    """Without anything taken there is nothing to wait for."""
    spool = make()
    async with running(spool), asyncio.timeout(5):
        await spool.flush()


async def test_a_refused_record_is_kept_apart(make: MakeSpool) -> None:
    """A refused record is durable, and is not found as one that waits."""
    first = make()
    async with running(first) as told:
        first.append(items(1))
        await first.flush()
        assert await first.refuse(record(1), "too-large")
        first.settle(told.places)

    second = make()
    async with running(second) as told:
        await told.wait_recovered()
        assert told.founds == []


async def test_a_closed_spool_takes_nothing(make: MakeSpool) -> None:
    """After `close` nothing is taken or read, and closing again does no harm."""
    spool = make()
    async with running(spool):
        pass
    await spool.close()

    assert not spool.is_taking
    assert not spool.append(items(1))
    assert not await spool.refuse(record(1), "too-large")
    with pytest.raises(UnavailableError):
        await spool.read([1 << 32])
