"""Names and types of what was sent: the pass over a class's documented fields."""

import json
import math
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from router.vendors.fields import (
    MAX_DEPTH,
    Field,
    Pass,
    TooDeepError,
    at,
    nests_deeper,
    snake_case,
    table_of,
)


class Inner(msgspec.Struct, frozen=True, kw_only=True):
    """What a list and an object hold."""

    size: int | None = None
    file_name: str | None = None


class Everything(msgspec.Struct, frozen=True, kw_only=True):
    """One field of each kind that a class may document."""

    text: str
    number: int | None = None
    share: Annotated[float | None, Meta(description="Any number.")] = None
    is_on: bool | None = None
    push_url: Annotated[str | None, Meta(extra={"wire": "PushURL"})] = None
    one: Inner | None = None
    many: list[Inner] | None = None
    words: list[str] | None = None
    anything: dict[str, Any] | None = None


TABLE = table_of(Everything)


def _typed(sent: dict[str, Any]) -> tuple[dict[str, Any], int]:
    walk = Pass()
    return walk.fields(TABLE, sent), walk.unknown


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("RoomId", "room_id"),
        ("AppID", "app_id"),
        ("PushURL", "push_url"),
        ("VeImageXUri", "ve_image_x_uri"),
        ("ErrCodeN", "err_code_n"),
        ("room_id", "room_id"),
        ("Timestamp", "timestamp"),
        ("URLPath", "url_path"),
        ("H264", "h264"),
        ("H264Codec", "h264_codec"),
        ("ABC", "abc"),
        ("aB", "a_b"),
        ("a-B c", "a-b c"),
        ("", ""),
        ("房间Id", "房间id"),
        ("ÉcoleId", "école_id"),
    ],
)
def test_a_key_is_renamed(key: str, name: str) -> None:
    """A break stands before a capital after a small letter or digit, and before a run's last."""
    assert snake_case(key) == name


@pytest.mark.parametrize("length", [64, 65, 5000], ids=["kept", "too-long", "long"])
def test_a_long_key_is_renamed_like_a_short_one(length: int) -> None:
    """The length of a key changes nothing in the rule."""
    assert snake_case("Ab" * length) == "_".join(["ab"] * length)


def _by_hand(key: str) -> str:
    """Rename by the contract's words, letter by letter; ASCII only."""
    out = ""
    for index, letter in enumerate(key):
        before, after = key[index - 1 : index], key[index + 1 : index + 2]
        follows_small = before.islower() or before.isdigit()
        ends_run = before.isupper() and after.islower()
        out += "_" if letter.isupper() and (follows_small or ends_run) else ""
        out += letter.lower()
    return out


@given(st.text("aBcD1_- ", max_size=90))
def test_every_key_is_renamed_by_the_rule(key: str) -> None:
    """Any mixture follows the two sentences of the rule, and renaming twice changes nothing."""
    assert snake_case(key) == _by_hand(key)
    assert snake_case(snake_case(key)) == snake_case(key)


def test_a_class_is_a_table_of_its_fields() -> None:
    """Names, spellings, kinds and what is inside come from the class alone."""
    inner = {
        "Size": Field(name="size", wire="Size", kind=int, scalar=int),
        "FileName": Field(name="file_name", wire="FileName", kind=str, scalar=str),
    }
    assert table_of(Inner) == inner
    assert {wire: (field.name, field.kind, field.table) for wire, field in TABLE.items()} == {
        "Text": ("text", str, None),
        "Number": ("number", int, None),
        "Share": ("share", float, None),
        "IsOn": ("is_on", bool, None),
        "PushURL": ("push_url", str, None),
        "One": ("one", dict, inner),
        "Many": ("many", list, inner),
        "Words": ("words", list, None),
        "Anything": ("anything", dict, None),
    }


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """Fields of a vendor that writes names as the event does."""

    time_ms: int | None = None
    push_url: Annotated[
        str | None,
        Meta(
            description="Where to.",
            examples=["a", "b"],
            extra={"wire": "pushURL", "is_sensitive": True},
        ),
    ] = None
    one: Inner | None = None


def test_a_vendor_may_write_names_as_the_event_does() -> None:
    """Its spelling is then the name itself, at every depth; a field may still say otherwise."""
    table = table_of(Live, "snake")

    assert list(table) == ["time_ms", "pushURL", "one"]
    assert [field.name for field in table.values()] == ["time_ms", "push_url", "one"]
    assert list(table["one"].table or {}) == ["size", "file_name"]
    assert list(table_of(Live)) == ["TimeMs", "pushURL", "One"]


def test_a_field_tells_what_it_is() -> None:
    """Its words, its examples, and whether it may hold credentials."""
    table = table_of(Live, "snake")

    secret, plain = table["pushURL"], table["time_ms"]
    assert (secret.description, secret.examples, secret.is_sensitive) == (
        "Where to.",
        ("a", "b"),
        True,
    )
    assert (plain.description, plain.examples, plain.is_sensitive) == ("", (), False)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("A", {"B": {"C": 1}, "D": None}),
        ("A.B", {"C": 1}),
        ("A.B.C", 1),
        ("A.D", None),
        ("A.D.C", None),
        ("A.B.C.E", None),
        ("A.E", None),
        ("A.F", None),
        ("E", None),
        ("E.A", None),
        ("F", None),
    ],
)
def test_a_path_leads_into_objects(path: str, found: object) -> None:
    """To what lies there, or to nothing; never past what is no object."""
    assert at({"A": {"B": {"C": 1}, "D": None}, "F": None, "A.F": 1}, path) == found


@pytest.mark.parametrize("depth", [0, 1, 5, 100])
@pytest.mark.parametrize("shape", [("[", "]"), ('{"A":', "}")], ids=["list", "object"])
def test_a_depth_is_measured(depth: int, shape: tuple[str, str]) -> None:
    """One level for each list or object, beside whatever is flat."""
    value = json.loads(f"{shape[0] * depth}1{shape[1] * depth}")

    assert not nests_deeper([1, {}, value, "x"], depth + 1)
    assert depth == 0 or nests_deeper([1, {}, value, "x"], depth - 1)


def test_any_depth_can_be_measured() -> None:
    """Also what is deeper than Python's stack."""
    value: Any = []
    for _ in range(100_000):
        value = [value]

    assert nests_deeper(value, MAX_DEPTH)


def test_what_is_no_event_class_has_no_table() -> None:
    """A table of anything else is a mistake that is told at once."""
    with pytest.raises(TypeError, match="no Struct"):
        table_of(dict)  # type: ignore[arg-type]  # the mistake


@pytest.mark.parametrize(
    ("key", "sent", "typed"),
    [
        ("Number", 7, 7),
        ("Number", "7", 7),
        ("Number", "-7", -7),
        ("Number", "0", 0),
        ("Number", 7.0, 7),
        ("Number", "7.0", 7),
        ("Number", "1e3", 1000),
        ("Number", "1679383924691", 1_679_383_924_691),
        ("Number", "9" * 40, 10**40 - 1),
        ("Number", 2**70, 2**70),
        ("Share", 1.5, 1.5),
        ("Share", "1.5", 1.5),
        ("Share", 1, 1),
        ("Share", "1", 1),
        ("Text", "a", "a"),
        ("Text", "7", "7"),
        ("Text", 7, "7"),
        ("Text", -7, "-7"),
        ("Text", 1.5, "1.5"),
        ("Text", 2**70, str(2**70)),
        ("Text", '{"A":1}', '{"A":1}'),
        ("IsOn", True, True),
        ("One", {"Size": "3", "FileName": 4}, {"size": 3, "file_name": "4"}),
        ("Many", [{"Size": "3"}, {}], [{"size": 3}, {}]),
        ("Words", ["a", 1], ["a", 1]),
        ("Anything", {"Ab": {"Cd": 1}}, {"ab": {"cd": 1}}),
        *((key, None, None) for key in TABLE),
    ],
    ids=repr,
)
def test_a_documented_field_gets_its_type(key: str, sent: object, typed: object) -> None:
    """What converts is converted, and counts as understood; null stays null."""
    data, unknown = _typed({key: sent})

    assert json.dumps(data) == json.dumps({TABLE[key].name: typed})
    assert unknown == 0


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        *(
            ("Number", text)
            for text in ("", " 7", "7 ", "+7", "07", "0x7", "7a", "1_0", "\u0667", "-")
        ),
        *(("Number", text) for text in ("7.5", "1e400", "NaN", "Infinity", "9" * 41, "1.", ".5")),
        ("Number", 7.5),
        ("Number", True),
        ("Number", False),
        ("Number", [7]),
        ("Share", True),
        ("Share", "1e400"),
        ("Share", "-1e400"),
        ("Share", "x"),
        ("Text", True),
        ("Text", ["a"]),
        ("Text", {"a": 1}),
        ("IsOn", 1),
        ("IsOn", "true"),
        ("One", [{"a": 1}]),
        ("One", "{}"),
        ("One", 1),
        ("Many", {"a": 1}),
        ("Many", "[]"),
        ("Words", "a"),
        ("Anything", "{}"),
    ],
    ids=repr,
)
def test_what_cannot_be_converted_stays_as_it_came(key: str, sent: object) -> None:
    """It stays under the documented name, and is counted."""
    data, unknown = _typed({key: sent})

    assert json.dumps(data) == json.dumps({TABLE[key].name: sent})
    assert unknown == 1


def test_an_item_of_another_kind_stays_and_is_counted() -> None:
    """A list of objects may hold anything else; keys inside are renamed all the same."""
    sent = {"Many": [{"Size": 1}, 5, [{"InnerKey": 1}], None]}

    assert _typed(sent) == ({"many": [{"size": 1}, 5, [{"inner_key": 1}], None]}, 3)


def test_an_undocumented_field_stays_as_it_came_but_for_its_keys() -> None:
    """Keys are renamed at every depth, values are not touched, and the field counts once."""
    sent = {"NewField": {"InnerList": [{"DeepKey": "7"}, [{"AppID": 1.0}]], "B": None}, "Text": "a"}

    data, unknown = _typed(sent)
    assert json.dumps(data) == json.dumps(
        {
            "text": "a",
            "new_field": {"inner_list": [{"deep_key": "7"}, [{"app_id": 1.0}]], "b": None},
        }
    )
    assert unknown == 1


def test_undocumented_fields_inside_documented_ones_count() -> None:
    """A field that is new inside a documented object or list is counted as well."""
    sent = {"One": {"Size": 1, "New": 1}, "Many": [{"New": 1}, {"New": 2}]}

    assert _typed(sent)[1] == 3


@pytest.mark.parametrize(
    ("sent", "data"),
    [
        ({"Text": "a", "text": "b"}, {"text": "a", "text_": "b"}),
        ({"text": "b", "Text": "a"}, {"text": "a", "text_": "b"}),
        ({"text": "b", "Text": "a", "TEXT": "c"}, {"text": "a", "text_": "b", "TEXT": "c"}),
        ({"text": 1, "text_": 2, "Text": "a"}, {"text": "a", "text_": 1, "text__": 2}),
        ({"text_": 2, "text": 1, "Text": "a"}, {"text": "a", "text_": 2, "text__": 1}),
        ({"PushUrl": 1, "PushURL": "a"}, {"push_url": "a", "PushUrl": 1}),
        ({"NewOne": 1, "new_one": 2}, {"new_one": 1, "new_one_": 2}),
        ({"new_one": 2, "NewOne": 1}, {"new_one": 2, "NewOne": 1}),
        ({"NewOne": 1, "new_one": 2, "NewONE": 3}, {"new_one": 1, "new_one_": 2, "NewONE": 3}),
        ({"One": {"size": 1, "Size": 2}}, {"one": {"size": 2, "size_": 1}}),
        ({"New": {"aB": 1, "a_b": 2}}, {"new": {"a_b": 1, "a_b_": 2}}),
    ],
    ids=repr,
)
def test_no_field_is_lost_where_names_meet(sent: dict[str, Any], data: dict[str, Any]) -> None:
    """The documented one has the name, else the first; the others keep their own spelling."""
    assert _typed(sent)[0] == data


def test_members_from_elsewhere_come_before_undocumented_fields() -> None:
    """What the envelope brings was sent first, so it has the name; it counts as undocumented."""
    walk = Pass()

    data = walk.fields(TABLE, {"NewField": 2, "Text": "a"}, [("NewField", 1), ("Text", "b")])
    assert data == {"text": "a", "new_field": 1, "Text": "b", "NewField": 2}
    assert walk.unknown == 3


KEYS = st.sampled_from(["text", "text_", "text__", "TEXT", "number"]) | st.text("aA_1", max_size=3)


@given(st.dictionaries(st.sampled_from(list(TABLE)) | KEYS, st.integers(0, 9), max_size=9))
def test_every_field_that_was_sent_is_in_the_data(sent: dict[str, int]) -> None:
    """As many fields come out as went in, whatever names meet; documented ones have theirs."""
    data, _ = _typed(sent)

    assert len(data) == len(sent)
    assert sorted(str(value) for value in data.values()) == sorted(map(str, sent.values()))
    assert all(str(data[TABLE[key].name]) == str(sent[key]) for key in sent if key in TABLE)


@given(st.integers(-(10**38), 10**38))
def test_an_integer_survives_its_text(number: int) -> None:
    """A number sent as text is that number, and sent for text its digits."""
    assert _typed({"Number": str(number), "Text": number}) == (
        {"number": number, "text": str(number)},
        0,
    )


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_fraction_survives_its_text(number: float) -> None:
    """A fraction sent as text is that fraction; JSON has one kind of number."""
    data, unknown = _typed({"Share": repr(number), "Text": number})

    assert unknown == 0
    assert math.isclose(data["share"], number, rel_tol=0.0)
    assert math.isclose(float(data["text"]), number, rel_tol=0.0)


@given(st.text(max_size=50))
def test_any_text_for_a_number_is_total(text: str) -> None:
    """Any text becomes the number that JSON reads in it, or stays, and nothing raises."""
    data, unknown = _typed({"Number": text})

    assert (type(data["number"]) is int) == (unknown == 0)
    assert unknown == 0 or data == {"number": text}


def _nested(depth: int, opening: str, inner: str, closing: str) -> object:
    return json.loads(opening * depth + inner + closing * depth)


@pytest.mark.parametrize("shape", [("[", "1", "]"), ('{"A":', "1", "}")], ids=["list", "object"])
def test_a_value_may_nest_to_the_bound(shape: tuple[str, str, str]) -> None:
    """Far deeper than any vendor nests is copied; what could end the stack is an error."""
    opening, inner, closing = shape
    assert _typed({"New": _nested(MAX_DEPTH - 1, opening, inner, closing)})[1] == 1
    with pytest.raises(TooDeepError):
        _typed({"New": _nested(MAX_DEPTH + 1, opening, inner, closing)})
