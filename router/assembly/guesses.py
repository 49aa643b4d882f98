"""What somebody may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 100
"""Comparing takes quadratic time, and nothing that is known is longer."""


def did_you_mean(written: str, known: Iterable[str]) -> str:
    """Return `; did you mean …?` for the end of a message, or nothing where nothing is near."""
    guess = closest(written, known)
    return f"; did you mean {guess}?" if guess else ""


def closest(written: str, known: Iterable[str]) -> str:
    """Return the known word that is most like what was written; empty where none is."""
    words = sorted(known)
    folded = {word.lower(): word for word in words}
    name = written.rpartition(".")[2].lower()
    if name in folded:  # other capitals, or a type with its vendor before it
        return folded[name]
    close = get_close_matches(written, words, 1) if len(written) <= _LONGEST else []
    return next(iter((*close, *(word for word in words if name and word.startswith(name)))), "")
