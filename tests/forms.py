"""The form of every event type as it was recorded, against the one that its class has now.

`python -m tests.forms` (`make forms`) records what has changed, unless readers could not go on
with it: then the class must name another version first. What counts as such stands with
`router.vendors.spec.EventType`.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from router.tools.schema import data_schema
from router.vendors import vendors

FILE = Path(__file__).with_name("contract") / "forms.json"
RECORD = "run `make forms` to record it"
_OR_NULL = " or null"


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """One version of `data`: the kind of each field, inner ones by their path."""

    version: int
    fields: Mapping[str, str]


def present() -> dict[str, Form]:
    """Return the form of every type, as its class has it."""
    return {
        found.name: Form(
            version=found.version, fields=dict(_fields(data_schema(found.event_class)))
        )
        for vendor in vendors().values()
        for found in vendor.types.values()
    }


def recorded() -> dict[str, Form]:
    """Return what was recorded."""
    return msgspec.json.decode(FILE.read_bytes(), type=dict[str, Form])


def faults(before: Mapping[str, Form], now: Mapping[str, Form]) -> Iterator[str]:
    """Yield what readers of the recorded forms could not go on with, and what to do about it."""
    for name, old in before.items():
        new = now.get(name)
        if new is None:
            yield f"{name}: is gone; if that is meant, remove it from {FILE.name} by hand"
        elif new.version < old.version:
            yield f"{name}: version {new.version} was used before; {old.version} is the last one"
        elif new.version == old.version:
            advice = (
                f"set schema_version: ClassVar[int] = {old.version + 1} in its class, and {RECORD}"
            )
            yield from (f"{name}: {change}; {advice}" for change in _breaks(old, new))


def news(before: Mapping[str, Form], now: Mapping[str, Form]) -> Iterator[str]:
    """Yield the types whose form is another than was recorded, though no fault."""
    broken = {fault.partition(":")[0] for fault in faults(before, now)}
    for name, new in now.items():
        if name not in broken and new != before.get(name):
            yield f"{name}: {RECORD}"


def _breaks(old: Form, new: Form) -> Iterator[str]:
    for path, kind in old.fields.items():
        found = new.fields.get(path)
        if found is None:
            yield f"{path} ({kind}) is gone or has another name"
        elif found not in (kind, kind.removesuffix(_OR_NULL)):
            yield f"{path} was {kind} and is {found}"


def _fields(schema: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path of every field and what it may hold."""
    for name, member in schema.get("properties", {}).items():
        path = f"{above}{name}"
        kinds = member["type"]
        yield path, kinds if isinstance(kinds, str) else " or ".join(kinds)
        if "items" in member:
            yield f"{path}[]", member["items"].get("type", "anything")
            yield from _fields(member["items"], f"{path}[].")
        yield from _fields(member, f"{path}.")


def main() -> int:
    """Record the present forms, or tell why not; return the exit code."""
    now = present()
    found = list(faults(recorded(), now))
    if found:
        print("\n".join(found), file=sys.stderr)  # noqa: T201 - a command prints
        return 1
    FILE.write_text(json.dumps(msgspec.to_builtins(now), indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
