"""`dead` and `replay` as an operator calls them, on a real Kafka and a real state database."""

import json
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from signal import SIGINT

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from router.kafka.consumer import Bounds, KafkaRange
from router.kafka.port import KafkaSettings
from router.record import Received
from tests.cluster import Cluster
from tests.integration.command import Running
from tests.integration.repairing import MENDED, Bench
from tests.integration.stores import running_postgres
from tests.postgres import Postgres

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module", autouse=True)
def _groups(kafka: Cluster) -> None:
    """Groups have a coordinator: a cluster makes it when it is first asked for one."""
    settings = {"bootstrap.servers": kafka.bootstrap_servers, "group.id": "first"}
    deadline = time.monotonic() + 20.0
    with closing(Consumer(settings)) as consumer:
        while True:
            try:
                consumer.committed([TopicPartition("nowhere", 0)], timeout=20)
            except KafkaException:  # it is being made
                assert time.monotonic() < deadline
                consumer.poll(0.1)
            else:
                return


@pytest.fixture(scope="module")
def letters(kafka: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A bench with three letters, for tests that do not change it."""
    folder = tmp_path_factory.mktemp("letters")
    bench = Bench(kafka, folder, f"t{uuid.uuid4().hex[:12]}")
    bench.publish(("a", "1"), ("b", "2"), ("a", "3"))
    bench.consume("event_died", times=3)
    return bench


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """One server for all of these tests."""
    yield from running_postgres()


@pytest.fixture
def bench(kafka: Cluster, tmp_path: Path, unique: str) -> Bench:
    """A bench with topics and a file for the state of its own."""
    return Bench(kafka, tmp_path, unique)


@pytest.fixture(params=["sqlite", "postgres"])
def either(kafka: Cluster, tmp_path: Path, unique: str, request: pytest.FixtureRequest) -> Bench:
    """A bench on each of the databases."""
    is_file = request.param == "sqlite"
    server = None if is_file else request.getfixturevalue("postgres")
    return Bench(kafka, tmp_path, unique, server)


def test_letters_are_listed_and_shown(bench: Bench) -> None:
    """Each is a line with its place, why it died, and no credential nor anything for a terminal."""
    nothing = bench.run("dead", "list")
    bench.publish(("a", "1"), ("b", "2"), ("a", "3"))
    bench.consume("event_died", times=3)
    everything = bench.run("dead", "list")
    *lines, by_reason, total = everything.stdout.splitlines()
    place = lines[0].split("  ")[0]
    shown, raw = bench.run("dead", "show", place), bench.run("dead", "show", place, "--raw")

    assert (nothing.returncode, nothing.stdout) == (0, "      0  letters\n")
    assert (everything.returncode, everything.stderr) == (0, "")
    line = re.compile(
        rf"{re.escape(bench.dead)}\[[01]\]@\d+  \S+Z  count-rooms  volcengine-rtc\.RoomCreate  "
        r"appId/[ab]  rejected  x1  https://\*\*\*@example\.com/x\?\*\*\*"
    )
    assert [bool(line.fullmatch(text)) for text in lines] == [True] * 3
    assert (by_reason, total) == ("      3  count-rooms  rejected", "      3  letters")
    assert shown.stdout.startswith(f"{place}\nkey  appId/")
    assert "\ndead_reason  rejected\n" in shown.stdout
    assert '\n  "type": "volcengine-rtc.RoomCreate",\n' in shown.stdout
    assert "Zq7" not in everything.stdout + shown.stdout
    assert json.loads(raw.stdout)["type"] == "volcengine-rtc.RoomCreate"


@pytest.mark.parametrize(
    ("more", "count"),
    [
        (("count-rooms",), 3),
        (("--type", "RoomCreate"), 3),
        (("--type", "RoomDestroy"), 0),
        (("--reason", "rejected"), 3),
        (("--reason", "failed"), 0),
        (("--since", "1h"), 3),
        (("--until", "1h"), 0),
        (("--limit", "2"), 2),
    ],
    ids=["handler", "type", "other-type", "reason", "other-reason", "since", "until", "limit"],
)
def test_letters_are_chosen(letters: Bench, more: tuple[str, ...], count: int) -> None:
    """Filters leave those that fit."""
    done = letters.run("dead", "list", *more)

    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == f"{count:7}  letters"
    assert done.stdout.count(f"{letters.dead}[") == count


def test_letters_of_a_handler_that_is_gone(bench: Bench) -> None:
    """They are listed and shown, marked as such; redriving them needs somebody: exit 2."""
    bench.publish(("a", "1"))
    bench.consume("event_died")
    bench.write(MENDED.replace("count-rooms", "count-people"))
    everything, named = bench.run("dead", "list"), bench.run("dead", "list", "count-rooms")
    line, by_reason, total = everything.stdout.splitlines()
    shown = bench.run("dead", "show", line.split("  ")[0])
    redriven = bench.run("dead", "redrive", "count-rooms", "--yes")

    assert (everything.returncode, named.returncode, shown.returncode) == (0, 0, 0)
    assert named.stdout == everything.stdout
    assert line.split("  ")[2:4] == ["count-rooms (no such handler)", "volcengine-rtc.RoomCreate"]
    assert by_reason == "      1  count-rooms (no such handler)  rejected"
    assert total == "      1  letter"
    assert "\ndead_handler  count-rooms\n" in shown.stdout
    assert (redriven.returncode, redriven.stdout) == (2, "")
    assert "no handler is called count-rooms any more" in redriven.stderr
    nobodys = bench.run("dead", "list", "count-people")
    assert (nobodys.stderr, nobodys.stdout) == ("", "      0  letters\n")


def test_what_is_unknown_is_told(letters: Bench) -> None:
    """Exit 2 with the names that there are; exit 1 where a place is empty."""
    handler = letters.run("dead", "list", "nobody")
    redriven = letters.run("dead", "redrive", "nobody", "--yes")
    replayed = letters.run("replay", "--handler", "nobody", "--since", "1h")
    topic = letters.run("replay", "--handler", "count-rooms", "--since", "1h", "--topic", "other")
    place = letters.run("dead", "show", "other[0]@0")
    empty = letters.run("dead", "show", f"{letters.dead}[0]@99")

    for done in (handler, redriven, replayed):
        assert (done.returncode, "there are: count-rooms" in done.stderr) == (2, True)
    assert (topic.returncode, f"it reads: {letters.base}" in topic.stderr) == (2, True)
    assert (place.returncode, "no topic of dead letters" in place.stderr) == (2, True)
    assert (empty.returncode, "nothing is at" in empty.stderr) == (1, True)


@pytest.mark.parametrize(
    "more",
    [
        (),
        ("--until", "1h"),
        ("--since", "1h", "--from-offset", "0"),
        ("--since", "1h", "--until", "1m", "--to-offset", "1"),
        ("--since", "yesterday"),
    ],
    ids=" ".join,
)
def test_a_range_must_be_one(letters: Bench, more: tuple[str, ...]) -> None:
    """Without one beginning and at most one end nothing is read: exit 2."""
    done = letters.run("replay", "--handler", "count-rooms", *more)

    assert (done.returncode, done.stdout) == (2, "")


def test_letters_are_redriven(either: Bench) -> None:
    """Each has its effect once, in order; one that dies again is offered again; no group moves."""
    either.publish(("a", "1"), ("cursed", "2"), ("a", "3"))
    either.consume("event_died", times=3)
    either.write(MENDED)
    ends = either.ends()

    looked = either.run("dead", "redrive", "count-rooms")
    before = either.counted()
    done = either.run("dead", "redrive", "count-rooms", "--yes")
    again = either.run("dead", "redrive", "count-rooms", "--yes")
    left = either.run("dead", "redrive", "count-rooms")

    assert (looked.returncode, before) == (0, [])
    assert "nothing was done" in looked.stdout
    assert (done.returncode, done.stdout) == (1, "redrive: done 2  died 1\n")
    assert re.search(r"^died  \S+  failed  ValueError: cursed$", done.stderr, re.MULTILINE)
    assert (again.returncode, again.stdout) == (1, "redrive: done 0  died 1\n")
    assert "      1  letter\n" in left.stdout
    assert either.counted() == [("appId/1", 1), ("appId/3", 2)]
    assert either.ends() == ends


def test_events_are_replayed(either: Bench) -> None:
    """A new handler has the past; what had its effect is skipped, and with --again has it twice."""
    either.write(MENDED)
    either.publish(("a", "1"), ("b", "2"), ("a", "3"))
    arguments = ("replay", "--handler", "count-rooms", "--since", "1h")

    looked = either.run(*arguments)
    before = either.counted()
    done = either.run(*arguments, "--yes")
    skipped = either.run(*arguments, "--yes")
    counted = either.counted()
    again = either.run(*arguments, "--yes", "--again")

    assert (looked.returncode, before) == (0, [])
    assert "      3  events at most\nnothing was done" in looked.stdout
    assert (done.returncode, done.stdout) == (0, "replay: done 3  died 0\n")
    assert (skipped.returncode, skipped.stdout) == (0, "replay: done 0  skipped 3  died 0\n")
    assert counted == [("appId/1", 1), ("appId/2", 1), ("appId/3", 2)]
    assert (again.returncode, again.stdout) == (0, "replay: done 3  died 0\n")
    twice = [("appId/1", 3), ("appId/2", 2), ("appId/3", 4)]
    assert either.counted() == sorted([*counted, *twice])


def test_a_replay_stops_between_events_and_goes_on(either: Bench) -> None:
    """Ctrl-C ends it in good order: what was begun is done, and the next run does the rest."""
    either.write(MENDED)
    either.publish(*(("a", str(number)) for number in range(20)))
    arguments = ("replay", "--handler", "count-rooms", "--from-offset", "0", "--yes")
    with Running(*arguments, "--rate", "5", "--config", either.config) as replay:
        replay.wait_line(lambda line: line.startswith("replay: "))
        replay.send_signal(SIGINT)
        code = replay.wait_ended()
    stopped = re.fullmatch(r"replay: stopped  done (\d+)  died 0", replay.out[-1])
    rest = either.run(*arguments, "--rate", "1000")

    assert (code, "Traceback" in "".join(replay.err)) == (1, False)
    assert stopped, replay.out
    assert 0 < (count := int(stopped[1])) < 20
    assert rest.stdout == f"replay: done {20 - count}  skipped {count}  died 0\n"
    assert sorted(count for _, count in either.counted()) == list(range(1, 21))


def test_consume_keeps_repairs_out(letters: Bench) -> None:
    """With SQLite there is one process: the other says so and does nothing; looking still works."""
    with Running("consume", "--config", letters.config) as consume:
        consume.wait_line(lambda line: '"consuming"' in line)
        replayed = letters.run("replay", "--handler", "count-rooms", "--since", "1h", "--yes")
        redriven = letters.run("dead", "redrive", "count-rooms", "--yes")
        looked = letters.run("dead", "redrive", "count-rooms")

    for done in (replayed, redriven):
        assert (done.returncode, done.stdout) == (1, "")
        assert "in use by another process" in done.stderr
    assert (looked.returncode, "      3  letters\n" in looked.stdout) == (0, True)
    assert "may be redriven already" in looked.stderr


async def _values(kafka: Cluster, topic: str, bounds: Bounds) -> list[int]:
    """Return the records of a range, which are numbers, ordered by themselves."""
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, client_id="range")
    reader = KafkaRange(settings, [(topic, 0), (topic, 1)], bounds)
    await reader.start()
    try:
        return [_number(record) async for record in reader.records(_number)]
    finally:
        await reader.close()


def _number(record: Received) -> int:
    return int(record.value)


async def test_a_range_ends_where_no_record_is(kafka: Cluster, unique: str) -> None:
    """The marks of transactions take offsets: a range that ends with one is read to its end."""
    kafka.create_topics([unique], partitions=2)
    settings = {"bootstrap.servers": kafka.bootstrap_servers, "transactional.id": unique}
    producer = Producer(settings)
    producer.init_transactions(20)
    for numbers, is_kept in (([0, 3], True), ([1, 2], True), ([9], False)):
        producer.begin_transaction()
        for number in numbers:
            producer.produce(unique, str(number), partition=number % 2)
        if is_kept:
            producer.commit_transaction(20)
        else:
            producer.abort_transaction(20)

    assert await _values(kafka, unique, Bounds()) == [0, 2, 3, 1]
    assert await _values(kafka, unique, Bounds(first=2)) == [1, 2]
    assert await _values(kafka, unique, Bounds(last=0)) == [0, 3]
    assert await _values(kafka, unique, Bounds(first=99)) == []


async def test_a_range_of_time(kafka: Cluster, unique: str) -> None:
    """It holds what was written from its begin on and before its end, however it was ordered."""
    kafka.create_topics([unique], partitions=2, config={"message.timestamp.type": "CreateTime"})
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    base = int(time.time() * 1000) - 60_000
    for number in range(10):
        producer.produce(unique, str(number), partition=number % 2, timestamp=base + number)
    producer.flush(20)

    middle = Bounds(since_ms=base + 3, until_ms=base + 7)
    assert await _values(kafka, unique, middle) == [3, 4, 5, 6]
    assert await _values(kafka, unique, Bounds(since_ms=base + 8)) == [8, 9]
    assert await _values(kafka, unique, Bounds(until_ms=base + 1)) == [0]
    assert await _values(kafka, unique, Bounds(since_ms=base + 99)) == []


async def test_a_range_of_no_partition_is_empty(kafka: Cluster) -> None:
    """It may be begun, read and closed like any other."""
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers, client_id="t")
    reader = KafkaRange(settings, [], Bounds())
    await reader.start()

    assert [record async for record in reader.records(_number)] == []
    await reader.close()
