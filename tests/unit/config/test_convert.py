"""Plain values to options, where the shipped options do not show it."""

from typing import Annotated

from msgspec import Meta, Struct

from router.config.convert import Converter
from router.config.yaml_document import BROKEN, KeyPath, read_document


class _Inner(Struct, frozen=True, kw_only=True):
    names: dict[str, int] = {}


class _Outer(Struct, frozen=True, kw_only=True):
    inner: Annotated[_Inner | None, Meta(description="Optional.")] = None
    other: _Inner = _Inner()


def _convert(text: str) -> tuple[object, list[str], list[KeyPath]]:
    """Return the options, the problems, and the paths of the sections that could be read."""
    seen: list[KeyPath] = []
    document = read_document("f", text.encode(), {"SIX": "6", "BIG": "1_0"})
    converter = Converter(document, lambda path, _section: seen.append(path))
    options = converter.convert(_Outer, document.data)
    return options, [str(problem) for problem in converter.problems], seen


def test_what_is_missing_has_its_default() -> None:
    """A default that is made anew for each section is one too."""
    assert _convert("inner: {}") == (_Outer(inner=_Inner(names={})), [], [("inner",), ()])


def test_an_optional_section_may_be_empty() -> None:
    """Nothing means None where None is allowed, and only there."""
    assert _convert("inner:") == (_Outer(), [], [()])
    assert _convert("other:") == (BROKEN, ["f:1:7: other: expected a mapping, got nothing"], [])


def test_a_variable_may_stand_for_a_number() -> None:
    """The text of a variable is read as a number where one is expected, by JSON's spelling."""
    assert _convert("inner: {names: {a: '${SIX}'}}")[0] == _Outer(inner=_Inner(names={"a": 6}))
    assert _convert("inner: {names: {a: '6'}}")[1] == [
        "f:1:20: inner.names.a: expected a whole number, got text"
    ]
    assert _convert("inner: {names: {a: '${BIG}'}}")[0] is BROKEN


def test_sections_beside_a_broken_one_are_seen() -> None:
    """One section's error does not hide what stands in another."""
    _, problems, seen = _convert("inner: {names: 1}\nother: {names: {}}")

    assert problems == ["f:1:16: inner.names: expected a mapping, got a whole number"]
    assert seen == [("other",)]
