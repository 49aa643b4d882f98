"""`Bench`: systems under load in turns, and the figures of each run."""

from collections.abc import Sequence
from pathlib import Path

import click

from tests.bench.load import load
from tests.bench.report import Figures, figures_of
from tests.bench.systems import Running

_WARM_UP_SECS = 2.0


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
