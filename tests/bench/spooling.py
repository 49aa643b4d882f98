"""`make bench ARGS=spooling`: our command with Kafka there, and with everything to the spool.

Design: the same command twice, in turns: one has a Kafka, the other one is told of an address
where nobody listens, so each callback is answered 200 once `fdatasync` has returned. What was
answered is counted in the spool's files afterwards, by a survey that reads every record.
"""

import os
from contextlib import ExitStack

import click

from router.spool.survey import survey
from tests.bench.load import HOST, generator_name
from tests.bench.measuring import Bench, end_with, stage
from tests.bench.report import HEADER, cpu_ratios, medians
from tests.bench.systems import System, ours, running
from tests.kafka_node import free_ports

CONNECTIONS = (64, 512)
NORMAL = "Kafka there"
SPOOLING = "Kafka away"
_PARTITIONS = 6
_QUICK_SECS = 2.0


@click.command("spooling")
@click.option("--secs", default=8.0, show_default=True, help="Length of one run.")
@click.option("--rounds", default=2, show_default=True, help="Runs of each.")
@click.option("--quick", is_flag=True, help="Runs of 2 s: whether it works, not how fast.")
def main(secs: float, rounds: int, *, quick: bool) -> None:
    """Measure the spool's way beside the normal way; exit 1 where a callback is missing on disk."""
    end_with(lambda: _bench(_QUICK_SECS if quick else secs, rounds))


def _bench(secs: float, rounds: int) -> list[str]:
    """Run everything and print the figures; return what is wrong."""
    with ExitStack() as stack:
        folder, kafka, first, path = stack.enter_context(stage())
        (nobody,) = free_ports(1)
        normal = ours(folder, kafka.bootstrap_servers, NORMAL)
        spooling = ours(folder, f"{HOST}:{nobody}", SPOOLING)
        kafka.create_topics(normal.topics, _PARTITIONS)
        with ExitStack() as servers:
            both = [
                servers.enter_context(running(each, folder, first)) for each in (normal, spooling)
            ]
            measured = Bench(both, generator_name(), path)
            click.echo(
                f"{secs:g} s each, {rounds} rounds, {os.cpu_count()} cores for all\n{HEADER}"
            )
            for connections in CONNECTIONS:
                measured.measure(connections, secs, rounds)
        return [*_summary(measured), *_missing(measured.accepted[SPOOLING], spooling)]


def _summary(measured: Bench) -> list[str]:
    """Print medians and ratios; return the problems with the answers."""
    figures = medians(measured.runs)
    click.echo(f"\nmedian\n{HEADER}")
    for each in figures:
        click.echo(each.row())
    rates = {(each.system, each.connections): each.rate for each in figures}
    for count, ratio in cpu_ratios(figures, SPOOLING, NORMAL).items():
        faster = rates[SPOOLING, count] / rates[NORMAL, count]
        click.echo(
            f"{SPOOLING} / {NORMAL} at {count} connections: {faster:.2f} of the rate, "
            f"{ratio:.2f} of the CPU per callback"
        )
    if measured.failures:
        return [f"{measured.failures:,} answers were not 200, or did not come"]
    return []


def _missing(accepted: int, system: System) -> list[str]:
    """Print what the spool holds; return a problem if that is less than was answered 200."""
    assert system.spool is not None
    waiting = survey(system.spool).waiting
    click.echo(f"{SPOOLING}: {accepted:,} times 200, {waiting:,} records in the spool")
    return [] if waiting >= accepted else [f"{accepted - waiting:,} callbacks are not in the spool"]
