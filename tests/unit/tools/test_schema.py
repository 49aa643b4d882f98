"""A class as JSON Schema: what msgspec says of it, in one piece."""

from typing import Annotated

import msgspec
from msgspec import Meta

from router.tools.schema import data_schema


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part.

    Attributes:
        size: How large it is, in words
            that need two lines.
    """

    size: int = 0


class _Whole(msgspec.Struct, frozen=True, kw_only=True):
    """Everything."""

    part: Annotated[_Part | None, Meta(description="Of it.")] = None
    parts: list[_Part]
    names: dict[str, _Part]
    code: int | str


PART = {
    "title": "_Part",
    "description": "A part.",
    "type": "object",
    "properties": {
        "size": {"description": "How large it is, in words that need two lines.", "type": "integer"}
    },
    "required": [],
}


def test_a_class_is_one_object_without_references() -> None:
    """Classes stand where they are used, with what is said of them there."""
    assert data_schema(_Whole) == {
        "title": "_Whole",
        "description": "Everything.",
        "type": "object",
        "properties": {
            "part": {**PART, "description": "Of it.", "type": ["object", "null"]},
            "parts": {"type": "array", "items": PART},
            "names": {"type": "object", "additionalProperties": PART},
            "code": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        },
        "required": ["parts", "names", "code"],
    }
