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
from router.routing.conditions import Condition, Line, When
from router.routing.operators import Fits
from router.routing.paths import MISSING, elements, value_at

Matches = Callable[[Event, str], bool]
"""Whether an event, and the name of the source it came to, fit."""


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
    """Return whether all conditions fit, as one function."""
    each = tuple(map(_compiled, when))
    if len(each) == 1:
        return each[0]

    def all_fit(event: Event, source: str) -> bool:
        for fits in each:  # noqa: SIM110  # a generator would cost more than the conditions
            if not fits(event, source):
                return False
        return True

    return all_fit


def _compiled(condition: Condition) -> Matches:
    if isinstance(condition, Line):
        fits = condition.test.compiled()
        if condition.path.startswith("data."):
            return _of_data(tuple(condition.path.split(".")[1:]), fits)
        return _of_attribute(condition.path, fits)
    each = tuple(map(compiled, condition.members))
    if condition.name == "all":
        return lambda event, source: all(fits(event, source) for fits in each)
    return lambda event, source: any(fits(event, source) for fits in each)


def _of_attribute(path: str, fits: Fits) -> Matches:
    if path == "subject":
        return lambda event, _: fits(event.subject)
    if path == "time":
        return lambda event, _: fits(parse_rfc3339(event.time))
    return lambda event, source: fits(value_at(path, event, source))


def _of_data(keys: tuple[str, ...], fits: Fits) -> Matches:
    def fits_data(event: Event, _: str) -> bool:
        value: Any = event.data
        for position, key in enumerate(keys):
            if type(value) is not dict:
                return _fits_inside(value, keys[position:], fits)
            value = value.get(key, MISSING)
        kind = type(value)
        if kind is list or kind is msgspec.Raw:
            return _fits_inside(value, (), fits)
        return fits(value)

    return fits_data


def _fits_inside(value: Any, keys: tuple[str, ...], fits: Fits) -> bool:
    """Go on where a value is no object: through lists and JSON text, or to nowhere."""
    found = [value]
    for key in keys:
        found = [
            holder[key] for holder in elements(found) if isinstance(holder, dict) and key in holder
        ]
    return any(map(fits, list(elements(found)) or [MISSING]))
