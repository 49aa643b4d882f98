"""`callback-router serve`."""

import asyncio
import sys
from pathlib import Path

import click

from router.cli.options import config_option, configured, with_admin
from router.config import Configuration


@click.command()
@config_option
@click.option(
    "--admin", metavar="HOST:PORT", help="Where /healthz, /readyz, /metrics and /rejects are."
)
def serve(config: Path, admin: str | None) -> None:
    """Receive callbacks until SIGTERM or Ctrl-C; SIGHUP reads sources and routes again."""
    from router.app import Hangup, Ingress, Stop, forsake_threads
    from router.observability import set_up_logging

    hangup = Hangup()
    hangup.listen()

    def read() -> Configuration:
        return with_admin(configured(config), admin)

    configuration = read()
    for warning in configuration.warnings:
        print(f"{warning} (warning)", file=sys.stderr)

    set_up_logging()

    async def run() -> None:
        forsake_threads()
        stop = Stop()
        stop.listen_to_signals()
        ingress = Ingress(configuration)
        await ingress.run(stop, lambda _port: None, reloading=(hangup, read))

    asyncio.run(run())
    hangup.ignore()
