"""Many units in one commit, and derived records to Kafka in the order of the commits."""

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from router.consume.outbox import MAX_RECORDS, STUCK_SECS, Outbox
from router.consume.store import Cause, Unit
from router.consume.writer import MAX_UNITS, Writer
from router.record import Record
from tests.fakes import in_fake_time, passed
from tests.fakes_store import FakeDatabase, FakeStore
from tests.unit.consume.consuming import LaggingStore, until


def _unit(number: int, *, reads: dict[str, int] | None = None) -> Unit:
    record = Record(topic="derived.T", key=b"k", value=b"%d" % number, headers=())
    return Unit(
        handler="h", cause=Cause("/s", str(number)), reads=reads or {},
        writes={"k": b"%d" % number}, outbox=(record,),
    )  # fmt: skip


async def _started(store: FakeStore) -> FakeStore:
    await store.start()
    return store


@in_fake_time
async def test_units_that_wait_share_a_commit() -> None:
    """While one commit is under way the others gather; there is no timer."""
    database = FakeDatabase()
    writer = Writer(await _started(LaggingStore(database, lambda: 0.1)))
    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(writer.run())
        first = tasks.create_task(writer.write(_unit(0)))
        await passed(0.05)
        others = [tasks.create_task(writer.write(_unit(number))) for number in range(1, 300)]
        await asyncio.wait([first, *others])
        writing.cancel()

    assert {task.result() for task in (first, *others)} == {"done"}
    assert database.groups == [1, MAX_UNITS, 299 - MAX_UNITS]
    assert database.value("h", "k").value == b"299"


@in_fake_time
async def test_each_unit_is_told_its_own_outcome() -> None:
    """One that had its effect, one that conflicts and one that is done, of one commit."""
    database = FakeDatabase()
    writer = Writer(await _started(FakeStore(database)))
    units = [_unit(1), _unit(1), _unit(2, reads={"k": 0}), _unit(3)]
    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(writer.run())
        outcomes = await asyncio.gather(*(writer.write(unit) for unit in units))
        writing.cancel()

    assert outcomes == ["done", "had-effect", "conflict", "done"]


@in_fake_time
async def test_units_wait_while_the_store_is_away() -> None:
    """And those whose caller has gone are not written when it is back."""
    database = FakeDatabase()
    writer = Writer(await _started(FakeStore(database)))
    database.is_up = False
    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(writer.run())
        first = tasks.create_task(writer.write(_unit(1)))
        await passed(30.0)
        gone, kept = (tasks.create_task(writer.write(_unit(number))) for number in (2, 3))
        await passed(1.0)
        gone.cancel()
        database.is_up = True
        await asyncio.wait([first, kept])
        writing.cancel()

    assert {cause.id for _, cause in database.effects} == {"1", "3"}


@in_fake_time
async def test_a_caller_may_go_at_any_time() -> None:
    """Before its unit is written, or while it is: others are told all the same."""
    writer = Writer(await _started(LaggingStore(FakeDatabase(), lambda: 0.1)))
    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(writer.run())
        first = tasks.create_task(writer.write(_unit(1)))
        await passed(0.05)
        second = tasks.create_task(writer.write(_unit(2)))
        await passed(0.05)
        first.cancel()
        second.cancel()
        await passed(1.0)
        third = await writer.write(_unit(3))
        writing.cancel()

    assert third == "done"


class _Kafka:
    """What was published, and whether it can be."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    async def send(self, records: Sequence[Record]) -> None:
        """Publish."""
        await asyncio.sleep(0)
        self.values += [record.value for record in records]


@in_fake_time
async def test_derived_records_leave_in_the_order_of_their_commits() -> None:
    """All of them, a bounded number at a time, and none is left behind."""
    store = await _started(FakeStore())
    await store.write([_unit(number) for number in range(MAX_RECORDS + 100)], 0)
    kafka = _Kafka()
    outbox = Outbox("h", store, kafka.send)

    assert [await outbox.step() for _ in range(3)] == [MAX_RECORDS, 100, 0]
    assert kafka.values == [b"%d" % number for number in range(MAX_RECORDS + 100)]
    assert store.database.outbox == {}


@in_fake_time
async def test_one_process_empties_an_outbox() -> None:
    """The next one does when it has gone; records of other handlers are theirs."""
    database = FakeDatabase(is_shared=True)
    one, two = await _started(FakeStore(database)), await _started(FakeStore(database))
    kafka = _Kafka()
    first, second = Outbox("h", one, kafka.send), Outbox("h", two, kafka.send)
    await first.step()
    await one.write([_unit(1)], 0)
    assert (await second.step(), await Outbox("other", two, kafka.send).step()) == (0, 0)

    await one.close()
    assert await second.step() == 1
    assert kafka.values == [b"1"]


@in_fake_time
async def test_a_record_whose_answer_was_lost_comes_again() -> None:
    """It is forgotten after Kafka has it, not before: twice is possible, never is not."""
    store = await _started(FakeStore())
    await store.write([_unit(1)], 0)

    async def torn(records: Sequence[Record]) -> None:
        await kafka.send(records)
        raise ConnectionError

    kafka = _Kafka()
    with pytest.raises(ConnectionError):
        await Outbox("h", store, torn).step()
    await Outbox("h", store, kafka.send).step()

    assert kafka.values == [b"1", b"1"]


@in_fake_time
async def test_the_outbox_looks_by_itself_and_outlives_the_store() -> None:
    """Twice a second; and when the database was away, again when it is back."""
    store = await _started(FakeStore())
    kafka = _Kafka()
    outbox = Outbox("h", store, kafka.send)
    async with asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(outbox.run())
        await passed(5.0)
        await store.write([_unit(1)], 0)
        await until(lambda: kafka.values == [b"1"], within_secs=0.6)
        store.database.is_up = False
        await passed(60.0)
        store.database.is_up = True
        await store.write([_unit(2)], 0)
        outbox.look()
        await until(lambda: kafka.values == [b"1", b"2"], within_secs=1.1)
        looking.cancel()


@in_fake_time
async def test_records_that_kafka_does_not_take_are_told_again_and_again() -> None:
    """An error line and the seconds for the metric, until it takes them; nothing is forgotten."""
    store = await _started(FakeStore())
    await store.write([_unit(1), _unit(2)], 0)
    is_taken, told = asyncio.Event(), list[float]()

    async def send(records: Sequence[Record]) -> None:
        await is_taken.wait()
        await kafka.send(records)

    kafka = _Kafka()
    outbox = Outbox("h", store, send, told.append)
    with capture_logs() as lines:
        async with asyncio.TaskGroup() as tasks:
            step = tasks.create_task(outbox.step())
            await passed(STUCK_SECS * 2.5)
            assert len(store.database.outbox) == 2
            is_taken.set()
            assert await step == 2
        await store.write([_unit(3)], 0)
        await outbox.step()
        await passed(STUCK_SECS * 2)

    assert [round(secs) for secs in told] == [30, 60, 0]
    assert [(line["event"], line["log_level"], line["secs"]) for line in lines] == [
        ("outbox_stuck", "error", 30),
        ("outbox_stuck", "error", 60),
    ]
    assert (lines[0]["handler"], lines[0]["records"], lines[0]["topics"]) == ("h", 2, ["derived.T"])
    assert kafka.values == [b"1", b"2", b"3"]
