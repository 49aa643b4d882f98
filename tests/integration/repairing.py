"""What the tests of `dead` and `replay` share: a bench with one handler, and events in Kafka."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM
from subprocess import CompletedProcess

from tests.cluster import Cluster, read_all
from tests.integration.command import PATHS, Running, Service, post, run, write_config
from tests.postgres import Postgres
from tests.sender import rtc

TOPICS = {"partitions": 2, "replication": 1, "min_insync_replicas": 1}
BROKEN = '''"""A handler that refuses every event, and tells why with a URL that holds a password."""

from router.handler import Context, DeadLetter, Event, handler
from router.vendors.volcengine_rtc.events import RoomCreate


@handler("count-rooms", events=[RoomCreate], emits=["RoomCounted"])
async def count_rooms(event: Event[RoomCreate], context: Context) -> DeadLetter:
    """Refuse."""
    return DeadLetter("https://user:Zq7@example.com/x?key=Zq7 \\x1b[31m refused")
'''
MENDED = '''"""A handler that counts the events of each room, but not those of a cursed one."""

from router.handler import Context, Event, handler
from router.vendors.volcengine_rtc.events import RoomCreate


@handler("count-rooms", events=[RoomCreate], emits=["RoomCounted"], retry_for_secs=0.01)
async def count_rooms(event: Event[RoomCreate], context: Context) -> None:
    """Count."""
    if event.subject.endswith("cursed"):
        raise ValueError("cursed")
    count = (await context.state.get(event.subject) or 0) + 1
    await context.state.put(event.subject, count)
    context.emit("RoomCounted", {"id": event.id, "count": count})
'''


class Bench:
    """A configuration with one handler, and callbacks of rooms in Kafka."""

    def __init__(
        self, kafka: Cluster, folder: Path, namespace: str, postgres: Postgres | None = None
    ) -> None:
        """Make topics and files; without *postgres* state is in a file of the folder."""
        self.kafka = kafka
        self.handlers = folder / f"handlers_{namespace}"
        self.handlers.mkdir()
        self.base = f"{namespace}.callbacks.volcengine-rtc.RoomCreate"
        self.dead = f"{namespace}.callback-router.dead.count-rooms"
        self.derived = f"{namespace}.derived.RoomCounted"
        self.url = f"sqlite:///{folder}/state.db"
        if postgres is not None:
            postgres.psql(f"CREATE DATABASE {namespace}")
            self.url = postgres.url_of(namespace)
        self.config = write_config(
            folder,
            kafka.bootstrap_servers,
            f"{namespace}.",
            topics=TOPICS,
            handlers=[str(self.handlers)],
            state={"url": self.url},
            ack={"soft": "2900ms"},  # on a busy machine too, 200 is to mean Kafka, not the spool
        )
        self._published = 0
        self.write(BROKEN)
        assert run("topics", "apply", "--config", self.config).returncode == 0

    def write(self, handler: str) -> None:
        """Put another handler there; the next command finds it."""
        (self.handlers / "count_rooms.py").write_text(handler)

    def run(self, *arguments: str) -> CompletedProcess[str]:
        """Return the ended command."""
        return run(*arguments, "--config", self.config)

    def publish(self, *events: tuple[str, str]) -> None:
        """Publish an event for each room and id; all are in Kafka on return, once."""
        bodies: list[tuple[str, bytes, dict[str, str]]] = [
            (PATHS["rtc"], rtc(json.dumps({"RoomId": room}), EventId=name), {})
            for room, name in events
        ]
        with Service(self.config) as service:
            assert {status for status, _ in post(service.port, bodies)} == {200}
            self._published += len(events)  # 200 may mean the spool: the topics may be too new
            read_all(self.kafka.bootstrap_servers, [self.base], self._published)

    def consume(self, until: str, times: int = 1) -> None:
        """Run `consume` until its log has told *until* so often."""
        with Running("consume", "--config", self.config) as consume:
            for _ in range(times):
                consume.wait_line(lambda line: until in line)
            consume.send_signal(SIGTERM)
            assert consume.wait_ended() == 0

    @contextmanager
    def consuming(self) -> Iterator[Running]:
        """Let `consume` run, with partitions, until the end of the `with`; it must end well."""
        with Running("consume", "--config", self.config) as consume:
            consume.wait_line(lambda line: '"event": "partitions_assigned"' in line)
            yield consume
            consume.send_signal(SIGTERM)
            assert consume.wait_ended() == 0, consume.err[-20:]

    def ends(self) -> tuple[int, int]:
        """Return how many events and dead letters there are."""
        servers = self.kafka.bootstrap_servers
        return len(read_all(servers, [self.base])), len(read_all(servers, [self.dead]))

    def counted(self) -> list[tuple[str, int]]:
        """Return id and count of every derived event, in no order."""
        values = [
            json.loads(r.value or b"")
            for r in read_all(self.kafka.bootstrap_servers, [self.derived])
        ]
        return sorted((value["data"]["id"], value["data"]["count"]) for value in values)
