"""`callback-router topics plan|apply`."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from router.assembly import (
    handlers_of,
    kafka_settings_of,
    topics_of,
    topics_of_handlers,
    wanted_topics,
)
from router.cli.options import config_option, configured
from router.config import Configuration
from router.kafka.admin import KafkaAdmin
from router.tools.topics import Plan, plan


@click.group()
def topics() -> None:
    """Compare the topics that are needed with those of the cluster; make what is missing."""


@topics.command("plan")
@config_option
def plan_command(config: Path) -> None:
    """Show what is missing and what differs; change nothing."""
    configuration = configured(config)

    async def run() -> Plan:
        admin = KafkaAdmin(kafka_settings_of(configuration))
        try:
            return await plan_of(admin, configuration)
        finally:
            await admin.close()

    print_plan(asyncio.run(run()))


@topics.command("apply")
@config_option
def apply_command(config: Path) -> None:
    """Make the topics that are missing, and nothing else."""
    configuration = configured(config)

    async def run() -> tuple[Plan, dict[str, str]]:
        admin = KafkaAdmin(kafka_settings_of(configuration))
        try:
            made = await plan_of(admin, configuration)
            return made, await admin.create(made.missing) if made.missing else {}
        finally:
            await admin.close()

    done, failed = asyncio.run(run())
    print_plan(done, verb="made")
    for name, error in failed.items():
        print(f"failed   {name}: {error}", file=sys.stderr)
    if failed:
        sys.exit(1)


async def plan_of(
    admin: KafkaAdmin, configuration: Configuration, names: Sequence[str] = ()
) -> Plan:
    """Return the plan for a configuration and the cluster it names.

    *names* are the topics; without them, all that the configuration and its handlers need.

    Raises:
        ConfigError: A handler cannot be used.
        UnavailableError: The cluster does not answer.
    """
    if not names:
        handlers = handlers_of(configuration)
        names = [*topics_of(configuration), *topics_of_handlers(configuration, handlers)]
    wanted = wanted_topics(configuration)
    return plan(names, wanted, await admin.states(names), await admin.brokers())


def print_plan(shown: Plan, verb: str = "missing") -> None:
    """Print a plan, a line per topic that is not as it shall be."""
    for warning in shown.warnings:
        print(f"warning  {warning}")
    for topic in shown.missing:
        print(f"{verb:8} {topic.name}: {topic.partitions} partitions x {topic.replication}")
    for name, differences in shown.differing.items():
        print(f"differs  {name}: {'; '.join(differences)}")
    print(f"{shown.complete} topics exist, {len(shown.missing)} {verb}")
