"""What the vendor's own API hands out: proven, never stale, and with a time of its own."""

import pytest

from router.vendors import vendors
from router.vendors.decode import decode
from router.vendors.normalise import Delivery, normalise
from router.vendors.spec import Message
from router.vendors.verify import Verified, fetched
from tests.sender import NOW_TEXT, live

VENDOR = vendors()["volcengine-live"]


def _fetched(body: bytes) -> Verified:
    message = decode(VENDOR, body)
    assert isinstance(message, Message)
    return fetched(VENDOR, message)


@pytest.mark.parametrize("changed", [{"t": 1}, {"sign": "0" * 32}, {"sign": "", "t": 0}])
def test_its_digest_and_its_expiry_are_not_looked_at(changed: dict[str, object]) -> None:
    """Whatever they say by now: it is no copy, and nobody else's."""
    assert _fetched(live(**changed)).staleness == ""


@pytest.mark.parametrize(
    ("body", "time", "basis"),
    [
        (live(), "2026-11-21T07:59:59.029Z", "event"),
        (live(event_type="push_end", detail={}), "2026-11-20T00:00:00.000Z", "envelope"),
        (live(event_type="new_event"), "2026-11-20T00:00:00.000Z", "envelope"),
    ],
)
def test_the_sending_is_better_than_a_receipt_long_after(
    body: bytes, time: str, basis: str
) -> None:
    """Where something else tells of it, and the message itself tells no time."""
    delivery = Delivery(
        source="live",
        received_ms=1_795_248_000_123,
        unique="0" * 32,
        traceparent="",
        sent_ms=1_795_132_800_000,
    )
    event = normalise(_fetched(body), delivery).event

    assert (event.time, event.timebasis, event.recordedtime) == (time, basis, NOW_TEXT)
