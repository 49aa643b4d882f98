"""Deep nesting: at each depth there is an outcome, and what is accepted can be read again."""

from collections.abc import Callable, Iterator

import pytest

from router.ingress.receive import Accepted
from tests.sender import ask, live, rtc, rtc_object, zego
from tests.unit.vendors.surviving import survives

REFUSALS = {"not-json", "proof-wrong"}
"""No JSON beyond the stack's end, and a deep value where a signed one was."""


def _member(name: str, deep: str) -> bytes:
    return f'"{name}":{deep}'.encode()


SHAPES: dict[str, Callable[[str], tuple[str, bytes]]] = {
    "event-data-text": lambda deep: ("rtc", rtc(f'{{"RoomId":"r","X":{deep}}}')),
    "event-data-object": lambda deep: ("rtc", rtc_object(f'{{"RoomId":"r","X":{deep}}}')),
    "unknown-type": lambda deep: ("rtc", rtc_object(f'{{"X":{deep}}}', EventType="Nothing")),
    "envelope": lambda deep: ("rtc", rtc_object('{"RoomId":"r"}', f',"X":{deep}')),
    "player-detail": lambda deep: (
        "zego",
        zego(Detail=0).replace(b'"Detail": 0', _member("Detail", deep)),
    ),
    "player-field": lambda deep: ("zego", zego(X=0).replace(b'"X": 0', _member("X", deep))),
    "player-nonce": lambda deep: ("zego", zego(X=0).replace(b'"X": 0', _member("Nonce", deep))),
    "stream-detail": lambda deep: (
        "live",
        live(detail=0).replace(b'"detail": 0', _member("detail", deep)),
    ),
    "stream-field": lambda deep: ("live", live(X=0).replace(b'"X": 0', _member("X", deep))),
    "stream-unknown": lambda deep: (
        "live",
        live(event_type="x", X=0).replace(b'"X": 0', _member("X", deep)),
    ),
    "stream-proof": lambda deep: (
        "live-unsigned",
        live(event_type="x", X=0).replace(b'"X": 0', _member("sign", deep)),
    ),
    "stream-envelope": lambda deep: ("live", live()[:-1] + b"," + _member("X", deep) + b"}"),
    "array": lambda deep: ("studio", deep.encode()),
    "object": lambda deep: ("studio", f'{{"X":{deep}}}'.encode()),
    "message": lambda deep: (
        "studio",
        f'{{"EventType":"OperateCallback","CasterId":"c","EventMessage":{{"X":{deep}}}}}'.encode(),
    ),
}


DEPTHS = [*range(1, 110), *range(110, 850, 40), *range(850, 1010), 1500, 50_000]


def _deep(shape: str, opening: str, closing: str) -> Iterator[tuple[str, bytes]]:
    return (SHAPES[shape](opening * depth + "1" + closing * depth) for depth in DEPTHS)


@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
@pytest.mark.parametrize("shape", SHAPES)
def test_no_depth_is_too_deep(shape: str, pair: tuple[str, str]) -> None:
    """At each depth, up to where the stack ends and beyond, there is an outcome."""
    for source, body in _deep(shape, *pair):
        outcome = ask(source, body)
        assert isinstance(outcome, Accepted) or outcome.reason in REFUSALS


@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_accepted_can_be_read_at_each_depth(shape: str, pair: tuple[str, str]) -> None:
    """No event nests deeper than its readers, in their own stacks, can follow."""
    for source, body in _deep(shape, *pair):
        survives(ask(source, body))
