"""The AsyncAPI document tells of every topic, and of nothing that is not so.

The specification's own schema is not kept here; the document of the shipped configuration was
found to fit that of AsyncAPI 3.0.0.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema
from jsonschema import Draft7Validator, Draft202012Validator
from msgspec.structs import replace

from router.assembly import CHECKS, handlers_of, topics_of, topics_of_handlers
from router.cli.schema import formatted, service_of
from router.config import Configuration, load
from router.tools.asyncapi import Broker, document

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"[A-Za-z0-9._-]+")


def loaded(text: str, folder: Path) -> Configuration:
    """Return the shipped configuration with *text* as its routes, without any secret."""
    for name in ("router.yaml", "routes.yaml"):
        (folder / name).write_bytes((ROOT / "config" / name).read_bytes())
    if text:
        (folder / "routes.yaml").write_text(text)
    return load(folder / "router.yaml", {}, CHECKS, with_secrets=False)


@cache
def shipped() -> dict[str, Any]:
    """Return the document of the shipped configuration and handlers."""
    return document(
        service_of(load(ROOT / "config" / "router.yaml", {}, CHECKS, with_secrets=False))
    )


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where the shipped handlers are."""
    monkeypatch.chdir(ROOT)


def found_at(reference: str) -> Any:
    """Return what a reference leads to."""
    value = shipped()
    for part in reference.removeprefix("#/").split("/"):
        value = value[part]
    return value


def references(value: Any) -> Iterator[str]:
    """Yield every reference inside a value."""
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else ())
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_every_topic_is_a_channel() -> None:
    """Those of `topics plan`, no other, each under its own name."""
    configuration = load(ROOT / "config" / "router.yaml", {}, CHECKS, with_secrets=False)
    derived = topics_of_handlers(configuration, handlers_of(configuration))
    channels = shipped()["channels"]

    assert sorted(channels) == sorted([*topics_of(configuration), *derived])
    assert {"callbacks.volcengine-rtc.RoomCreate", "recordings.rtc", "derived.ShowProgress"} <= set(
        channels
    )
    assert all(channel["address"] == name for name, channel in channels.items())


def test_a_channel_has_the_messages_that_its_topic_has() -> None:
    """Of the base topic one, of a rule's those that can match, of a dead-letter topic its own."""
    messages = {name: list(channel["messages"]) for name, channel in shipped()["channels"].items()}

    assert messages["callbacks.volcengine-rtc.RoomCreate"] == ["volcengine-rtc.RoomCreate"]
    assert messages["recordings.rtc"] == [
        "volcengine-rtc.RecordStarted",
        "volcengine-rtc.RecordStopped",
        "volcengine-rtc.RecordUploadDone",
    ]
    assert messages["recordings.done"] == ["volcengine-rtc.RecordStopped"]
    assert messages["derived.RecordingReady"] == ["callback-router.RecordingReady"]
    assert messages["callback-router.dead.recording-ready"] == ["DeadLetter"]


def test_we_send_what_a_channel_has() -> None:
    """One operation per channel, with all of its messages."""
    sent = {
        operation["channel"]["$ref"]: [each["$ref"] for each in operation["messages"]]
        for operation in shipped()["operations"].values()
    }

    assert {operation["action"] for operation in shipped()["operations"].values()} == {"send"}
    assert sent == {
        f"#/channels/{name}": [f"#/channels/{name}/messages/{each}" for each in channel["messages"]]
        for name, channel in shipped()["channels"].items()
    }


def test_every_reference_leads_somewhere() -> None:
    """To an object of this document; and every name is one that AsyncAPI allows."""
    found = set(references(shipped()))
    components = shipped()["components"]

    assert all(isinstance(found_at(reference), dict) for reference in found)
    names = [*components["messages"], *components["schemas"], *shipped()["channels"]]
    assert all(NAME.fullmatch(name) for name in names)
    assert {f"#/components/messages/{name}" for name in components["messages"]} <= found
    assert {f"#/components/schemas/{name}" for name in components["schemas"]} <= found


@pytest.mark.parametrize("dialect", [Draft7Validator, Draft202012Validator])
def test_examples_fit_in_either_dialect(dialect: type[Draft7Validator]) -> None:
    """Each vendor's type has an example whose value and headers fit; without its type none does."""
    messages = [
        found for found in shipped()["components"]["messages"].values() if "examples" in found
    ]
    for message in messages:
        for part in ("payload", "headers"):
            judge = dialect({**message[part], "components": shipped()["components"]})
            (example,) = message["examples"]
            assert list(judge.iter_errors(example[part])) == []
            wrong = dict(example[part])
            wrong.popitem()
            assert list(judge.iter_errors(wrong)) != []

    assert len(messages) == 59


@pytest.mark.parametrize(
    ("name", "is_vendors"),
    [("volcengine-rtc.RoomCreate", True), ("callback-router.RecordingReady", False)],
)
def test_a_message_tells_its_key_and_value(name: str, *, is_vendors: bool) -> None:
    """Kafka's binding has the key; the value is CloudEvents of this very type."""
    message = shipped()["components"]["messages"][name]
    schema = shipped()["components"]["schemas"][name]["allOf"][1]

    assert message["contentType"] == "application/cloudevents+json; charset=UTF-8"
    assert message["bindings"]["kafka"]["key"]["type"] == "string"
    assert schema["properties"]["type"]["const"] == name
    assert ("causeid" not in schema["required"]) is is_vendors


def test_a_channel_tells_how_it_is_keyed(tmp_path: Path) -> None:
    """The subject, a rule's own key, or both where both meet in a topic."""
    rules = (
        'routes:\n- {name: a, when: {type: RoomCreate}, to: x, key: "{data.room_id}"}\n'
        "- {name: b, when: {type: RoomDestroy}, to: [x, y]}\n"
    )
    channels = document(service_of(loaded(rules, tmp_path)))["channels"]

    assert channels["x"]["description"] == "Keyed by `{data.room_id}` or `{subject}`."
    assert channels["y"]["description"] == "Keyed by `{subject}`."
    assert "description" not in channels["callback-router.dead.recording-ready"]


def test_a_channel_tells_how_its_topic_is_made() -> None:
    """As the configuration says, in the words of Kafka."""
    kafka = shipped()["channels"]["recordings.rtc"]["bindings"]["kafka"]

    assert (kafka["topic"], kafka["partitions"], kafka["replicas"]) == ("recordings.rtc", 6, 3)
    assert kafka["topicConfiguration"] == {
        "retention.ms": 604_800_000,
        "max.message.bytes": 2 << 20,
    }


@pytest.mark.parametrize(
    ("protocol", "sasl", "server"),
    [
        ("PLAINTEXT", "PLAIN", {"protocol": "kafka"}),
        ("SSL", "PLAIN", {"protocol": "kafka-secure"}),
        ("SASL_PLAINTEXT", "PLAIN", {"protocol": "kafka", "security": [{"type": "plain"}]}),
        (
            "SASL_SSL",
            "SCRAM-SHA-512",
            {"protocol": "kafka-secure", "security": [{"type": "scramSha512"}]},
        ),
    ],
)
def test_the_brokers_are_servers(protocol: str, sasl: str, server: dict[str, Any]) -> None:
    """Each with how to talk to it, and how to log in if one must."""
    service = service_of(load(ROOT / "config" / "router.yaml", {}, CHECKS, with_secrets=False))
    broker = Broker(hosts=("k1:9092", "k2:9092"), protocol=protocol, sasl=sasl)

    assert document(replace(service, broker=broker))["servers"] == {
        "kafka-1": {"host": "k1:9092", **server},
        "kafka-2": {"host": "k2:9092", **server},
    }


def test_no_secret_is_needed_and_none_is_told() -> None:
    """The shipped configuration names seven variables; neither they nor stand-ins are in it."""
    text = formatted(shipped()).decode()

    assert not re.search(r"RTC_CALLBACK_KEY|STUDIO_TOKEN|LIVE_AUTH_KEY", text)
    assert formatted(shipped()) == formatted(
        document(service_of(load(ROOT / "config" / "router.yaml", {}, CHECKS, with_secrets=False)))
    )


def test_another_library_reads_the_same() -> None:
    """FastStream's models of AsyncAPI 3.0 take the document, and give back what it says.

    They want a server's `pathname`, which the specification leaves open, and do not know
    `topicConfiguration` of Kafka's binding.
    """
    told = deepcopy(shipped())
    for server in told["servers"].values():
        server["pathname"] = ""
    for channel in told["channels"].values():
        assert channel["bindings"]["kafka"].pop("topicConfiguration")

    read = ApplicationSchema.model_validate(told)

    assert read.model_dump(mode="json", by_alias=True, exclude_none=True) == told
