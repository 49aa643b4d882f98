"""PostgreSQL as the store: several processes at once, and a server that restarts or freezes."""

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from router.consume.postgres import PostgresDatabase, masked
from router.consume.state import open_store
from router.consume.store import Store, Unit, Written
from router.errors import UnavailableError
from tests.integration.stores import HANDLER, NOW_MS, cause, running_postgres, unit
from tests.postgres import PASSWORD, Postgres


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A server that a test may break if it mends it."""
    yield from running_postgres()


@pytest.fixture
def url(postgres: Postgres, unique: str) -> str:
    """A database of the test's own."""
    postgres.psql(f"CREATE DATABASE {unique}")
    return postgres.url_of(unique)


@pytest.fixture
async def stores(url: str) -> AsyncIterator[tuple[Store, Store]]:
    """Two stores, as two processes have them, started at the same time on an empty database."""
    both = open_store(url), open_store(url)
    await asyncio.gather(*(store.start() for store in both))
    yield both
    await asyncio.gather(*(store.close() for store in both))


async def _add_one(
    store: Store, key: str, name: str | None, emits: tuple[str, ...] = ()
) -> Written:
    """Add one to the number at *key*, reading it again after each conflict."""
    while True:
        stored = await store.read(HANDLER, key)
        sum_ = b"%d" % (int(stored.value or b"0") + 1)
        change = unit(name, reads={key: stored.version}, writes={key: sum_}, emits=emits)
        (outcome,) = await store.write([change], NOW_MS)
        if outcome != "conflict":
            return outcome


async def _written(store: Store, units: list[Unit]) -> list[Written]:
    """Write as the runner does: again, until the database answers."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await store.write(units, NOW_MS)
            except UnavailableError:
                await asyncio.sleep(0)


async def test_two_processes_lose_no_increment(stores: tuple[Store, Store]) -> None:
    """200 increments of one number by each are 400, and as many effects and records."""

    async def count(store: Store, who: str) -> None:
        for number in range(200):
            assert await _add_one(store, "n", f"{who}-{number}", ("Added",)) == "done"

    first, second = stores
    await asyncio.gather(count(first, "first"), count(second, "second"))

    assert (await first.read(HANDLER, "n")).value == b"400"
    assert len(await second.waiting(HANDLER, 1000)) == 400
    assert await first.forget(NOW_MS + 1, 1000) == 400


async def test_groups_of_two_processes_do_not_skew(stores: tuple[Store, Store]) -> None:
    """Two units that each read what the other makes are never both done, whatever the order."""

    async def group(store: Store, mine: str, other: str) -> list[Written]:
        units = [unit(reads={f"{other}{n}": 0}, writes={f"{mine}{n}": b"1"}) for n in range(100)]
        return await store.write(units if mine == "a" else units[::-1], NOW_MS)

    first, second = await asyncio.gather(group(stores[0], "a", "b"), group(stores[1], "b", "a"))

    pairs = list(zip(first, second[::-1], strict=True))
    assert all(sorted(pair) == ["conflict", "done"] for pair in pairs)


async def test_one_event_at_two_processes_has_one_effect(stores: tuple[Store, Store]) -> None:
    """As when a partition moves while its events are handled."""

    async def handle(store: Store) -> list[Written]:
        return [await _add_one(store, "n", f"event-{n}", ("Added",)) for n in range(50)]

    outcomes = await asyncio.gather(*(handle(store) for store in stores))

    for pair in zip(*outcomes, strict=True):
        assert sorted(pair) == ["done", "had-effect"]
    assert (await stores[0].read(HANDLER, "n")).value == b"50"
    assert len(await stores[0].waiting(HANDLER, 1000)) == 50


def test_locks_are_taken_in_one_order() -> None:
    """Else two processes could each wait for what the other has."""
    database = PostgresDatabase("postgresql://127.0.0.1/callbacks")

    taken = database.exclude({f"handler-{n}" for n in range(10)}).compile()

    assert taken.params == {"handlers": [f"handler-{n}" for n in range(10)]}


async def test_handlers_of_two_processes_do_not_wait_for_ever(stores: tuple[Store, Store]) -> None:
    """Groups that name the same handlers in another order all end."""
    names = [f"handler-{n}" for n in range(6)]

    async def group(store: Store, order: list[str], number: int) -> None:
        units = [unit(f"{id(store)}-{number}", handler=name) for name in order]
        assert set(await store.write(units, NOW_MS)) == {"done"}

    async with asyncio.TaskGroup() as tasks:
        for number in range(30):
            tasks.create_task(group(stores[0], names, number))
            tasks.create_task(group(stores[1], names[::-1], number))


async def test_numbers_of_the_outbox_rise_in_the_order_of_commits(
    stores: tuple[Store, Store],
) -> None:
    """Who looks while two write never sees a record appear before one that it saw."""
    first, second = stores
    seen: list[int] = []

    async def look(until: asyncio.Event) -> None:
        while not until.is_set():
            numbers = [entry.sequence for entry in await first.waiting(HANDLER, 10_000)]
            assert numbers[: len(seen)] == seen
            seen[:] = numbers

    is_done = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(look(is_done))
        await asyncio.gather(*(
            store.write([unit(emits=("A",) * 20) for _ in range(5)], NOW_MS)
            for _, store in itertools.product(range(20), (first, second))
        ))  # fmt: skip
        is_done.set()

    assert len(await first.waiting(HANDLER, 10_000)) == 2 * 20 * 5 * 20


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGQUIT], ids=["orderly", "crash"])
async def test_a_restart_under_load_loses_and_doubles_nothing(
    postgres: Postgres, stores: tuple[Store, Store], end: signal.Signals
) -> None:
    """The same stores go on afterwards; what was written and not answered is `had-effect`."""
    is_over = asyncio.Event()
    begun: asyncio.Queue[str] = asyncio.Queue()

    async def work(store: Store, who: str) -> None:
        for number in itertools.count():
            if is_over.is_set():
                return
            name = f"{who}-{number}"
            begun.put_nowait(name)
            group = [unit(name, writes={name: b"1"}, emits=("A",))]
            assert await _written(store, group) in (["done"], ["had-effect"])

    async with asyncio.TaskGroup() as tasks:
        for who, store in enumerate(stores * 3):
            tasks.create_task(work(store, f"{who}"))
        names = [await begun.get() for _ in range(100)]
        await asyncio.to_thread(postgres.end, end)
        await asyncio.to_thread(postgres.resume)
        names += [await begun.get() for _ in range(begun.qsize() + 100)]
        is_over.set()
    names += [begun.get_nowait() for _ in range(begun.qsize())]

    causes = [cause(name) for name in names]
    assert await stores[0].had_effect(HANDLER, causes) == set(causes)
    assert len(await stores[1].waiting(HANDLER, 100_000)) == len(names)


async def test_without_a_server_every_call_says_so(
    postgres: Postgres, stores: tuple[Store, Store]
) -> None:
    """Unavailable while it is away, with its place and no password; right again afterwards."""
    store, other = stores
    assert await store.lead(HANDLER)
    await asyncio.to_thread(postgres.end)
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: store.read(HANDLER, "k"),
        lambda: store.had_effect(HANDLER, [cause("1")]),
        lambda: store.write([unit("1")], NOW_MS),
        lambda: store.waiting(HANDLER, 1),
        lambda: store.sent(HANDLER, [1]),
        lambda: store.lead(HANDLER),
        lambda: store.forget(NOW_MS, 1),
    ]
    try:
        for call in calls:
            with pytest.raises(UnavailableError, match=r"router:\*\*\*@127\.0\.0\.1") as caught:
                await call()
            assert PASSWORD not in str(caught.value)
    finally:
        await asyncio.to_thread(postgres.resume)

    assert await other.lead(HANDLER)
    assert not await store.lead(HANDLER)
    assert await store.write([unit("1")], NOW_MS) == ["done"]
    assert await other.had_effect(HANDLER, [cause("1")]) == {cause("1")}


async def test_a_frozen_server_is_unavailable_within_a_deadline(
    postgres: Postgres, stores: tuple[Store, Store]
) -> None:
    """No call waits for ever, and all go on when it does."""
    store, _ = stores
    await store.write([unit("1")], NOW_MS)
    postgres.freeze()
    try:
        async with asyncio.timeout(20):
            errors = await asyncio.gather(
                store.write([unit("2")], NOW_MS),
                store.write([unit("3")], NOW_MS),
                store.read(HANDLER, "k"),
                store.lead(HANDLER),
                return_exceptions=True,
            )
    finally:
        postgres.thaw()

    assert [type(error) for error in errors] == [UnavailableError] * 4
    assert str(errors[0]).endswith("no answer within 10 s")
    outcomes = await _written(store, [unit(name) for name in "123"])
    assert outcomes[0] == "had-effect"
    assert await store.lead(HANDLER)


async def test_who_loses_its_connection_leads_no_more(
    postgres: Postgres, stores: tuple[Store, Store], unique: str
) -> None:
    """Another process may lead when the connection that held the lock is gone."""
    first, second = stores
    assert await first.lead(HANDLER)
    assert await first.lead("other")
    assert not await second.lead(HANDLER)

    postgres.psql(
        "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database d ON d.oid = database "
        "WHERE locktype = 'advisory' AND datname = current_database()",
        unique,
    )

    async with asyncio.timeout(10):
        while not await second.lead(HANDLER):
            pass
    assert not await first.lead(HANDLER)
    assert await first.lead("other")


async def test_a_server_of_other_habits_serves_as_well(
    postgres: Postgres, stores: tuple[Store, Store], url: str, unique: str
) -> None:
    """Isolation and durability are what the store needs, not what the server's default is."""
    for setting in ("default_transaction_isolation = 'serializable'", "synchronous_commit = off"):
        postgres.psql(f"ALTER DATABASE {unique} SET {setting}")
    database = PostgresDatabase(url)
    engine = await database.open()
    async with engine.connect() as connection:
        await connection.execute(database.exclude([HANDLER]))
        shown = [
            (await connection.exec_driver_sql(f"SHOW {name}")).scalar()
            for name in ("transaction_isolation", "synchronous_commit")
        ]
    await engine.dispose()
    assert shown == ["read committed", "on"]

    others = open_store(url), open_store(url)
    await asyncio.gather(*(store.start() for store in others))
    await asyncio.gather(*(_add_one(others[n % 2], "n", f"{n}") for n in range(40)))

    assert (await stores[0].read(HANDLER, "n")).value == b"40"
    await asyncio.gather(*(store.close() for store in others))


async def test_schemas_of_one_database_do_not_meet(
    postgres: Postgres, url: str, unique: str
) -> None:
    """Each has its tables, and a leader of its own."""
    stores = []
    for schema in ("red", "blue"):
        postgres.psql(f"CREATE SCHEMA {schema}", unique)
        stores.append(open_store(f"{url}?search_path={schema}&application_name={schema}"))
        await stores[-1].start()
    red, blue = stores

    await red.write([unit("1", writes={"k": b"1"})], NOW_MS)

    assert (await blue.read(HANDLER, "k")).value is None
    assert await red.lead(HANDLER)
    assert await blue.lead(HANDLER)
    tables = postgres.psql(
        "SELECT count(*) FROM pg_tables WHERE schemaname IN ('red', 'blue')", unique
    )
    assert tables == "6"
    await asyncio.gather(red.close(), blue.close())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://u:secret@127.0.0.1:1/d", "postgresql://u:***@127.0.0.1:1/d: "),
        ("postgresql://u:se/cret@127.0.0.1:1/d", "postgresql://u:***@127.0.0.1:1/d: not a URL"),
        ("postgresql://u:se@cret@127.0.0.1:1/d", "postgresql://u:***@127.0.0.1:1/d: "),
        ("postgresql://127.0.0.1:1/d?user=u&password=secret", "/d?user=u&password=***: "),
        ("postgresql://u:secret@127.0.0.1:1/d?sslmode=perhaps", "`sslmode`"),
    ],
    ids=["nobody-there", "slash", "at-sign", "parameter", "unknown-mode"],
)
async def test_no_error_shows_the_password(url: str, said: str) -> None:
    """Neither the message nor what it was raised from."""
    with pytest.raises(UnavailableError) as caught:
        await open_store(url).start()

    error: BaseException | None = caught.value
    assert said in str(error)
    while error is not None:
        assert "cret" not in str(error)
        error = error.__cause__


async def test_a_wrong_password_and_a_missing_database_are_said(postgres: Postgres) -> None:
    """By the server's words."""
    with pytest.raises(UnavailableError, match="password authentication failed"):
        await open_store(postgres.url_of("postgres", "wrong-password")).start()
    with pytest.raises(UnavailableError, match='database "nothing" does not exist'):
        await open_store(postgres.url_of("nothing")).start()


def test_a_url_without_a_password_is_shown_as_it_is() -> None:
    """Only what is secret is hidden."""
    for url in ("postgresql://db/callbacks", "postgresql://u@db:5432/callbacks?sslmode=require"):
        assert masked(url) == url
