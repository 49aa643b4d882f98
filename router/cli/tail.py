"""`callback-router tail`: events as they arrive in Kafka."""

import sys
from pathlib import Path

import click

from router.assembly import kafka_settings_of, topics_of
from router.cli.options import config_option, configured, run_until_interrupted
from router.ingress.printable import printable
from router.record import Received
from router.tools.masking import masked, masked_value

_BLANKS = str.maketrans("\t\r\n", "   ")
"""White space of JSON stands between its strings only: as blanks it stays JSON, in one line."""


@click.command()
@config_option
@click.option("--from-start", is_flag=True, help="Begin with the oldest record.")
@click.option("--count", type=int, metavar="N", help="End after so many records.")
@click.option("--raw", "is_raw", is_flag=True, help="The bytes as they are, credentials too.")
@click.argument("topic", nargs=-1)
def tail(
    config: Path, topic: tuple[str, ...], count: int | None, *, from_start: bool, is_raw: bool
) -> None:
    """Print records of TOPIC..., or of every topic of the configuration, one a line.

    Queries and credentials in URLs are shown as ***, unless --raw.
    """
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
                sys.stdout.buffer.write(_raw_line(record) if is_raw else _line(record))
                sys.stdout.buffer.flush()
                if left is not None and (left := left - 1) <= 0:
                    return
        finally:
            await reader.close()

    run_until_interrupted(run())


def _line(record: Received) -> bytes:
    key = masked(record.key.decode(errors="replace"))
    value = masked_value(record.value).translate(_BLANKS)
    return printable(f"{_place(record)}  {key}  {value}").encode() + b"\n"


def _raw_line(record: Received) -> bytes:
    return b"%s  %s  %s\n" % (_place(record).encode(), record.key, record.value)


def _place(record: Received) -> str:
    return f"{record.topic}[{record.partition}]@{record.offset}"
