"""What names an event is documented."""

from types import ModuleType
from typing import ClassVar

import msgspec
import pytest

from router.vendors.spec import NaturalId, PathToken, Payload, Retries, Subject, Vendor


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """An event that is named by a field that its class does not document."""

    identity: ClassVar[NaturalId] = NaturalId(fields=("Number",), required=("Number",))

    body: dict[str, str] | None = None


EVENTS = ModuleType(__name__)
vars(EVENTS).update(Happened=Happened)
VENDOR = Vendor(
    name="some-vendor",
    source="none",
    proof=PathToken(),
    type_of="Kind",
    payload=Payload(member="Body", is_merged=False),
    subject=Subject(within=("Kind",), entity=(), is_own_only=True),
    time=(),
    unnamed="content",
    retries=Retries(timeout_secs=1.0, after_secs=()),
    events=EVENTS,
)


def test_an_identity_of_an_undocumented_field_is_a_mistake() -> None:
    """The table cannot be made, and says which class and field."""
    with pytest.raises(TypeError, match="Happened: identity names Number, which is no field"):
        _ = VENDOR.types
