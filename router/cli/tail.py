"""`callback-router tail`: events as they arrive in Kafka."""

import sys
from pathlib import Path

import click

from router.assembly import kafka_settings_of, topics_of
from router.cli.options import config_option, configured, run_until_interrupted


@click.command()
@config_option
@click.option("--from-start", is_flag=True, help="Begin with the oldest record.")
@click.option("--count", type=int, metavar="N", help="End after so many records.")
@click.argument("topic", nargs=-1)
def tail(config: Path, topic: tuple[str, ...], count: int | None, *, from_start: bool) -> None:
    """Print records of TOPIC..., or of every topic of the configuration, one a line."""
    configuration = configured(config)
    names = topic or tuple(topics_of(configuration))
    settings = kafka_settings_of(configuration)

    async def run() -> None:
        from router.kafka.admin import KafkaAdmin
        from router.kafka.consumer import KafkaReader

        admin = KafkaAdmin(settings)
        try:
            found = await admin.partitions(names)
        finally:
            await admin.close()
        if missing := sorted(set(names) - set(found)):
            print(f"tail: no such topic: {', '.join(missing)}", file=sys.stderr)
        if not found:
            sys.exit(1)
        places = [(name, number) for name, total in found.items() for number in range(total)]
        reader = KafkaReader(settings, places, from_start=from_start)
        await reader.start()
        left = count
        print(f"tail: {len(found)} topics, Ctrl-C stops", file=sys.stderr, flush=True)
        try:
            async for record in reader.records():
                place = f"{record.topic}[{record.partition}]@{record.offset}"
                print(f"{place}  {record.key.decode(errors='replace')}", end="  ")
                print(record.value.decode(errors="replace"), flush=True)
                if left is not None and (left := left - 1) <= 0:
                    return
        finally:
            await reader.close()

    run_until_interrupted(run())
