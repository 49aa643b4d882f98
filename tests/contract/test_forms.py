"""What consumers rely on does not change unless the type's `dataschema` tells them."""

import pytest
from msgspec.structs import replace

from router.vendors import vendors
from tests.forms import FILE, Form, faults, news, present, recorded

OLD = Form(
    version=1, fields={"code": "integer", "files": "array or null", "files[].name": "string"}
)


def with_fields(**fields: str | None) -> Form:
    """Return the form with fields changed, added, or removed by None."""
    both = {**OLD.fields, **{path.replace("__", "[]."): kind for path, kind in fields.items()}}
    return replace(OLD, fields={path: kind for path, kind in both.items() if kind is not None})


BREAKS = {
    "removed": (with_fields(code=None), "code (integer) is gone or has another name"),
    "renamed": (
        with_fields(code=None, error_code="integer"),
        "code (integer) is gone or has another name",
    ),
    "of another kind": (with_fields(code="string"), "code was integer and is string"),
    "nested in another way": (
        with_fields(files__name=None, files__file="object"),
        "files[].name (string) is gone or has another name",
    ),
    "null now": (with_fields(code="integer or null"), "code was integer and is integer or null"),
}
ADDITIONS = {
    "a field": with_fields(reason="string"),
    "a field inside": with_fields(files__size="integer"),
    "never null any more": with_fields(files="array"),
    "a version": replace(OLD, version=2),
}


def test_no_form_has_changed() -> None:
    """Neither so that readers could not go on, nor without being recorded."""
    assert list(faults(recorded(), present())) == []
    assert list(news(recorded(), present())) == []


def test_every_type_is_recorded() -> None:
    """Each type of each vendor, with all of its fields."""
    forms = recorded()
    types = [found.name for vendor in vendors().values() for found in vendor.types.values()]

    assert list(forms) == types
    assert forms["volcengine-rtc.RecordStopped"].fields["record_file_list[].stream_list[].user_id"]
    assert FILE.read_text().endswith("}\n")


@pytest.mark.parametrize(("new", "told"), BREAKS.values(), ids=BREAKS)
def test_a_change_that_readers_cannot_follow_is_a_fault(new: Form, told: str) -> None:
    """It says what has changed, and what to do."""
    (fault,) = faults({"v.Type": OLD}, {"v.Type": new})

    assert fault == (
        f"v.Type: {told}; set schema_version: ClassVar[int] = 2 in its class, "
        "and run `make forms` to record it"
    )
    assert list(news({"v.Type": OLD}, {"v.Type": new})) == []


@pytest.mark.parametrize(("new", "told"), BREAKS.values(), ids=BREAKS)
def test_with_another_version_it_is_none(new: Form, told: str) -> None:
    """Then it only wants to be recorded."""
    del told
    raised = replace(new, version=2)

    assert list(faults({"v.Type": OLD}, {"v.Type": raised})) == []
    assert list(news({"v.Type": OLD}, {"v.Type": raised})) == [
        "v.Type: run `make forms` to record it"
    ]


@pytest.mark.parametrize("new", ADDITIONS.values(), ids=ADDITIONS)
def test_what_readers_can_follow_is_recorded(new: Form) -> None:
    """It is no fault, and not forgotten either."""
    assert list(faults({"v.Type": OLD}, {"v.Type": new})) == []
    assert list(news({"v.Type": OLD}, {"v.Type": new})) == ["v.Type: run `make forms` to record it"]


def test_a_version_never_comes_back() -> None:
    """A lower one would name a form that consumers know as something else."""
    (fault,) = faults({"v.Type": replace(OLD, version=3)}, {"v.Type": replace(OLD, version=2)})

    assert fault == "v.Type: version 2 was used before; 3 is the last one"


def test_a_type_does_not_go_unnoticed() -> None:
    """Consumers of its topic would wait for ever; a new one only wants to be recorded."""
    (fault,) = faults({"v.Type": OLD}, {})

    assert fault == "v.Type: is gone; if that is meant, remove it from forms.json by hand"
    assert list(news({}, {"v.Type": OLD})) == ["v.Type: run `make forms` to record it"]
