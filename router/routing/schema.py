"""What may be written as `when`, as JSON Schema: of editors and of those who write rules.

What `parse_conditions` takes fits. What fits may still be refused: a moment beside a path that is
no time, and all that only the vendors' documents tell.
"""

from collections.abc import Mapping
from typing import Any

from router.routing.conditions import GROUPS
from router.routing.operators import OPERATORS, TEST
from router.routing.paths import ATTRIBUTES

_PLAIN = {"type": ["string", "number", "boolean", "null"]}
_MEMBERS = {"type": "array", "items": {"$ref": "#/$defs/When", "minProperties": 1}, "minItems": 1}
_GROUPS = {"any": "One of these fits as a whole.", "all": "Each of these fits."}

Schema = Mapping[str, Any]


def definitions(words: Mapping[str, Schema]) -> dict[str, Schema]:
    """Return `When`, and what it refers to, each under its name in `$defs`.

    Args:
        words: What may be compared with an attribute, by the attribute, where that is not any
            plain value.
    """
    attributes = {
        name: {**_prefixed(TEST, name if name in words else ""), "description": each.meaning}
        for name, each in ATTRIBUTES.items()
    }
    groups = {name: {**_MEMBERS, "description": _GROUPS[name]} for name in GROUPS}
    found: dict[str, Schema] = {
        "When": {
            "description": "Conditions, all of which must hold.",
            "examples": [{"type": "RoomCreate"}],
            "type": "object",
            "properties": {**attributes, **groups},
            "patternProperties": {
                r"^data(\.[^.]+)+$": {**TEST, "description": "A field of `data`, at any depth."}
            },
            "additionalProperties": False,
        },
    }
    for attribute, plain in {"": _PLAIN, **words}.items():
        found |= {f"{attribute}{name}": each for name, each in _tests(attribute, plain).items()}
    return found


def _tests(attribute: str, plain: Schema) -> dict[str, Schema]:
    """Return what may stand beside an attribute, whose plain values are these."""
    return {
        "Test": {
            "description": "A value, a list for any of several, or operators that must all fit.",
            "anyOf": [
                plain,
                {"type": "array", "items": plain, "minItems": 1},
                {"$ref": f"#/$defs/{attribute}Operators"},
            ],
        },
        "Tests": {
            "description": "Tests of the same value.",
            "type": "array",
            "items": _prefixed(TEST, attribute),
            "minItems": 1,
        },
        "Operators": {
            "description": "What is asked of the value; all must fit.",
            "type": "object",
            "properties": {
                name: {**_prefixed(each.takes, attribute), "description": each.meaning}
                for name, each in OPERATORS.items()
            },
            "additionalProperties": False,
            "minProperties": 1,
        },
    }


def _prefixed(schema: Schema, attribute: str) -> Schema:
    """Return the schema, with the attribute's own definition where it refers to one."""
    reference = schema.get("$ref")
    return {"$ref": reference.replace("#/$defs/", f"#/$defs/{attribute}")} if reference else schema
