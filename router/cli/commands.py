"""Every command by its name, and what its errors look like."""

import logging
import sys

import click

from router.errors import CallbackRouterError, ConfigError

_INTERRUPTED = 130  # 128 + SIGINT, as shells have it

_COMMANDS = {
    "dev": "router.cli.dev:dev",
    "serve": "router.cli.serve:serve",
    "consume": "router.cli.consume:consume",
    "handlers": "router.cli.handlers:handlers",
    "check": "router.cli.check:check",
    "explain": "router.cli.explain:explain",
    "test": "router.cli.test:test",
    "rejects": "router.cli.rejects:rejects",
    "topics": "router.cli.topics:topics",
    "tail": "router.cli.tail:tail",
    "spool": "router.cli.spool:spool",
    "dead": "router.cli.dead:dead",
    "replay": "router.cli.replay:replay",
    "catalogue": "router.cli.catalogue:catalogue",
    "schema": "router.cli.schema:schema",
    "asyncapi": "router.cli.schema:asyncapi",
    "simulate": "router.cli.simulate:simulate",
    "volcengine-live": "router.cli.volcengine_live:volcengine_live",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        __import__(module)
        command = getattr(sys.modules[module], name)
        assert isinstance(command, click.Command)  # noqa: S101 - the table above is ours
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="callback-router", prog_name="callback-router")
def _cli() -> None:
    """Receive vendors' callbacks, verify them, and publish them to Kafka."""


def run() -> None:
    """Run the command line; errors of ours are lines, not tracebacks."""
    # What matters of aiokafka's own lines is logged, or said, by us.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        _cli()
    except ConfigError as error:
        told = (problem.shown() for problem in (*error.problems, *error.warnings))
        print("\n".join(told), file=sys.stderr)
        sys.exit(2)
    except CallbackRouterError as error:
        print(f"callback-router: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
