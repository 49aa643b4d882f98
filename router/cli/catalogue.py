"""`callback-router catalogue`: vendors, types and fields, as the code knows them."""

import click

from router.tools.catalogue import overview, type_page, vendor_page
from router.vendors import vendors


@click.command()
@click.argument("vendor", required=False)
@click.argument("event_type", metavar="[TYPE]", required=False)
def catalogue(vendor: str | None, event_type: str | None) -> None:
    """Show vendors and types, the types of VENDOR, or every field of TYPE (either of its names)."""
    known = vendors()
    if vendor is None:
        print(overview(known.values()))
        return
    if vendor not in known:
        raise _unknown("VENDOR", vendor, list(known))
    chosen = known[vendor]
    if event_type is None:
        print(vendor_page(chosen))
        return
    found = chosen.types.get(event_type) or chosen.type_called(event_type)
    if found is None:
        raise _unknown("TYPE", event_type, list(chosen.types))
    print(type_page(chosen, found))


def _unknown(what: str, given: str, known: list[str]) -> click.BadParameter:
    return click.BadParameter(f"no {given!r}; use one of {', '.join(known)}", param_hint=what)
