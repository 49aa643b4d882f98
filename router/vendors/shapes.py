"""What can stand in the `data` of an event, as far as the documents say: fields by their paths.

A path names fields as the event does, through objects and lists alike: `record_file_list.size`.
"""

from collections.abc import Iterator, Sequence
from typing import get_args

from router.event import UNRECOGNIZED
from router.vendors.fields import Field, Table
from router.vendors.normalise import Doubt
from router.vendors.spec import Vendor

ANYTHING = Field(name="", wire="", kind=object)
"""Stands for what lies inside a field of which no document says what is in it."""

UNRECOGNIZED_TABLE: Table = {
    field.name: field
    for field in (
        Field(
            name="reason",
            wire="reason",
            kind=str,
            description="Why it is not one of the known types.",
            examples=get_args(Doubt),
        ),
        Field(name="detail", wire="detail", kind=str, description="The same in our words."),
        Field(name="body", wire="body", kind=object, description="The JSON as it came."),
        Field(name="body_base64", wire="body_base64", kind=str, description="What is no JSON."),
    )
}


def table_for(vendor: Vendor, short_type: str) -> Table:
    """Return the documented fields of a type, `Unrecognized` among them."""
    if short_type == UNRECOGNIZED:
        return UNRECOGNIZED_TABLE
    return vendor.types[short_type].table


def field_at(table: Table, names: Sequence[str]) -> Field | None:
    """Return the field at a path, `ANYTHING` below what is open, None where nothing is known."""
    inside: Table | None = table
    found = None
    for name in names:
        if inside is None:
            is_open = found is not None and found.kind in (dict, list, object)
            return ANYTHING if is_open else None
        found = next((field for field in inside.values() if field.name == name), None)
        if found is None:
            return None
        inside = found.table
    return found


def paths_of(table: Table, within: str = "") -> Iterator[str]:
    """Yield the path of every field, those that hold others too."""
    for field in table.values():
        path = f"{within}{field.name}"
        yield path
        yield from paths_of(field.table or {}, f"{path}.")
