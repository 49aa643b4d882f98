"""`callback-router topics plan|apply`."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from router.assembly import (
    handlers_of,
    kafka_settings_of,
    topics_of,
    topics_of_handlers,
    wanted_topics,
)
from router.cli.options import config_option, configured
from router.config import Configuration
from router.errors import UnavailableError
from router.kafka.admin import KafkaAdmin
from router.tools.topics import Change, Plan, applied, plan


@click.group()
def topics() -> None:
    """Compare the topics that are needed with those of the cluster; make what is missing."""


@topics.command("plan")
@config_option
def plan_command(config: Path) -> None:
    """Show what is missing and what differs; change nothing.

    `+` is missing, `~` differs, `?` cannot be judged now; the others are as configured.
    """
    configuration = configured(config)

    async def run() -> Plan:
        admin = KafkaAdmin(kafka_settings_of(configuration))
        try:
            return await plan_of(admin, configuration)
        finally:
            await admin.close()

    shown = asyncio.run(run())
    print_plan(shown)
    if shown.faults:
        sys.exit(1)


@topics.command("apply")
@config_option
@click.option("--grow", is_flag=True, help="Also raise partitions and settings of what is there.")
def apply_command(config: Path, *, grow: bool) -> None:
    """Make the topics that are missing, and nothing else without --grow.

    With --grow topics also get more partitions, a longer retention, larger records and more
    copies before a write counts, up to what is configured. Keys change their partition when
    partitions are added: the order of a key's events is lost across that moment. Nothing is ever
    deleted or lowered.
    """
    configuration = configured(config)

    async def run() -> tuple[Plan, dict[str, str]]:
        admin = KafkaAdmin(kafka_settings_of(configuration))
        try:
            planned = await plan_of(admin, configuration)
            return planned, await applied(admin, planned, is_growing=grow)
        finally:
            await admin.close()

    done, failed = asyncio.run(run())
    print_plan(done, made="made", raised="raised" if grow else "left; --grow raises it")
    for name, error in failed.items():
        print(f"callback-router: {name}: {error}", file=sys.stderr)
    if failed or done.faults:
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
    readers: dict[str, Sequence[str]] = {}
    wanted = wanted_topics(configuration)
    if not names:
        handlers = handlers_of(configuration)
        readers = {handler.name: reading.topics for handler, reading in handlers}
        written = topics_of_handlers(configuration, handlers)
        wanted = msgspec.structs.replace(wanted, written=frozenset(written))
        names = [*topics_of(configuration), *written]
    brokers = await admin.brokers()
    if not brokers:
        raise UnavailableError("Kafka tells of no brokers yet")
    return plan(names, wanted, await admin.states(names), brokers, readers)


def print_plan(
    shown: Plan, made: str = "missing", raised: str = "with --grow", *, is_brief: bool = False
) -> None:
    """Print a plan like a diff: `+` is missing, `~` differs, `?` cannot be judged now.

    Args:
        shown: The plan, done or not.
        made: What is said of missing topics.
        raised: What is said of settings that growing changes.
        is_brief: Whether topics that are as configured are left out.
    """
    for topic in shown.missing:
        print(f"+ {topic.name}: {topic.partitions} partitions x {topic.replication}")
    for name, changes in shown.differing.items():
        print(f"~ {name}")
        for change in changes:
            print(f"    {change}  ({_outcome(change, raised)})")
    for name in () if is_brief else shown.unchanged:
        print(f"  {name}")
    for name, fault in shown.faults.items():
        print(f"? {name}: {fault}")
    for warning in shown.warnings:
        print(f"warning: {warning}")
    unknown = f", {len(shown.faults)} cannot be judged now" if shown.faults else ""
    print(
        f"{len(shown.missing)} {made}, {len(shown.differing)} differ, "
        f"{len(shown.unchanged)} as configured{unknown}"
    )


def _outcome(change: Change, raised: str) -> str:
    if not change.is_growth:
        return f"stays: {change.remark}"
    return f"{raised}; {change.remark}" if change.remark else raised
