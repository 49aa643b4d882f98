"""The vendors, types and fields as text, derived from the event classes and vendors' tables: pure.

Design: the class is the catalogue, so nothing here names a vendor, a type or a field; the README's
table is made by the same lines.
"""

import inspect
from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import assert_never

from router.vendors.fields import Table
from router.vendors.spec import (
    EventType,
    KeyedDigest,
    PathToken,
    Proof,
    SendTime,
    SortedDigest,
    Vendor,
)

_NAMES_WIDTH = 90
_KINDS = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "true or false",
    dict: "object",
    list: "list",
}


def overview(vendors: Iterable[Vendor]) -> str:
    """Return the Markdown table of vendors and the names of their types."""
    rows = [("vendor", ["types"])]
    rows += [(vendor.name, wrap(", ".join(vendor.types), _NAMES_WIDTH)) for vendor in vendors]
    cells = [(name if n == 0 else "", part) for name, parts in rows for n, part in enumerate(parts)]
    widths = [max(len(cell[column]) for cell in cells) for column in (0, 1)]
    lines = [f"| {name:{widths[0]}} | {part:{widths[1]}} |" for name, part in cells]
    rule = f"|{'-' * (widths[0] + 2)}|{'-' * (widths[1] + 2)}|"
    return "\n".join((lines[0], rule, *lines[1:]))


def vendor_page(vendor: Vendor) -> str:
    """Return how a vendor proves itself, how long it waits, and a line for each of its types."""
    facts = {
        "documents": vendor.source,
        "proof": _proof(vendor.proof),
        "window": _window(vendor.window),
        "answer": _retries(vendor),
    }
    types = [(_title(event_type), _doc(event_type)[0]) for event_type in vendor.types.values()]
    return "\n".join((vendor.name, *_columns(facts.items()), "", *_columns(types)))


def type_page(vendor: Vendor, event_type: EventType) -> str:
    """Return what a type tells, and every field of its `data`, inner ones too."""
    name = f"{vendor.name}.{_title(event_type)}"
    rows = [("field", "type", "meaning"), *_rows(event_type.table)]
    return "\n".join((name, *_doc(event_type), "", *_columns(rows)))


def _title(event_type: EventType) -> str:
    word = event_type.word
    return f"{event_type.short_name}{'' if word == event_type.short_name else f' ({word})'}"


def _doc(event_type: EventType) -> list[str]:
    return inspect.cleandoc(event_type.event_class.__doc__ or "").splitlines() or [""]


def _proof(proof: Proof) -> str:
    match proof:
        case PathToken():
            return "none in the body: a token of yours in the path"
        case SortedDigest():
            alternatives = (" or ".join(proof.any_of),) if proof.any_of else ()
            signed = f"{', '.join((*proof.over, *alternatives))} and the secret, sorted"
        case KeyedDigest():
            signed = f"the secret and {proof.over}"
        case _:
            assert_never(proof)
    rest = "" if proof.covers_content else "; the content is not covered"
    return f"{proof.signature}: {proof.algorithm} of {signed}{rest}"


def _window(window: SendTime | None) -> str:
    if window is None:
        return "none: a callback may come at any time"
    before, after = window.before_secs, window.after_secs
    return f"from {before} s before {window.member} to {after} s after it; else `stale`"


def _retries(vendor: Vendor) -> str:
    retries = vendor.retries
    again = ", ".join(f"{secs:g}" for secs in retries.after_secs)
    when = "no answer" if retries.only_after_timeout else "a failure"
    assumed = f" (not documented: {retries.assumed})" if retries.assumed else ""
    return f"within {retries.timeout_secs:g} s; after {when} sent again in {again} s, then never{assumed}"


def _rows(table: Table, within: str = "") -> Iterator[tuple[str, str, str]]:
    for field in table.values():
        name = f"{within}{field.name}"
        is_same = _letters(field.wire) == _letters(field.name)
        kind = _KINDS[field.kind]
        of = " of objects" if field.kind is list and field.table is not None else ""
        spelling = "" if is_same else f" ({field.wire})"
        secret = " Shown as ***." if field.is_sensitive else ""
        yield f"{name}{spelling}", f"{kind}{of}", f"{field.description}{secret}"
        inner = "[]." if field.kind is list else "."
        yield from _rows(field.table or {}, f"{name}{inner}")


def _letters(name: str) -> str:
    return name.replace("_", "").lower()


def _columns(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Return the rows as lines, every column but the last one as wide as its widest cell."""
    cells = list(rows)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)][:-1]
    return [
        "  ".join(
            (*(f"{cell:{w}}" for cell, w in zip(row, widths, strict=False)), row[-1])
        ).rstrip()
        for row in cells
    ]
