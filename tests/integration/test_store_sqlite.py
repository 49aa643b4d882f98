"""SQLite as the store: one process, whole units whatever ends it, and clear errors."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import chdir, closing
from pathlib import Path

import pytest

from router.consume import statements
from router.consume.sqlite import SqliteDatabase
from router.consume.state import SqlStore, open_store
from router.consume.store import InUseError, Stored
from router.errors import UnavailableError
from tests.integration.stores import HANDLER, NOW_MS, unit

ROOT = Path(__file__).parents[2]

# Says "ready", and lets go when its input ends.
HOLDER = """
import asyncio, sys
from router.consume.state import open_store

async def main():
    store = open_store(sys.argv[1])
    await store.start()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await store.close()

asyncio.run(main())
"""

# Says the number of each unit that is durable, for ever: two keys and a record each.
ENDLESS_WRITER = """
import asyncio, itertools, sys
from router.consume.state import open_store
from tests.integration.stores import HANDLER, NOW_MS, unit

async def main():
    store = open_store(sys.argv[1])
    await store.start()
    for number in itertools.count((await store.read(HANDLER, "a")).version and 10_000):
        value = b"%d" % number
        one = unit(str(number), writes={"a": value, f"a{number}": value}, emits=("A",))
        two = unit(f"{number}-again", writes={"b": value}, emits=("B", "B"))
        await store.write([one, two], NOW_MS)
        print(number, flush=True)

asyncio.run(main())
"""

# Writes until files may not grow any more, then after they may, and says what it has.
FILLED_DISK = """
import asyncio, itertools, resource, sys
from router.consume.state import open_store
from router.errors import UnavailableError
from tests.integration.stores import HANDLER, NOW_MS, unit

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

async def main():
    store = open_store(sys.argv[1])
    await store.start()
    limit(1 << 20)
    large = b'"' + b"x" * 100_000 + b'"'
    for done in itertools.count():
        try:
            await store.write([unit(str(done), writes={"a": large, f"a{done}": large})], NOW_MS)
        except UnavailableError as error:
            print(error)
            break
    assert (await store.read(HANDLER, f"a{done - 1}")).value == large
    assert (await store.read(HANDLER, f"a{done}")).value is None
    limit(resource.RLIM_INFINITY)
    assert await store.write([unit(str(done), writes={"a": b"1"})], NOW_MS) == ["done"]
    assert (await store.read(HANDLER, "a")).value == b"1"
    await store.close()

asyncio.run(main())
"""

# As nobody, in a folder where only root may write.
READ_ONLY_FOLDER = """
import asyncio, os, sys, tempfile
from router.consume.state import open_store
from router.errors import UnavailableError

async def main():
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/first.db")  # loads what is loaded late
        await store.start()
        await store.close()
        os.chmod(folder, 0o555)
        if os.geteuid() == 0:
            os.seteuid(65534)
        try:
            await open_store(f"sqlite:///{folder}/state.db").start()
        except UnavailableError as error:
            print(error)
        finally:
            if os.getuid() == 0:
                os.seteuid(0)
            os.chmod(folder, 0o755)

asyncio.run(main())
"""


def _process(script: str, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )


def _output(script: str, url: str) -> str:
    with _process(script, url) as process:
        output, _ = process.communicate(timeout=50)
    assert process.returncode == 0
    return output


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A file in a folder that is not there yet."""
    return f"sqlite:///{tmp_path}/var/state.db"


async def test_a_second_process_is_refused_and_told_what_to_do(url: str) -> None:
    """It may start when the first has ended, and the first never notices."""
    store = open_store(url)
    with _process(HOLDER, url) as holder:
        assert holder.stdout is not None
        assert await asyncio.to_thread(holder.stdout.readline) == "ready\n"
        with pytest.raises(InUseError, match=r"in use by another process.*state\.url: postgresql"):
            await store.start()
        await asyncio.to_thread(holder.communicate, "")

    await store.start()
    assert holder.returncode == 0
    await store.close()


async def test_another_way_to_the_file_is_no_way_in(tmp_path: Path, url: str) -> None:
    """A link does not hide that it is the same file; another file in the folder is free."""
    store = open_store(url)
    await store.start()
    (tmp_path / "link").symlink_to(tmp_path / "var")

    with pytest.raises(InUseError):
        await open_store(f"sqlite:///{tmp_path}/link/../link/state.db").start()
    neighbour = open_store(f"sqlite:///{tmp_path}/var/other.db")
    await neighbour.start()

    await neighbour.close()
    await store.close()


async def test_a_path_is_relative_to_the_working_directory(tmp_path: Path) -> None:
    """The default of the configuration is below it."""
    store = open_store("sqlite:///var/state.db")

    with chdir(tmp_path):
        await store.start()

    assert (tmp_path / "var" / "state.db").is_file()
    await store.close()


async def test_a_killed_process_leaves_whole_units(tmp_path: Path, url: str) -> None:
    """What it acknowledged is there, and of the rest all or nothing; twice over one file."""
    for start in (0, 10_000):
        with _process(ENDLESS_WRITER, url) as writer:
            assert writer.stdout is not None
            for number in range(start, start + 20):
                assert await asyncio.to_thread(writer.stdout.readline) == f"{number}\n"
            os.kill(writer.pid, signal.SIGKILL)
        acknowledged = start + 19

        store = open_store(url)
        await store.start()
        value = (await store.read(HANDLER, "a")).value
        assert value is not None
        assert int(value) >= acknowledged
        assert (await store.read(HANDLER, "b")).value == value
        await store.close()

    with closing(sqlite3.connect(tmp_path / "var" / "state.db")) as connection:
        (keys, effects, records), *_ = connection.execute(
            "SELECT (SELECT count(*) FROM callback_router_state), "
            "(SELECT count(*) FROM callback_router_effects), "
            "(SELECT count(*) FROM callback_router_outbox)"
        )
    assert (effects, records) == (2 * (keys - 2), 3 * (keys - 2))


async def test_a_full_disk_is_unavailable_until_there_is_room(url: str) -> None:
    """The unit that did not fit left nothing behind, and fits later."""
    said = await asyncio.to_thread(_output, FILLED_DISK, url)

    assert said.startswith(f"state database {url}: ")
    assert "disk" in said


async def test_a_folder_that_may_not_be_written_is_said(url: str) -> None:
    """The message names the file and the reason."""
    said = await asyncio.to_thread(_output, READ_ONLY_FOLDER, url)

    assert said.startswith("state database sqlite:///")
    assert "Permission denied" in said


async def test_what_is_no_folder_and_no_database_is_unavailable(tmp_path: Path) -> None:
    """A start that fails holds nothing: after the cause is mended it succeeds."""
    file = tmp_path / "state.db"
    file.write_bytes(b"this is no database, but it is long enough to be taken for one" * 20)
    store = open_store(f"sqlite:///{file}")

    with pytest.raises(UnavailableError, match=r"state database .*: file is not a database"):
        await store.start()
    with pytest.raises(UnavailableError, match=r"state database .*: .*File exists"):
        await open_store(f"sqlite:///{file}/state.db").start()

    file.unlink()
    await store.start()
    await store.close()


async def test_another_program_that_writes_is_waited_for(tmp_path: Path, url: str) -> None:
    """An operator's open transaction delays a write and does not fail it; readers go on."""
    store = open_store(url)
    await store.start()
    await store.write([unit("1", writes={"k": b"1"})], NOW_MS)
    with closing(sqlite3.connect(tmp_path / "var" / "state.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        write = asyncio.ensure_future(store.write([unit("2", writes={"k": b"2"})], NOW_MS))
        assert (await store.read(HANDLER, "k")).value == b"1"
        assert not write.done()
        other.rollback()

    assert await write == ["done"]
    await store.close()


async def test_a_cancelled_write_stops_nothing(url: str) -> None:
    """It is written or not, whole, and the next one is."""
    store = open_store(url)
    await store.start()
    for number in range(20):
        change = unit(f"{number}", writes={"k": b"%d" % number, "l": b"%d" % number})
        write = asyncio.ensure_future(store.write([change], NOW_MS))
        for _ in range(number):
            await asyncio.sleep(0)
        write.cancel()
        await asyncio.wait([write])
        assert (await store.read(HANDLER, "k")).value == (await store.read(HANDLER, "l")).value

    assert await store.write([unit("last", writes={"k": b"1"})], NOW_MS) == ["done"]
    assert await store.read(HANDLER, "m") == Stored(0, None)
    await store.close()


async def test_commits_wait_for_the_disk(url: str) -> None:
    """Every connection has a write-ahead log and syncs it at each commit."""
    database = SqliteDatabase(url)
    engine = await database.open()
    async with engine.connect() as first, engine.connect() as second:
        for connection in (first, second):
            assert (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar() == "wal"
            assert (await connection.exec_driver_sql("PRAGMA synchronous")).scalar() == 2
    await engine.dispose()
    await database.close()


async def test_look_ups_and_forgetting_use_the_indexes(url: str) -> None:
    """Nothing that is done often reads a whole table."""
    database = SqliteDatabase(url)
    store = SqlStore(database)
    await store.start()
    await store.close()
    engine = await database.open()
    asked = [
        statements.effects_among([("h", b"s", b"1"), ("h", b"t", b"2")], database.is_in),
        statements.versions_among([("h", b"k"), ("g", b"k"), ("g", b"l")], database.is_in),
        statements.oldest_records(HANDLER, 10),
        statements.old_effects(NOW_MS, 10),
    ]
    async with engine.connect() as connection:
        for statement in asked:
            text = statement.compile(
                engine.sync_engine, compile_kwargs={"render_postcompile": True}
            )
            plan = await connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {text}", tuple(text.params.values())
            )
            steps = [row.detail for row in plan]
            assert any(step.startswith("SEARCH callback_router") for step in steps)
            assert not any(step.startswith("SCAN callback_router") for step in steps)
    await engine.dispose()
    await database.close()
