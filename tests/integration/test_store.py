"""What a store promises (`router.consume.store.Store`): SQLite, PostgreSQL and the fake alike."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from router.consume.state import open_store
from router.consume.store import InUseError, Store, Stored
from router.errors import InvariantError
from tests.fakes_store import FakeDatabase
from tests.integration.stores import HANDLER, NOW_MS, cause, record, running_postgres, unit
from tests.postgres import Postgres

NewStore = Callable[[], Store]

ODD_NAMES = {
    "empty": "",
    "not-ascii": "räume/房间",
    "with-nul": "a\x00b",
    "lone-surrogate": "a\ud800b",
    "very-long": "k" * 100_000,
    "very-long-too": "k" * 100_001,
    "a-quote": "'; DROP TABLE callback_router_state; --",
}


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A server for the tests of this module."""
    yield from running_postgres()


@pytest.fixture(params=["fake", "sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path, unique: str) -> NewStore:
    """Makes stores, not started, that all see the same data."""
    if request.param == "fake":
        return FakeDatabase().store
    url = f"sqlite:///{tmp_path}/state.db"
    if request.param == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        server.psql(f"CREATE DATABASE {unique}")
        url = server.url_of(unique)
    return lambda: open_store(url)


@pytest.fixture
async def store(engine: NewStore) -> AsyncIterator[Store]:
    """One that is started, and closed at the end."""
    made = engine()
    await made.start()
    yield made
    await made.close()


async def _emitted(store: Store, handler: str = HANDLER) -> list[str]:
    """Return the names of the records in a handler's outbox."""
    waiting = await store.waiting(handler, 1000)
    return [entry.record.topic.removeprefix("derived.") for entry in waiting]


async def test_a_key_that_nobody_wrote_has_no_value(store: Store) -> None:
    """Version 0 says that nothing is there."""
    assert await store.read(HANDLER, "room-7") == Stored(0, None)


@pytest.mark.parametrize(
    "value",
    [b"{}", b"null", b'"\\u0000"', '"房间"'.encode(), b"[" + b"1," * 200_000 + b"1]"],
    ids=["object", "null", "nul", "not-ascii", "large"],
)
async def test_a_value_comes_back_as_it_was_written(store: Store, value: bytes) -> None:
    """Byte for byte, and with a version."""
    assert await store.write([unit("1", writes={"room-7": value})], NOW_MS) == ["done"]

    stored = await store.read(HANDLER, "room-7")

    assert stored.value == value
    assert stored.version > 0


async def test_any_name_is_a_key_and_a_cause(store: Store) -> None:
    """Names come from events: none fails, and no two are taken for one."""
    units = [unit(name, writes={name: label.encode()}) for label, name in ODD_NAMES.items()]

    assert await store.write(units, NOW_MS) == ["done"] * len(units)

    values = [(await store.read(HANDLER, name)).value for name in ODD_NAMES.values()]
    assert values == [label.encode() for label in ODD_NAMES]
    causes = {cause(name) for name in ODD_NAMES.values()}
    assert await store.had_effect(HANDLER, [*causes, cause("k" * 99_999)]) == causes
    assert await store.write(units, NOW_MS) == ["had-effect"] * len(units)


async def test_handlers_do_not_see_each_other(store: Store) -> None:
    """Key, cause and outbox are a handler's own."""
    mine = unit("1", writes={"k": b"1"}, emits=("Mine",))
    other = unit("1", handler="other", writes={"k": b"2"}, emits=("Other",))

    assert await store.write([mine, other], NOW_MS) == ["done", "done"]

    assert (await store.read(HANDLER, "k")).value == b"1"
    assert (await store.read("other", "k")).value == b"2"
    assert await _emitted(store) == ["Mine"]
    assert await _emitted(store, "other") == ["Other"]
    assert await store.had_effect("third", [cause("1")]) == set()


async def test_a_unit_that_read_what_is_there_is_done(store: Store) -> None:
    """Each write of a key gives it another version."""
    versions = set[int]()
    for number in range(10):
        stored = await store.read(HANDLER, "k")
        change = unit(str(number), reads={"k": stored.version}, writes={"k": b"%d" % number})
        assert await store.write([change], NOW_MS) == ["done"]
        versions.add((await store.read(HANDLER, "k")).version)

    assert len(versions) == 10


async def test_a_unit_that_read_what_was_changed_is_a_conflict(store: Store) -> None:
    """Nothing of it is written: no value, no memory, no record."""
    await store.write([unit("1", writes={"k": b"1"})], NOW_MS)
    stored = await store.read(HANDLER, "k")
    await store.write([unit("2", writes={"k": b"2"})], NOW_MS)
    late = unit("3", reads={"k": stored.version}, writes={"k": b"3", "l": b"3"}, emits=("Late",))

    assert await store.write([late], NOW_MS) == ["conflict"]

    assert (await store.read(HANDLER, "k")).value == b"2"
    assert (await store.read(HANDLER, "l")).value is None
    assert await store.had_effect(HANDLER, [cause("3")]) == set()
    assert await _emitted(store) == []


async def test_a_unit_that_saw_nothing_where_something_came_is_a_conflict(store: Store) -> None:
    """Also where it writes another key only."""
    await store.write([unit("1", writes={"k": b"1"})], NOW_MS)

    outcomes = await store.write([unit("2", reads={"k": 0}, writes={"l": b"2"})], NOW_MS)

    assert outcomes == ["conflict"]


async def test_a_unit_that_read_what_was_removed_is_a_conflict(store: Store) -> None:
    """Removed is changed, and who removes twice changes nothing."""
    await store.write([unit("1", writes={"k": b"1"})], NOW_MS)
    stored = await store.read(HANDLER, "k")
    assert await store.write([unit("2", writes={"k": None})], NOW_MS) == ["done"]
    assert (await store.read(HANDLER, "k")).value is None

    outcomes = await store.write([unit("3", reads={"k": stored.version})], NOW_MS)

    assert outcomes == ["conflict"]
    assert await store.write([unit("4", writes={"k": None})], NOW_MS) == ["done"]
    assert (await store.read(HANDLER, "k")).value is None


async def test_removing_and_writing_again_is_seen(store: Store) -> None:
    """A key that came again is not taken for what it was, also within one list."""
    versions = list[int]()
    for number in range(5):
        again = [unit(writes={"k": None}), unit(writes={"k": b"%d" % number})]
        await store.write(again, NOW_MS)
        await store.write([again[0]], NOW_MS)
        await store.write([again[1]], NOW_MS)
        versions.append((await store.read(HANDLER, "k")).version)

    stale = [unit(reads={"k": version}, writes={"k": b"9"}) for version in versions[:-1]]

    assert await store.write(stale, NOW_MS) == ["conflict"] * 4
    assert await store.write([unit(reads={"k": versions[-1]})], NOW_MS) == ["done"]


async def test_units_see_those_before_them_in_the_list(store: Store) -> None:
    """Two that read the same value cannot both change it, and the second loses whole."""
    first = unit("1", reads={"k": 0}, writes={"k": b"1"}, emits=("First",))
    second = unit("2", reads={"k": 0}, writes={"k": b"2"}, emits=("Second",))
    third = unit("3", reads={"l": 0}, writes={"k": b"3"}, emits=("Third",))

    assert await store.write([first, second, third], NOW_MS) == ["done", "conflict", "done"]

    assert (await store.read(HANDLER, "k")).value == b"3"
    assert await _emitted(store) == ["First", "Third"]
    assert await store.had_effect(HANDLER, [cause(n) for n in "123"]) == {cause("1"), cause("3")}


async def test_a_key_made_and_removed_in_one_list_leaves_nothing(store: Store) -> None:
    """What units before it made is there for a unit, and what they removed is not."""
    units = [
        unit("1", writes={"k": b"1", "l": b"1"}),
        unit("2", writes={"k": None}),
        unit("3", reads={"k": 0}),
        unit("4", reads={"l": 0}),
    ]

    assert await store.write(units, NOW_MS) == ["done", "done", "done", "conflict"]

    assert await store.read(HANDLER, "k") == Stored(0, None)


async def test_a_cause_has_its_effect_once(store: Store) -> None:
    """Twice in one list, in two lists, or with other effects: the first is the only one."""
    first = unit("1", writes={"k": b"1"}, emits=("First",))
    again = unit("1", reads={"k": 12345}, writes={"k": b"2"}, emits=("Again",))

    assert await store.write([first, again, first], NOW_MS) == ["done", "had-effect", "had-effect"]
    assert await store.write([again], NOW_MS) == ["had-effect"]

    assert (await store.read(HANDLER, "k")).value == b"1"
    assert await _emitted(store) == ["First"]


async def test_an_event_without_a_name_is_never_skipped(store: Store) -> None:
    """Without a cause nothing is remembered."""
    nameless = unit(None, emits=("Nameless",))

    assert await store.write([nameless, nameless], NOW_MS) == ["done", "done"]
    assert await store.write([nameless], NOW_MS) == ["done"]

    assert await _emitted(store) == ["Nameless"] * 3
    assert await store.forget(NOW_MS + 1, 100) == 0


async def test_a_conflict_is_no_effect(store: Store) -> None:
    """The handler runs again and its second unit is written."""
    assert await store.write([unit("1", reads={"k": 7})], NOW_MS) == ["conflict"]
    assert await store.write([unit("1", reads={"k": 0})], NOW_MS) == ["done"]


async def test_a_unit_with_nothing_to_write_is_remembered(store: Store) -> None:
    """Having looked and changed nothing is an effect too."""
    assert await store.write([unit("1"), unit(None)], NOW_MS) == ["done", "done"]

    assert await store.had_effect(HANDLER, [cause("1"), cause("2")]) == {cause("1")}


async def test_no_units_no_causes_and_no_numbers_are_nothing(store: Store) -> None:
    """Empty lists are fine."""
    assert await store.write([], NOW_MS) == []
    assert await store.had_effect(HANDLER, []) == set()
    await store.sent(HANDLER, [])


async def test_thousands_of_units_are_one_write(store: Store) -> None:
    """No limit of a statement shows."""
    units = [unit(f"{n}", reads={f"k{n}": 0}, writes={f"k{n}": b"1"}) for n in range(2500)]

    assert await store.write(units, NOW_MS) == ["done"] * 2500

    asked = [cause(f"{n}") for n in range(5000)]
    assert await store.had_effect(HANDLER, asked) == {cause(f"{n}") for n in range(2500)}
    assert await store.write(units, NOW_MS) == ["had-effect"] * 2500


async def test_the_outbox_keeps_order_and_content(store: Store) -> None:
    """Records wait as they were emitted, in the order of units, lists and emissions."""
    await store.write([unit("1", emits=("A", "B")), unit("2", emits=("C",))], NOW_MS)
    await store.write([unit("3", emits=("D", "A"))], NOW_MS)

    waiting = await store.waiting(HANDLER, 10)

    assert [entry.record for entry in waiting] == [record(name) for name in "ABCDA"]
    numbers = [entry.sequence for entry in waiting]
    assert numbers == sorted(set(numbers))
    assert await store.waiting(HANDLER, 2) == waiting[:2]


async def test_what_was_sent_waits_no_more(store: Store) -> None:
    """Only the numbers that are named, only of that handler, and once more does nothing."""
    await store.write([unit("1", emits=("A", "B", "C"))], NOW_MS)
    numbers = [entry.sequence for entry in await store.waiting(HANDLER, 10)]

    await store.sent("other", numbers)
    await store.sent(HANDLER, [numbers[0], numbers[2]])
    await store.sent(HANDLER, [numbers[0]])

    assert await _emitted(store) == ["B"]


async def test_a_number_of_the_outbox_is_never_used_again(store: Store) -> None:
    """What is said late about a sent record hits no later one."""
    await store.write([unit("1", emits=("A",))], NOW_MS)
    numbers = [entry.sequence for entry in await store.waiting(HANDLER, 10)]
    await store.sent(HANDLER, numbers)
    await store.write([unit("2", emits=("B",))], NOW_MS)

    await store.sent(HANDLER, numbers)

    assert await _emitted(store) == ["B"]


async def test_old_effects_are_forgotten_the_oldest_first(store: Store) -> None:
    """Up to the limit, of all handlers, and none that is as old as the bound."""
    for number in range(5):
        handler = HANDLER if number % 2 else "other"
        await store.write([unit(f"{number}", handler=handler)], NOW_MS + number)

    assert await store.forget(NOW_MS + 4, 3) == 3
    assert await store.had_effect("other", [cause("0"), cause("2"), cause("4")]) == {cause("4")}
    assert await store.had_effect(HANDLER, [cause("1"), cause("3")]) == {cause("3")}
    assert await store.forget(NOW_MS + 4, 3) == 1
    assert await store.forget(NOW_MS + 4, 3) == 0
    assert await store.write([unit("0", handler="other")], NOW_MS) == ["done"]


async def test_all_is_there_after_a_restart(engine: NewStore) -> None:
    """A new store finds what the one before it wrote."""
    before, after = engine(), engine()
    await before.start()
    await before.write([unit("1", writes={"k": b"1"}, emits=("A",))], NOW_MS)
    stored = await before.read(HANDLER, "k")
    await before.close()
    await before.close()
    await after.start()

    assert await after.read(HANDLER, "k") == stored
    assert await after.write([unit("1"), unit("2", reads={"k": stored.version})], NOW_MS) == [
        "had-effect",
        "done",
    ]
    assert await _emitted(after) == ["A"]
    await after.close()


async def test_writes_at_the_same_time_do_not_mix(store: Store) -> None:
    """Of writers that read one value one is done; readers go on meanwhile."""
    rivals = [unit(f"{n}", reads={"k": 0}, writes={"k": b"%d" % n}) for n in range(20)]

    async with asyncio.TaskGroup() as tasks:
        writes = [tasks.create_task(store.write([rival], NOW_MS)) for rival in rivals]
        reads = [tasks.create_task(store.read(HANDLER, "k")) for _ in rivals]

    outcomes = [outcome for write in writes for outcome in write.result()]
    assert sorted(outcomes) == ["conflict"] * 19 + ["done"]
    assert {read.result().value for read in reads} <= {None, b"%d" % outcomes.index("done")}


async def test_the_only_process_leads(store: Store) -> None:
    """Asked again, for each of its handlers."""
    asked = [await store.lead(handler) for handler in (HANDLER, HANDLER, "other", HANDLER)]

    assert asked == [True] * 4


async def test_at_most_one_leads(engine: NewStore) -> None:
    """Either a second store is refused at once, or it leads only when the first is gone."""
    first, second = engine(), engine()
    await first.start()
    assert await first.lead(HANDLER)

    try:
        await second.start()
    except InUseError:
        await first.close()
        await second.start()
    else:
        assert not await second.lead(HANDLER)
        assert await first.lead(HANDLER)
        await first.close()

    assert await second.lead(HANDLER)
    await second.close()


async def test_a_store_that_is_not_started_is_a_bug(engine: NewStore) -> None:
    """Before the start and after the end nothing is answered."""
    made = engine()
    with pytest.raises(InvariantError):
        await made.read(HANDLER, "k")
    await made.start()
    await made.close()
    with pytest.raises(InvariantError):
        await made.write([unit("1")], NOW_MS)
    with pytest.raises(InvariantError):
        await made.lead(HANDLER)
