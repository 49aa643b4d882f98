"""`callback-router handlers`: what is there to handle events, and how far it is."""

import asyncio
import sys
from pathlib import Path

import click

from router.cli.options import config_option, configured


@click.command()
@config_option
@click.option("--offline", is_flag=True, help="Do not ask Kafka for members and lag.")
def handlers(config: Path, *, offline: bool) -> None:
    """List the handlers: events, topics, derived events, group, members and lag."""
    from router.assembly import derived_topic, group_of, handlers_of, kafka_settings_of
    from router.errors import UnavailableError
    from router.kafka.admin import KafkaAdmin
    from router.kafka.groups import states_of

    configuration = configured(config)
    settings = kafka_settings_of(configuration)

    async def progress(topics: tuple[str, ...], group: str) -> str:
        admin = KafkaAdmin(settings)
        try:
            found = await admin.partitions(topics)
        finally:
            await admin.close()
        if missing := sorted(set(topics) - found.keys()):
            return f"topics missing: {', '.join(missing)}"
        places = [(topic, number) for topic, count in found.items() for number in range(count)]
        state = await states_of(settings, group, places)
        return f"members {state.members}, lag {state.lag}"

    is_known = True
    for handler, reading in handlers_of(configuration):
        group = group_of(configuration, handler)
        print(f"{handler.name}  {handler.description}")
        print(f"  group   {group}")
        for name, topic in zip(reading.classes, reading.topics, strict=False):
            print(f"  reads   {name}  <- {topic}")
        for event_type in handler.emits:
            print(f"  emits   {event_type}  -> {derived_topic(configuration, event_type)}")
        if offline:
            continue
        try:
            print(f"  now     {asyncio.run(progress(reading.topics, group))}")
        except UnavailableError as error:
            is_known = False
            print(f"  now     {error}", file=sys.stderr)
    if not is_known:
        sys.exit(1)
