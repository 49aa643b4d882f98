"""Every vendor's samples through the installed command: HTTP in, and what lies in Kafka then."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event, from_structured_event

from tests.cluster import Cluster, Read, read_all
from tests.integration.command import PATHS, Service, post, run, write_config
from tests.samples import SAMPLES as ALL_SAMPLES
from tests.samples import Sample, as_text, changed_character, restamped

pytestmark = pytest.mark.kafka

SAMPLES = {name: sample for name, sample in ALL_SAMPLES.items() if sample.source in PATHS}
SIGNED = [name for name, sample in SAMPLES.items() if sample.secret]
TEXT_MEMBERS = ("EventType", "EventTime", "EventId", "AppId", "Version", "Signature")
HEADERS = ["content-type", "event_id", "event_source", "event_type", "traceparent"]
BEGAN_MS = time.time_ns() // 1_000_000


class _Sent:
    """What became of the samples: answers and records by name, and what else there was."""

    def __init__(self, service: Service, kafka: Cluster, namespace: str) -> None:
        self.namespace = namespace
        self.service = service
        self.topics = [f"{namespace}{topic}" for topic in {s.topic for s in SAMPLES.values()}]
        self._kafka = kafka
        now_secs = int(time.time())
        self.samples = {
            name: restamped(sample, now_secs, number)
            for number, (name, sample) in enumerate(SAMPLES.items())
        }
        requests = [
            (PATHS[sample.source], sample.body.encode(), {"traceparent": _trace(number)})
            for number, sample in enumerate(self.samples.values())
        ]
        self.answers = dict(zip(SAMPLES, post(service.port, requests), strict=True))
        self.records = self.read()
        by_trace: dict[str, list[Read]] = {}
        for record in self.records:
            by_trace.setdefault(record.headers["traceparent"].decode(), []).append(record)
        self.by_name = {
            name: by_trace.get(_trace(number), []) for number, name in enumerate(SAMPLES)
        }

    def read(self) -> list[Read]:
        """Return every record of every topic of the samples."""
        return read_all(self._kafka.bootstrap_servers, self.topics)

    def post(self, sample: Sample, body: str, trace: str) -> dict[str, Any]:
        """Return the event that a further body becomes, which is answered 200."""
        request = (PATHS[sample.source], body.encode(), {"traceparent": trace})
        assert post(self.service.port, [request]) == [(200, {"code": 0})]
        found = (r for r in self.read() if r.headers["traceparent"] == trace.encode())
        return _event(next(found))


@pytest.fixture(scope="module")
def sent(kafka: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Sent]:
    """All samples, posted to one service whose topics `topics apply` has made."""
    folder = tmp_path_factory.mktemp("samples")
    namespace = f"{folder.name}.{BEGAN_MS}."
    settings: dict[str, Any] = {
        "topics": {"partitions": 2, "replication": 1, "min_insync_replicas": 1},
        "trusted_proxies": ["127.0.0.1/32"],  # forgeries of many addresses, none of which is slowed
    }
    config = write_config(folder, kafka.bootstrap_servers, namespace, **settings)
    made = run("topics", "apply", "--config", config)
    assert made.returncode == 0, made.stderr
    with Service(config) as service:
        yield _Sent(service, kafka, namespace)


def _trace(number: int) -> str:
    return f"00-{number + 1:032x}-{number + 1:016x}-01"


def _event(record: Read) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(record.value or b"")
    return event


def _expected(sample: Sample, got: dict[str, Any]) -> dict[str, Any]:
    """Return the sample's event with what only a delivery knows, taken from *got*."""
    free = ["recordedtime", "traceparent"]
    free += ["time"] * (sample.event["timebasis"] == "received")
    free += ["id"] * (sample.event["idbasis"] == "none")
    event = {**sample.event, **{name: got.get(name) for name in free}}
    if not sample.is_recognized:
        event["data"] = {**event["data"], "detail": got["data"].get("detail")}
    return event


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_one_record(sent: _Sent, name: str) -> None:
    """It is answered 200 and lies once in its topic, under its key, stamped by the broker."""
    sample = sent.samples[name]

    assert sent.answers[name] == (200, {"code": 0})
    (record,) = sent.by_name[name]
    assert record.topic == f"{sent.namespace}{sample.topic}"
    assert record.key == sample.key.encode()
    assert record.timestamp_type == "LogAppendTime"


@pytest.mark.parametrize("name", SAMPLES)
def test_its_value_is_the_event(sent: _Sent, name: str) -> None:
    """The value equals the sample's event; what a delivery adds is what it was."""
    (record,) = sent.by_name[name]
    got = _event(record)

    assert as_text(got) == as_text(_expected(sent.samples[name], got))
    recorded = datetime.fromisoformat(got["recordedtime"])
    assert BEGAN_MS - 1 <= recorded.timestamp() * 1000 <= time.time_ns() / 1_000_000
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", got["recordedtime"])
    if got["timebasis"] == "received":
        assert got["time"] == got["recordedtime"]


@pytest.mark.parametrize("name", SAMPLES)
def test_its_headers_are_plain(sent: _Sent, name: str) -> None:
    """There are the contract's five, none of them CloudEvents' own, with the event's values."""
    (record,) = sent.by_name[name]
    got = _event(record)

    assert sorted(record.headers) == HEADERS
    assert record.headers["content-type"] == b"application/cloudevents+json; charset=UTF-8"
    for attribute in ("id", "source", "type"):
        assert record.headers[f"event_{attribute}"] == got[attribute].encode()
    assert record.headers["traceparent"] == got["traceparent"].encode()
    assert got["traceparent"] == _trace(list(SAMPLES).index(name))


@pytest.mark.parametrize("name", SAMPLES)
def test_the_standard_reader_reads_it(sent: _Sent, name: str) -> None:
    """CloudEvents' own library takes the record for a structured event and finds the same."""
    (record,) = sent.by_name[name]
    got = _event(record)
    message = KafkaMessage(headers=record.headers, key=None, value=record.value or b"")

    read = from_structured_event(message)

    attributes = dict(read.get_attributes())
    moment = datetime.fromisoformat(got["time"])
    assert attributes.pop("time") == moment.astimezone(UTC)
    assert attributes == {k: v for k, v in got.items() if k not in {"time", "data"}}
    assert read.get_data() == got["data"]
    assert from_kafka_event(message).get_attributes() == read.get_attributes()


def test_nothing_else_was_published(sent: _Sent) -> None:
    """There are as many records as samples."""
    assert len(sent.records) == len(SAMPLES)


def test_ids_without_a_basis_are_unique(sent: _Sent) -> None:
    """Where nothing names an occurrence, every delivery has an id of its own."""
    ids = [e["id"] for e in map(_event, sent.records) if e["idbasis"] == "none"]

    assert ids
    assert len(set(ids)) == len(ids)


def test_a_changed_character_is_refused_and_published_nowhere(sent: _Sent) -> None:
    """One signed character makes any sample a forgery: 401, and no topic gets longer."""
    before = len(sent.read())
    requests = [
        (
            PATHS[sent.samples[name].source],
            _forged(sent.samples[name], number).encode(),
            {"X-Forwarded-For": f"192.0.2.{number % 100 + 1}"},
        )
        for number, name in enumerate(SIGNED)
    ]

    answers = post(sent.service.port, requests)

    assert {status for status, _ in answers} == {401}
    assert {body["reason"] for _, body in answers} == {"proof-wrong"}
    assert len(sent.read()) == before


@pytest.mark.parametrize(
    "name",
    [
        "volcengine_rtc-RoomCreate",
        "alibaba_caster-OperateCallback",
        "zego_cloud_player-PlayerCreated",
        "volcengine_live-PushStart",
    ],
)
def test_a_retried_callback_is_the_same_event(sent: _Sent, name: str) -> None:
    """Sent again, an event has the same id and source, and a record of its own."""
    sample = sent.samples[name]
    trace = _trace(len(SAMPLES) + list(SAMPLES).index(name))

    again = sent.post(sample, sample.body, trace)

    assert again == {**_expected(sample, again), "traceparent": trace}


def test_a_nonce_that_comes_again_with_other_content_is_doubted(sent: _Sent) -> None:
    """Whoever saw a callback can write another one around its proof; that is kept as a doubt."""
    sample = sent.samples["zego_cloud_player-PlayerCreated"]
    body = sample.body.replace("https://xxx.com", "https://xyz.com")
    assert body != sample.body

    event = sent.post(sample, body, _trace(3 * len(SAMPLES)))

    assert event["type"] == "zego-cloud-player.Unrecognized"
    assert event["data"]["reason"] == "suspicious"


def _forged(sample: Sample, number: int) -> str:
    """Return the body with the last character of one of its signed texts changed."""
    if sample.proof is not None:
        proof = sample.proof
        texts = [text for text in (proof.time, proof.signature, proof.nonce) if text]
        text = texts[number % len(texts)]
        return sample.body.replace(text, changed_character(text))
    member = TEXT_MEMBERS[number % len(TEXT_MEMBERS)]
    found = re.search(rf'"{member}"\s*:\s*"((?:[^"\\]|\\.)*[0-9A-Za-z])"', sample.body)
    assert found, sample.body
    begin, end = found.span(1)
    return f"{sample.body[:begin]}{changed_character(found[1])}{sample.body[end:]}"
