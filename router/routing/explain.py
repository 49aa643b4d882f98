"""Why each rule acts on an event or does not: by the conditions as written, not as compiled.

Design: this walks the conditions with their plain `fits`, so that it is a second opinion on the
closures that the server runs; a property test holds the two against each other.
"""

from typing import Any

import msgspec
from msgspec import UNSET

from router.event import Event
from router.routing.conditions import Condition, Group, Line, When
from router.routing.paths import MISSING, plain, value_at, values_at
from router.routing.table import RouteTable


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule makes of one event.

    Attributes:
        rule: Its name.
        fits: Whether it acts.
        decided_by: The first condition that does not fit, as YAML writes it in one line; None
            where the rule acts.
        path: Where this condition looks; None of an `any` between conditions, and where the rule
            acts.
        seen: The JSON value that this condition saw; of an `any` between conditions an object of
            the values by path. `UNSET` where nothing was there, and where the rule acts.
    """

    rule: str
    fits: bool
    decided_by: str | None = None
    path: str | None = None
    seen: Any = UNSET


def explain(table: RouteTable, event: Event, source: str) -> tuple[Verdict, ...]:
    """Return the verdict of every rule, in their order, on an event that came to *source*."""
    return tuple(_verdict(rule.name, rule.conditions, event, source) for rule in table.rules)


def _verdict(name: str, when: When, event: Event, source: str) -> Verdict:
    condition = _first_misfit(when, event, source)
    if condition is None:
        return Verdict(rule=name, fits=True)
    return Verdict(
        rule=name,
        fits=False,
        decided_by=condition.text,
        path=condition.path if isinstance(condition, Line) else None,
        seen=_seen(condition, event, source),
    )


def _first_misfit(when: When, event: Event, source: str) -> Condition | None:
    """Return the first condition that does not fit; of an `all` the one inside it."""
    for condition in when:
        if condition.fits(event, source):
            continue
        if isinstance(condition, Group) and condition.name == "all":
            inner = (_first_misfit(member, event, source) for member in condition.members)
            return next(found for found in inner if found is not None)
        return condition
    return None


def _seen(condition: Condition, event: Event, source: str) -> Any:
    if isinstance(condition, Line):
        return _value(condition.path, event, source)
    found = [_first_misfit(member, event, source) for member in condition.members]
    seen: dict[str, Any] = {}
    for misfit in [each for each in found if each is not None]:
        value = _seen(misfit, event, source)
        if value is UNSET:
            continue
        seen |= {misfit.path: value} if isinstance(misfit, Line) else value
    return seen or UNSET


def _value(path: str, event: Event, source: str) -> Any:
    """Return what a path names: as it stands, or through lists the values found there."""
    value = value_at(path, event, source)
    if value is not MISSING:
        return plain_inside(value)
    found = values_at(path, event, source)
    return UNSET if found == [MISSING] else [plain_inside(each) for each in found]


def plain_inside(value: Any) -> Any:
    """Return *value* with everything decoded that an Unrecognized event keeps as JSON text."""
    value = plain(value)
    if isinstance(value, dict):
        return {key: plain_inside(item) for key, item in value.items()}
    return [plain_inside(item) for item in value] if isinstance(value, list) else value
