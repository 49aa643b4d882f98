"""`callback-router schema`: JSON Schema of the configuration and of every event."""

import difflib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from router.consume.discover import find_handlers
from router.tools.config_schema import FILES, config_schema
from router.tools.option_table import option_table
from router.tools.schema import derived_schemas, vendor_schemas
from router.vendors import vendors

Schemas = dict[str, dict[str, Any]]


@click.command()
@click.argument("name", required=False)
@click.option(
    "--all",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write every schema as a file of this folder, NAME.schema.json.",
)
@click.option("--table", is_flag=True, help="Show the options of a file as a Markdown table.")
@click.option(
    "--handlers",
    multiple=True,
    default=["handlers"],
    show_default=True,
    help="Folders or packages of handlers, for the events that they emit.",
)
def schema(name: str | None, folder: Path | None, *, table: bool, handlers: Sequence[str]) -> None:
    """List the schemas, or show the one of NAME: a file of the configuration, or an event type."""
    found = _schemas(handlers)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for each, content in found.items():
            (folder / f"{each}.schema.json").write_bytes(formatted(content) + b"\n")
        print(f"{folder}: {len(found)} schemas", file=sys.stderr)
    elif name is None:
        width = max(map(len, found))
        for each, content in found.items():
            print(f"{each:{width}}  {content['description'].splitlines()[0]}")
    elif name not in found or (table and name not in FILES):
        raise _unknown(name, list(FILES if table else found))
    elif table:
        print(option_table(FILES[name]))
    else:
        print(formatted(found[name]).decode())


def formatted(content: object) -> bytes:
    """Return a document as JSON for people."""
    return msgspec.json.format(msgspec.json.encode(content), indent=2)


def _unknown(name: str, known: list[str]) -> click.BadParameter:
    close = difflib.get_close_matches(name, known, 3, 0.5) or known[:3]
    message = f"no {name!r}; did you mean {', '.join(close)}? Without NAME all are listed"
    return click.BadParameter(message, param_hint="NAME")


def _schemas(handlers: Sequence[str]) -> Schemas:
    """Return every schema by its name: files, vendors' events, handlers' events."""
    found = {name: config_schema(file) for name, file in FILES.items()}
    for vendor in vendors().values():
        found |= dict(vendor_schemas(vendor))
    return found | dict(derived_schemas(find_handlers(handlers)))
