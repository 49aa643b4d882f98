"""`callback-router replay`: a handler called once more with events of its topics."""

import asyncio
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from router.cli.options import config_option, configured, run_until_interrupted
from router.cli.repair import (
    FIRST,
    finished,
    handler_named,
    print_death,
    progress,
    rate_option,
    run_to_end,
    time_option,
    yes_option,
)
from router.config import Configuration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from router.app.repair import Job
    from router.kafka.consumer import Bounds, KafkaRange
    from router.tools.replay import Ended

_OFFSET = click.IntRange(min=0)


@click.command()
@config_option
@click.option("--handler", "name", required=True, metavar="NAME", help="Is called, nobody else.")
@click.option("--topic", "topics", multiple=True, help="Of those that it reads; default all.")
@click.option("--partition", type=_OFFSET, metavar="P", help="Only this one.")
@time_option("since", "What Kafka took then or later: 2026-01-31T12:00:00Z, or 2h: ago.")
@time_option("until", "What Kafka took before; default now.")
@click.option("--from-offset", "first", type=_OFFSET, metavar="N", help="Of one --topic.")
@click.option("--to-offset", "last", type=_OFFSET, metavar="N", help="The last one, itself too.")
@rate_option
@click.option(
    "--again", "is_again", is_flag=True, help="Also events that had their effect; see above."
)
@yes_option
def replay(config: Path, name: str, topics: tuple[str, ...], **options: Any) -> None:
    """Call a handler with the events of a range of its topics, in this process.

    Without --yes this shows the range, and does nothing. A range has a beginning: --since or
    --from-offset. Nothing is published again: no other consumer sees anything, and the handler's
    group keeps its place. Events of a key come in their order, of several topics the earliest
    first. A failure is retried for 10 s, then counted; exit 1 if there was one. With SQLite
    `consume` must not run meanwhile. Ctrl-C stops between events.

    Events that had their effect are skipped: that is known of those that changed state or emitted
    something. With --again they have it once more: state is changed by each of them a second
    time (a counter counts it twice), derived events leave a second time with the same ids, and so
    does whatever the handler does elsewhere. An event that is twice in the range has it once.
    """
    from router.app.repair import Job

    configuration = configured(config)
    handler, reading = handler_named(configuration, name)
    rate, is_again, is_sure = (options.pop(key) for key in ("rate", "is_again", "is_sure"))
    partition = options.pop("partition")
    chosen = _topics(topics, reading.topics)
    bounds = _bounds(options, chosen)
    job = Job(handler=handler, reading=reading, rate=rate, is_again=is_again)

    async def run(stop: asyncio.Event) -> int:
        async with _reading(configuration, chosen, bounds, partition) as reader:
            return await _replay(configuration, job, reader, stop)

    async def preview() -> None:
        async with _reading(configuration, chosen, bounds, partition) as reader:
            await _preview(job, reader)

    if is_sure:
        run_to_end(run)
    else:
        run_until_interrupted(preview())


def _topics(given: tuple[str, ...], known: tuple[str, ...]) -> tuple[str, ...]:
    for topic in given:
        if topic not in known:
            message = f"the handler does not read {topic}; it reads: {', '.join(known)}"
            raise click.BadParameter(message, param_hint="--topic")
    return given or known


def _bounds(given: dict[str, int | None], topics: tuple[str, ...]) -> "Bounds":
    from router.kafka.consumer import Bounds

    names = {key for key, value in given.items() if value is not None}
    if len(names & {"since_ms", "first"}) != 1:
        message = "a range has one beginning: give --since TIME (7d: ago) or --from-offset N"
        raise click.UsageError(message)
    if {"until_ms", "last"} <= names:
        raise click.UsageError("a range has one end: give --until TIME or --to-offset N, or none")
    if names & {"first", "last"} and len(topics) != 1:
        message = f"an offset is one of one topic: give one --topic of {', '.join(topics)}"
        raise click.UsageError(message)
    return Bounds(**given)


@asynccontextmanager
async def _reading(
    configuration: Configuration, topics: tuple[str, ...], bounds: "Bounds", only: int | None
) -> "AsyncIterator[KafkaRange]":
    """Give a reader of the range, started.

    Raises:
        UnavailableError: A topic is missing, or no broker answers.
    """
    from router.app.repair import topics_there
    from router.assembly import kafka_settings_of
    from router.kafka.consumer import KafkaRange

    settings = kafka_settings_of(configuration)
    found = await topics_there(settings, topics)
    places = [(topic, number) for topic, count in found.items() for number in range(count)]
    reader = KafkaRange(settings, [place for place in places if only in (None, place[1])], bounds)
    await reader.start()
    try:
        yield reader
    finally:
        await reader.close()


async def _preview(job: "Job", reader: "KafkaRange") -> None:
    """Print where the range begins and ends, and its first few events."""
    from router.tools.replay import line_of, time_of

    for (topic, number), (begin, end) in sorted(reader.spans.items()):
        print(f"{topic}[{number}]@{begin} to @{end - 1}: at most {end - begin}")
    if reader.most:
        print("it begins with:")
    shown = 0
    async with aclosing(reader.records(time_of)) as records:
        async for received in records:
            print(line_of(received))
            shown += 1
            if shown == FIRST:
                break
    print(f"{reader.most:7}  events at most")
    effect = (
        "those that had their effect have it again"
        if job.is_again
        else "what had its effect is skipped"
    )
    if reader.most:
        print(f"nothing was done; with --yes {job.handler.name} is called with them: {effect}")


async def _replay(
    configuration: Configuration, job: "Job", reader: "KafkaRange", stop: asyncio.Event
) -> int:
    from router.app.repair import Repair, opened_store
    from router.tools.replay import time_of

    async def on_end(ended: "Ended") -> None:
        print_death(ended)

    async with opened_store(configuration, job.handler) as store:
        repair = Repair(configuration, job, store, stop)
        await repair.run(reader.records(time_of), on_end, progress("replay", reader.most))
    return finished("replay", repair.tally, is_stopped=stop.is_set())
