"""Numbered callbacks of rooms: what is sent, and what must be read of it, written down twice."""

import json
import re
from typing import Any, Final

from tests.sender import rtc

APP: Final = "chaos"
PATH: Final = "/callbacks/rtc"
SECRET_VARIABLE: Final = "RTC_CALLBACK_KEY"
BASE: Final = "events.volcengine-rtc"
COPIES: Final = "copies"
ROUTES: Final = {
    "base": "events.{vendor}",
    "routes": [{"name": "copy", "when": {"type": "RoomDestroy"}, "to": COPIES}],
}
"""All events go to one topic, a quarter of them to another as well: those have two records."""

_FIRST_MS = 1_795_248_000_000
_ID = re.compile(rf"{APP}/(forged-)?(room-[0-9]+)\.([0-9]+)")
_ID_BYTES = re.compile(_ID.pattern.encode())
_WRONG = "0" * 64


def kind_of(number: int) -> str:
    """Return the event type that a number has."""
    return "RoomDestroy" if number % 4 == 0 else "RoomCreate"


def topics_of(number: int) -> tuple[str, ...]:
    """Return the topics of an event, without the namespace."""
    return (BASE, COPIES) if kind_of(number) == "RoomDestroy" else (BASE,)


def body_of(room: str, number: int, padding: int = 0) -> bytes:
    """Return the signed body of a room's event."""
    data = {"RoomId": room, "Timestamp": _FIRST_MS + number, "Padding": "x" * padding}
    name = f"{room}.{number}"
    return rtc(json.dumps(data), EventId=name, EventType=kind_of(number), AppId=APP)


def forged_body(room: str, number: int) -> bytes:
    """Return a body with a wrong signature, and an id that no authentic one has."""
    body = json.loads(body_of(room, number))
    return json.dumps({**body, "EventId": f"forged-{room}.{number}", "Signature": _WRONG}).encode()


def named(event_id: str) -> tuple[str, int, bool] | None:
    """Return room, number and whether it was forged; None where no callback of ours has this id."""
    match = _ID.fullmatch(event_id)
    return (match[2], int(match[3]), bool(match[1])) if match else None


def names_in(text: bytes) -> set[str]:
    """Return the names of authentic events whose ids stand in a text."""
    found = (named(match[0].decode()) for match in _ID_BYTES.finditer(text))
    return {f"{each[0]}.{each[1]}" for each in found if each is not None and not each[2]}


def is_as_sent(event: dict[str, Any], room: str, number: int) -> bool:
    """Return whether a published event says what the callback of this number said."""
    data = dict(event["data"])
    padding = data.pop("padding", "")
    return (
        event["type"] == f"volcengine-rtc.{kind_of(number)}"
        and event["subject"] == f"{APP}/{room}"
        and not padding.strip("x")
        and data
        == {
            "app_id": APP,
            "room_id": room,
            "timestamp": _FIRST_MS + number,
            "version": "2020-12-01",
        }
    )
