"""The vendors' tables: found by looking, and made of their event classes."""

from types import ModuleType
from typing import ClassVar

import msgspec
import pytest

from router.vendors import vendors
from router.vendors.spec import (
    Message,
    NaturalId,
    PathToken,
    Payload,
    Retries,
    Subject,
    Vendor,
    VendorId,
    is_rfc3339,
    without_proof,
)


class _Inside(msgspec.Struct, frozen=True, kw_only=True):
    show_id: str | None = None


class _Nothing(msgspec.Struct, frozen=True, kw_only=True):
    pass


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """An event with an object and a text."""

    room_id: str | None = None
    task_id: str | None = None
    body: _Inside | None = None
    words: dict[str, str] | None = None


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """An event that the vendor numbers, and whose object holds nothing."""

    word: ClassVar[str] = "7"
    schema_version: ClassVar[int] = 3
    identity: ClassVar[NaturalId] = NaturalId(fields=("RoomId",), required=())

    room_id: str | None = None
    body: _Nothing | None = None


class Audited(msgspec.Struct, frozen=True, kw_only=True):
    """An event whose word may end in anything, without an object."""

    word: ClassVar[str] = "audit*"


EVENTS = ModuleType(__name__)
vars(EVENTS).update(
    Happened=Happened,
    Counted=Counted,
    Audited=Audited,
    _Inside=_Inside,
    _Nothing=_Nothing,
    Imported=Message,
    Plain=int,
    number=7,
)


def _vendor(*entity: str, is_own_only: bool = False, is_merged: bool = False) -> Vendor:
    return Vendor(
        name="some-vendor",
        source="none",
        proof=PathToken(members=("Token", "Body.Seal", "Bodyguard")),
        type_of="Kind",
        payload=Payload(member="Body", is_merged=is_merged),
        drop=("Sent",),
        subject=Subject(entity=entity, is_own_only=is_own_only),
        time=(),
        identity=VendorId(members=("Id",)),
        unnamed="content",
        retries=Retries(timeout_secs=1.0, after_secs=()),
        events=EVENTS,
    )


def test_vendors_are_found_by_looking() -> None:
    """Each folder is a vendor by the name that the configuration uses."""
    assert [(name, vendor.name) for name, vendor in vendors().items()] == [
        ("alibaba-caster", "alibaba-caster"),
        ("volcengine-live", "volcengine-live"),
        ("volcengine-rtc", "volcengine-rtc"),
        ("zego-cloud-player", "zego-cloud-player"),
    ]


def test_every_public_struct_of_the_module_is_a_type() -> None:
    """In their order; what is private, imported or no Struct is none."""
    assert list(_vendor().types) == ["Happened", "Counted", "Audited"]


def test_a_type_is_named_by_its_class() -> None:
    """The class's name is the vendor's word and the short type; the long one has the vendor."""
    found = _vendor("RoomId").types["Happened"]

    assert (found.name, found.short_name) == ("some-vendor.Happened", "Happened")
    assert (found.word, found.event_class, found.identity) == ("Happened", Happened, None)
    assert list(found.table) == ["RoomId", "TaskId", "Body", "Words"]


def test_a_class_may_say_the_vendors_word_and_what_names_it() -> None:
    """The word and the identity stand in the class, beside its fields."""
    found = _vendor("RoomId").types["Counted"]

    assert (found.name, found.short_name, found.word) == ("some-vendor.Counted", "Counted", "7")
    assert found.identity == NaturalId(fields=("RoomId",), required=())


def test_only_an_object_that_documents_nothing_may_be_missing() -> None:
    """An object with fields must be there, and a type without one documents none."""
    lacking = {name: found.may_lack_payload for name, found in _vendor().types.items()}

    assert lacking == {"Happened": False, "Counted": True, "Audited": False}


def test_a_class_tells_the_version_of_its_form() -> None:
    """The first one need not be told."""
    names = {name: found.dataschema for name, found in _vendor().types.items()}

    assert names == {
        "Happened": "urn:callback-router:some-vendor.Happened:1",
        "Counted": "urn:callback-router:some-vendor.Counted:3",
        "Audited": "urn:callback-router:some-vendor.Audited:1",
    }


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("Happened", "Happened"),
        ("7", "Counted"),
        (7, "Counted"),
        ("audit", "Audited"),
        ("audit_snapshot", "Audited"),
        ("auditor", "Audited"),
        ("audi", None),
        ("Audit", None),
        ("", None),
        ("Counted", None),
        ("07", None),
        ("7.0", None),
        (7.0, None),
        (-7, None),
        (10**5000, None),
        (-(10**5000), None),
        (True, None),
        (None, None),
        (["7"], None),
        ({"7": "7"}, None),
    ],
    ids=lambda value: repr(value)[:20] if isinstance(value, str) else type(value).__name__,
)
def test_a_type_is_found_by_the_vendors_word(word: object, name: str | None) -> None:
    """Text to the letter, a whole number by its digits, a beginning where the class says so."""
    found = _vendor().type_called(word)

    assert (found.short_name if found else None) == name


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


@pytest.mark.parametrize("is_merged", [True, False], ids=["merged", "below"])
def test_what_only_transports_is_known(*, is_merged: bool) -> None:
    """The proof and the dropped are no fields; the payload is one unless merged."""
    known = _vendor(is_merged=is_merged).known_members

    assert {"Sent", "Token"} <= known
    assert ("Body" in known) == is_merged
    assert not {"Kind", "RoomId", "Seal"} & known


def test_the_proof_inside_the_payload_is_known() -> None:
    """Only what lies in the payload, by its name there."""
    assert _vendor().payload_proof == {"Seal"}


@pytest.mark.parametrize("vendor", vendors().values(), ids=vendors())
def test_a_switched_off_proof_changes_nothing_else(vendor: Vendor) -> None:
    """A token proves instead, at any time; what proved before is still no content."""
    switched_off = without_proof(vendor)

    assert switched_off.proof == PathToken(members=vendor.proof.members)
    assert switched_off.window is None
    assert switched_off.known_members == vendor.known_members
    assert switched_off.payload_proof == vendor.payload_proof
    assert list(switched_off.types) == list(vendor.types)


@pytest.mark.parametrize("vendor", vendors().values(), ids=vendors())
def test_what_names_an_event_is_documented(vendor: Vendor) -> None:
    """Every field of an identity is in the class, and what is required is among its fields."""
    for found in vendor.types.values():
        for path in found.identity.fields if found.identity else ():
            head, *inside = path.split(".")
            table = {wire: field.table for wire, field in found.table.items()}
            assert head in table, (found.name, path)
            assert not inside or inside[0] in (table[head] or {}), (found.name, path)
        assert found.identity is None or set(found.identity.required) <= set(found.identity.fields)


@pytest.mark.parametrize(
    ("text", "is_time"),
    [("2023-03-21T15:32:04+08:00", True), ("2023-03-21 15:32:04Z", False), ("", False)],
)
def test_a_time_is_of_rfc_3339(text: str, *, is_time: bool) -> None:
    """The shape of a time is the one that the clock reads."""
    assert is_rfc3339(text) == is_time
