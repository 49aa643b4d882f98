"""The table: one row per class of faults, and what is wrong with it."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from tests.chaos.checker import Verdict

MIN_TOTAL: Final = 100_000

_HEAD = ("class", "accepted", "lost", "doubles", "disorder", "slowest", "other answers", "secs")
_WIDTHS = (42, 9, 5, 8, 9, 8, 14, 6)


class Row(Struct, frozen=True, kw_only=True):
    """What a class of faults came to.

    Attributes:
        name: Of the class.
        verdict: None where it did not come to one.
        problems: Why it fails; empty if it does not.
        secs: How long it took.
        skipped: Why it could not be run here, if so.
    """

    name: str
    verdict: Verdict | None = None
    problems: Sequence[str] = ()
    secs: float = 0.0
    skipped: str = ""

    def line(self) -> str:
        """Return the row as text."""
        if self.verdict is None:
            return f"{self.name:{_WIDTHS[0]}} {self.skipped or 'FAILED'}"
        found = self.verdict
        others = " ".join(f"{n}x{status}" for status, n in sorted(found.refused.items()))
        cells = (
            f"{found.accepted:,}",
            str(len(found.lost)),
            str(found.duplicates),
            str(len(found.disorder)),
            f"{found.slowest_secs:.2f} s",
            others or "-",
            f"{self.secs:.0f}",
        )
        return _aligned((self.name, *cells)) + (" FAILED" if self.problems else "")


def header() -> str:
    """Return the names of the columns."""
    return _aligned(_HEAD)


def summary(rows: Sequence[Row], min_total: int = 0) -> tuple[str, list[str]]:
    """Return the row of sums, and every problem with its class."""
    found = [row.verdict for row in rows if row.verdict is not None]
    accepted = sum(verdict.accepted for verdict in found)
    cells = (
        f"{accepted:,}",
        str(sum(len(verdict.lost) for verdict in found)),
        str(sum(verdict.duplicates for verdict in found)),
        str(sum(len(verdict.disorder) for verdict in found)),
        f"{max((verdict.slowest_secs for verdict in found), default=0.0):.2f} s",
        str(sum(sum(verdict.refused.values()) for verdict in found)),
        f"{sum(row.secs for row in rows):.0f}",
    )
    problems = [f"{row.name}: {problem}" for row in rows for problem in row.problems]
    if accepted < min_total:
        problems.append(f"{accepted:,} accepted in total, {min_total:,} are needed")
    return _aligned((f"{len(rows)} classes", *cells)), problems


def _aligned(cells: Sequence[str]) -> str:
    name, *others = zip(cells, _WIDTHS, strict=True)
    return " ".join([f"{name[0]:{name[1]}}", *(f"{cell:>{width}}" for cell, width in others)])
