"""The conditions of a rule's `when`: each a value that answers yes or no for an event.

A line of `when` is the path of an attribute or of `data.…` and what must be there (`operators`).
It fits where any value that the path names fits: of a list one element is enough, for `not` too;
an empty list fits `exists: true` alone. A path that is missing fits `exists: false` alone.

At the level of `when`, `any` takes a list of such mappings of which one must fit as a whole, and
`all` one of which every one must. Beside a path, `any` and `all` take tests of the same value.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from router.event import Event
from router.routing.flow import flow
from router.routing.operators import Fault, Place, Reader, Test
from router.routing.paths import ATTRIBUTES, is_path, values_at

GROUPS = ("any", "all")
"""What may stand in place of a path, with a list of `when`s."""


class Line(msgspec.Struct, frozen=True):
    """One line of `when`: a path, and what is asked of the values there.

    Attributes:
        path: An attribute or a path below `data`.
        test: What is asked.
        text: As it is written, in one line of YAML.
    """

    path: str
    test: Test
    text: str

    def fits(self, event: Event, source: str) -> bool:
        """Tell whether the event, which came to *source*, fits."""
        return any(self.test.fits(found) for found in values_at(self.path, event, source))


class Group(msgspec.Struct, frozen=True):
    """`any` or `all` in place of a path: one, or all, of several `when`s fit.

    Attributes:
        name: Which.
        members: The `when`s; all conditions of one must fit.
        text: As it is written, in one line of YAML.
    """

    name: Literal["any", "all"]
    members: tuple["When", ...]
    text: str

    def fits(self, event: Event, source: str) -> bool:
        """Tell whether the event, which came to *source*, fits."""
        fitting = (
            all(condition.fits(event, source) for condition in when) for when in self.members
        )
        return any(fitting) if self.name == "any" else all(fitting)


Condition = Line | Group
When = tuple[Condition, ...]


def parse_conditions(when: Mapping[str, Any]) -> tuple[When, list[Fault]]:
    """Return the conditions of a rule, and every fault in them; what is right is kept."""
    conditions: list[Condition] = []
    faults: list[Fault] = []
    for key, written in when.items():
        condition, found = _group(key, written) if key in GROUPS else _line(key, written)
        faults += found
        if not found:
            conditions.append(condition)
    return tuple(conditions), faults


def _line(path: str, written: Any) -> tuple[Condition, list[Fault]]:
    reader = Reader(path)
    if not is_path(path):
        known = ", ".join((*ATTRIBUTES, "data.<field>", *GROUPS))
        reader.fault((path,), f"unknown path; use one of {known}", (*ATTRIBUTES, *GROUPS))
    test = reader.test(written, (path,))
    return Line(path, test, _text(path, written)), reader.faults


def _group(name: str, written: Any) -> tuple[Condition, list[Fault]]:
    members: list[When] = []
    faults = list(_faults_of_list((name,), written))
    for index, member in enumerate(() if faults else written):
        conditions, found = parse_conditions(member)
        members.append(conditions)
        faults += [replace(fault, path=(name, index, *fault.path)) for fault in found]
    kind: Literal["any", "all"] = "any" if name == "any" else "all"
    return Group(kind, tuple(members), _text(name, written)), faults


def _faults_of_list(at: Place, written: Any) -> Iterator[Fault]:
    if not isinstance(written, list) or not written:
        yield Fault(at, "expected a list of conditions such as [{type: RoomCreate}]")
        return
    for index, member in enumerate(written):
        if not isinstance(member, dict) or not member:
            yield Fault((*at, index), "expected a condition such as {type: RoomCreate}")


def _text(key: str, written: Any) -> str:
    return flow({key: written})[1:-1]
