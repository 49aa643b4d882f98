"""Runs to figures, and figures to text."""

from collections.abc import Sequence
from statistics import median

import msgspec

from tests.bench.load import Answers

_ROW = "{:<20} {:>11} {:>11} {:>8} {:>8} {:>16} {:>8}"
HEADER = _ROW.format(
    "system", "connections", "requests/s", "p50 ms", "p99 ms", "CPU us/callback", "RSS MiB"
)


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One system under one number of connections: one run, or the median of several."""

    system: str
    connections: int
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    resident_mib: float

    def row(self) -> str:
        """Return the line that stands below `HEADER`."""
        return _ROW.format(
            self.system,
            self.connections,
            f"{self.rate:,.0f}",
            f"{self.p50_ms:.1f}",
            f"{self.p99_ms:.1f}",
            f"{self.cpu_us:.1f}",
            f"{self.resident_mib:.0f}",
        )


def figures_of(
    system: str, connections: int, answers: Answers, cpu_secs: float, resident_mib: float
) -> Figures:
    """Return the figures of one run."""
    return Figures(
        system=system,
        connections=connections,
        rate=answers.requests / answers.secs,
        p50_ms=answers.p50_ms,
        p99_ms=answers.p99_ms,
        cpu_us=cpu_secs / max(1, answers.requests) * 1e6,
        resident_mib=resident_mib,
    )


def medians(runs: Sequence[Figures]) -> list[Figures]:
    """Return one `Figures` per system and number of connections, each value its runs' median."""
    groups: dict[tuple[int, str], list[Figures]] = {}
    for run in runs:
        groups.setdefault((run.connections, run.system), []).append(run)
    return [
        Figures(
            system=system,
            connections=connections,
            rate=median(run.rate for run in group),
            p50_ms=median(run.p50_ms for run in group),
            p99_ms=median(run.p99_ms for run in group),
            cpu_us=median(run.cpu_us for run in group),
            resident_mib=median(run.resident_mib for run in group),
        )
        for (connections, system), group in groups.items()
    ]


def cpu_ratios(figures: Sequence[Figures], one: str, other: str) -> dict[int, float]:
    """Return one / other of two systems' CPU per callback, by the number of connections."""
    cpu_us = {(each.system, each.connections): each.cpu_us for each in figures}
    counts = dict.fromkeys(each.connections for each in figures)
    return {count: cpu_us[one, count] / cpu_us[other, count] for count in counts}
