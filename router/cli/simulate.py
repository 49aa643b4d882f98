"""`callback-router simulate`: a vendor's traffic against any URL."""

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from router.cli.options import run_until_interrupted
from router.vendors import vendors

if TYPE_CHECKING:
    from router.tools.simulate import Plan, Target

SECRET_VARIABLE = "SIMULATE_SECRET"  # noqa: S105 - its name
_LINES_PER_SEC = 5.0
_FIRST_LINES = 20.0
_SHARE = click.FloatRange(0.0, 1.0)
_FORGERIES = _UNKNOWNS = 0.05


@click.command()
@click.argument("vendor", type=click.Choice(sorted(vendors())))
@click.option("--url", required=True, help="Up to the source's name, or to its token.")
@click.option("--type", "short_type", metavar="TYPE", help="Only this event type.")
@click.option(
    "--rate",
    type=click.FloatRange(min=0.0, min_open=True),
    default=2.0,
    show_default=True,
    help="Callbacks a second.",
)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after so many.")
@click.option("--for", "seconds", type=float, metavar="SECONDS", help="End after so long.")
@click.option(
    "--forgeries",
    type=_SHARE,
    metavar="X",
    help=f"Share that nobody signed.  [default: {_FORGERIES}, or 0 with --type]",
)
@click.option(
    "--unknowns",
    type=_SHARE,
    metavar="X",
    help=f"Share of types that nobody knows.  [default: {_UNKNOWNS}, or 0 with --type]",
)
@click.option("--oddities", type=_SHARE, default=0.0, metavar="X", help="Share oddly written.")
@click.option("--duplicates", type=_SHARE, default=0.0, metavar="X", help="Share sent twice.")
@click.option("--disorder", type=_SHARE, default=0.0, metavar="X", help="Share held back.")
@click.option("--seed", type=int, metavar="N", help="For the same traffic again.")
@click.option("-v", "--verbose", is_flag=True, help="A line for each, however many.")
@click.option("-q", "--quiet", is_flag=True, help="Only the summary.")
def simulate(vendor: str, url: str, *, verbose: bool, quiet: bool, **options: Any) -> None:
    """Send what VENDOR would send, signed with the secret in SIMULATE_SECRET.

    What is not answered 200 comes again as it would from the vendor. Exit 1 if anything but a
    forgery was refused in the end, or a forgery was not. A share is a number from 0 to 1.
    """
    from router.cli.lines import Tally, sent_line
    from router.tools.simulate import simulating

    plan, target, tally = _plan(vendor, options), _target(vendor, url), Tally()
    _tell_unsigned(target)
    lines = _Lines(is_verbose=verbose)

    async def run() -> None:
        async with simulating([target], plan) as results:
            async for sent in results:
                is_expected = tally.count(sent)
                if not quiet and lines.has_room(is_expected=is_expected):
                    print(sent_line(sent), flush=True)

    run_until_interrupted(run())
    print(tally.total(), flush=True)
    sys.exit(0 if tally.is_as_expected else 1)


class _Lines:
    """A few lines a second, and as many again for what nobody expected."""

    def __init__(self, *, is_verbose: bool) -> None:
        self._is_verbose = is_verbose
        self._room = {True: _FIRST_LINES, False: _FIRST_LINES}
        self._last = dict.fromkeys(self._room, time.monotonic())

    def has_room(self, *, is_expected: bool) -> bool:
        """Tell whether a line may be printed now, and take its room."""
        now = time.monotonic()
        room = self._room[is_expected] + (now - self._last[is_expected]) * _LINES_PER_SEC
        has_room = self._is_verbose or room >= 1.0
        self._room[is_expected] = min(room, _FIRST_LINES) - has_room
        self._last[is_expected] = now
        return has_room


def _plan(vendor: str, options: dict[str, Any]) -> "Plan":
    from router.tools.simulate import Plan

    known, short_type = vendors()[vendor].types, options["short_type"]
    if short_type is not None and short_type not in known:
        message = f"{vendor} has no {short_type!r}; use one of {', '.join(known)}"
        raise click.BadParameter(message, param_hint="--type")
    for name, share in (("forgeries", _FORGERIES), ("unknowns", _UNKNOWNS)):
        if options[name] is None:
            options[name] = 0.0 if short_type else share
    if options["forgeries"] + options["unknowns"] + options["oddities"] > 1.0:
        message = "--forgeries, --unknowns and --oddities are shares of one whole"
        raise click.UsageError(message)
    return Plan(**options)


def _tell_unsigned(target: "Target") -> None:
    """Say what the callbacks of a vendor that signs are without a secret."""
    from router.vendors.spec import KeyedDigest, PathToken

    proof = vendors()[target.vendor].proof
    if target.secret or isinstance(proof, PathToken):
        return
    meaning = "callbacks are signed with an empty one"
    if isinstance(proof, KeyedDigest):  # customers may do without
        meaning = "callbacks are unsigned, as with authentication switched off at the vendor"
    print(f"simulate: no secret in {SECRET_VARIABLE}: {meaning}", file=sys.stderr, flush=True)


def _target(vendor: str, url: str) -> "Target":
    """Return where to send to: what follows the source's name is the token."""
    from router.tools.simulate import Target

    secret = os.environ.get(SECRET_VARIABLE, "").encode()
    before, found, path = url.rpartition("/callbacks/")
    if found:
        name, _, token = path.partition("/")
        url = f"{before}{found}{name}"
    else:  # behind a proxy that maps other paths
        has_token = url.count("/") > 4  # noqa: PLR2004 - as http://host/callbacks/source
        url, _, token = url.rpartition("/") if has_token else (url, "", "")
    return Target(source=vendor, vendor=vendor, url=url, token=token, secret=secret)
