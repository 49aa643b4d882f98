"""`dev --kafka`, `tail` and `simulate` as a person calls them, on a real Kafka."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from signal import SIGINT

import pytest

from tests.cluster import Cluster, read_all
from tests.integration.command import (
    LIVE_SECRET,
    PATHS,
    SECRET,
    ZEGO_SECRET,
    Running,
    Service,
    post,
    run,
    write_config,
)
from tests.sender import rtc

pytestmark = pytest.mark.kafka

TOPICS = {"partitions": 1, "replication": 1, "min_insync_replicas": 1}
ROOM_CREATE = "callbacks.volcengine-rtc.RoomCreate"
ACCEPTED = re.compile(
    r"\d\d:\d\d:\d\d (?P<source>\w+) +200 +(?P<ms>\d+) ms +(?P<type>[\w.-]+) +(?P<subject>\S+)"
    r" +-> (?P<topic>[\w.-]+)\[(?P<partition>\d+)\]@(?P<offset>\d+)"
)


class _Bench:
    """A service with its topics, and five callbacks of one room in Kafka."""

    def __init__(self, kafka: Cluster, namespace: str, folder: Path) -> None:
        self.kafka = kafka
        self.namespace = namespace
        self.topic = f"{namespace}{ROOM_CREATE}"
        self.config = write_config(folder, kafka.bootstrap_servers, namespace, topics=TOPICS)


@pytest.fixture(scope="module")
def bench(kafka: Cluster, tmp_path_factory: pytest.TempPathFactory) -> _Bench:
    """Topics of the module's own, made by the command."""
    folder = tmp_path_factory.mktemp("cli")
    made = _Bench(kafka, f"{folder.parent.name}.{folder.name}.", folder)
    assert run("topics", "apply", "--config", made.config).returncode == 0
    return made


@pytest.fixture(scope="module")
def service(bench: _Bench) -> Iterator[Service]:
    """A service that publishes to them."""
    with Service(bench.config) as started:
        yield started


@pytest.fixture(scope="module")
def five(service: Service) -> list[str]:
    """The ids of five callbacks, in the order in which they were answered 200."""
    ids = [f"five-{number}" for number in range(5)]
    answers = post(service.port, [(PATHS["rtc"], rtc(EventId=name), {}) for name in ids])
    assert [status for status, _ in answers] == [200] * 5
    return [f"appId/{name}" for name in ids]


def test_dev_on_a_given_kafka(kafka: Cluster) -> None:
    """It ends by itself, and shows all vendors, a refused forgery and a kept unknown event."""
    done = run(
        "dev", "--kafka", kafka.bootstrap_servers, "--port", "0", "--for", "4", "--rate", "10"
    )

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert kafka.bootstrap_servers in lines[0]
    assert "embedded" not in lines[0]
    accepted = [found for found in map(ACCEPTED.match, lines) if found]
    assert {found["source"] for found in accepted} == {"rtc", "studio", "zego", "live"}
    assert all(found["topic"].startswith("dev-") for found in accepted)
    assert all(found["topic"].endswith(f".callbacks.{found['type']}") for found in accepted)
    refused = [line for line in lines if "refused: " in line]
    assert any("401" in line and "refused: proof-wrong" in line for line in refused)
    assert any("404" in line and "refused: not-found" in line for line in refused)
    assert all("a forgery, sent on purpose" in line for line in refused)
    assert any("Unrecognized" in line and "unknown-type, kept" in line for line in lines)
    summary = re.fullmatch(
        r"\[\d+ s\] accepted (\d+) · refused (\d+) · unrecognized (\d+) · p99 \d+ ms.*", lines[-1]
    )
    assert summary, lines[-1]
    assert int(summary[1]) >= len(accepted) > 10
    assert int(summary[2]) == len(refused)


def test_what_dev_shows_is_there(kafka: Cluster) -> None:
    """Topic, partition and offset of each line lead to the event of that line."""
    done = run(
        "dev", "--kafka", kafka.bootstrap_servers, "--port", "0", "--for", "2", "--rate", "10"
    )

    shown = [found for found in map(ACCEPTED.match, done.stdout.splitlines()) if found]
    topics = {found["topic"] for found in shown}
    events = {
        (record.topic, record.partition, record.offset): json.loads(record.value or b"")
        for record in read_all(kafka.bootstrap_servers, topics)
    }
    assert shown
    for found in shown:
        event = events[found["topic"], int(found["partition"]), int(found["offset"])]
        assert event["type"] == found["type"]
        assert event["subject"].startswith(found["subject"].removesuffix("..."))


def test_dev_without_a_kafka_says_so() -> None:
    """A broker that does not answer is a line and exit 1."""
    done = run("dev", "--kafka", "127.0.0.1:1", "--port", "0", "--for", "2")

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "127.0.0.1:1" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("callback-router: ")


def test_tail_from_the_start_counts(bench: _Bench, five: list[str]) -> None:
    """So many records of a topic are printed, oldest first, with their places, and it ends."""
    done = run("tail", bench.topic, "--from-start", "--count", "5", "--config", bench.config)

    lines = done.stdout.splitlines()
    assert done.returncode == 0
    places = [line.split("  ", 2) for line in lines]
    assert [place for place, _, _ in places] == [f"{bench.topic}[0]@{n}" for n in range(5)]
    assert {key for _, key, _ in places} == {"appId/room1"}
    assert [json.loads(value)["id"] for _, _, value in places] == five


@pytest.mark.usefixtures("five")
def test_tail_shows_no_credentials(bench: _Bench, service: Service) -> None:
    """Queries of URLs are stars at any depth, also inside of text; --raw shows what is there."""
    url = "rtmp://user:Zq7@push.example.com/live/s?key=Zq7&x=1"
    data = json.dumps({"RoomId": "room1", "More": [{"Url": url}, json.dumps({"in": url})]})
    post(service.port, [(PATHS["rtc"], rtc(data, EventId="masked"), {})])
    arguments = ("tail", bench.topic, "--from-start", "--count", "50", "--config", bench.config)
    lines = []
    for more in ((), ("--raw",)):
        with Running(*arguments, *more) as tail:
            lines.append(tail.wait_line(lambda line: '"id":"appId/masked"' in line))
    masked, raw = (json.loads(line.split("  ", 2)[2])["data"] for line in lines)

    shown = "rtmp://***@push.example.com/live/s?***"
    assert masked["more"] == [{"url": shown}, json.dumps({"in": shown})]
    assert raw["more"] == [{"url": url}, json.dumps({"in": url})]


@pytest.mark.usefixtures("five")
def test_tail_follows(bench: _Bench, service: Service) -> None:
    """From the end of every topic it shows what comes, until Ctrl-C, and leaves quietly."""
    with Running("tail", "--config", bench.config) as tail:
        tail.wait_line(lambda line: "Ctrl-C" in line)
        post(service.port, [(PATHS["rtc"], rtc(EventId="followed"), {})])
        line = tail.wait_line(lambda line: line.startswith(bench.topic))
        tail.send_signal(SIGINT)
        code = tail.wait_ended()

    assert '"id":"appId/followed"' in line
    assert code == 0
    assert "Traceback" not in "".join(tail.err)


def test_tail_of_an_unknown_topic_fails(bench: _Bench) -> None:
    """It names the topic, and makes none."""
    done = run("tail", "nowhere", "--count", "1", "--config", bench.config)

    assert done.returncode == 1
    assert done.stderr == "tail: no such topic: nowhere\n"


@pytest.mark.parametrize(
    ("vendor", "path", "secret"),
    [
        ("volcengine-rtc", PATHS["rtc"], SECRET),
        ("alibaba-caster", PATHS["studio"], ""),
        ("zego-cloud-player", PATHS["zego"], ZEGO_SECRET),
        ("volcengine-live", PATHS["live"], LIVE_SECRET),
        ("volcengine-live", PATHS["live-unsigned"], ""),
    ],
    ids=["rtc", "studio", "zego", "live", "live-unsigned"],
)
def test_simulate_is_taken(service: Service, vendor: str, path: str, secret: str) -> None:
    """Everything but the forgeries is answered 200; it ends after the count, with exit 0."""
    done = run(
        *("simulate", vendor, "--url", f"{service.url}{path}", "--count", "10", "--rate", "50"),
        environment={"SIMULATE_SECRET": secret},
    )

    *lines, total = [line.split() for line in done.stdout.splitlines()]
    assert total[:2] == ["sent", "10"]
    is_told = vendor == "volcengine-live" and not secret
    assert (done.returncode, "callbacks are unsigned" in done.stderr) == (0, is_told)
    assert len(done.stderr.splitlines()) == is_told
    assert len(lines) == 10
    kinds = {kind: {words[0] for words in lines if kind in words} for kind in _KINDS}
    assert kinds == {
        "ordinary": {"200"},
        "unknown": {"200"},
        "forgery": {"401" if secret else "404"},
    }


def test_simulate_with_a_wrong_secret_fails(service: Service) -> None:
    """When more than forgeries is refused, the exit code says so."""
    done = run(
        *("simulate", "volcengine-rtc", "--url", f"{service.url}{PATHS['rtc']}"),
        *("--count", "2", "--rate", "50"),
        environment={"SIMULATE_SECRET": "another"},
    )

    assert done.returncode == 1
    assert "proof-wrong" in done.stdout


_KINDS = ("ordinary", "unknown", "forgery")
