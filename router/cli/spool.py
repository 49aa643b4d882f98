"""`callback-router spool inspect|drain`: what waits on disk, and to Kafka without an instance."""

import asyncio
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from router.cli.options import config_option, configured
from router.clock import format_rfc3339
from router.errors import UnavailableError
from router.ingress.printable import printable

if TYPE_CHECKING:
    from router.spool.port import Usage
    from router.spool.survey import Survey

_KEY_WIDTH = 40

_path_option = click.option(
    "--path",
    type=click.Path(path_type=Path),
    help="Another folder than the configuration's, such as a volume whose instance is gone.",
)


@click.group()
def spool() -> None:
    """Look at what waits on disk, or send it."""


@spool.command()
@config_option
@_path_option
@click.option("--json", "is_json", is_flag=True, help="For programs.")
def inspect(config: Path, path: Path | None, *, is_json: bool) -> None:
    """Show what a spool holds, also of a running instance; nothing is touched."""
    from router.spool.survey import survey

    folder = path or Path(configured(config).options.spool.path)
    try:
        found = survey(folder)
    except OSError as error:
        raise UnavailableError(f"the spool {folder}: {error.strerror}") from error
    if is_json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    for line in _lines(folder, found):
        print(line)


@spool.command()
@config_option
@_path_option
def drain(config: Path, path: Path | None) -> None:
    """Send what a spool holds to Kafka; for one whose instance does not run any more."""
    configuration = configured(config)
    folder = path or Path(configuration.options.spool.path)
    if path is None and not folder.exists():
        print(f"{folder}: nothing waits: there is no such folder yet")
        return
    if not folder.is_dir():
        raise UnavailableError(f"the spool {folder}: there is no such folder")

    from router.app import forsake_threads
    from router.app.drain import drain as drained
    from router.observability import set_up_logging

    set_up_logging()

    async def run() -> int:
        forsake_threads()
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        return (await drained(configuration, folder, stop, _tell)).records

    left = asyncio.run(run())
    if left:
        raise UnavailableError(f"interrupted: {left} records stay in {folder}")
    print(f"{folder}: nothing waits any more")


def _tell(usage: "Usage") -> None:
    print(f"{usage.records} records wait", file=sys.stderr, flush=True)


def _lines(folder: Path, found: "Survey") -> list[str]:
    oldest = "" if found.oldest_ms is None else f", the oldest for {_age(found.oldest_ms)}"
    held = f"{found.bytes} bytes in {found.segments} segments"
    lines = [f"{folder}: {found.waiting} records wait{oldest}; {held}"]
    lines += [
        f"  {topic}  {waiting.waiting} wait, {waiting.settled} delivered"
        for topic, waiting in sorted(found.topics.items())
    ]
    if found.refused:
        lines.append(f"{len(found.refused)} records that Kafka refused, in {folder}/refused:")
    for refused in found.refused:
        key = printable(refused.key.decode(errors="replace"))[:_KEY_WIDTH]
        moment = format_rfc3339(refused.refused_ms)
        lines.append(
            f"  {refused.file}  {moment}  {refused.topic}  {key}  "
            f"{printable(refused.event_id)}  {refused.size} bytes  {printable(refused.reason)}"
        )
    if found.damaged:
        lines.append(f"{found.damaged} places are damaged; what was read of them is in corrupt/")
    if found.torn:
        lines.append("the last write was cut off: nobody was told that it is kept")
    lines += [f"{printable(name)}: not understood, and left alone" for name in found.foreign]
    lines += [f"{printable(name)}: cannot be read" for name in found.unreadable]
    return lines


def _age(since_ms: int) -> str:
    seconds = max(0, round(time.time() - since_ms / 1000))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
