"""`callback-router consume`."""

import asyncio
import sys
from pathlib import Path

import click

from router.cli.options import config_option, configured, with_admin


@click.command()
@config_option
@click.option("--admin", metavar="HOST:PORT", help="Where /healthz, /readyz and /metrics are.")
@click.option("--only", "only", multiple=True, metavar="NAME", help="These handlers; default all.")
def consume(config: Path, admin: str | None, only: tuple[str, ...]) -> None:
    """Run the handlers until SIGTERM or Ctrl-C; SIGHUP reads nothing again."""
    from router.app import Hangup, Stop, forsake_threads
    from router.app.consume import Consume
    from router.assembly import handlers_of
    from router.observability import set_up_logging

    hangup = Hangup()
    hangup.listen()
    configuration = with_admin(configured(config), admin)
    found = handlers_of(configuration)
    names = [handler.name for handler, _ in found]
    for name in only:
        if name not in names:
            known = ", ".join(names) or "none"
            raise click.BadParameter(f"no handler is called {name}; there are: {known}")
    chosen = [entry for entry in found if not only or entry[0].name in only]
    if not chosen:
        print("consume: there is no handler; see `handlers:` in the configuration", file=sys.stderr)
        sys.exit(2)
    set_up_logging()

    async def run() -> None:
        forsake_threads()
        stop = Stop()
        stop.listen_to_signals()
        await Consume(configuration, chosen).run(stop, hangup=hangup)

    asyncio.run(run())
    hangup.ignore()
