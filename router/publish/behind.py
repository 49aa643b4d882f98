"""`Behind`: places on disk of records that are not in memory, oldest first; twelve bytes each.

Design: during a long outage millions of records wait, so each is two numbers in arrays and no
object. What was taken can be put back until the next is taken: reading may fail. Positions rise
but where a topic has lost partitions and lanes have become one; the disk is read forwards, so
what is taken at once ends there.
"""

from array import array
from collections.abc import Iterator
from itertools import pairwise

from router.spool.port import Position

_COMPACT_FROM = 4096

Place = tuple[Position, int]
"""Where a record lies, and the hash of its key."""


class Behind:
    """A queue of places.

    Attributes:
        count: How many there are; cheaper to ask than `len`, and asked for every record.
    """

    __slots__ = ("_first", "_hashes", "_positions", "count")

    def __init__(self) -> None:
        """Begin empty."""
        self._positions = array("Q")
        self._hashes = array("I")
        self._first = 0
        self.count = 0

    def __iter__(self) -> Iterator[Place]:
        """Yield all, oldest first."""
        for index in range(self._first, len(self._positions)):
            yield self._positions[index], self._hashes[index]

    def append(self, position: Position, key_hash: int) -> None:
        """Put one at the end."""
        self._positions.append(position)
        self._hashes.append(key_hash)
        self.count += 1

    def extend(self, other: "Behind") -> None:
        """Put all of another queue at the end."""
        for position, key_hash in other:
            self.append(position, key_hash)

    def take(self, most: int) -> list[Place]:
        """Take the first ones, at most so many, as far as their positions rise."""
        if self._first >= _COMPACT_FROM and self._first * 2 > len(self._positions):
            del self._positions[: self._first]
            del self._hashes[: self._first]
            self._first = 0
        first = self._first
        positions = self._positions[first : first + most]
        for number, (one, other) in enumerate(pairwise(positions), 1):
            if other < one:
                del positions[number:]
                break
        self._first += len(positions)
        self.count -= len(positions)
        return list(zip(positions, self._hashes[first : self._first], strict=True))

    def put_back(self, count: int) -> None:
        """Put back the last *count* of those that the last `take` took."""
        self._first -= count
        self.count += count
