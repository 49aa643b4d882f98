"""`Ledger`: which records of which segments are not settled; pure.

Design: an offset and a flag per record, five bytes, so that settling twice or settling what was
never kept cannot let a segment go that is still needed, and two million records cost ten MiB.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from router.spool.port import Position

OFFSET_BITS = 32
_OFFSET_MASK = (1 << OFFSET_BITS) - 1


def position_of(number: int, offset: int) -> Position:
    """Return the position of the record at *offset* in segment *number*."""
    return number << OFFSET_BITS | offset


def number_of(position: Position) -> int:
    """Return the number of the segment that holds *position*."""
    return position >> OFFSET_BITS


def offset_of(position: Position) -> int:
    """Return where in its segment *position* lies."""
    return position & _OFFSET_MASK


class _Segment:
    """The records of one segment that were told, by rising offset."""

    def __init__(self) -> None:
        self.offsets: array[int] = array("I")
        self.settled = bytearray()
        self.left = 0
        self.since_ms: int | None = None
        self.is_closed = False
        self.is_emptied = False

    def add(self, offsets: Sequence[int], received_ms: int) -> None:
        if self.since_ms is None:
            self.since_ms = received_ms
        self.offsets.extend(offsets)
        self.settled.extend(bytes(len(offsets)))
        self.left += len(offsets)

    def settle(self, offset: int) -> bool:
        index = bisect_left(self.offsets, offset)
        if index == len(self.offsets) or self.offsets[index] != offset or self.settled[index]:
            return False
        self.settled[index] = 1
        self.left -= 1
        return True


class Ledger:
    """Counts of what waits, and which segments may go.

    Attributes:
        has_done: Whether a segment came to its end since this was last set to False.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.has_done = False
        self._segments: dict[int, _Segment] = {}
        self._records = 0

    @property
    def records(self) -> int:
        """How many records are not settled."""
        return self._records

    @property
    def since_ms(self) -> int | None:
        """When the first record of the oldest segment with such a record was received."""
        needed = (number for number, segment in self._segments.items() if segment.left)
        oldest = min(needed, default=None)
        return None if oldest is None else self._segments[oldest].since_ms

    def open(self, numbers: Iterable[int]) -> None:
        """Take segments that may hold records nobody has told yet."""
        for number in numbers:
            self._segments.setdefault(number, _Segment())

    def add(self, positions: Sequence[Position], received_ms: int) -> None:
        """Take records that wait, by rising position."""
        start = 0
        while start < len(positions):  # once per segment, not per record: it is on the hot path
            number = number_of(positions[start])
            end = bisect_left(positions, position_of(number + 1, 0), start)
            segment = self._segments.get(number)
            if segment is None:
                segment = self._segments[number] = _Segment()
            segment.add([offset_of(position) for position in positions[start:end]], received_ms)
            start = end
        self._records += len(positions)

    def close(self, numbers: Iterable[int]) -> None:
        """Note that these segments get no more records, and have none that was not told."""
        self.open(numbers := list(numbers))
        for number in numbers:
            self._segments[number].is_closed = True
            self.has_done |= not self._segments[number].left

    def settle(self, positions: Iterable[Position]) -> Iterator[Position]:
        """Yield those that waited until now, and count them no more."""
        for position in positions:
            segment = self._segments.get(number_of(position))
            if segment is not None and segment.settle(offset_of(position)):
                self._records -= 1
                self.has_done |= segment.is_closed and not segment.left
                yield position

    def removable(self) -> tuple[list[int], list[int]]:
        """Return the segments that may go: those before every needed one, and those between."""
        before: list[int] = []
        between: list[int] = []
        is_needed_before = False
        for number in sorted(self._segments):
            segment = self._segments[number]
            if not segment.is_closed or segment.left:
                is_needed_before = True
            elif not is_needed_before:
                before.append(number)
            elif not segment.is_emptied:
                between.append(number)
        return before, between

    def first_but(self, numbers: Sequence[int]) -> int | None:
        """Return the lowest segment that is not one of *numbers*; None if there is no other."""
        return min(self._segments.keys() - set(numbers), default=None)

    def forget(self, numbers: Iterable[int]) -> None:
        """Note that these segments are gone."""
        for number in numbers:
            self._segments.pop(number, None)

    def emptied(self, numbers: Iterable[int]) -> None:
        """Note that nothing of these segments is left but their names."""
        for number in numbers:
            emptied = self._segments[number] = _Segment()  # an old one may hold back millions
            emptied.is_closed = emptied.is_emptied = True
