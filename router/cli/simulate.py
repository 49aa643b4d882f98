"""`callback-router simulate`: a vendor's traffic against any URL."""

import os
import sys
from http import HTTPStatus
from random import Random

import click

from router.cli.options import run_until_interrupted
from router.vendors import vendors

SECRET_VARIABLE = "SIMULATE_SECRET"  # noqa: S105 - its name


@click.command()
@click.argument("vendor", type=click.Choice(sorted(vendors())))
@click.option("--url", required=True, help="Up to the source's name, or to its token.")
@click.option("--rate", default=2.0, show_default=True, help="Callbacks a second.")
@click.option("--count", type=int, metavar="N", help="End after so many.")
def simulate(vendor: str, url: str, rate: float, count: int | None) -> None:
    """Send what VENDOR would send, signed with the secret in SIMULATE_SECRET.

    Forgeries and unknown types are among it; exit 1 if anything else is refused.
    """
    from router.tools.simulate import Target, simulate

    base, _, token = url.rpartition("/") if url.count("/") > 4 else (url, "", "")  # noqa: PLR2004
    secret = os.environ.get(SECRET_VARIABLE, "").encode()
    target = Target(source=vendor, vendor=vendor, url=base, token=token, secret=secret)
    refused = 0

    async def run() -> None:
        nonlocal refused
        done = 0
        async for sent in simulate(target, rate=rate, random=Random()):  # noqa: S311 - a game
            done += 1
            print(f"{sent.status}  {sent.seconds * 1000:.0f} ms  {sent.callback.kind}", sent.reason)
            refused += sent.status != HTTPStatus.OK and sent.callback.kind != "forgery"
            if done == count:
                return

    run_until_interrupted(run())
    sys.exit(1 if refused else 0)
