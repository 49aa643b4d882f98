"""Fixtures of the end-to-end tests: topics on the shared Kafka, and servers beside it."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import Cluster, Read, read_all
from tests.e2e.serving import Server, leaks

_VENDORS = Path(__file__).parents[2] / "router" / "vendors"
_READ = (
    "callbacks.volcengine-rtc.RoomCreate",
    "callbacks.volcengine-rtc.Unrecognized",
    "callbacks.alibaba-caster.OperateCallback",
    "callbacks.alibaba-caster.Unrecognized",
)
_NEWER = {
    "zego-cloud-player": (
        *("PlayerCreated", "PlayerDestroyed", "PlayerStateChanged", "PlayerAnomaly"),
        *("UploadDone", "UploadFailed", "UploadStateChanged", "UploadCancelFailed"),
        *("UploadAnomaly", "UploadExpired", "Unrecognized"),
    ),
    "volcengine-live": (
        *("PushStart", "PushEnd", "RecordEvent", "SnapshotEvent", "AuditSnapshot"),
        "Unrecognized",
    ),
    "volcengine-rtc": ("VoiceChat", "SegmentRealTimeData"),
}
_FOUND = [f"callbacks.{vendor}.{type_}" for vendor, types in _NEWER.items() for type_ in types]

Event = dict[str, Any]
StartServer = Callable[[Mapping[str, Any]], Server]
Published = Callable[[], dict[str, Event]]
Found = Callable[[str], list[Read]]
Events = Callable[[str], list[Event]]


@pytest.fixture(scope="session")
def namespace(kafka: Cluster) -> str:
    """The prefix of this run's topics, which all exist."""
    prefix = f"t{uuid.uuid4().hex[:12]}."
    samples = _VENDORS.glob("*/samples/*.json")
    topics = {json.loads(path.read_text(encoding="utf-8"))["topic"] for path in samples}
    names = [f"{prefix}{topic}" for topic in topics]
    kafka.create_topics(names, partitions=6, config={"max.message.bytes": "2097152"})
    return prefix


@pytest.fixture(scope="module")
def start_server(
    kafka: Cluster, namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartServer]:
    """A function that starts a server with some settings; they end with the module.

    What they wrote is checked then: no traceback, no secret, no signature.
    """
    with ExitStack() as stack:

        def start(settings: Mapping[str, Any]) -> Server:
            folder = tmp_path_factory.mktemp("server")
            connected = {
                "kafka": {"bootstrap_servers": kafka.bootstrap_servers, "namespace": namespace},
                # The tests look into Kafka: a slow machine shall not answer from the spool.
                "ack": {"soft": "2500ms"},
            }
            server = Server.start(
                folder, {**(connected if "kafka" not in settings else {}), **settings}
            )
            stack.callback(_check_output, server)
            stack.enter_context(server)
            return server

        yield start


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> Server:
    """The usual server: every source, no proxy trusted, every limit at its default."""
    return start_server({})


@pytest.fixture
def published(kafka: Cluster, namespace: str) -> Published:
    """A function that returns what Kafka holds, by the event's id (the studio's by subject).

    What was accepted before a 200 is there once that has come.
    """

    def read() -> dict[str, Event]:
        topics = [f"{namespace}{topic}" for topic in _READ]
        events = [json.loads(r.value or b"") for r in read_all(kafka.bootstrap_servers, topics)]
        return {_name(event): event for event in events}

    return read


@pytest.fixture
def found(kafka: Cluster, namespace: str) -> Found:
    """A function that returns ZEGO's, Live's and some RTC records whose value holds a text."""

    def read(text: str) -> list[Read]:
        topics = [f"{namespace}{topic}" for topic in _FOUND]
        records = read_all(kafka.bootstrap_servers, topics)
        return [record for record in records if text.encode() in (record.value or b"")]

    return read


@pytest.fixture
def events(found: Found) -> Events:
    """A function that returns the events of those records."""
    return lambda text: [json.loads(record.value or b"") for record in found(text)]


@pytest.fixture(scope="session")
def _addresses() -> Iterator[int]:
    return count(1)


@pytest.fixture
def address(_addresses: Iterator[int]) -> str:
    """A local address that no other test uses: failed proofs are counted by address."""
    number = next(_addresses)
    return f"127.1.{number // 250}.{number % 250 + 1}"


def _name(event: Event) -> str:
    is_studio = event["type"].startswith("alibaba-caster")
    name = event["subject" if is_studio else "id"]
    assert isinstance(name, str)
    return name


def _check_output(server: Server) -> None:
    server.kill()
    assert leaks(server.output) == []
    assert b"Traceback" not in server.output
