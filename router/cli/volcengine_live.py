"""`callback-router volcengine-live`: register callbacks, and fetch those that did not arrive."""

import asyncio
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from router.cli.options import config_option, configured
from router.cli.repair import FIRST, run_to_end, time_option
from router.clock import format_rfc3339
from router.config import Configuration

if TYPE_CHECKING:
    from router.app.backfill import Job, Tally, Teller
    from router.live_api import LiveApiError
    from router.live_api.describe import Row
    from router.live_api.register import Found, Step
    from router.live_api.wanted import Wanted

_COUNTS = {
    "add": "to add",
    "change": "to change",
    "remove": "to remove",
    "same": "with nothing to do",
    "blocked": "held back",
}
_EFFECT = "takes effect after 3 to 5 minutes"

_apply_option = click.option("--apply", "is_sure", is_flag=True, help="Do it; else only show it.")
_replace_option = click.option(
    "--replace", "is_replacing", is_flag=True, help="Also remove what is not ours; see above."
)

Plan = Callable[..., "list[Step]"]


@click.group("volcengine-live")
def volcengine_live() -> None:
    """Register callbacks at Volcengine Live, and fetch those that did not arrive.

    It needs the section `volcengine_live` of the configuration.
    """


@volcengine_live.command("update-callback")
@config_option
@_apply_option
@_replace_option
def update_callback(config: Path, *, is_sure: bool, is_replacing: bool) -> None:
    """Register what the configuration names.

    Without --apply this shows what it would do: + comes, - goes. A registration is replaced as a
    whole, so what the configuration says nothing of is sent again: URLs that are not ours are kept
    in the list, unless --replace. Done twice it finds nothing to do. Exit 1 if anything failed; a
    place that the vendor does not know stops no other.
    """
    from router.live_api.register import update_plan

    _carry_out(config, update_plan, is_sure=is_sure, is_replacing=is_replacing)


@volcengine_live.command("delete-callback")
@config_option
@_apply_option
@_replace_option
def delete_callback(config: Path, *, is_sure: bool, is_replacing: bool) -> None:
    """Remove what the configuration names, and nothing else.

    Without --apply this shows what it would do. Where a list holds URLs that are not ours, only
    ours leaves it; where the vendor would delete registrations of single applications with that of
    their vhost, nothing is done (exit 1). With --replace all that goes as well.
    """
    from router.live_api.register import delete_plan

    _carry_out(config, delete_plan, is_sure=is_sure, is_replacing=is_replacing)


@volcengine_live.command("describe-callback")
@config_option
@click.option("--json", "is_json", is_flag=True, help="For programs.")
def describe_callback(config: Path, *, is_json: bool) -> None:
    """Show what is registered wherever the configuration names something; keys are not shown.

    Exit 1 if the vendor does not know a place; the others are shown.
    """
    from router.app.live import client_of, found_at
    from router.live_api.describe import rows
    from router.live_api.wanted import wanted_of

    configuration = _configured(config)
    wanted = wanted_of(configuration)

    async def run() -> "tuple[Found, tuple[LiveApiError, ...]]":
        async with client_of(configuration) as client:
            return await found_at(client, wanted)

    found, refused = asyncio.run(run())
    shown = [_masked_row(row) for row in rows(_known(wanted, found), found)]
    if is_json:
        print(msgspec.json.format(msgspec.json.encode(shown)).decode())
    else:
        print("\n".join(_table(shown)), flush=True)
    if _told(refused):
        sys.exit(1)


@volcengine_live.command("backfill")
@config_option
@time_option("since", "Calls that the vendor made then or later: 2026-01-31T12:00:00Z, or 2h: ago.")
@time_option("until", "Calls before; default, and at most, 15 minutes ago.")
@click.option(
    "--status",
    type=click.Choice(["fail", "success", "all"]),
    default="fail",
    show_default=True,
    help="Which calls, in the vendor's words.",
)
@click.option("--dry-run", "is_dry", is_flag=True, help="Compare, and publish nothing.")
@click.option("--force", "is_forced", is_flag=True, help="Publish what is unknown, too; see above.")
def backfill(
    config: Path, since_ms: int | None, until_ms: int | None, *, status: str, **how: bool
) -> None:
    """Publish what the vendor tried to tell and Kafka does not hold.

    The calls of that time are fetched from the vendor and compared with what the topics hold by
    then; what is missing is published as it would have been, with the same ids. So nothing comes
    twice, and a run that was broken off is simply begun again. A time of which the topics have
    deleted something already is refused (exit 2); what they have deleted before its time, by size
    or by hand, is unknown: it is published with --force only, and may come twice then. What waits in a spool is not in Kafka yet: let
    it drain before. Exit 1 if anything was not published or could not be read, or if the end was
    not reached.
    """
    from router.app.backfill import Job
    from router.live_api.backfill import MARGIN_MS, Window

    if since_ms is None:
        raise click.UsageError("give --since TIME: 2026-01-31T12:00:00Z, or 2h: ago")
    latest_ms = time.time_ns() // 1_000_000 - MARGIN_MS
    if until_ms is not None and until_ms > latest_ms:
        print(
            "backfill: the vendor itself may still try what is younger than 15 minutes",
            file=sys.stderr,
        )
    end_ms = min(latest_ms, latest_ms if until_ms is None else until_ms)
    job = Job(
        window=Window(since_secs=since_ms // 1000, until_secs=end_ms // 1000),
        statuses=() if status == "all" else (status,),
        **how,
    )
    configuration = _configured(config)
    run_to_end(lambda stop: _backfill(configuration, job, stop))


def _configured(config: Path) -> Configuration:
    from router.observability import set_up_logging

    set_up_logging(level=logging.WARNING)
    configuration = configured(config, with_live_keys=True)
    for warning in configuration.warnings:
        if warning.where.startswith("volcengine_live"):
            print(f"{warning} (warning)", file=sys.stderr)
    return configuration


def _carry_out(config: Path, plan: Plan, *, is_sure: bool, is_replacing: bool) -> None:
    """Print a plan, do it if that is wished, and exit 1 if a part of it was not done."""
    configuration = _configured(config)
    planned = partial(plan, replace=is_replacing)
    run_to_end(lambda stop: _carried_out(configuration, planned, stop, is_sure=is_sure))


async def _carried_out(
    configuration: Configuration, plan: Plan, stop: asyncio.Event, *, is_sure: bool
) -> int:
    """Print a plan, do it if that is wished, and return the exit code."""
    from router.app.live import apply, client_of, found_at
    from router.live_api.register import lines
    from router.live_api.wanted import wanted_of

    wanted = wanted_of(configuration)
    async with client_of(configuration) as client:
        found, refused = await found_at(client, wanted)
        steps = plan(_known(wanted, found), found)
        for step in steps:
            for line in lines(step):
                print(_safe(line), flush=True)
        undone = await apply(client, steps, _print_outcome, stop) if is_sure else 0
    counted = Counter[str](step.verb for step in steps)
    if counted:
        told = (f"{counted[verb]} {text}" for verb, text in _COUNTS.items() if counted[verb])
        print(", ".join(told), flush=True)
    if any(step.request for step in steps):
        print(_EFFECT if is_sure else f"nothing was done; --apply does it, and it {_EFFECT}")
    if undone:
        print(f"not done: {undone}; run it again: only what is left is done", file=sys.stderr)
    return int(_told(refused) or bool(undone or (is_sure and counted["blocked"])))


def _known(wanted: "Sequence[Wanted]", found: "Found") -> "list[Wanted]":
    return [each for each in wanted if each.place in found]


def _told(refused: "Sequence[LiveApiError]") -> bool:
    """Print which places the vendor does not know; return whether there are any."""
    for error in refused:
        print(_safe(f"error   {error}"), file=sys.stderr, flush=True)
    return bool(refused)


def _print_outcome(step: "Step", outcome: "str | LiveApiError") -> None:
    if isinstance(outcome, str):
        print(_safe(f"done    {step.wanted}  (request {outcome})"), flush=True)
    else:
        print(_safe(f"failed  {step.wanted}: {outcome}"), file=sys.stderr, flush=True)


def _masked_row(row: "Row") -> "Row":
    return msgspec.structs.replace(row, urls=tuple(_safe(url) for url in row.urls))


def _table(found: "Sequence[Row]") -> list[str]:
    """Return the lines of a table, one for each URL, its columns as wide as they need to be."""
    cells = [("place", "type", "key", "transcoded", "since", "URL")]
    for row in found:
        key = f"{row.key} of {row.key_source}" if row.key_source else row.key
        first = (row.place, row.message_type, key, "yes" if row.transcode else "no", row.since)
        if not row.urls:
            cells.append((row.place, row.message_type, "", "", "", "not registered"))
        cells += [(*first, url) for url in row.urls]
    widths = [max(len(line[column]) for line in cells) for column in range(5)]
    return [
        _safe(
            "  ".join(
                [*(text.ljust(width) for text, width in zip(line, widths, strict=False)), line[5]]
            )
        )
        for line in cells
    ]


async def _backfill(configuration: Configuration, job: "Job", stop: asyncio.Event) -> int:
    from router.app.backfill import Backfill

    run = Backfill(configuration, job, stop, _teller())
    if fault := await run.fault():
        print(f"callback-router: {fault}", file=sys.stderr)
        return 2
    begin, end = (format_rfc3339(s * 1000) for s in (job.window.since_secs, job.window.until_secs))
    print(f"backfill: {begin} to {end}", file=sys.stderr)
    await run.run()
    print(f"backfill: {'stopped  ' if stop.is_set() else ''}{_counts(run.tally)}")
    if run.tally.unknown:
        print("Kafka may have had the unknown ones and deleted them; --force publishes them")
    if job.is_dry and run.tally.missing:
        print("nothing was published; without --dry-run what is missing is")
    is_whole = job.is_dry or run.tally.published == run.tally.missing
    undecided = run.tally.unreadable + run.tally.unknown
    return int(stop.is_set() or not is_whole or undecided > 0)


def _teller() -> "Teller":
    """Return who prints: the first few of each kind, the rest is counted."""
    from router.app.backfill import Teller

    left = Counter({"missing": FIRST, "unknown": FIRST, "unreadable": FIRST})

    def say(kind: str, line: str) -> None:
        left[kind] -= 1
        if left[kind] >= 0:
            print(_safe(f"{kind}  {line}"), flush=True)
        elif left[kind] == -1:
            print(f"{kind}  ...", flush=True)

    def say_event(kind: str, accepted: Any) -> None:
        event = accepted.event
        say(kind, f"{event.time}  {event.type}  {event.subject}  {event.id}")

    def unreadable(call: Any, why: str) -> None:
        place = "/".join(part for part in (call.domain, call.app, call.stream) if part)
        say("unreadable", f"{call.callback_time}  {call.callback_event_type}  {place}: {why}")

    def progress(tally: "Tally") -> None:
        print(f"backfill: {_counts(tally)}", file=sys.stderr, flush=True)

    return Teller(
        progress=progress,
        missing=partial(say_event, "missing"),
        unknown=partial(say_event, "unknown"),
        unreadable=unreadable,
    )


def _counts(tally: "Tally") -> str:
    """Return how many calls came to what; what never happened is left out, but for the main ones."""
    shown: Iterable[tuple[str, int]] = msgspec.structs.asdict(tally).items()
    always = ("calls", "there", "missing", "published")
    return "  ".join(f"{name} {count}" for name, count in shown if count or name in always)


def _safe(line: str) -> str:
    """Return a line that holds no credentials of URLs, and nothing that a terminal acts on."""
    from router.ingress.printable import printable
    from router.tools.masking import masked

    return printable(masked(line))
