"""`callback-router schema` and `asyncapi`: what there is to configure and to read, for programs."""

import difflib
import os
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import msgspec

from router.assembly import CHECKS, derived_topic, handlers_of, reach_of, wanted_topics
from router.cli.options import config_option
from router.config import Configuration, load
from router.consume.discover import find_handlers
from router.event import Event
from router.handler import Handler
from router.routing.templates import DEFAULT_KEY
from router.testing import sample
from router.tools.asyncapi import DEAD_LETTER, Broker, Service, document
from router.tools.config_schema import FILES, config_schema
from router.tools.option_table import option_table
from router.tools.schema import derived_schemas, vendor_schemas
from router.vendors import vendors

Schemas = dict[str, dict[str, Any]]


@click.command()
@click.argument("name", required=False)
@click.option(
    "--all",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write every schema as a file of this folder, NAME.schema.json.",
)
@click.option("--table", is_flag=True, help="Show the options of a file as a Markdown table.")
@click.option(
    "--handlers",
    multiple=True,
    default=["handlers"],
    show_default=True,
    help="Folders or packages of handlers, for the events that they emit.",
)
def schema(name: str | None, folder: Path | None, *, table: bool, handlers: Sequence[str]) -> None:
    """List the schemas, or show the one of NAME: a file of the configuration, or an event type."""
    found = _schemas(handlers)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for each, content in found.items():
            (folder / f"{each}.schema.json").write_bytes(formatted(content) + b"\n")
        print(f"{folder}: {len(found)} schemas", file=sys.stderr)
    elif name is None:
        width = max(map(len, found))
        for each, content in found.items():
            print(f"{each:{width}}  {content['description'].splitlines()[0]}")
    elif name not in found or (table and name not in FILES):
        raise _unknown(name, list(FILES if table else found))
    elif table:
        print(option_table(FILES[name]))
    else:
        print(formatted(found[name]).decode())


@click.command()
@config_option
def asyncapi(config: Path) -> None:
    """Show the topics of the configuration as AsyncAPI 3.0 (JSON, which is YAML too).

    No secret is needed, nor Kafka.
    """
    configuration = load(config, os.environ, CHECKS, with_secrets=False)
    print(formatted(document(service_of(configuration))).decode())


def service_of(configuration: Configuration) -> Service:
    """Return what the AsyncAPI document of a configuration tells of.

    Raises:
        ConfigError: A handler cannot be used.
    """
    kafka, handlers = configuration.options.kafka, handlers_of(configuration)
    topics = {topic: dict(found) for topic, found in sorted(reach_of(configuration).items())}
    for handler, reading in handlers:
        topics[reading.dead_topic] = {DEAD_LETTER: set()}
        for short_type in handler.emits:
            topic = derived_topic(configuration, short_type)
            topics[topic] = {f"callback-router.{short_type}": {DEFAULT_KEY}}
    types = [found for vendor in vendors().values() for found in vendor.types.values()]
    examples = {found.name: sample(found.event_class).raw for found in types}
    return Service(
        version=version("callback-router"),
        broker=Broker(
            hosts=tuple(host.strip() for host in kafka.bootstrap_servers.split(",")),
            protocol=kafka.security_protocol,
            sasl=kafka.sasl_mechanism,
        ),
        wanted=wanted_topics(configuration),
        topics=topics,
        schemas=_event_schemas([handler for handler, _ in handlers]),
        examples={name: msgspec.convert(event, Event) for name, event in examples.items()},
    )


def formatted(content: object) -> bytes:
    """Return a document as JSON for people."""
    return msgspec.json.format(msgspec.json.encode(content), indent=2)


def _unknown(name: str, known: list[str]) -> click.BadParameter:
    close = difflib.get_close_matches(name, known, 3, 0.5) or known[:3]
    message = f"no {name!r}; did you mean {', '.join(close)}? Without NAME all are listed"
    return click.BadParameter(message, param_hint="NAME")


def _schemas(handlers: Sequence[str]) -> Schemas:
    """Return every schema by its name: of files, then of events."""
    files = {name: config_schema(file) for name, file in FILES.items()}
    return files | _event_schemas(find_handlers(handlers))


def _event_schemas(handlers: Iterable[Handler]) -> Schemas:
    found: Schemas = {}
    for vendor in vendors().values():
        found |= dict(vendor_schemas(vendor))
    return found | dict(derived_schemas(handlers))
