"""AsyncAPI 3.0: every topic that a configuration leads to, and what is in its records.

What is told of an event is what `router.tools.schema` says. Its keywords mean the same in the
draft of JSON Schema that AsyncAPI takes by default, so that no tool needs to know a newer one.

Design: a document is a value that follows from values; nothing here knows where they are from.
Ids of channels are the topics' names. Pure.

Source: AsyncAPI 3.0.0; its Kafka bindings, 0.5.0.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from router.consume.dead import HEADERS as DEAD_HEADERS
from router.event import Event
from router.record import CONTENT_TYPE, headers_of
from router.tools.schema import Schema, envelope_schema
from router.tools.topics import Wanted

DEAD_LETTER = "DeadLetter"
"""The name of the message that a handler's dead letters are."""

_BINDING = {"bindingVersion": "0.5.0"}
_SASL = {"PLAIN": "plain", "SCRAM-SHA-256": "scramSha256", "SCRAM-SHA-512": "scramSha512"}
_HEADERS = {
    "content-type": "What the value is.",
    "event_id": "The event's `id`.",
    "event_source": "The event's `source`.",
    "event_type": "The event's `type`.",
    "traceparent": "The event's `traceparent`.",
}


class Broker(msgspec.Struct, frozen=True, kw_only=True):
    """Where records are.

    Attributes:
        hosts: HOST:PORT of the brokers to ask first.
        protocol: As in `kafka.security_protocol`.
        sasl: As in `kafka.sasl_mechanism`, where the protocol has a login.
    """

    hosts: tuple[str, ...]
    protocol: str
    sasl: str


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """All that the document tells of.

    Attributes:
        version: Of the program.
        broker: Where the topics are.
        wanted: How topics shall be.
        topics: Names of messages by topic, and the keys that their records have there.
        schemas: Of the events by their full type; those that no topic has are left out.
        examples: Events by their full type, where there are some.
    """

    version: str
    broker: Broker
    wanted: Wanted
    topics: Mapping[str, Mapping[str, Iterable[str]]]
    schemas: Mapping[str, Schema]
    examples: Mapping[str, Event]


def document(service: Service) -> dict[str, Any]:
    """Return the AsyncAPI document of a service."""
    topics = service.topics
    named = {message for messages in topics.values() for message in messages}
    events = [name for name in service.schemas if name in named]
    messages = {name: _message(name, service) for name in events}
    if DEAD_LETTER in named:
        messages[DEAD_LETTER] = _dead_letter()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "callback-router",
            "version": service.version,
            "description": "Vendors' callbacks, verified and normalised to CloudEvents, and the "
            "events that handlers make of them. Delivery is at least once.",
        },
        "defaultContentType": CONTENT_TYPE.decode(),
        "servers": _servers(service.broker),
        "channels": {name: _channel(name, service) for name in topics},
        "operations": {f"send-{name}": _operation(name, topics[name]) for name in topics},
        "components": {
            "messages": messages,
            "schemas": {
                "CloudEvent": {**envelope_schema(), "title": "CloudEvent"},
                "Headers": _headers(_HEADERS),
                **{name: _payload(service.schemas[name]) for name in events},
            },
        },
    }


def _servers(broker: Broker) -> dict[str, Any]:
    protocol = "kafka-secure" if broker.protocol.endswith("SSL") else "kafka"
    login = broker.protocol.startswith("SASL_")
    security = {"security": [{"type": _SASL[broker.sasl]}]} if login else {}
    return {
        f"kafka-{number}": {"host": host, "protocol": protocol, **security}
        for number, host in enumerate(broker.hosts, start=1)
    }


def _channel(name: str, service: Service) -> dict[str, Any]:
    messages, wanted = service.topics[name], service.wanted
    keys = sorted({key for found in messages.values() for key in found})
    described = f"Keyed by {' or '.join(f'`{key}`' for key in keys)}." if keys else ""
    kafka = {
        "topic": name,
        "partitions": wanted.partitions,
        "replicas": wanted.replication,
        "topicConfiguration": {
            "retention.ms": wanted.retention_ms,
            "max.message.bytes": int(wanted.max_message_bytes),  # a `Size` is no number of JSON
        },
        **_BINDING,
    }
    return {
        "address": name,
        **({"description": described} if described else {}),
        "messages": {each: _reference("components", "messages", each) for each in messages},
        "bindings": {"kafka": kafka},
    }


def _operation(topic: str, messages: Iterable[str]) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": _reference("channels", topic),
        "messages": [_reference("channels", topic, "messages", each) for each in messages],
    }


def _message(name: str, service: Service) -> dict[str, Any]:
    schema = service.schemas[name]
    example = service.examples.get(name)
    shown = {} if example is None else {"examples": [_example(example)]}
    return {
        "name": name,
        "title": name,
        "summary": schema["description"].splitlines()[0],
        "contentType": CONTENT_TYPE.decode(),
        "headers": _reference("components", "schemas", "Headers"),
        "payload": _reference("components", "schemas", name),
        "bindings": _key("UTF-8; the event's subject, unless the channel says otherwise."),
        **shown,
    }


def _dead_letter() -> dict[str, Any]:
    """Return the message of a record that a handler could not take: as it was, with more headers."""
    return {
        "name": DEAD_LETTER,
        "title": "A dead letter",
        "summary": "A record that a handler could not take, as it was.",
        "headers": _headers(DEAD_HEADERS),
        "payload": {"description": "The event; where `dead_reason` is `undecodable`, any bytes."},
        "bindings": _key("As it was."),
    }


def _example(event: Event) -> dict[str, Any]:
    headers = {name: value.decode() for name, value in headers_of(event)}
    return {"headers": headers, "payload": msgspec.to_builtins(event)}


def _headers(described: Mapping[str, str]) -> Schema:
    members = {name: {"type": "string", "description": text} for name, text in described.items()}
    return {"type": "object", "properties": members, "required": list(described)}


def _key(description: str) -> dict[str, Any]:
    key = {"type": "string", "description": description}
    return {"kafka": {"key": key, **_BINDING}}


def _payload(schema: Schema) -> Schema:
    """Return an event's schema with what all events have in common left to `CloudEvent`."""
    own = {name: schema["properties"][name] for name in ("type", "dataschema", "data")}
    own["data"] = {key: value for key, value in own["data"].items() if key != "$id"}
    return {
        "title": schema["title"],
        "description": schema["description"],
        "allOf": [
            _reference("components", "schemas", "CloudEvent"),
            {"type": "object", "properties": own, "required": schema["required"]},
        ],
    }


def _reference(*path: str) -> dict[str, str]:
    return {"$ref": "/".join(("#", *path))}
