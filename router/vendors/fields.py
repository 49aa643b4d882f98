"""An event class as a table of fields, and the one pass that renames and types what was sent.

Design: the class is the catalogue. Its field names are those of the event (`room_id`); the wire's
name follows from it (`RoomId`), and `Meta(extra={"wire": ...})` names the exceptions;
`Meta(extra={"is_sensitive": True})` marks what may hold credentials. msgspec cannot do the pass
itself: it neither keeps what does not convert nor unknown members.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Literal

import msgspec
from msgspec import inspect

Case = Literal["pascal", "snake"]
"""How a vendor writes names: `RoomId`, or `room_id` as the event does."""

MAX_DEPTH = 100
"""How deep a value may nest; vendors use four levels, Python's stack ends near a thousand."""

_BREAK = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
_MAX_NUMBER_LENGTH = 40
_MAX_REMEMBERED = 64


class TooDeepError(ValueError):
    """A value nests deeper than `MAX_DEPTH`."""


def nests_deeper(value: Any, depth: int) -> bool:
    """Tell whether lists and objects in *value* nest deeper than *depth*; any depth is safe."""
    level = [value]
    for _ in range(depth + 1):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        level = inner
        if not level:
            return False
    return True


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One documented field.

    Attributes:
        name: In the event.
        wire: As the vendor spells it.
        kind: The documented type; what is inside a `dict` or `list` of a class goes by `table`.
        scalar: The same where a value of that very type needs no further look, else None.
        table: The fields of the class inside, if any; empty where it documents none.
        description: Unit and values, in our words.
        examples: Plausible values.
        is_sensitive: Whether it may hold credentials: masked wherever it is printed.
    """

    name: str
    wire: str
    kind: type
    scalar: type | None = None
    table: "Table | None" = None
    description: str = ""
    examples: tuple[Any, ...] = ()
    is_sensitive: bool = False


Table = dict[str, Field]
"""Documented fields by the vendor's spelling."""


@lru_cache(maxsize=4096)
def _remembered_snake_case(key: str) -> str:
    return _BREAK.sub("_", key).lower()


def snake_case(key: str) -> str:
    """Return *key* as the event names it: `RoomId` is `room_id`, `PushURL` is `push_url`."""
    if len(key) <= _MAX_REMEMBERED:  # what strangers send must not fill the memory
        return _remembered_snake_case(key)
    return _BREAK.sub("_", key).lower()


def table_of(event_class: type[msgspec.Struct], case: Case = "pascal") -> Table:
    """Return the documented fields of an event class, by the vendor's spelling."""
    info = inspect.type_info(event_class)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"{event_class} is no Struct")
    return _table(info, case)


def at(value: Any, path: str) -> Any:
    """Return what lies at `A.B` inside an object, or None."""
    if "." not in path:
        return value.get(path)
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _table(info: inspect.StructType, case: Case) -> Table:
    fields = [_field(field.name, field.type, case) for field in info.fields]
    return {field.wire: field for field in fields}


def _field(name: str, info: inspect.Type, case: Case) -> Field:
    said: dict[str, Any] = {}
    while isinstance(info, inspect.Metadata | inspect.UnionType):
        if isinstance(info, inspect.Metadata):
            said = {**(info.extra_json_schema or {}), **(info.extra or {}), **said}
            info = info.type
        else:
            info = next(t for t in info.types if not isinstance(t, inspect.NoneType))
    kind, table = _kind(info, case)
    pascal = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    return Field(
        name=name,
        wire=said.get("wire", pascal if case == "pascal" else name),
        kind=kind,
        scalar=kind if kind in _SCALARS else None,
        table=table,
        description=said.get("description", ""),
        examples=tuple(said.get("examples", ())),
        is_sensitive=said.get("is_sensitive", False),
    )


def _kind(info: inspect.Type, case: Case) -> tuple[type, Table | None]:
    if isinstance(info, inspect.StructType):
        return dict, _table(info, case)
    if isinstance(info, inspect.ListType) and isinstance(info.item_type, inspect.StructType):
        return list, _table(info.item_type, case)
    return _KINDS[type(info)], None


_KINDS: dict[type, type] = {
    inspect.IntType: int,
    inspect.FloatType: float,
    inspect.StrType: str,
    inspect.BoolType: bool,
    inspect.ListType: list,
    inspect.DictType: dict,
}
_SCALARS = frozenset({str, int, float, bool})


class Pass:
    """One pass over what was sent; `unknown` counts what no document explains.

    That is each undocumented field, and each value that does not become its documented type.
    """

    def __init__(self) -> None:
        self.unknown = 0

    def fields(
        self,
        table: Table | None,
        sent: dict[str, Any],
        others: Iterable[tuple[str, Any]] = (),
        depth: int = 1,
    ) -> dict[str, Any]:
        """Return *sent* with documented fields named and typed, then everything else.

        Args:
            table: The documented fields; None inside what nobody documented.
            sent: The members of one object.
            others: Members from elsewhere that nobody documented; sent before *sent*.
            depth: Of this object; see `MAX_DEPTH`.

        Raises:
            TooDeepError: *sent* nests too deep to be copied safely.
        """
        if depth > MAX_DEPTH:
            raise TooDeepError
        data: dict[str, Any] = {}
        undocumented: list[tuple[str, Any]] = list(others)
        documented = table or {}
        for key, value in sent.items():
            field = documented.get(key)
            if field is None:
                undocumented.append((key, value))
            elif type(value) is field.scalar:
                data[field.name] = value
            else:
                data[field.name] = self._typed(field, value, depth)
        self.unknown += 0 if table is None else len(undocumented)
        for key, value in undocumented:
            name = snake_case(key)
            if name in data:  # the documented one, or the first, has the name
                name = key
                while name in data:
                    name += "_"
            data[name] = self._renamed(value, depth)
        return data

    def _typed(self, field: Field, value: Any, depth: int) -> Any:
        if value is None:
            return None
        if field.table is not None and field.kind is dict and isinstance(value, dict):
            return self.fields(field.table, value, depth=depth + 1)
        if field.table is not None and field.kind is list and isinstance(value, list):
            return [self._item(field.table, item, depth + 1) for item in value]
        if type(value) is field.kind:
            return self._renamed(value, depth)
        converted = _convert(field.kind, value)
        if converted is None:
            self.unknown += 1
            return self._renamed(value, depth)
        return converted

    def _item(self, table: Table, item: Any, depth: int) -> Any:
        if isinstance(item, dict):
            return self.fields(table, item, depth=depth + 1)
        self.unknown += 1
        return self._renamed(item, depth)

    def _renamed(self, value: Any, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise TooDeepError
        if isinstance(value, dict):
            return self.fields(None, value, depth=depth + 1)
        if isinstance(value, list):
            return [self._renamed(item, depth + 1) for item in value]
        return value


def _convert(kind: type, value: Any) -> Any:
    """Return *value* as the documented type, or None where that would be a guess."""
    if kind is str and type(value) in (int, float):
        return msgspec.json.encode(value).decode()
    if kind is float and type(value) is int:
        return value  # JSON has one kind of number
    if kind is int and type(value) is float and value.is_integer():
        return int(value)
    if kind in (int, float) and type(value) is str:
        return _number(kind, value)
    return None


def _number(kind: type, text: str) -> int | float | None:
    match = _NUMBER.fullmatch(text) if len(text) <= _MAX_NUMBER_LENGTH else None
    if match is None:
        return None
    if match[0].lstrip("-").isdigit():
        return int(text)
    number = float(text)
    if kind is float:
        return number if abs(number) != float("inf") else None
    return int(number) if number.is_integer() else None
