"""Every option as a table in Markdown, derived from `router.config.options`: pure.

A section that stands in several places, as the reference to a secret does, is told once, at the
end, under its name in capitals.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct

from router.config.annotations import Said, said_of
from router.config.scalars import Address, Duration, Network, Size
from router.tools.config_schema import has_default, written

_HEAD = ("| option | value | meaning | default |", "|---|---|---|---|")
_INSIDE: dict[Any, str] = {tuple: "[]", dict: ".NAME", None: ""}
_WORDS = {
    Any: "conditions",
    Address: "HOST:PORT",
    Duration: "a duration",
    Network: "a network",
    Size: "a size",
    bool: "true or false",
    int: "a number",
    str: "text",
}


def option_table(file: type[Struct]) -> str:
    """Return the table of all options of the file that *file* describes."""
    sections = Counter(_sections(file))
    shared = [section for section, count in sections.items() if count > 1]
    rows = list(_rows(file, "", shared))
    for section in shared:
        rows += _rows(section, f"{_name(section)}.", shared)
    return "\n".join((*_HEAD, *rows))


def _sections(section: type[Struct]) -> Iterator[type[Struct]]:
    """Yield each section inside, as often as it stands somewhere."""
    for field in msgspec.structs.fields(section):
        inner = _section_in(said_of(field.type).kind)
        if inner is not None:
            yield inner
            yield from _sections(inner)


def _section_in(kind: Any) -> type[Struct] | None:
    """Return the section that a value holds, in a list or a mapping too."""
    if get_origin(kind) in {tuple, dict}:
        return _section_in(said_of(_item(kind)).kind)
    is_section = isinstance(kind, type) and issubclass(kind, Struct) and kind is not Address
    return kind if is_section else None


def _item(kind: Any) -> Any:
    return get_args(kind)[0 if get_origin(kind) is tuple else 1]


def _rows(section: type[Struct], above: str, shared: list[type[Struct]]) -> Iterator[str]:
    for field in msgspec.structs.fields(section):
        said = said_of(field.type)
        inner = _section_in(said.kind)
        path = f"{above}{field.name}"
        if inner is None or inner in shared:
            yield f"| `{path}` | {_value(said)} | {said.description} | {_default(field)} |"
        else:
            yield f"| `{path}` | | {said.description} | {'required' if field.required else ''} |"
            yield from _rows(inner, f"{path}{_INSIDE[get_origin(said.kind)]}.", shared)


def _value(said: Said) -> str:
    """Return in words what may be written."""
    kind = said.kind
    if get_origin(kind) is Literal:
        return ", ".join(f"`{word}`" for word in get_args(kind))
    if get_origin(kind) is tuple:
        return f"list of: {_value(said_of(_item(kind)))}"
    if get_origin(kind) is dict:
        return _value(said_of(_item(kind)))
    section = _section_in(kind)
    if section is not None:
        return f"`{_name(section)}`"
    if "expected" in said.extra:
        return str(said.extra["expected"])
    least, most = said.extra.get("least", said.least), said.extra.get("most", said.most)
    return _WORDS[kind] if least is None else f"{_WORDS[kind]}, {least} to {most}"


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    if not has_default(field):
        return ""
    value = written(field.default)
    if isinstance(value, list):
        value = f"[{', '.join(value)}]"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`" if value != "" else ""


def _name(section: type[Struct]) -> str:
    return section.__name__.removesuffix("Options").upper()
