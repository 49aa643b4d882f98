"""The catalogue as text: what the classes and tables say, and no name of its own."""

import pytest

from router.tools.catalogue import overview, type_page, vendor_page
from router.vendors import vendors
from router.vendors.fields import Table
from router.vendors.spec import Vendor

VENDORS = list(vendors().values())
TYPES = [(vendor, name) for vendor in VENDORS for name in vendor.types]


def test_the_overview_names_everything() -> None:
    """One table in Markdown, every line of which has two cells and the same width."""
    lines = overview(VENDORS).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]

    assert len({len(line) for line in lines}) == 1
    assert cells[0] == ["vendor", "types"]
    assert [name for name, _ in cells[2:] if name] == list(vendors())
    named = [name for _, part in cells[2:] for name in part.rstrip(",").split(", ")]
    assert named == [name for _, name in TYPES]


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_a_vendors_page_has_a_line_for_each_type(vendor: Vendor) -> None:
    """Its name, the vendor's word if that is another, and the first line of its docstring."""
    facts, _, types = vendor_page(vendor).partition("\n\n")

    assert facts.splitlines()[0] == vendor.name
    assert vendor.source in facts
    for event_type, line in zip(vendor.types.values(), types.splitlines(), strict=True):
        own = event_type.word == event_type.short_name
        assert line.startswith(event_type.short_name)
        assert (f"({event_type.word})" in line) is not own
        assert line.endswith((event_type.event_class.__doc__ or "").splitlines()[0])


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "volcengine-live",
            [
                "proof      data.sign: md5 of the secret and data.t; the content is not covered",
                "window     from 1200 s before data.t to 600 s after it; else `stale`",
                (
                    "answer     within 4 s; after a failure sent again in "
                    "3, 3, 3, 60, 120, 180, 180 s, then never (not documented: "
                    "how the queue behind the third spreads its tries over ten minutes)"
                ),
            ],
        ),
        (
            "volcengine-rtc",
            [
                (
                    "proof      Signature: sha256 of EventType, EventData, EventTime, EventId, "
                    "AppId, Version, Nonce or Noce and the secret, sorted"
                ),
                "window     none: a callback may come at any time",
            ],
        ),
        (
            "alibaba-caster",
            [
                "proof      none in the body: a token of yours in the path",
                (
                    "answer     within 5 s; after no answer sent again in 1, 1, 1, 1, 1 s, then never "
                    "(not documented: all of it: so the product's callbacks in general)"
                ),
            ],
        ),
    ],
)
def test_a_vendors_page_tells_its_proof_and_times(name: str, lines: list[str]) -> None:
    """In words, from the table."""
    page = vendor_page(vendors()[name]).splitlines()

    assert [line for line in lines if line not in page] == []


@pytest.mark.parametrize(("vendor", "name"), TYPES, ids=[f"{v.name}.{t}" for v, t in TYPES])
def test_a_types_page_has_every_field(vendor: Vendor, name: str) -> None:
    """Inner ones by their path; each with its type and description."""
    event_type = vendor.types[name]
    lines = type_page(vendor, event_type).splitlines()

    assert lines[0].startswith(event_type.name)
    shown = {line.split()[0] for line in lines[lines.index("") :] if line} - {"field"}
    assert _paths(event_type.table) <= shown


def test_a_types_page_shows_lists_and_secrets() -> None:
    """Members of objects in lists; what is masked elsewhere says so."""
    live, rtc = vendors()["volcengine-live"], vendors()["volcengine-rtc"]
    push = type_page(live, live.types["PushStart"])
    stopped = type_page(rtc, rtc.types["RecordStopped"])

    assert push.startswith("volcengine-live.PushStart (push_start)\nA stream began")
    assert "may hold its credentials. Shown as ***." in push
    assert "record_file_list[].stream_list[].user_id " in stopped
    assert "list of objects" in stopped


def _paths(table: Table, within: str = "") -> set[str]:
    found: set[str] = set()
    for field in table.values():
        found.add(f"{within}{field.name}")
        inner = "[]." if field.kind is list else "."
        found |= _paths(field.table or {}, f"{within}{field.name}{inner}")
    return found
