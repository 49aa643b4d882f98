"""The command `callback-router`: parse, call, print, exit code.

Design: one module per group of commands, imported when its command is called, since every import
of a network library costs a tenth of a second that `--help` and `check` need not pay. Exit codes:
0 done, 1 failed, 2 the user must change something.
"""

import signal
import sys

__all__ = ["main"]

_SERVICES = {"serve", "consume"}


def main() -> None:
    """Run the command line; SIGHUP ends no service, from here on."""
    if _SERVICES.intersection(sys.argv[1:2]):
        # Before anything is imported, since that lasts: they listen to it only when they begin,
        # and what it would have them read is not read before.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    from router.cli.commands import run

    run()
