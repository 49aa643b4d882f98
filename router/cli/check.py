"""`callback-router check`."""

import asyncio
import sys
from pathlib import Path

import click

from router.cli.options import config_option, configured
from router.config import Configuration


@click.command()
@config_option
@click.option("--connect", is_flag=True, help="Also ask the brokers, and look at the topics.")
def check(config: Path, *, connect: bool) -> None:
    """Tell every error of the configuration with its place."""
    configuration = configured(config)
    for warning in configuration.warnings:
        print(f"{warning} (warning)")
    sources = ", ".join(configuration.options.sources)
    print(f"{config}: ok, sources: {sources}")
    if connect and not asyncio.run(_connects(configuration)):
        sys.exit(1)


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
    print_plan(plan)
    return not plan.missing
