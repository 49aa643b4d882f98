"""What the annotation of an option says, for those who convert by it and those who describe it.

What msgspec's `Meta` has no word for stands in its `extra`: `least` and `most` of our own scalars
(inclusive, as a person writes them), `expected` (said instead of a pattern), `or_one` (a list of
one may be written as its item), `unique` (the key that differs between the items of a list),
`defined` (the name of a JSON Schema that a higher layer has).
"""

import types
from collections.abc import Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from msgspec import Meta, Struct
from msgspec.structs import replace

from router.config.scalars import PARSERS


class Said(Struct, frozen=True, kw_only=True):
    """All that an annotation says of a value; the outer word counts where two speak.

    Attributes:
        kind: The type, without notes and without None.
        is_nullable: Whether None will do.
        description: For people.
        examples: As written in YAML.
        pattern: Of the whole text, for Python.
        least: The least number.
        most: The greatest number.
        min_length: Of a text, a list or a mapping.
        extra: What `Meta` has no word for; see above.
    """

    kind: Any
    is_nullable: bool = False
    description: str = ""
    examples: tuple[Any, ...] = ()
    pattern: str | None = None
    least: int | None = None
    most: int | None = None
    min_length: int | None = None
    extra: Mapping[str, Any] = {}


def said_of(annotation: Any) -> Said:
    """Return all that *annotation* says, with what the types inside it say."""
    kind, metas = _notes(annotation)
    inner = [member for member in _members(kind) if member is not types.NoneType]
    if kind not in PARSERS and len(inner) < len(_members(kind)):
        said = replace(said_of(inner[0]), is_nullable=True)
    else:
        said = Said(kind=kind)
    for meta in metas:
        said = replace(
            said,
            description=meta.description or said.description,
            examples=tuple(meta.examples or said.examples),
            pattern=meta.pattern or said.pattern,
            least=meta.ge if meta.ge is not None else said.least,
            most=meta.le if meta.le is not None else said.most,
            min_length=meta.min_length if meta.min_length is not None else said.min_length,
            extra={**said.extra, **(meta.extra or {})},
        )
    return said


def split(annotation: Any) -> tuple[Any, Meta | None]:
    """Return the type and the `Meta` that says the most: nested annotations have several."""
    kind, metas = _notes(annotation)
    with_extra = [meta for meta in metas if meta.extra]
    return kind, next(iter(with_extra or metas), None)


def section_of(kind: Any) -> type[Struct] | None:
    """Return the Struct that *kind* is, or that it is beside None."""
    for member in _members(kind):
        if isinstance(member, type) and issubclass(member, Struct):
            return member
    return None


def _notes(annotation: Any) -> tuple[Any, list[Meta]]:
    if get_origin(annotation) is not Annotated:
        return annotation, []
    kind, *found = get_args(annotation)
    return kind, [note for note in found if isinstance(note, Meta)]


def _members(kind: Any) -> tuple[Any, ...]:
    is_union = get_origin(kind) in {Union, types.UnionType}
    return get_args(kind) if is_union else (kind,)
