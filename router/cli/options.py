"""What several commands have in common: which configuration file, and reading it."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import msgspec

from router.assembly import CHECKS
from router.config import Address, Check, Configuration, load

DEFAULT_CONFIG = "config/router.yaml"


def config_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--config`."""
    return click.option(
        "--config",
        "config",
        type=click.Path(path_type=Path),
        envvar="CALLBACK_ROUTER_CONFIG",
        default=DEFAULT_CONFIG,
        show_default=True,
        help="The configuration file (or CALLBACK_ROUTER_CONFIG).",
    )(function)


def configured(
    config: Path,
    checks: Sequence[Check] = CHECKS,
    *,
    with_secrets: bool = True,
    with_live_keys: bool = False,
) -> Configuration:
    """Return the configuration, with every check of every layer; *checks* may be some more.

    Without *with_secrets* no secret is looked at; made-up ones stand in. *with_live_keys* also
    looks up what only the management API needs.

    Raises:
        ConfigError: Something in the files must change.
    """
    return load(
        config, os.environ, checks, with_secrets=with_secrets, with_live_keys=with_live_keys
    )


def run_until_interrupted(work: Coroutine[Any, Any, None]) -> None:
    """Run *work* to its end, or to Ctrl-C, which is an end like any other.

    The handler is our own: where the shell starts a job in the background, Python has none.
    """

    async def run() -> None:
        task = asyncio.ensure_future(work)
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())


def with_admin(configuration: Configuration, admin: str | None) -> Configuration:
    """Return the configuration with another admin address, `HOST:PORT`, if one is given."""
    if admin is None:
        return configuration
    host, _, port = admin.rpartition(":")
    if not host or not port.isdigit():
        raise click.BadParameter("expected HOST:PORT", param_hint="--admin")
    options = msgspec.structs.replace(
        configuration.options, admin=Address(host.strip("[]"), int(port))
    )
    return msgspec.structs.replace(configuration, options=options)
