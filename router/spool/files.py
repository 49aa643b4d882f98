"""Names of the files in a spool's folder.

    lock                 held by the one process that uses the folder; its number is inside
    cursor               which segments count: see `cursor`
    <number>.seg         a segment: see `segment`
    <number>.done        which of its records are settled: see `marks`
    refused/<number>.rec a record that Kafka never takes, in the form of a segment
    corrupt/             bytes that were a record once, segments that could not be read

Anything else is not ours, and is left alone.
"""

import re
from pathlib import PurePath

LOCK = "lock"
REFUSED = "refused"
CORRUPT = "corrupt"
REASON = "refused-reason"
"""The name of the header that a refused record carries behind its own."""

_NUMBERED = re.compile(r"(\d{20})\.(seg|done|rec)", re.ASCII)
_MOST = 1 << 32  # a position has no room for more


def segment_path(folder: PurePath, number: int) -> str:
    """Return where segment *number* lies."""
    return str(folder / f"{number:020}.seg")


def marks_path(folder: PurePath, number: int) -> str:
    """Return where the marks of segment *number* lie."""
    return str(folder / f"{number:020}.done")


def refused_path(folder: PurePath, number: int) -> str:
    """Return where refused record *number* lies."""
    return str(folder / REFUSED / f"{number:020}.rec")


def corrupt_path(folder: PurePath, number: int, offset: int) -> str:
    """Return where the bytes lie that stood at *offset* of segment *number*."""
    return str(folder / CORRUPT / f"{number:020}-{offset:010}.bin")


def unreadable_path(folder: PurePath, number: int) -> str:
    """Return the second name of segment *number*, where the disk did not give back all of it."""
    return str(folder / CORRUPT / f"{number:020}.seg")


def numbered(name: str) -> tuple[int, str] | None:
    """Return number and kind (`seg`, `done`, `rec`) of a file of ours, else None."""
    found = _NUMBERED.fullmatch(name)
    return (int(found[1]), found[2]) if found and int(found[1]) < _MOST else None
