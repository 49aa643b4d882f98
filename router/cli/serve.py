"""`callback-router serve`."""

import asyncio
import signal
import sys
from pathlib import Path

import click

from router.cli.options import config_option, configured, with_admin


@click.command()
@config_option
@click.option(
    "--admin", metavar="HOST:PORT", help="Where /healthz, /readyz, /metrics and /rejects are."
)
def serve(config: Path, admin: str | None) -> None:
    """Receive callbacks until SIGTERM or Ctrl-C; SIGHUP reads sources and routes again."""
    configuration = with_admin(configured(config), admin)
    for warning in configuration.warnings:
        print(f"{warning} (warning)", file=sys.stderr)

    from router.app import Ingress, Stop
    from router.observability import set_up_logging

    set_up_logging()

    async def run() -> None:
        stop = Stop()
        stop.listen_to_signals()
        ingress = Ingress(configuration)
        asyncio.get_running_loop().add_signal_handler(
            signal.SIGHUP, ingress.reload, lambda: configured(config)
        )
        await ingress.run(stop, lambda _port: None)

    asyncio.run(run())
