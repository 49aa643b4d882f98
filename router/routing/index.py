"""Which rules an event leaves to ask, found by the values that they want to be equal.

Design: an index only passes over: who is left is asked in full. It cannot pass over one that fits:
a rule stands under every value of which one must be there, values that equal each other are one
key of a dict, and `values_at` names all that a condition is asked about. Rejected: an index that
answers, which would say a second time what `operators` say.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from router.event import Event
from router.routing.conditions import Line, When
from router.routing.operators import AnyOf, Equals
from router.routing.paths import values_at

_FEW = 4
"""With fewer values looking them up costs more than asking each rule."""

_PLAIN = frozenset({str, int, float, bool, type(None)})
"""What a rule may want; other values equal none of these, and an object has no hash."""

Item = TypeVar("Item")


class Index(Generic[Item]):
    """Items, each with conditions that must all fit."""

    def __init__(self, items: Sequence[tuple[When, Item]]) -> None:
        """Take the items; of several paths that one asks about, the most telling counts."""
        wanted = [_wanted(when) for when, _ in items]
        known: dict[str, set[Any]] = {}
        for each in wanted:
            for path, values in each.items():
                known.setdefault(path, set()).update(values)
        self._items = [item for _, item in items]
        self._found: dict[str, dict[Any, list[int]]] = {}
        always: list[int] = []
        for position, each in enumerate(wanted):
            path = max(each, key=lambda path: len(known[path]), default="")
            if len(known.get(path, ())) < _FEW:
                always.append(position)
                continue
            found = self._found.setdefault(path, {})
            for value in each[path]:
                found.setdefault(value, []).append(position)
        self._always = frozenset(always)
        self._rest = [self._items[position] for position in always]

    def left(self, event: Event, source: str) -> Sequence[Item]:
        """Return the items that can fit the event, which came to *source*, in their order."""
        if not self._found:
            return self._rest
        hits = {
            position
            for path, found in self._found.items()
            for value in values_at(path, event, source)
            if type(value) in _PLAIN
            for position in found.get(value, ())
        }
        return [self._items[each] for each in sorted(hits | self._always)] if hits else self._rest


def _wanted(when: When) -> Mapping[str, frozenset[Any]]:
    """Return the values of which one must be there, by the path."""
    return {
        condition.path: frozenset(condition.test.operands())
        for condition in when
        if isinstance(condition, Line) and isinstance(condition.test, Equals | AnyOf)
    }
