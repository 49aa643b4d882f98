"""What may be raised to a caller who can do something about it.

    CallbackRouterError
      x ConfigError        the operator edits a file    exit 2, every problem with its place
      x UnavailableError   nobody; try again            503 with Retry-After, or a retry
      x InvariantError     we; a bug                    logged with an id

Design: what is expected is a value, not an exception; these three are for what a function cannot
answer at all. Nobody matches on their text.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct


class Problem(Struct, frozen=True):
    """One thing to change in a file, and where.

    Attributes:
        file: The path as the user gave it.
        line: From 1.
        column: From 1.
        where: Dotted, for example `sources.rtc.vendor` or `routes[2].when`; empty for a whole file.
        message: What is wrong. Never repeats a secret.
        excerpt: The line and a caret below the column, without secrets; empty where there is none.
        is_warning: Whether it may stay as it is.
    """

    file: str
    line: int
    column: int
    where: str
    message: str
    excerpt: str = ""
    is_warning: bool = False

    def __str__(self) -> str:
        """Return `config/router.yaml:14:7: sources.rtc.vendor: message`."""
        parts = (f"{self.file}:{self.line}:{self.column}", self.where, self.message)
        return ": ".join(part for part in parts if part)

    def shown(self) -> str:
        """Return that line, and below it the excerpt, for a person at a terminal."""
        first = f"{self} (warning)" if self.is_warning else str(self)
        return "\n".join((first, *(f"    {line}" for line in self.excerpt.splitlines())))


class CallbackRouterError(Exception):
    """Root of everything that this program raises on purpose."""


class ConfigError(CallbackRouterError):
    """The configuration cannot be used; `problems` holds everything that has to be changed.

    `warnings` is what was found beside it and may stay.
    """

    def __init__(self, problems: Sequence[Problem], warnings: Sequence[Problem] = ()) -> None:
        self.problems = tuple(problems)
        self.warnings = tuple(warnings)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UnavailableError(CallbackRouterError):
    """Something outside does not answer now; the same call may succeed later."""


class InvariantError(CallbackRouterError):
    """Something that our own code promises does not hold: a bug."""


@contextmanager
def ungrouped(kind: type[Exception]) -> Iterator[None]:
    """Raise the first error that tasks of the block ended with as it is, without its group.

    Where not all of them are of that *kind* the group is raised: no bug is hidden. Not `except*`:
    before Python 3.11.4 what is raised there comes in a group again.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        _, others = group.split(kind)
        if others is not None:
            raise
        raise _first_of(group) from None


def _first_of(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
