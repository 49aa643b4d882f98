"""What the storms share: a scene with numbered events, members that come and go, and the balance.

Design: everything that is checked is read by clients that share no code with the product: the
tables with psql, topics and offsets with librdkafka. The balance compares whole values, so that
what was lost, doubled or out of order shows as it is.
"""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any, Final, Self

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from msgspec import Struct

from tests.cluster import Cluster, Read, read_all
from tests.integration.command import Running, write_config
from tests.postgres import Postgres

APP: Final = "65f1c0"
KINDS: Final = ("RoomCreate", "RoomDestroy")
PARTITIONS: Final = 12
HANDLERS: Final = Path(__file__).parent / "storm_handlers"
NOTING: Final = "storm-noting"
IMPATIENT: Final = "storm-impatient"
_LOOK_SECS = 0.2
_CALL_SECS = 10.0
_END_SECS = 40.0
_FEEDS_A_SECOND = 20
_NOTES = """
    SELECT json_object_agg(convert_from(key, 'UTF8'), convert_from(value, 'UTF8')::json)
    FROM callback_router_state WHERE handler = '{}'
"""

Notes = dict[str, dict[str, list[int]]]
"""By room and kind: the numbers in the order in which they had their effect."""

Row = tuple[str, str]
"""A room and a kind."""

Cost = Callable[[str, str, int], str]
"""Of kind, room and number: what handling it takes, in the handlers' words."""


class Sent(Struct, frozen=True, kw_only=True):
    """A record to send: an event, or what is none."""

    topic: str
    room: str
    value: bytes


class Scene:
    """One namespace, one configuration, one state database."""

    def __init__(self, kafka: Cluster, folder: Path, name: str, postgres: Postgres | None) -> None:
        """Make topics and files; without *postgres* state is in a file of the folder."""
        self.folder = folder
        self.kafka = kafka
        self._name = name
        self._postgres = postgres
        self.derived = f"{name}.derived.StormNoted"
        self.topics = [f"{name}.callbacks.volcengine-rtc.{kind}" for kind in KINDS]
        kafka.create_topics(self.topics, PARTITIONS)
        url = f"sqlite:///{folder}/state.db"
        if postgres is not None:
            postgres.psql(f"CREATE DATABASE {name}")
            url = postgres.url_of(name)
        self.config = self.configured(folder, url)

    def configured(self, folder: Path, url: str) -> Path:
        """Return a new configuration in *folder*, with this state database."""
        secret = folder / "secret"
        secret.write_text("1234", encoding="utf-8")
        source = {"vendor": "volcengine-rtc", "secrets": [{"file": str(secret)}]}
        return write_config(
            folder,
            self.kafka.bootstrap_servers,
            f"{self._name}.",
            sources={"rtc": source},
            topics={"partitions": PARTITIONS, "replication": 1, "min_insync_replicas": 1},
            handlers=[str(HANDLERS)],
            state={"url": url},
        )

    def member(self, handler: str = NOTING) -> Running:
        """Return a new process of `consume`."""
        return Running("consume", "--config", self.config, "--only", handler)

    def event(self, kind: str, room: str, number: int, cost: str = "") -> Sent:
        """Return the event of a number, which is told in its id and its timestamp."""
        event = {
            "specversion": "1.0",
            "id": event_id(kind, room, number),
            "source": "/callbacks/rtc",
            "type": f"volcengine-rtc.{kind}",
            "subject": f"{APP}/{room}",
            "time": "2026-11-21T08:00:00.123Z",
            "datacontenttype": "application/json",
            "recordedtime": "2026-11-21T08:00:00.123Z",
            "timebasis": "event",
            "idbasis": "vendor",
            "traceparent": "",
            "data": {"app_id": APP, "room_id": room, "timestamp": number, "business_id": cost},
        }
        return self.raw(kind, room, json.dumps(event).encode())

    def raw(self, kind: str, room: str, value: bytes) -> Sent:
        """Return a record that holds anything, between the events of a room."""
        return Sent(topic=self.topics[KINDS.index(kind)], room=room, value=value)

    def numbered(self, rooms: int, numbers: int, cost: Cost = lambda *_: "") -> list[Sent]:
        """Return the events 0 to n of each kind and room, all rooms in turn."""
        return [
            self.event(kind, room, number, cost(kind, room, number))
            for number, room, kind in product(range(numbers), room_names(rooms), KINDS)
        ]

    def behind(self, handler: str = NOTING) -> dict[str, int]:
        """Return how far the committed offset of each partition is from its end, where it is."""
        places = [TopicPartition(topic, n) for topic in self.topics for n in range(PARTITIONS)]
        settings = {
            "bootstrap.servers": self.kafka.bootstrap_servers,
            "group.id": f"{self._name}.callback-router.{handler}",
            "log_level": 2,
        }
        with closing(Consumer(settings)) as consumer:
            committed = consumer.committed(places, timeout=_CALL_SECS)
            ends = [
                consumer.get_watermark_offsets(place, timeout=_CALL_SECS)[1] for place in places
            ]
        away = {
            f"{place.topic}[{place.partition}]": end - max(place.offset, 0)
            for place, end in zip(committed, ends, strict=True)
        }
        return {place: count for place, count in away.items() if count}

    def wait_done(self, handler: str = NOTING, within_secs: float = 60.0) -> None:
        """Return when every offset is committed and the outbox, if it is on a server, is empty.

        Raises:
            AssertionError: Not within the time.
        """
        deadline = time.monotonic() + within_secs
        admin = AdminClient({"bootstrap.servers": self.kafka.bootstrap_servers, "log_level": 2})
        while (behind := self.behind(handler)) or self._outbox():
            assert time.monotonic() < deadline, f"behind: {behind}, outbox: {self._outbox()}"
            admin.poll(_LOOK_SECS)

    def notes(self, handler: str = NOTING) -> Notes:
        """Return what the handler's state holds; nothing before the first member made the table."""
        if not self._psql("SELECT to_regclass('callback_router_state')"):
            return {}
        found = self._psql(_NOTES.format(handler))
        notes: Notes = json.loads(found or "{}")
        return notes

    def done(self, handler: str = NOTING) -> int:
        """Return how many events had their effect."""
        return sum(len(numbers) for _, numbers in _rows(self.notes(handler)))

    def announced(self) -> list[Read]:
        """Return every derived record, doubles too."""
        return read_all(self.kafka.bootstrap_servers, [self.derived])

    def dead(self, handler: str = NOTING) -> list[Read]:
        """Return every dead letter, doubles too."""
        topic = f"{self._name}.callback-router.dead.{handler}"
        return read_all(self.kafka.bootstrap_servers, [topic])

    def _outbox(self) -> str:
        if self._postgres is None:
            return ""
        count = self._psql("SELECT count(*) FROM callback_router_outbox")
        return "" if count == "0" else count

    def _psql(self, statement: str) -> str:
        assert self._postgres is not None
        return self._postgres.psql(statement, self._name)


class Feed:
    """Sends records at a rate, from a thread of its own; `with` it."""

    def __init__(self, scene: Scene, records: Sequence[Sent], rate: float) -> None:
        """Take how many records a second."""
        self._records = records
        self._rate = rate
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._producer = Producer(
            {
                "bootstrap.servers": scene.kafka.bootstrap_servers,
                "enable.idempotence": True,  # the order of a key is the order here
                "partitioner": "murmur2",
                "log_level": 2,
            }
        )

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for what is under way, and send nothing more."""
        self._enough.set()
        self._thread.join()

    def wait_sent(self) -> None:
        """Return when all records are durable."""
        self._thread.join()
        assert self._producer.flush(_CALL_SECS) == 0

    def _run(self) -> None:
        at_once = max(1, round(self._rate / _FEEDS_A_SECOND))
        for first in range(0, len(self._records), at_once):
            for record in self._records[first : first + at_once]:
                self._producer.produce(record.topic, record.value, f"{APP}/{record.room}")
            self._producer.poll(0)
            if self._enough.wait(at_once / self._rate):
                return


def fed(scene: Scene, records: Sequence[Sent]) -> None:
    """Send all records at once; return when they are durable."""
    with Feed(scene, records, rate=1e9) as feed:
        feed.wait_sent()


def room_names(count: int) -> list[str]:
    """Return names of rooms."""
    return [f"room-{number}" for number in range(count)]


def event_id(kind: str, room: str, number: int) -> str:
    """Return the id of a numbered event."""
    return f"{APP}/{kind}-{room}-{number}"


def all_notes(rooms: int, numbers: int) -> Notes:
    """Return what the state holds when each event had its effect once, in order."""
    return {room: {kind: list(range(numbers)) for kind in KINDS} for room in room_names(rooms)}


def balance(scene: Scene, notes: Notes, handler: str = NOTING) -> int:
    """Check that each event of *notes* had its effect once and was announced; return the doubles.

    The order within each room and kind is that of *notes*, in the state and in what was
    announced, where a double may come late. Nothing is behind, and nothing waits.
    """
    others = _others(dict(_rows(scene.notes(handler))), dict(_rows(notes)))
    assert others == {}, f"(noted, expected): {others}"
    announced = scene.announced()
    by_cause: defaultdict[str, set[str]] = defaultdict(set)
    order: defaultdict[Row, list[int]] = defaultdict(list)
    for record in announced:
        event = json.loads(record.value or b"")
        by_cause[event["causeid"]].add(event["id"])
        kind, number = event["data"]["kind"], event["data"]["number"]
        room = event["subject"].removeprefix(f"{APP}/")
        assert record.key == event["subject"].encode()
        assert event["causeid"] == event_id(kind, room, number)
        if number not in order[room, kind]:
            order[room, kind].append(number)
    others = _others(order, dict(_rows(notes)))
    assert others == {}, f"(announced, expected): {others}"
    assert {len(ids) for ids in by_cause.values()} == {1}
    assert len(set().union(*by_cause.values())) == len(by_cause)
    assert scene.behind(handler) == {}
    return len(announced) - len(by_cause)


def ended_well(member: Running) -> None:
    """Check that a member that was asked to end did so in good order."""
    code = member.wait_ended(_END_SECS)
    told = [line for line in member.err if not line.startswith("{")]
    assert (code, told) == (0, []), member.err[-20:]


def said(members: Iterable[Running], event: str) -> list[dict[str, Any]]:
    """Return the log lines of an event, of all members."""
    lines = (line for member in members for line in member.err if f'"event": "{event}"' in line)
    return [json.loads(line) for line in lines]


def _rows(notes: Notes) -> Iterator[tuple[Row, list[int]]]:
    return (((room, kind), rows[kind]) for room, rows in notes.items() for kind in rows)


def _others(
    found: Mapping[Row, list[int]], expected: Mapping[Row, list[int]]
) -> dict[Row, tuple[list[int] | None, list[int] | None]]:
    """Return what differs, found and expected."""
    rows = found.keys() | expected.keys()
    both = {row: (found.get(row), expected.get(row)) for row in rows}
    return {row: (one, other) for row, (one, other) in both.items() if one != other}
