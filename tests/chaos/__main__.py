"""`make chaos`: every class of faults, the table, and exit 1 where a promise was broken."""

import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from tests.chaos import on_disk, on_kafka, on_the_process
from tests.chaos.flawed import CAUGHT_BY
from tests.chaos.kafka import Kafka
from tests.chaos.scene import TROUBLE, Fault, Scene, play
from tests.chaos.table import MIN_TOTAL, Row, header, summary
from tests.cluster import ToolMissingError

FAULTS = (*on_kafka.FAULTS, *on_the_process.FAULTS, *on_disk.FAULTS)


class Clusters:
    """One cluster of one broker and one of three, each started when it is first needed."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        """Take where they live, and who ends them."""
        self._folder = folder
        self._stack = stack
        self._started: dict[int, Kafka] = {}

    def of(self, brokers: int) -> Kafka:
        """Return a healthy cluster."""
        if brokers not in self._started:
            kafka = Kafka.start(self._folder, brokers=brokers)
            self._started[brokers] = self._stack.enter_context(kafka)
        kafka = self._started[brokers]
        kafka.back()
        kafka.heal()
        return kafka


@click.command()
@click.option("--classes", help="Only those whose names hold one of these texts: a,b.")
@click.option("--quick", is_flag=True, help="A third of the time: whether it works, not how long.")
@click.option("--twins", is_flag=True, help="Only the flawed twins, each with its class.")
@click.option("--list", "lists", is_flag=True, help="The names of the classes, and no more.")
def chaos(classes: str | None, *, quick: bool, twins: bool, lists: bool) -> None:
    """Break things while callbacks come in; exit 1 where one is lost, late or out of order."""
    texts = [text.strip() for text in (classes or "").split(",")]
    chosen = [fault for fault in FAULTS if any(text in fault.name for text in texts)]
    if lists:
        click.echo("\n".join(fault.name for fault in chosen))
        return
    if not chosen:
        raise click.BadParameter("no class has such a name", param_hint="--classes")
    is_whole = len(chosen) == len(FAULTS) and not twins
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left running
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    problems: list[str] = []
    try:
        with ExitStack() as stack:
            clusters = Clusters(folder, stack)
            if not twins:
                min_total = MIN_TOTAL if is_whole and not quick else 0
                problems += _played(chosen, folder, clusters, min_total, is_quick=quick)
            if twins or is_whole:
                problems += _caught(folder, clusters)
    except ToolMissingError as error:
        raise click.ClickException(str(error)) from error
    for problem in problems:
        click.echo(f"FAILED: {problem}")
    if problems:
        click.echo(f"books and logs: {folder}")
        sys.exit(1)
    shutil.rmtree(folder)


def _played(
    faults: list[Fault], folder: Path, clusters: Clusters, min_total: int, *, is_quick: bool
) -> list[str]:
    """Print the table, each row when it is there; return what is wrong."""
    rows = []
    click.echo(header())
    for fault in faults:
        place = folder / fault.name.replace(" ", "-").replace(",", "")
        try:
            rows.append(play(Scene(fault, clusters.of(fault.brokers), place, is_quick=is_quick)))
        except TROUBLE as error:
            rows.append(Row(name=fault.name, problems=[f"could not be played: {error!r}"]))
        click.echo(rows[-1].line())
    sums, problems = summary(rows, min_total)
    click.echo(sums)
    return problems


def _caught(folder: Path, clusters: Clusters) -> list[str]:
    """Let each flawed twin run into its class; return those that nothing was noticed of."""
    problems = []
    by_name = {fault.name: fault for fault in FAULTS}
    for twin, (name, mistake) in CAUGHT_BY.items():
        fault = by_name[name]
        try:
            scene = Scene(fault, clusters.of(fault.brokers), folder / twin, is_quick=True)
            scene.twin = ["--twin", twin]
            noticed = play(scene).problems
        except TROUBLE as error:
            noticed = [repr(error)]
        found = [problem for problem in noticed if mistake in problem]
        said = found[0].splitlines()[0] if found else f"NOT CAUGHT, but {noticed}"
        click.echo(f"twin {twin:18} {said}")
        problems += [] if found else [f"the twin {twin} passes the class {name}"]
    return problems


if __name__ == "__main__":
    chaos()
