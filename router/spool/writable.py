"""`Writable`: a segment that is open for writing, and which records still fit into it."""

from collections.abc import Iterator, Sequence

from router.spool.segment import FRAME_BYTES, HEADER_BYTES, frame, seed_of


class Writable:
    """A segment, and how far it is written.

    Attributes:
        size: How many bytes it may hold.
        end: Where the next record goes.
    """

    __slots__ = ("_seed", "end", "fd", "number", "path", "size")

    def __init__(self, number: int, path: str, fd: int, size: int) -> None:
        """Begin behind the header."""
        self.number = number
        self.path = path
        self.fd = fd
        self.size = size
        self.end = HEADER_BYTES
        self._seed = seed_of(number)

    @property
    def rest(self) -> int:
        """How many bytes are left."""
        return self.size - self.end

    def fitting(self, payloads: Sequence[bytes], start: int) -> Iterator[bytes]:
        """Yield the records from *start* on that fit into what is left, framed."""
        rest = self.rest
        for index in range(start, len(payloads)):
            rest -= FRAME_BYTES + len(payloads[index])
            if rest < 0:
                return
            yield frame(self._seed, payloads[index])
