"""`Offsets`: how far one partition is finished, so that no commit ever passes unfinished work."""

from collections import deque


class Offsets:
    """The offsets of one partition that are held, and those of them that are finished.

    Offsets come in rising order, not necessarily each of them: Kafka leaves gaps.
    """

    def __init__(self) -> None:
        """Hold nothing yet; there is nothing to commit either."""
        self._held: deque[int] = deque()
        self._finished: set[int] = set()
        self._next: int | None = None
        self._committed: int | None = None

    def __len__(self) -> int:
        """Return how many are held: unfinished ones, and finished ones behind such."""
        return len(self._held)

    def hold(self, offset: int) -> None:
        """Take an offset whose record was read."""
        self._held.append(offset)

    def finish(self, offset: int) -> None:
        """Mark a held offset as finished: its outcome is durable."""
        self._finished.add(offset)
        while self._held and self._held[0] in self._finished:
            done = self._held.popleft()
            self._finished.remove(done)
            self._next = done + 1

    def due(self) -> int | None:
        """Return the offset to commit, the next one to read; None where that is known already."""
        return None if self._next == self._committed else self._next

    def place(self, unread: int) -> int:
        """Return the first offset that is not finished; *unread* is the first that was not read."""
        return self._held[0] if self._held else unread

    def committed(self, offset: int) -> None:
        """Know that this offset was committed."""
        self._committed = offset
