"""Reading a file that somebody named: ordinary files only, so that no name makes us wait."""

import errno
import os
import stat
from pathlib import Path


def read_file(path: Path, max_bytes: int) -> tuple[bytes, int]:
    """Return the first bytes of an ordinary file, one more than *max_bytes* at most, and its mode.

    A named pipe without a writer, a terminal or an endless device are refused at once.

    Raises:
        OSError: It cannot be read; `why` tells the reason without the path.
        ValueError: The path holds a NUL.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "Not an ordinary file")
        with open(handle, "rb", closefd=False) as file:
            return file.read(max_bytes + 1), mode
    finally:
        os.close(handle)


def why(error: OSError | ValueError) -> str:
    """Return the system's reason, without the path that the place of the message shows already."""
    return (isinstance(error, OSError) and error.strerror) or "not a path"
