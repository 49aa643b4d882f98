"""JSON Schema (2020-12) of every event: what its class documents, as consumers may rely on it.

An event fits its schema exactly when a handler that asks for its class is given it: documented
fields have their documented type, those that every event of the type has are required, further
fields are allowed anywhere. What a vendor sends against its own documents is published all the
same, since nothing authentic is refused: such a value stays as it came, the event does not fit,
`unknown_fields_total` counts it, and a handler has a dead letter, `bad-field`. So a consumer in
another language should do likewise: put aside what does not fit, and go on.

Design: derived from the classes by msgspec, which also decodes by them, so that the schema and the
handlers' types cannot differ. Nothing refers to anything else: many a reader of schemas stops at
references, and the same object serves here and in AsyncAPI. Pure.
"""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

import msgspec

from router.event import UNRECOGNIZED, Event, dataschema_of
from router.handler import Handler
from router.vendors.normalise import Doubt
from router.vendors.spec import EventType, Vendor

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_ATTRIBUTE = re.compile(r"(\w+): (.+)")


def vendor_schemas(vendor: Vendor) -> Iterator[tuple[str, Schema]]:
    """Yield every event of a vendor by its full type, `Unrecognized` last, and its schema."""
    for event_type in vendor.types.values():
        yield event_type.name, event_schema(event_type)
    name = f"{vendor.name}.{UNRECOGNIZED}"
    yield name, _with_data(name, dataschema_of(name), _unrecognized())


def event_schema(event_type: EventType) -> Schema:
    """Return the schema of the whole event; that of `data` has the event's `dataschema` as `$id`."""
    data = data_schema(event_type.event_class)
    return _with_data(event_type.name, event_type.dataschema, data)


def derived_schemas(handlers: Iterable[Handler]) -> Iterator[tuple[str, Schema]]:
    """Yield every event that handlers emit by its full type, and its schema.

    Its `data` is told by the class of that name in the handler's module. Without one any object
    will do.
    """
    for handler in handlers:
        names = getattr(handler.function, "__globals__", {})
        for short_type in handler.emits:
            found = names.get(short_type)
            is_class = isinstance(found, type) and issubclass(found, msgspec.Struct)
            name = f"callback-router.{short_type}"
            yield name, derived_schema(name, found if is_class else None)


def derived_schema(name: str, data_class: type[msgspec.Struct] | None) -> Schema:
    """Return the schema of a handler's event, which has a cause."""
    data = {"type": "object"} if data_class is None else data_schema(data_class)
    schema = _with_data(name, dataschema_of(name), data)
    return {**schema, "required": [*schema["required"], "causesource", "causeid"]}


def data_schema(data_class: type[msgspec.Struct]) -> Schema:
    """Return the schema of what a class holds, without references."""
    (reference,), classes = msgspec.json.schema_components([data_class], ref_template="{name}")
    return _inlined(reference, classes)


def envelope_schema() -> Schema:
    """Return the schema of what all events have in common."""
    schema = data_schema(Event)
    return {**schema, "required": ["specversion", "datacontenttype", *schema["required"]]}


def _with_data(name: str, dataschema: str, data: Schema) -> Schema:
    envelope = envelope_schema()
    own = {
        "type": {**envelope["properties"]["type"], "const": name, "examples": [name]},
        "dataschema": {**envelope["properties"]["dataschema"], "const": dataschema},
        "data": {"$id": dataschema, **data},
    }
    del own["dataschema"]["examples"]
    return {
        "$schema": DIALECT,
        "title": name,
        "description": data.get("description", envelope["description"]),
        "type": "object",
        "properties": {**envelope["properties"], **own},
        "required": envelope["required"],
    }


def _unrecognized() -> Schema:
    """Return the schema of what is kept of a message that is authentic, and not understood."""
    properties = {
        "reason": {"description": "Why.", "enum": list(get_args(Doubt))},
        "detail": {"description": "Why, in words of ours.", "type": "string"},
        "body": {"description": "The JSON as it came, without what proves it."},
        "body_base64": {
            "description": "The same where it is no JSON.",
            "type": "string",
            "contentEncoding": "base64",
        },
    }
    return {
        "title": UNRECOGNIZED,
        "description": "Authentic, but of no known type, or not to be understood.",
        "type": "object",
        "properties": properties,
        "required": ["reason", "detail"],
        "oneOf": [{"required": ["body"]}, {"required": ["body_base64"]}],
    }


def _inlined(schema: Schema, classes: Mapping[str, Schema]) -> Schema:
    """Return a schema of msgspec with the classes in their places, and nothing said twice."""
    schema = dict(schema)
    schema.pop("default", None)  # how Python reads what is missing; it is not published
    if "$ref" in schema:
        inner = _documented(classes[schema.pop("$ref")])
        schema = {**inner, **schema}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            schema[key] = _inlined(schema[key], classes)
    if "properties" in schema:
        members = schema["properties"].items()
        schema["properties"] = {name: _inlined(member, classes) for name, member in members}
    if "anyOf" in schema:
        schema |= _either([_inlined(each, classes) for each in schema.pop("anyOf")], schema)
    return schema


def _either(kinds: list[Schema], said: Schema) -> Schema:
    """Return `X or null` as one schema with two types; what is *said* of it outside counts."""
    first, *others = kinds
    if others != [{"type": "null"}] or not isinstance(first.get("type"), str):
        return {"anyOf": kinds}
    return {**first, **said, "type": [first["type"], "null"]}


def _documented(schema: Schema) -> Schema:
    """Return the schema of a class, its `Attributes` told where the fields are."""
    text, _, attributes = inspect.cleandoc(schema.get("description", "")).partition(
        "\nAttributes:\n"
    )
    lines = re.sub(r"\n {5,}", " ", attributes).splitlines()
    found = (_ATTRIBUTE.fullmatch(line.strip()) for line in lines)
    told = {match[1]: match[2] for match in found if match}
    members = {
        name: {"description": told[name], **member} if name in told else member
        for name, member in schema["properties"].items()
    }
    described = {"description": text.strip()} if text.strip() else {}
    return {**schema, **described, "properties": members}
