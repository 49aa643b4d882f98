"""Whether anything at all could fit a test: `{gt: 5, lt: 3}` fits nothing.

Design: tests compare with their operands and know nothing else, so the answer can change at an
operand only. One value at, and one on each side of, every operand of each kind of JSON value
stands for all others: if none of these witnesses fits, nothing does. Rejected: rules that find
contradictions between pairs of operators, since they know only those that somebody thought of.
"""

import math
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from router.routing.operators import Test
from router.routing.paths import MISSING

_LARGEST = 1e300
_LAST = "\U0010ffff"
"""Put behind a text: a longer one that begins so, and that nobody writes into a rule."""


def can_fit(
    test: Test,
    kinds: Iterable[type] = (str, int, float, bool, dict),
    *,
    may_be_missing: bool = True,
) -> bool:
    """Tell whether a value of one of these kinds fits the test.

    Args:
        test: What is asked.
        kinds: `float` is any number, `int` a whole one; of `list` only the empty one is a value.
        may_be_missing: Whether there may be null or nothing instead.
    """
    operands = list(test.operands())
    lacking: list[Any] = [MISSING, None] if may_be_missing else []
    return any(map(test.fits, lacking)) or any(
        test.fits(value) for kind in kinds for value in _witnesses(kind, operands)
    )


def _witnesses(kind: type, operands: list[Any]) -> Iterator[Any]:
    numbers = sorted({operand for operand in operands if type(operand) in (int, float)})
    if kind is str:
        texts = [operand for operand in operands if isinstance(operand, str)]
        yield from ("", _LAST, *texts, *(f"{text}{_LAST}" for text in texts))
    elif kind is bool:
        yield from (False, True)
    elif kind is int:
        yield from (
            whole + step
            for n in numbers or [0]
            for whole in (math.floor(n), math.ceil(n))
            for step in (-1, 0, 1)
        )
    elif kind is float:
        yield from _witnesses(int, operands)
        yield from numbers
        middles = ((a, b) for a, b in pairwise(numbers) if max(abs(a), abs(b)) < _LARGEST)
        yield from ((a + b) / 2 for a, b in middles)
    else:
        yield {} if kind is dict else []
