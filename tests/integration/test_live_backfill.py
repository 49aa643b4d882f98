"""`volcengine-live backfill`: exactly what is missing comes, with the ids it would have had."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGINT
from typing import Any

import pytest
import yaml
from confluent_kafka import OFFSET_END, Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from router.app.backfill import Backfill, Job, Teller
from router.assembly import CHECKS
from router.config import load
from router.ingress.receive import Accepted
from router.live_api.backfill import Window
from tests.cluster import Cluster, read_all
from tests.integration.command import Service, post
from tests.integration.live_commands import (
    BASE,
    BY_DOMAIN,
    ENVIRONMENT,
    KEY,
    OLDER_TOKEN,
    TOKEN,
    Commands,
)
from tests.live_api.server import DOMAIN, LiveApiServer
from tests.sender import live_signature

pytestmark = pytest.mark.kafka

HOUR_AGO = int(time.time()) - 3600
TOPICS = {"partitions": 2, "replication": 1, "min_insync_replicas": 1}
TYPES = ("PushStart", "PushEnd", "RecordEvent", "SnapshotEvent", "AuditSnapshot", "Unrecognized")
ROUTES = {
    "routes": [
        {"name": "pushes", "when": {"type": "PushStart"}, "to": "alerts.pushes"},
        {"name": "no-snapshots", "when": {"type": "SnapshotEvent"}, "drop": True},
    ]
}
_WORDS = ("push_start", "push_end", "record_event", "weather_event")


@pytest.fixture
async def server() -> AsyncIterator[LiveApiServer]:
    """The vendor, by this machine's clock."""
    async with LiveApiServer() as serving:
        yield serving


def _data(number: int, word: str) -> dict[str, Any]:
    """Return what one callback tells; a recording's has no time."""
    detail: dict[str, Any] = {"session_id": f"s{number}", "sequence_id": f"q{number}"}
    if word != "record_event":
        time_ms = (HOUR_AGO + number) * 1000 + 29
        detail |= {"time": HOUR_AGO + number, "time_ms": time_ms, "transcoded": False}
    place = {"vhost": "space", "domain": DOMAIN, "app": "live", "stream": f"cam-{number % 3}"}
    return {**place, "event_type": word, "detail": detail}


def _body(data: dict[str, Any], t: int) -> bytes:
    """Return the callback of *data*, signed to expire at *t*."""
    signed = {**data, "t": t, "sign": live_signature(t, KEY)}
    return json.dumps({"code": 0, "message": "ok", "data": signed}).encode()


def _call(data: dict[str, Any], at: int, status: str = "fail", **changed: Any) -> dict[str, Any]:
    """Return a call of an hour ago as the vendor tells of it."""
    return {
        "Domain": data["domain"],
        "App": data["app"],
        "Stream": data["stream"],
        "CallbackTime": datetime.fromtimestamp(at, UTC).isoformat(),
        "CallbackEventType": data["event_type"],
        "CallbackAddress": f"{BASE}/{OLDER_TOKEN}",
        "CallbackStatus": status,
        "CallbackBody": _body(data, at + 600).decode(),
        **changed,
    }


class Scene:
    """A namespace with its topics, an instance's configuration, and what Kafka holds there."""

    def __init__(self, folder: Path, server: LiveApiServer, kafka: Cluster, namespace: str) -> None:
        folder.mkdir()
        (folder / "routes.yaml").write_text(yaml.safe_dump(ROUTES))
        self.kafka = kafka
        self.namespace = namespace
        self.commands = Commands(
            folder,
            server,
            BY_DOMAIN,
            kafka=kafka.bootstrap_servers,
            namespace=namespace,
            topics=TOPICS,
            routes="routes.yaml",
            handlers=[],
        )

    async def start(self, bodies: Iterable[bytes]) -> None:
        """Make the topics, and let an instance take *bodies*."""
        assert (await self.commands.process("topics", "apply")).returncode == 0
        sent: list[tuple[str, bytes, dict[str, str]]] = [
            (f"/callbacks/live/{TOKEN}", body, {}) for body in bodies
        ]

        def serve() -> set[int]:
            with Service(self.commands.config) as service:
                statuses = {status for status, _ in post(service.port, sent)}
                service.send_signal(SIGINT)
                assert service.wait_ended() == 0
                return statuses

        if not sent:
            return
        assert await asyncio.to_thread(serve) == {200}
        # The first records of a cold start may be answered from the spool.
        assert (await self.commands.process("spool", "drain")).returncode == 0

    async def events(self, *topics: str) -> list[dict[str, Any]]:
        """Return every event in the base topics, or in these."""
        names = topics or [f"callbacks.volcengine-live.{name}" for name in TYPES]
        found = await asyncio.to_thread(
            read_all, self.kafka.bootstrap_servers, [self.namespace + name for name in names]
        )
        return [json.loads(record.value or b"") for record in found]

    async def names(self) -> Counter[tuple[str, str]]:
        """Return type and id of every event, and how often it is there."""
        return Counter((event["type"], event["id"]) for event in await self.events())


async def test_what_is_missing_comes_and_nothing_twice(
    server: LiveApiServer, kafka: Cluster, tmp_path: Path, unique: str
) -> None:
    """A thinned topic is whole again: the same ids as if all had arrived, each once."""
    told = [_data(number, _WORDS[number % 4]) for number in range(24)]
    fresh = int(time.time()) + 600
    whole = Scene(tmp_path / "whole", server, kafka, f"{unique}w.")
    await whole.start(_body(data, fresh) for data in told)
    thinned = Scene(tmp_path / "thinned", server, kafka, f"{unique}t.")
    await thinned.start(_body(data, fresh) for data in told[::3])
    for number, data in enumerate(told):  # tried three times each, some with success at last
        at = HOUR_AGO + 10 * number
        last = "fail" if number % 2 else "success"
        server.account.calls += [_call(data, at), _call(data, at + 3), _call(data, at + 6, last)]
    before, expected = await thinned.names(), await whole.names()
    assert (len(before), len(expected)) == (8, 24)

    shown = await thinned.commands("backfill", "--since", "2h", "--dry-run")
    assert "calls 60  again 36  there 8  missing 16  published 0\n" in shown
    assert await thinned.names() == before

    done = await thinned.commands("backfill", "--since", "2h")
    assert done.endswith("backfill: calls 60  again 36  there 8  missing 16  published 16\n")
    assert await thinned.names() == expected
    assert len(await thinned.events("alerts.pushes")) == 6

    again = await thinned.commands("backfill", "--since", "2h", "--status", "all")
    assert again.endswith("backfill: calls 72  again 48  there 24  missing 0  published 0\n")
    assert await thinned.names() == expected


async def test_a_record_of_a_rule_is_restored_alone(
    server: LiveApiServer, kafka: Cluster, tmp_path: Path, unique: str
) -> None:
    """The base topic has the event, the rule's has not: only that record is published."""
    scene = Scene(tmp_path / "scene", server, kafka, f"{unique}.")
    routes = tmp_path / "scene" / "routes.yaml"
    routes.write_text("routes: []\n")
    push = _data(1, "push_start")
    await scene.start([_body(push, int(time.time()) + 600)])
    routes.write_text(yaml.safe_dump(ROUTES))
    await scene.start([])
    server.account.calls = [_call(push, HOUR_AGO + 60)]

    done = await scene.commands("backfill", "--since", "2h")

    assert done.endswith("backfill: calls 1  there 0  missing 1  published 1\n")
    (base,), (alert,) = await scene.events(), await scene.events("alerts.pushes")
    assert alert["id"] == base["id"]
    again = await scene.commands("backfill", "--since", "2h")
    assert again.endswith("backfill: calls 1  there 1  missing 0  published 0\n")


async def test_it_is_as_if_it_had_come(
    server: LiveApiServer, kafka: Cluster, tmp_path: Path, unique: str
) -> None:
    """The time is the event's, or that of the first call; it is received now, and not stale."""
    scene = Scene(tmp_path / "scene", server, kafka, f"{unique}.")
    await scene.start([])
    began_ms = time.time_ns() // 1_000_000
    push, record = _data(1, "push_start"), _data(2, "record_event")
    server.account.calls = [
        _call(push, HOUR_AGO + 60),
        _call(record, HOUR_AGO + 90),
        _call(record, HOUR_AGO + 93),
    ]

    await scene.commands("backfill", "--since", "2h")

    found = {event["type"].partition(".")[2]: event for event in await scene.events()}
    assert found.keys() == {"PushStart", "RecordEvent"}
    at = datetime.fromtimestamp(HOUR_AGO + 1, UTC)
    assert found["PushStart"]["time"] == f"{at:%Y-%m-%dT%H:%M:%S}.029Z"
    assert found["PushStart"]["timebasis"] == "event"
    at = datetime.fromtimestamp(HOUR_AGO + 90, UTC)
    assert found["RecordEvent"]["time"] == f"{at:%Y-%m-%dT%H:%M:%S}.000Z"
    assert found["RecordEvent"]["timebasis"] == "envelope"
    for event in found.values():
        recorded = datetime.fromisoformat(event["recordedtime"]).timestamp() * 1000
        assert recorded >= began_ms
        assert event["source"] == "/callbacks/live"
        assert not event["data"].keys() & {"sign", "t"}


async def test_what_is_no_business_of_ours_is_counted(
    server: LiveApiServer, kafka: Cluster, tmp_path: Path, unique: str
) -> None:
    """Calls to others, bodies cut off, what a rule drops, and what came stale: each is told."""
    scene = Scene(tmp_path / "scene", server, kafka, f"{unique}.")
    late = _data(1, "push_start")
    await scene.start([_body(late, int(time.time()) - 3600)])
    other, cut, empty = (_data(number, "push_end") for number in (2, 3, 4))
    body = _body(cut, HOUR_AGO).decode()
    server.account.calls = [
        _call(late, HOUR_AGO),
        _call(other, HOUR_AGO, CallbackAddress="https://other.example.com/callbacks/live"),
        _call(cut, HOUR_AGO, CallbackBody=body[:100]),
        _call(empty, HOUR_AGO, CallbackBody=""),
        _call(_data(5, "snapshot_event"), HOUR_AGO),
        _call(_data(6, "push_end"), HOUR_AGO, Domain="unnamed.example.com"),
    ]

    done = await scene.commands("backfill", "--since", "2h", code=1)  # what is unreadable is lost

    counts = "calls 5  elsewhere 1  unreadable 2  dropped 1  there 1  missing 0  published 0\n"
    assert done.endswith(f"backfill: {counts}")
    assert "push_end  push.example.com/live/cam-0: the body is no JSON object" in done
    assert [event["data"]["reason"] for event in await scene.events()] == ["stale"]


async def test_a_time_that_cannot_be_compared_is_refused(
    server: LiveApiServer, kafka: Cluster, tmp_path: Path, unique: str
) -> None:
    """What the topics have deleted would come a second time; nothing is asked or published."""
    scene = Scene(tmp_path / "scene", server, kafka, f"{unique}.")
    await scene.start([])

    for arguments, told in (
        (("--since", "7d"), "keeps its records for 604800 s"),
        (("--since", "400d"), "the vendor keeps calls for 366 days"),
        (("--since", "5m"), "the beginning is not before the end"),
    ):
        done = await scene.commands.process("volcengine-live", "backfill", *arguments)
        assert (done.returncode, told in done.stderr) == (2, True), done.stderr
    assert server.asked == []


async def test_what_kafka_has_deleted_is_unknown(
    server: LiveApiServer, kafka: Cluster, tmp_path: Path, unique: str
) -> None:
    """Not only for its age: it does not come twice unless forced, and what never came comes."""
    scene = Scene(tmp_path / "scene", server, kafka, f"{unique}.")
    kept, deleted = _data(1, "record_event"), [_data(number, "push_end") for number in range(6)]
    fresh = int(time.time()) + 600
    await scene.start(_body(data, fresh) for data in (kept, *deleted))
    lost = _data(2, "record_event")
    server.account.calls = [_call(data, HOUR_AGO + 60) for data in (kept, lost, *deleted)]
    topic = f"{scene.namespace}callbacks.volcengine-live.PushEnd"
    left = await asyncio.to_thread(_delete, kafka, topic)
    told = f"calls 8  there {1 + left}  unknown {6 - left}  missing 1"

    looked = await scene.commands("backfill", "--since", "2h", "--dry-run", code=1)
    done = await scene.commands("backfill", "--since", "2h", code=1)
    recorded = await scene.events("callbacks.volcengine-live.RecordEvent")
    again = await scene.commands("backfill", "--since", "2h", code=1)
    forced = await scene.commands("backfill", "--since", "2h", "--force")

    assert f"{told}  published 0\n" in looked
    assert f"{told}  published 1\n" in done
    assert f"unknown  {_time(deleted[0])}  volcengine-live.PushEnd  space/live/cam-0  " in done
    assert len({event["id"] for event in recorded}) == len(recorded) == 2
    assert f"there {2 + left}  unknown {6 - left}  missing 0  published 0\n" in again
    assert f"there {2 + left}  missing {6 - left}  published {6 - left}\n" in forced


def _delete(kafka: Cluster, topic: str) -> int:
    """Delete the first record of one partition, and all of the other; return how many are left."""
    servers = kafka.bootstrap_servers
    admin = AdminClient({"bootstrap.servers": servers})
    places = [TopicPartition(topic, 0, 1), TopicPartition(topic, 1, OFFSET_END)]
    for deleted in admin.delete_records(places).values():
        deleted.result(20)
    with closing(Consumer({"bootstrap.servers": servers, "group.id": "unused"})) as consumer:
        spans = [consumer.get_watermark_offsets(TopicPartition(topic, n), 20) for n in (0, 1)]
    (_, end), (_, other_end) = spans
    assert (end > 1, other_end > 0) == (True, True), "the keys of the test are in both partitions"
    return int(end) - 1


def _time(data: dict[str, Any]) -> str:
    """Return when the callback's event happened, as the event says it."""
    happened = datetime.fromtimestamp(data["detail"]["time_ms"] / 1000, UTC)
    return f"{happened:%Y-%m-%dT%H:%M:%S}.{happened.microsecond // 1000:03}Z"


async def test_many_are_taken_in_parts(
    server: LiveApiServer, kafka: Cluster, tmp_path: Path, unique: str
) -> None:
    """Of any size, and begun again after it was broken off: what is in two parts comes once."""
    scene = Scene(tmp_path / "scene", server, kafka, f"{unique}.")
    await scene.start([])
    told = [_data(number, "push_end") for number in range(10)]
    for at in (0, 600):  # the second call of each is far behind the first
        server.account.calls += [_call(data, HOUR_AGO + at + n) for n, data in enumerate(told)]
    configuration = load(scene.commands.config, ENVIRONMENT, CHECKS, with_live_keys=True)
    window = Window(since_secs=HOUR_AGO - 60, until_secs=HOUR_AGO + 1200)
    job = Job(window=window, statuses=("fail",), is_dry=False, page_size=3, max_held=4)
    stop = asyncio.Event()
    broken_off = Backfill(configuration, job, stop, _teller(lambda _: stop.set()))
    await broken_off.run()
    assert (broken_off.tally.calls, broken_off.tally.missing, broken_off.tally.published) == (
        9,
        6,
        0,
    )

    missing: list[str] = []
    run = Backfill(
        configuration,
        job,
        asyncio.Event(),
        _teller(lambda accepted: missing.append(accepted.event.id)),
    )
    await run.run()

    assert (run.tally.calls, run.tally.again, run.tally.published) == (20, 10, 10)
    assert sorted(missing) == sorted(event["id"] for event in await scene.events())


def _teller(missing: Callable[[Accepted], None]) -> Teller:
    return Teller(
        progress=lambda _: None,
        missing=missing,
        unknown=lambda _: None,
        unreadable=lambda *_: None,
    )
