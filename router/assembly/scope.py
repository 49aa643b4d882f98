"""Which events a `when` can concern: the combinations of vendor, type and source that it leaves."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from router.config import Configuration
from router.event import UNRECOGNIZED
from router.routing import OPERATORS, parse_conditions
from router.routing.compiled import settled
from router.routing.operators import Place
from router.vendors import vendors

Combination = Mapping[str, str]
"""A vendor, a type of its and a source; the source is empty where none of the vendor's is there."""

Scope = Sequence[Combination]


def whole_scope(configuration: Configuration) -> Scope:
    """Return every combination: those of configured sources, then those of the other vendors."""
    sources = configuration.options.sources
    configured = {source.vendor for source in sources.values()}
    named = [(name, source.vendor) for name, source in sources.items()]
    named += [("", vendor) for vendor in vendors() if vendor not in configured]
    return [
        {"vendor": vendor, "type": short_type, "source": source}
        for source, vendor in named
        if vendor in vendors()
        for short_type in (*vendors()[vendor].types, UNRECOGNIZED)
    ]


def left_of(scope: Scope, when: Mapping[str, Any]) -> Scope:
    """Return what *when* leaves."""
    conditions, _ = parse_conditions(when)
    return [each for each in scope if settled(conditions, each) is not None]


def nearest(scope: Scope) -> Scope:
    """Return the combinations of configured sources, or all of them if there is none."""
    return [each for each in scope if each["source"]] or scope


def operands_of(written: Any, at: Place, name: str = "") -> Iterator[tuple[Place, str, Any]]:
    """Yield each plain value of a test as written: its place, the operator around it, the value.

    The operator is empty where the value is to be equal; `not` changes nothing about that.
    """
    if isinstance(written, dict):
        for operator, argument in written.items():
            if operator in OPERATORS and operator != "exists":
                inner = "" if operator in ("not", "any", "all") else operator
                yield from operands_of(argument, (*at, operator), inner)
    elif isinstance(written, list):
        for index, item in enumerate(written):
            yield from operands_of(item, (*at, index), name)
    else:
        yield at, name, written
