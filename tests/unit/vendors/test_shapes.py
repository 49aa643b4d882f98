"""What can stand in the data of an event, by path."""

import pytest

from router.vendors import vendors
from router.vendors.shapes import ANYTHING, field_at, paths_of, table_for


@pytest.mark.parametrize(
    ("vendor", "name", "path", "kind"),
    [
        ("volcengine-rtc", "RecordStopped", "code", int),
        ("volcengine-rtc", "RecordStopped", "record_file_list", list),
        ("volcengine-rtc", "RecordStopped", "record_file_list.size", int),
        ("volcengine-rtc", "RecordStopped", "code.more", None),
        ("volcengine-rtc", "RecordStopped", "codes", None),
        ("volcengine-rtc", "Unrecognized", "reason", str),
        ("volcengine-rtc", "Unrecognized", "body.EventData.x", object),
        ("alibaba-caster", "ShowListDTSCallback", "event_message.show_id", str),
        ("volcengine-live", "PushStart", "detail.sequence_id", str),
        ("volcengine-live", "RecordEvent", "detail.anything.at.all", object),
        ("zego-cloud-player", "PlayerDestroyed", "detail.reason", int),
        ("zego-cloud-player", "UploadDone", "detail.x", None),
    ],
)
def test_a_path_names_a_documented_field(
    vendor: str, name: str, path: str, kind: type | None
) -> None:
    """Through objects and lists; anything is below what no document describes."""
    field = field_at(table_for(vendors()[vendor], name), path.split("."))

    assert (field and field.kind) == kind
    assert (field is ANYTHING) == (kind is object and path != "body")


def test_every_path_is_listed() -> None:
    """Those of objects and what is in them."""
    table = table_for(vendors()["alibaba-caster"], "RuntimeErrorCallback")

    paths = list(paths_of(table))
    assert {"caster_id", "event_message", "response_time"} < set(paths)
    assert all(field_at(table, path.split(".")) for path in paths)
    assert any(path.startswith("event_message.") for path in paths)
