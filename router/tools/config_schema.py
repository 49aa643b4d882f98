"""JSON Schema (2020-12) of the configuration files, for editors and for those who write them.

What `check` accepts fits. What fits may still be refused: rules between options, files that
cannot be read, fields of vendors are `check`'s alone. A value may hold `${NAME}` wherever it is
one word, so each word may be such a text instead.

Design: derived from the types of options, as everything that is told of them, and from the
vendors' tables. Pure.
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct

from router.config.annotations import Said, said_of
from router.config.options import Options, SourceName
from router.config.route_options import RoutesOptions
from router.config.scalars import (
    PATTERNS,
    Address,
    Duration,
    Size,
    format_duration,
    format_size,
    parse_size,
)
from router.event import UNRECOGNIZED
from router.routing.schema import definitions as definitions_of_when
from router.tools.schema import DIALECT, Schema
from router.vendors import vendors

_VARIABLE = "#/$defs/Variable"
_PLAIN = {int: "integer", float: "number", bool: "boolean"}

FILES: Mapping[str, type[Struct]] = {"router": Options, "routes": RoutesOptions}
"""The configuration files by the name of what they hold."""


def config_schema(section: type[Struct]) -> Schema:
    """Return the schema of a file that *section* describes."""
    definitions: dict[str, Schema] = {
        "Variable": {
            "description": "Text with ${NAME} or ${NAME:-default}, of the environment.",
            "type": "string",
            "pattern": r"\$\{",
        }
    }
    root = _section(section, definitions)
    return {"$schema": DIALECT, **root, "$defs": definitions}


def has_default(field: msgspec.structs.FieldInfo) -> bool:
    """Tell whether leaving the option out means a value of its own: no section, no empty list."""
    is_section = isinstance(field.default, Struct) and not isinstance(field.default, Address)
    return not (is_section or field.default in (msgspec.NODEFAULT, None, ()))


def written(value: Any) -> Any:
    """Return a default as it is written in YAML."""
    match value:
        case Duration():
            return format_duration(value)
        case Size():
            return format_size(value)
        case Address():
            return str(value)
        case tuple():
            return [written(item) for item in value]
        case _:
            return value


def _section(section: type[Struct], definitions: dict[str, Schema]) -> Schema:
    fields = msgspec.structs.fields(section)
    properties = {field.name: _value(said_of(field.type), definitions) for field in fields}
    for field in fields:
        if has_default(field):
            properties[field.name]["default"] = written(field.default)
    return {
        "title": section.__name__,
        "description": section.__doc__,
        "type": "object",
        "properties": properties,
        "required": [field.name for field in fields if field.required],
        "additionalProperties": False,
    }


def _value(said: Said, definitions: dict[str, Schema]) -> Schema:
    about: Schema = {"description": _description(said)} if said.description else {}
    if said.examples:
        about["examples"] = list(said.examples)
    schemas = _schemas(said, definitions)
    if said.is_nullable:
        schemas.append({"type": "null"})
    if len(schemas) == 1:
        return {**schemas[0], **about}
    return {**about, "anyOf": schemas}


def _description(said: Said) -> str:
    """Return what is said to people, with the bounds that no keyword can tell."""
    ends = [f"{word} {said.extra[key]}" for word, key in _ENDS if key in said.extra]
    return f"{said.description} {', '.join(ends).capitalize()}." if ends else said.description


_ENDS = (("at least", "least"), ("at most", "most"))


def _schemas(said: Said, definitions: dict[str, Schema]) -> list[Schema]:
    """Return what a value may be, each in the order in which a person would try it."""
    kind, inner = said.kind, get_args(said.kind)
    if "defined" in said.extra:
        definitions.update(_defined(said.extra["defined"]))
        return [{"$ref": f"#/$defs/{said.extra['defined']}"}]
    if kind is Any:
        return [{}]
    if isinstance(kind, type) and issubclass(kind, Struct) and kind not in PATTERNS:
        if kind.__name__ not in definitions:
            definitions[kind.__name__] = _section(kind, definitions)
        return [{"$ref": f"#/$defs/{kind.__name__}"}]
    if get_origin(kind) is tuple:
        return _lists(said, _value(said_of(inner[0]), definitions))
    if get_origin(kind) is dict:
        return [_mapping(said, definitions)]
    words = _words(said)
    is_any_text = words[-1].get("type") == "string" and "pattern" not in words[-1]
    return words if is_any_text else [*words, {"$ref": _VARIABLE}]


def _defined(name: str) -> dict[str, Schema]:
    """Return the schema of this name, and those that it refers to."""
    words = {
        "Vendor": _known("A vendor.", list(vendors())),
        "Type": _known("A type of a vendor's events.", _types()),
        "Source": {"description": "A source.", "anyOf": _schemas(said_of(SourceName), {})},
    }
    if name in words:
        return {name: words[name]}
    beside = {word.lower(): {"$ref": f"#/$defs/{word}"} for word in words}
    return {**words, **{each: dict(found) for each, found in definitions_of_when(beside).items()}}


def _known(description: str, words: list[str]) -> Schema:
    return {"description": description, "anyOf": [{"enum": words}, {"$ref": _VARIABLE}]}


def _types() -> list[str]:
    types = (name for vendor in vendors().values() for name in vendor.types)
    return [*dict.fromkeys(types), UNRECOGNIZED]


def _lists(said: Said, item: Schema) -> list[Schema]:
    schema: Schema = {"type": "array", "items": item}
    if said.min_length:
        schema["minItems"] = said.min_length
    return [item, schema] if said.extra.get("or_one") else [schema]


def _mapping(said: Said, definitions: dict[str, Schema]) -> Schema:
    key, member = (said_of(each) for each in get_args(said.kind))
    schema: Schema = {"type": "object", "additionalProperties": _value(member, definitions)}
    if key.pattern:
        schema["propertyNames"] = {"pattern": _ecma(key.pattern)}
    if said.min_length:
        schema["minProperties"] = said.min_length
    return schema


def _words(said: Said) -> list[Schema]:
    """Return what one word may be."""
    kind = said.kind
    if get_origin(kind) is Literal:
        return [{"enum": list(get_args(kind))}]
    if kind in PATTERNS:
        text: Schema = {"type": "string", "pattern": f"^(?:{PATTERNS[kind]})$"}
        return [text, _bytes(said)] if kind is Size else [text]
    if kind is str:
        text = {"type": "string"}
        if said.min_length:
            text["minLength"] = said.min_length
        if said.pattern:
            text["pattern"] = _ecma(said.pattern)
        return [text]
    number: Schema = {"type": _PLAIN[kind]}
    if said.least is not None:
        number["minimum"] = said.least
    if said.most is not None:
        number["maximum"] = said.most
    return [number]


def _bytes(said: Said) -> Schema:
    least, most = (int(parse_size(said.extra[key])) for _, key in _ENDS)
    return {"type": "integer", "minimum": least, "maximum": most}


def _ecma(pattern: str) -> str:
    r"""Return the pattern as JSON Schema writes it: Python's \A and \Z are ^ and $ there."""
    return pattern.replace(r"\A", "^").replace(r"\Z", "$")
