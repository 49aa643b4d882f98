"""A lane and what waits in it, as its tests make them."""

from typing import Final

from router.publish.lane import Lane, Ticket, Waiting
from router.record import Record

ALL: Final = 1 << 30
"""More than any test lets wait."""


def waiting(number: int, size: int = 0, ticket: Ticket | None = None) -> Waiting:
    """Return a record that waits, its value the number and *size* bytes more."""
    record = Record(topic="t", key=b"k", value=b"%d" % number + b"x" * size, headers=())
    return Waiting(record, number, ticket or Ticket(1, lambda: None), Lane("t", 0))


def lane_of(*items: Waiting) -> Lane:
    """Return a lane that was given these, in their order."""
    lane = Lane("t", 0)
    for item in items:
        lane.add(item)
    return lane
