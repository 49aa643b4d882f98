"""`callback-router check`."""

import asyncio
import sys
from pathlib import Path

import click
import msgspec

from router.assembly import CHECKS_WITH_HANDLERS
from router.cli.options import config_option, configured
from router.config import Configuration
from router.errors import ConfigError, Problem


@click.command()
@config_option
@click.option("--connect", is_flag=True, help="Also ask the brokers, and look at the topics.")
@click.option("--json", "is_json", is_flag=True, help="For programs: an array of what was found.")
def check(config: Path, *, connect: bool, is_json: bool) -> None:
    """Tell every error of the configuration with its place; loads the handlers too."""
    if connect and is_json:
        raise click.UsageError("--json tells of the files alone; leave --connect out")
    try:
        configuration = configured(config, CHECKS_WITH_HANDLERS)
    except ConfigError as error:
        if not is_json:
            raise
        _print_json(*error.problems, *error.warnings)
        sys.exit(2)
    if is_json:
        _print_json(*configuration.warnings)
        return
    for warning in configuration.warnings:
        print(warning.shown())
    sources = ", ".join(configuration.options.sources)
    print(f"{config}: ok, sources: {sources}")
    if connect and not asyncio.run(_connects(configuration)):
        sys.exit(1)


def _print_json(*problems: Problem) -> None:
    """Print what editors and build servers read: an array, also of nothing."""
    found = [
        {
            "file": problem.file,
            "line": problem.line,
            "column": problem.column,
            "path": problem.where,
            "message": problem.message,
            "severity": "warning" if problem.is_warning else "error",
        }
        for problem in problems
    ]
    print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())


async def _connects(configuration: Configuration) -> bool:
    from router.assembly import kafka_settings_of
    from router.cli.topics import plan_of, print_plan
    from router.kafka.admin import KafkaAdmin

    admin = KafkaAdmin(kafka_settings_of(configuration))
    try:
        plan = await plan_of(admin, configuration)
    finally:
        await admin.close()
    print(f"{configuration.options.kafka.bootstrap_servers}: ok, {plan.brokers} brokers")
    print_plan(plan, is_brief=True)
    return not plan.missing and not plan.faults
