"""The vendors' tables: found by looking, and made of their event classes."""

import msgspec
import pytest

from router.vendors import vendors
from router.vendors.spec import (
    PathToken,
    Payload,
    Subject,
    Vendor,
    VendorId,
    is_rfc3339,
)


class Inside(msgspec.Struct, frozen=True, kw_only=True):
    """The object inside the event."""

    show_id: str | None = None


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """An event with an object and a text."""

    room_id: str | None = None
    task_id: str | None = None
    body: Inside | None = None
    words: dict[str, str] | None = None


def _vendor(*entity: str, is_own_only: bool = False, is_merged: bool = False) -> Vendor:
    return Vendor(
        name="some-vendor",
        source="none",
        proof=PathToken(members=("Token",)),
        type_of="Kind",
        payload=Payload(member="Body", is_merged=is_merged),
        drop=("Sent",),
        subject=Subject(entity=entity, is_own_only=is_own_only),
        time=(),
        identity=VendorId(members=("Id",)),
        unnamed="content",
        events=(Happened,),
    )


def test_vendors_are_found_by_looking() -> None:
    """Each folder is a vendor by the name that the configuration uses."""
    assert [(name, vendor.name) for name, vendor in vendors().items()] == [
        ("alibaba-caster", "alibaba-caster"),
        ("volcengine-rtc", "volcengine-rtc"),
    ]


def test_a_type_is_named_by_its_class() -> None:
    """The class's name is the vendor's word and the short type; the long one has the vendor."""
    found = _vendor("RoomId").types["Happened"]

    assert (found.name, found.short_name) == ("some-vendor.Happened", "Happened")
    assert list(found.table) == ["RoomId", "TaskId", "Body", "Words"]


@pytest.mark.parametrize(
    ("candidates", "own"),
    [
        (("RoomId", "TaskId"), ("RoomId", "TaskId")),
        (("UserId", "TaskId"), ("TaskId",)),
        (("Body.ShowId", "RoomId"), ("Body.ShowId", "RoomId")),
        (("Body.UserId", "RoomId"), ("RoomId",)),
        (("Words.ShowId", "Absent.ShowId", "RoomId.ShowId"), ()),
    ],
    ids=repr,
)
def test_a_type_is_named_by_what_it_documents(
    candidates: tuple[str, ...], own: tuple[str, ...]
) -> None:
    """Candidates for the subject that the class does not document are not its own."""
    assert _vendor(*candidates).types["Happened"].entity == own
    first = _vendor(*candidates, is_own_only=True).types["Happened"].entity
    assert first == own[:1]


@pytest.mark.parametrize(
    ("is_merged", "members"),
    [(True, {"Kind", "Body", "Sent", "Token"}), (False, {"Kind", "Sent", "Token"})],
    ids=["merged", "below"],
)
def test_what_only_transports_is_known(*, is_merged: bool, members: set[str]) -> None:
    """The type, the proof and the dropped are no fields; the payload is one unless merged."""
    assert _vendor(is_merged=is_merged).known_members == members


@pytest.mark.parametrize(
    ("text", "is_time"),
    [("2023-03-21T15:32:04+08:00", True), ("2023-03-21 15:32:04Z", False), ("", False)],
)
def test_a_time_is_of_rfc_3339(text: str, *, is_time: bool) -> None:
    """The shape of a time is the one that the clock reads."""
    assert is_rfc3339(text) == is_time
