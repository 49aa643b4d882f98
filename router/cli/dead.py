"""`callback-router dead list|show|redrive`: what handlers could not handle, and once more."""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from router.cli.options import config_option, configured, run_until_interrupted
from router.cli.repair import (
    FIRST,
    finished,
    handler_named,
    partitions_of,
    print_death,
    progress,
    rate_option,
    run_to_end,
    time_option,
    yes_option,
)
from router.config import Configuration
from router.consume.settle import Reason

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from router.consume.store import Store
    from router.kafka.consumer import Bounds, KafkaRange
    from router.record import Received
    from router.tools.dead import Letter, Wish
    from router.tools.replay import Ended


@click.group()
def dead() -> None:
    """Look at dead letters, and call their handlers once more."""


def _wish_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The oldest N."),
        time_option("until", "Died before."),
        time_option("since", "Died then or later: 2026-01-31T12:00:00Z, or 2h for two hours ago."),
        click.option("--reason", type=click.Choice(get_args(Reason)), help="Why it died."),
        click.option("--type", metavar="TYPE", help="With or without the vendor in front."),
    ):
        function = option(function)
    return function


@dead.command("list")
@config_option
@_wish_options
@click.argument("handler", required=False)
def list_command(config: Path, handler: str | None, limit: int | None, **wish: Any) -> None:
    """List the dead letters of HANDLER, or of all handlers, the oldest first, and count them.

    They are those that the topic holds now, redriven ones too, and those of handlers that are gone.
    URLs' credentials are shown as ***.
    """
    from router.tools.dead import Wish, first, letters, line_of, summary_of, without_handler

    configuration = configured(config)

    async def run() -> None:
        own, gone = await _topics_of(configuration, handler)
        reader = await _reader(configuration, own + gone)
        found: Counter[tuple[str, str]] = Counter()
        try:
            meant = letters(_records(reader), Wish(**wish))
            async with aclosing(first(meant, limit)) as some:
                async for each in some:
                    letter = without_handler(each) if each.received.topic in gone else each
                    print(line_of(letter))
                    found[letter.handler, letter.reason] += 1
        finally:
            await reader.close()
        print("\n".join(summary_of(found)))

    run_until_interrupted(run())


async def _topics_of(
    configuration: Configuration, handler: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the topics that are meant: those of handlers, and those whose handlers are gone.

    Raises:
        BadParameter: Neither a handler nor letters have this name; exit 2.
    """
    from router.assembly import dead_topic, handlers_of

    gone = await _gone(configuration)
    if handler is None:
        return tuple(reading.dead_topic for _, reading in handlers_of(configuration)), gone
    topic = dead_topic(configuration, handler)
    if topic in gone:
        return (), (topic,)
    return (handler_named(configuration, handler)[1].dead_topic,), ()


async def _gone(configuration: Configuration) -> tuple[str, ...]:
    """Return the topics of dead letters whose handlers are not there."""
    from router.assembly import dead_topic, handlers_of, kafka_settings_of
    from router.kafka.admin import KafkaAdmin

    known = {reading.dead_topic for _, reading in handlers_of(configuration)}
    admin = KafkaAdmin(kafka_settings_of(configuration))
    try:
        names = await admin.names(dead_topic(configuration, ""))
    finally:
        await admin.close()
    return tuple(name for name in names if name not in known)


@dead.command("show")
@config_option
@click.option("--raw", "is_raw", is_flag=True, help="Only the value, its bytes as they are.")
@click.argument("place")
def show_command(config: Path, place: str, *, is_raw: bool) -> None:
    """Show the dead letter at PLACE, which is `topic[partition]@offset` as `dead list` prints it.

    Queries and credentials in URLs are shown as ***, unless --raw.
    """
    from router.assembly import dead_topic
    from router.tools.dead import parse_place, shown

    configuration = configured(config)
    parsed = parse_place(place)
    if parsed is None:
        raise click.BadParameter("expected topic[partition]@offset, as `dead list` prints it")
    (topic, _), offset = parsed
    if not topic.startswith(prefix := dead_topic(configuration, "")):
        raise click.BadParameter(f"{topic} is no topic of dead letters: they are {prefix}HANDLER")
    received = asyncio.run(_found(configuration, *parsed[0], offset))
    if received is None:
        print(f"dead: nothing is at {place}: it was never written, or is too old", file=sys.stderr)
        sys.exit(1)
    if is_raw:
        sys.stdout.buffer.write(received.value)
        return
    for line in shown(received):
        print(line)


async def _found(
    configuration: Configuration, topic: str, partition: int, offset: int
) -> "Received | None":
    from router.kafka.consumer import Bounds

    reader = await _reader(
        configuration, (topic,), Bounds(first=offset, last=offset), only=partition
    )
    try:
        async with aclosing(_records(reader)) as records:
            async for received in records:
                return received
            return None
    finally:
        await reader.close()


@dead.command("redrive")
@config_option
@_wish_options
@rate_option
@yes_option
@click.argument("handler")
def redrive_command(
    config: Path, handler: str, limit: int | None, *, rate: float, is_sure: bool, **wish: Any
) -> None:
    """Call HANDLER with its dead letters, in this process and in the order in which they died.

    Without --yes this shows which ones, and does nothing. An event that has had its effect since
    is skipped. No letter leaves its topic: those that are done are remembered in the state
    database and not offered any more; one that dies again is. A failure is retried for 10 s.
    With SQLite `consume` must not run meanwhile. Ctrl-C stops between events.

    Exit 1 if a letter died again.
    """
    from router.assembly import dead_topic
    from router.tools.dead import Wish

    configuration = configured(config)
    if dead_topic(configuration, handler) in asyncio.run(_gone(configuration)):
        message = f"no handler is called {handler} any more, so nobody can be called with its "
        message += f"letters: put it back first, or only look: dead list {handler}"
        raise click.BadParameter(message)
    redrive = _Redrive(configuration, handler, Wish(**wish), limit)
    if is_sure:
        run_to_end(lambda stop: redrive.run(stop, rate))
    else:
        run_until_interrupted(redrive.preview())


class _Redrive:
    """The letters of one handler that are meant and were not redriven."""

    def __init__(
        self, configuration: Configuration, handler: str, wish: "Wish", limit: int | None
    ) -> None:
        self._configuration = configuration
        self._handler, self._reading = handler_named(configuration, handler)
        self._wish = wish
        self._limit = limit

    async def preview(self) -> None:
        """Print the first few, and how many there are."""
        from router.app.repair import opened_store
        from router.consume.store import InUseError

        async with AsyncExitStack() as stack:
            try:
                store = await stack.enter_async_context(
                    opened_store(self._configuration, self._handler)
                )
            except InUseError as error:
                print(f"dead: {error}; so these may be redriven already", file=sys.stderr)
                store = None
            await self._preview(await self._opened(stack), store)

    async def _preview(self, reader: "KafkaRange", store: "Store | None") -> None:
        from router.tools.dead import line_of, summary_of

        found: Counter[tuple[str, str]] = Counter()
        async with aclosing(self._letters(reader, store)) as letters:
            async for letter in letters:
                if found.total() < FIRST:
                    print(line_of(letter))
                found[letter.handler, letter.reason] += 1
        if found.total() > FIRST:
            print("...")
        print("\n".join(summary_of(found)))
        if found:
            print(f"nothing was done; with --yes {self._handler.name} is called with them")

    async def run(self, stop: asyncio.Event, rate: float) -> int:
        """Call the handler with all of them."""
        from router.app.repair import Job, Repair, opened_store

        job = Job(handler=self._handler, reading=self._reading, rate=rate)
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(
                opened_store(self._configuration, self._handler)
            )
            reader = await self._opened(stack)
            repair = Repair(self._configuration, job, store, stop)

            async def on_end(ended: "Ended") -> None:
                print_death(ended)
                await repair.remember(ended)

            records = _received(self._letters(reader, store))
            await repair.run(records, on_end, progress("redrive", reader.most))
        return finished("redrive", repair.tally, is_stopped=stop.is_set())

    async def _opened(self, stack: AsyncExitStack) -> "KafkaRange":
        reader = await _reader(self._configuration, (self._reading.dead_topic,))
        stack.push_async_callback(reader.close)
        return reader

    def _letters(
        self, reader: "KafkaRange", store: "Store | None"
    ) -> "AsyncGenerator[Letter, None]":
        from router.app.repair import not_redriven
        from router.tools.dead import first, letters

        meant = letters(_records(reader), self._wish)
        if store is not None:
            meant = not_redriven(store, self._handler.name, meant)
        return first(meant, self._limit)


async def _received(letters: "AsyncGenerator[Letter, None]") -> "AsyncGenerator[Received, None]":
    async with aclosing(letters):
        async for letter in letters:
            yield letter.received


async def _reader(
    configuration: Configuration,
    topics: tuple[str, ...],
    bounds: "Bounds | None" = None,
    only: int | None = None,
) -> "KafkaRange":
    """Return a reader that is started; a topic that is missing has no letters."""
    from router.assembly import kafka_settings_of
    from router.kafka.consumer import Bounds, KafkaRange

    settings = kafka_settings_of(configuration)
    found = await partitions_of(settings, topics)
    places = [(topic, number) for topic, count in found.items() for number in range(count)]
    chosen = [place for place in places if only in (None, place[1])]
    reader = KafkaRange(settings, chosen, bounds or Bounds())
    await reader.start()
    return reader


def _records(reader: "KafkaRange") -> "AsyncGenerator[Received, None]":
    from router.tools.dead import died_ms_of

    return reader.records(died_ms_of)
