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

DEFINITIONS: Mapping[str, Mapping[str, Any]] = {
    "When": {
        "description": "Conditions, all of which must hold.",
        "examples": [{"type": "RoomCreate"}],
        "type": "object",
        "properties": {
            **{name: {**TEST, "description": each.meaning} for name, each in ATTRIBUTES.items()},
            **{name: {**_MEMBERS, "description": _GROUPS[name]} for name in GROUPS},
        },
        "patternProperties": {
            r"^data(\.[^.]+)+$": {**TEST, "description": "A field of `data`, at any depth."}
        },
        "additionalProperties": False,
    },
    "Test": {
        "description": "A value, a list for any of several, or operators that must all fit.",
        "anyOf": [
            _PLAIN,
            {"type": "array", "items": _PLAIN, "minItems": 1},
            {"$ref": "#/$defs/Operators"},
        ],
    },
    "Tests": {
        "description": "Tests of the same value.",
        "type": "array",
        "items": TEST,
        "minItems": 1,
    },
    "Operators": {
        "description": "What is asked of the value; all must fit.",
        "type": "object",
        "properties": {
            name: {**each.takes, "description": each.meaning} for name, each in OPERATORS.items()
        },
        "additionalProperties": False,
        "minProperties": 1,
    },
}
"""`When`, and what it refers to; each under its name in `$defs`."""
