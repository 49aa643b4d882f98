"""`Bench`: systems under load in turns, and the figures of each run; what stands around that."""

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, NoReturn

import click

from tests.bench import callbacks
from tests.bench.load import LoadError, load
from tests.bench.report import Figures, figures_of
from tests.bench.systems import Running, SystemDiedError
from tests.cluster import Cluster, ToolMissingError

_WARM_UP_SECS = 2.0


class Stage(NamedTuple):
    """What systems are measured on: a folder, one broker, the first body, and a file of all."""

    folder: Path
    kafka: Cluster
    first_body: bytes
    bodies: Path


@contextmanager
def stage() -> Iterator[Stage]:
    """Yield a new stage for the block."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        with Cluster.start(folder) as kafka:
            bodies = callbacks.bodies()
            path = folder / "bodies"
            path.write_bytes(b"".join(body + b"\n" for body in bodies))
            yield Stage(folder, kafka, bodies[0], path)


def end_with(measure: Callable[[], Sequence[str]]) -> NoReturn:
    """Measure, tell of the problems that it returns, and end; with 1 where there are some."""
    try:
        problems = measure()
    except (ToolMissingError, LoadError, SystemDiedError) as error:
        raise click.ClickException(str(error)) from error
    for problem in problems:
        click.echo(f"FAILED: {problem}")
    sys.exit(1 if problems else 0)


class Bench:
    """Two running servers, the load, and what came of it."""

    def __init__(self, systems: Sequence[Running], generator: str, bodies: Path) -> None:
        """Take the servers, each of which has answered one callback."""
        self.runs: list[Figures] = []
        self.failures = 0
        self.accepted = {each.system.name: 1 for each in systems}
        self._systems = systems
        self._generator = generator
        self._bodies = bodies

    def measure(self, connections: int, secs: float, rounds: int) -> None:
        """Load the systems in turns and keep the figures, after a warm-up of each."""
        for each in self._systems:
            self._load(each, connections, min(secs, _WARM_UP_SECS))
        for _ in range(rounds):
            for each in self._systems:
                run = self._load(each, connections, secs)
                click.echo(run.row())
                self.runs.append(run)

    def _load(self, running_system: Running, connections: int, secs: float) -> Figures:
        system = running_system.system
        before = running_system.cpu_secs()
        answers = load(self._generator, system.port, connections, secs, self._bodies)
        cpu_secs = running_system.cpu_secs() - before
        self.failures += answers.failures
        self.accepted[system.name] += max(0, answers.requests - answers.failures)
        return figures_of(
            system.name, connections, answers, cpu_secs, running_system.resident_mib()
        )
