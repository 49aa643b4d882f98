"""`make bench`: all benchmarks, or the named one with its options; exit 1 where one is lost."""

import os
from collections.abc import Iterable
from contextlib import ExitStack

import click
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec  # .admin does not export it to mypy

from tests.bench import callbacks, handlers, routes, spooling
from tests.bench.load import generator_name
from tests.bench.measuring import Bench, end_with, stage
from tests.bench.report import HEADER, cpu_ratios, medians
from tests.bench.systems import OBVIOUS, OURS, obvious, ours, running

CONNECTIONS = (64, 512)
PARTITIONS = 6
_DECISIVE = 512
_QUICK_SECS = 2.0
_CALL_SECS = 20.0


def records_in(bootstrap_servers: str, topics: Iterable[str]) -> int:
    """Return how many records *topics* hold: offsets begin at 0, and nothing is transactional."""
    # 2 is "critical": the client tells of its own end else.
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": 2})
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # theirs
    partitions = (TopicPartition(t, number) for t in topics for number in range(PARTITIONS))
    ends = admin.list_offsets(dict.fromkeys(partitions, latest))
    return sum(end.result(timeout=_CALL_SECS).offset for end in ends.values())


class _HotPathElse(click.Group):
    """A group that takes options without a name in front as those of `callbacks`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; `--quick` alone is `callbacks --quick`."""
        if args and args[0].startswith("-") and args[0] != "--help":
            args = ["callbacks", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_HotPathElse, invoke_without_command=True)
@click.pass_context
def bench(context: click.Context) -> None:
    """Measure rules, handlers, then the hot path, or only what is named; see each one's --help."""
    if context.invoked_subcommand is None:
        context.invoke(routes.main)
        click.echo()
        context.invoke(handlers.main)  # before the last one, which ends with an exit code
        click.echo()
        context.invoke(measure)


@click.command("callbacks")
@click.option("--secs", default=8.0, show_default=True, help="Length of one run.")
@click.option("--rounds", default=2, show_default=True, help="Runs of each system.")
@click.option("--quick", is_flag=True, help="Runs of 2 s: whether it works, not how fast.")
@click.option("--load", "generator", type=click.Choice(["wrk", "own"]), help="What makes the load.")
def measure(secs: float, rounds: int, *, quick: bool, generator: str | None) -> None:
    """Measure the hot path beside the obvious service; exit 1 where ours is not cheaper."""
    chosen = generator or generator_name()
    end_with(lambda: _bench(_QUICK_SECS if quick else secs, rounds, chosen))


def _bench(secs: float, rounds: int, generator: str) -> list[str]:
    """Run everything and print the figures; return what is wrong."""
    with ExitStack() as stack:
        folder, kafka, first, path = stack.enter_context(stage())
        systems = [obvious(kafka.bootstrap_servers), ours(folder, kafka.bootstrap_servers)]
        kafka.create_topics([t for system in systems for t in system.topics], PARTITIONS)
        started = [stack.enter_context(running(each, folder, first)) for each in systems]
        measured = Bench(started, generator, path)
        click.echo(_title(secs, rounds, generator))
        click.echo(HEADER)
        for connections in CONNECTIONS:
            measured.measure(connections, secs, rounds)
        written = {each.name: records_in(kafka.bootstrap_servers, each.topics) for each in systems}
    return [*_summary(measured), *_missing(measured, written)]


def _title(secs: float, rounds: int, generator: str) -> str:
    return (
        f"{callbacks.COUNT:,} signed RTC callbacks, {len(callbacks.TYPES)} topics x {PARTITIONS} "
        f"partitions, one broker, load: {generator}, {os.cpu_count()} cores for all; "
        f"{rounds} x {secs:g} s each"
    )


def _summary(measured: Bench) -> list[str]:
    """Print medians and ratios; return the problems with them."""
    figures = medians(measured.runs)
    click.echo(f"\nmedian\n{HEADER}")
    for each in figures:
        click.echo(each.row())
    ratios = cpu_ratios(figures, OURS, OBVIOUS)
    text = ", ".join(f"{ratio:.2f} at {count}" for count, ratio in ratios.items())
    click.echo(f"\nCPU per callback, {OURS} / obvious service: {text} connections")
    problems = []
    if ratios[_DECISIVE] >= 1.0:
        problems.append(f"{OURS} is not cheaper at {_DECISIVE} connections")
    if measured.failures:
        problems.append(f"{measured.failures:,} answers were not 200, or did not come")
    return problems


def _missing(measured: Bench, written: dict[str, int]) -> list[str]:
    """Print what Kafka holds; return the systems that answered 200 to more than that."""
    for name, accepted in measured.accepted.items():
        click.echo(f"{name}: {accepted:,} times 200, {written[name]:,} records in Kafka")
    return [
        f"{name}: {accepted - written[name]:,} callbacks answered 200 are not in Kafka"
        for name, accepted in measured.accepted.items()
        if written[name] < accepted
    ]


bench.add_command(measure)
bench.add_command(handlers.main, "handlers")
bench.add_command(routes.main, "routes")
bench.add_command(spooling.main, "spooling")


if __name__ == "__main__":
    bench()
