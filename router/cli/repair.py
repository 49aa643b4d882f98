"""What `replay` and `dead` have in common: times, handlers, progress, and an end in good order."""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import click

from router.clock import parse_rfc3339
from router.config import Configuration
from router.config.scalars import parse_duration
from router.errors import UnavailableError

if TYPE_CHECKING:
    from router.app.repair import Tally
    from router.consume.runner import Reading
    from router.handler import Handler
    from router.kafka.port import KafkaSettings
    from router.tools.replay import Ended

FIRST = 5
"""How many a preview shows."""


def time_of_option(text: str) -> int:
    """Return a moment as Unix ms: RFC 3339, or how long ago.

    Raises:
        BadParameter: It is neither.
    """
    moment = parse_rfc3339(text)
    if moment is None:
        try:
            moment = round((time.time() - parse_duration(text)) * 1000)
        except ValueError:
            message = "expected 2026-01-31T12:00:00Z, or how long ago: 90s, 2h, 7d"
            raise click.BadParameter(message) from None
    return max(0, moment)


def time_option(name: str, meaning: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what gives a command `--name`, a moment that it gets as `name_ms`."""
    return click.option(
        f"--{name}", f"{name}_ms", type=time_of_option, metavar="TIME", help=meaning
    )


def rate_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--rate`."""
    return click.option(
        "--rate",
        type=click.FloatRange(min=0.0, min_open=True),
        default=50.0,
        show_default=True,
        help="Events a second, at most.",
    )(function)


def yes_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--yes`."""
    return click.option("--yes", "is_sure", is_flag=True, help="Do it; else only look.")(function)


def handler_named(configuration: Configuration, name: str) -> "tuple[Handler, Reading]":
    """Return a configured handler.

    Raises:
        BadParameter: There is none of that name; exit 2.
    """
    from router.assembly import handlers_of

    found = {handler.name: (handler, reading) for handler, reading in handlers_of(configuration)}
    if name not in found:
        known = ", ".join(found) or "none"
        raise click.BadParameter(f"no handler is called {name}; there are: {known}")
    return found[name]


async def partitions_of(settings: "KafkaSettings", topics: tuple[str, ...]) -> dict[str, int]:
    """Return the number of partitions of those topics that exist."""
    from router.kafka.admin import KafkaAdmin

    admin = KafkaAdmin(settings)
    try:
        return await admin.partitions(topics)
    finally:
        await admin.close()


def run_to_end(work: Callable[[asyncio.Event], Coroutine[Any, Any, int]]) -> None:
    """Run *work* and exit with its code. It is told of Ctrl-C and SIGTERM; the second one ends it.

    Raises:
        UnavailableError: It was ended at once.
    """
    from router.observability import set_up_logging

    set_up_logging(level=logging.WARNING)

    async def run() -> int:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        task = asyncio.ensure_future(work(stop))

        def wish() -> None:
            if stop.is_set():
                task.cancel()
            else:
                print("stopping when what is under way is done; once more: now", file=sys.stderr)
            stop.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, wish)
        try:
            return await task
        except asyncio.CancelledError:
            raise UnavailableError("ended; what was under way may be done or not") from None

    if code := asyncio.run(run()):
        sys.exit(code)


def progress(command: str, most: int) -> "Callable[[Tally], None]":
    """Return what prints how far it is, of at most so many records."""

    def tell(tally: "Tally") -> None:
        seen = sum(tally.values())
        print(f"{command}: {seen} of at most {most}  {counts(tally)}", file=sys.stderr, flush=True)

    return tell


def counts(tally: "Tally") -> str:
    """Return how many came to what; what never happened is left out, but for `done` and `died`."""
    return "  ".join(
        f"{result} {count}"
        for result, count in tally.items()
        if count or result in ("done", "died")
    )


def print_death(ended: "Ended") -> None:
    """Print why an event died, on one line without credentials."""
    from router.ingress.printable import printable
    from router.tools.dead import cut, place_of

    if ended.dead is not None:
        place = place_of(ended.received)
        line = f"died  {place}  {ended.dead.reason}  {cut(ended.dead.detail)}"
        print(printable(line.rstrip()), file=sys.stderr, flush=True)


def finished(command: str, tally: "Tally", *, is_stopped: bool) -> int:
    """Print the sum; return the exit code: 1 if anything died or the end was not reached."""
    print(f"{command}: {'stopped  ' if is_stopped else ''}{counts(tally)}")
    return int(is_stopped or tally["died"] > 0)
