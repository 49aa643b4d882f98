"""Conditions as closures: what is known before the event is settled once, the rest is looked up.

Design: `settled` is the index of the route table. Vendor, type and source of an event are of
closed sets, so conditions on them are answered once for each of their combinations, and an event
pays only for what is asked of its subject, time and data by rules that can concern it.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from router.clock import parse_rfc3339
from router.event import Event
from router.routing.conditions import Condition, Group, Line, When
from router.routing.operators import Fits
from router.routing.paths import MISSING, values_below

Matches = Callable[[Event], bool]
"""Whether an event fits."""

_OF_SEVERAL = frozenset({list, msgspec.Raw})
"""What stands for the values inside of it; see `paths.elements`."""


def settled(when: When, known: Mapping[str, str]) -> When | None:
    """Return what remains to be asked where *known* is known; None where nothing can fit.

    Args:
        when: Conditions of which all must fit.
        known: Some of the attributes, by path.
    """
    remaining: list[Condition] = []
    for condition in when:
        left = _settled(condition, known)
        if left is None:
            return None
        remaining += left
    return tuple(remaining)


def _settled(condition: Condition, known: Mapping[str, str]) -> When | None:
    if isinstance(condition, Line):
        if condition.path not in known:
            return (condition,)
        return () if condition.test.fits(known[condition.path]) else None
    members = [settled(member, known) for member in condition.members]
    possible = tuple(member for member in members if member is not None)
    if condition.name == "all":
        is_possible = len(possible) == len(members)
        return tuple(one for member in possible for one in member) if is_possible else None
    if not possible or () in possible:
        return () if possible else None
    return (msgspec.structs.replace(condition, members=possible),)


def compiled(when: When) -> Matches:
    """Return whether all conditions fit, as one function.

    Args:
        when: As `settled` leaves it: no vendor, type or source, and no group but `any`.
    """
    each = tuple(map(_compiled, when))
    if len(each) == 1:
        return each[0]

    def all_fit(event: Event) -> bool:
        for fits in each:  # noqa: SIM110  # a generator would cost more than the conditions
            if not fits(event):
                return False
        return True

    return all_fit


def _compiled(condition: Condition) -> Matches:
    if isinstance(condition, Group):
        each = tuple(map(compiled, condition.members))
        return lambda event: any(fits(event) for fits in each)
    fits = condition.test.compiled()
    if condition.path == "subject":
        return lambda event: fits(event.subject)
    if condition.path == "time":
        return lambda event: fits(parse_rfc3339(event.time))
    return _of_data(tuple(condition.path.split(".")[1:]), fits)


def _of_data(keys: tuple[str, ...], fits: Fits) -> Matches:
    *outer, last = keys

    def fits_data(event: Event) -> bool:
        value: Any = event.data
        for position, key in enumerate(outer):
            value = value.get(key, MISSING)
            if type(value) is not dict:
                return any(map(fits, values_below(value, keys[position + 1 :])))
        value = value.get(last, MISSING)
        if type(value) in _OF_SEVERAL:
            return any(map(fits, values_below(value, ())))
        return fits(value)

    return fits_data
