"""`Quota`: what the files of the spool take on the disk, and how much more they may."""


class Quota:
    """Sizes by path; not more than `max_bytes` together, as far as it is asked."""

    def __init__(self, max_bytes: int) -> None:
        """Begin with no files."""
        self.max_bytes = max_bytes
        self.used = 0
        self._sizes: dict[str, int] = {}

    @property
    def left(self) -> int:
        """How many bytes there may be more; never less than 0."""
        return max(0, self.max_bytes - self.used)

    def size(self, path: str) -> int:
        """Return what a file takes; 0 if it is not known."""
        return self._sizes.get(path, 0)

    def takes(self, length: int) -> bool:
        """Return whether that much more may be used."""
        return length <= self.left

    def set(self, path: str, length: int) -> None:
        """Note what a file takes now."""
        self.used += length - self._sizes.get(path, 0)
        self._sizes[path] = length

    def drop(self, path: str) -> None:
        """Note that a file is gone."""
        self.used -= self._sizes.pop(path, 0)
