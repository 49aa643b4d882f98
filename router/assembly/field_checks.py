"""What is wrong with the condition on one path: nothing can fit it, or no document knows it.

Design: an event keeps fields that no document knows, and values that do not become their
documented type. So only a test that no value at all could fit is an error; an unknown path of
`data` and a value of another kind than the field's are warnings. Values of enumerations are not
looked at: the vendors' lists are open. Ours of `Unrecognized` is closed.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from router.assembly.guesses import closest, did_you_mean
from router.assembly.scope import Combination, Scope, operands_of
from router.config import Finding
from router.event import UNRECOGNIZED
from router.routing.conditions import Line
from router.routing.flow import flow
from router.routing.operators import Place
from router.routing.witness import can_fit
from router.vendors import vendors
from router.vendors.fields import Field, Table, snake_case
from router.vendors.shapes import UNRECOGNIZED_TABLE, field_at, paths_of, table_for

_KINDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
_FITTING: dict[type, tuple[type, ...]] = {str: (str,), int: (int,), float: (int, float)}
"""The types of plain values that a field of a kind may be; else the kind itself."""
_MAX_NAMED = 3


def check_line(line: Line, written: Any, left: Scope, at: Place) -> Iterator[Finding]:
    """Yield what is wrong with a condition on events of *left*.

    Args:
        line: The condition.
        written: What stands beside its path.
        left: What the condition can concern.
        at: The place of its path.
    """
    is_data = line.path.startswith("data.")
    kinds = {"time": (int,)}.get(line.path, (str,))
    if not (can_fit(line.test) if is_data else can_fit(line.test, kinds, may_be_missing=False)):
        yield Finding("routes", at, "nothing can fit this")
    elif is_data:
        message = unknown_field(line.path, left)
        if message:
            yield Finding("routes", at, message, is_warning=True, at_key=True)
        else:
            yield from _check_values(line, written, _fields(line.path, left), at)


def unknown_field(path: str, left: Scope) -> str:
    """Return why no document knows `data.…` in events of *left*, and a guess; empty if one does."""
    if not left or any(_fields(path, left)):
        return ""
    guess = nearest_field(path, left)
    types = sorted({each["type"] for each in left})
    owners = " and ".join(types) if len(types) <= _MAX_NAMED else "such an event"
    return f"no document of {owners} knows {path}" + (f"; did you mean {guess}?" if guess else "")


def nearest_field(path: str, left: Scope) -> str:
    """Return the path of the field in events of *left* that is most like *path*; empty if none."""
    name = path.removeprefix("data.")
    same = ".".join(map(snake_case, name.split(".")))
    paths = (inner for each in left for inner in paths_of(_table(each)))
    known = {inner for inner in paths if not name.startswith(f"{inner}.")}
    ending = [each for each in known if each.rpartition(".")[2] == same.rpartition(".")[2]]
    near = [same] if same in known else ending if len(ending) == 1 else []
    parent, _, last = name.rpartition(".")
    beside = [each.removeprefix(f"{parent}.") for each in known if each.startswith(f"{parent}.")]
    if near:
        guess = near[0]
    elif beside:
        guess = closest(last, beside)
        guess = guess and f"{parent}.{guess}"
    else:
        guess = closest(name, ending or known)
    return guess and f"data.{guess}"


def no_single_value(path: str, left: Scope) -> str:
    """Return why `data.…` is no key in events of *left*, as documented; empty if it is."""
    names = path.split(".")[1:]
    known = [each for each in left if field_at(_table(each), names)]
    if not known or not all(_is_several(_table(each), names) for each in known):
        return ""
    return f"{path} is no single value"


def _fields(path: str, left: Scope) -> list[Field]:
    """Return the fields that *path* names in events of *left*, each kind of event's own."""
    names = path.split(".")[1:]
    found = (field_at(_table(each), names) for each in left)
    return [field for field in found if field is not None]


def _is_several(table: Table, names: Sequence[str]) -> bool:
    """Tell whether the way to a field leads through a list, or to an object or a list."""
    way = (field_at(table, names[: end + 1]) for end in range(len(names)))
    kinds = [field.kind for field in way if field is not None]
    return list in kinds or kinds[-1] is dict


def _table(combination: Combination) -> Table:
    return table_for(vendors()[combination["vendor"]], combination["type"])


def _check_values(
    line: Line, written: Any, fields: Sequence[Field], at: Place
) -> Iterator[Finding]:
    kinds = {field.kind for field in fields}
    if kinds <= {dict, list} and any(field.table for field in fields):
        names = [name for field in fields for name in paths_of(field.table or {})]
        if list(line.test.operands()):
            message = (
                f"{line.path} is an object, no value; name a field such as {line.path}.{names[0]}"
            )
            yield Finding("routes", at, message, is_warning=True)
    elif kinds <= _KINDS.keys():
        yield from _check_kinds(line, written, fields, at)


def _check_kinds(line: Line, written: Any, fields: Sequence[Field], at: Place) -> Iterator[Finding]:
    kinds = {field.kind for field in fields}
    named = " or ".join(_KINDS[kind] for kind in sorted(kinds, key=list(_KINDS).index))
    types = {found for kind in kinds for found in _FITTING.get(kind, (kind,))}
    is_told = False
    for place, operator, operand in operands_of(written, at):
        if operator:
            is_right = bool(kinds & ({str} if operator == "prefix" else {int, float}))
        else:
            is_right = operand is None or type(operand) in types or _is_whole(operand, types)
        if not is_right:
            is_told = True
            yield Finding(
                "routes", place, f"{line.path} is {named}, never {flow(operand)}", is_warning=True
            )
    if not is_told and not can_fit(line.test, kinds):
        yield Finding("routes", at, f"{line.path} is {named}; none fits this", is_warning=True)
    yield from _check_reasons(written, fields, at)


def _is_whole(operand: Any, types: set[type]) -> bool:
    return int in types and isinstance(operand, float) and operand.is_integer()


def _check_reasons(written: Any, fields: Sequence[Field], at: Place) -> Iterator[Finding]:
    """Yield the reasons of an Unrecognized event that there are not: the one closed list."""
    reason = UNRECOGNIZED_TABLE["reason"]
    if any(field is not reason for field in fields):
        return
    for place, operator, word in operands_of(written, at):
        if not operator and word not in reason.examples:
            known = ", ".join(reason.examples)
            guess = did_you_mean(str(word), reason.examples)
            message = f"no {UNRECOGNIZED} event has this reason; there are {known}{guess}"
            yield Finding("routes", place, message)
