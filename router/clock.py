"""Points in time as integers: RFC 3339 to and from Unix milliseconds, pure.

Design: time is an argument. Nothing here reads a clock; the edges do (`time.time_ns` for what
is recorded, `loop.time` for deadlines) and pass the number on, so the pure part needs no fake.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

LAST_MS = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z: the last instant that RFC 3339 can write."""

_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.(\d{1,9}))?"
    r"(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - what is compared with it has lost its offset


@lru_cache(maxsize=4096)  # vendors stamp whole seconds: a busy second asks for one text often
def parse_rfc3339(text: str) -> int | None:
    """Return *text* as Unix milliseconds (cut, not rounded), or None if it is not RFC 3339.

    Zero to nine fraction digits and any offset; the result may lie before 1970.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    fraction, sign, hours, minutes = match.groups()
    leap = text[17:19] == "60"  # RFC 3339 5.6 allows it, datetime does not
    try:
        since = datetime.fromisoformat(f"{text[:17]}59" if leap else text[:19]) - _EPOCH
    except ValueError:  # no such day
        return None
    whole = since.days * 86_400 + since.seconds + leap
    if sign is not None:
        offset_secs = int(hours) * 3600 + int(minutes) * 60
        whole += offset_secs if sign == "-" else -offset_secs
    return whole * 1000 + (int(f"{fraction}00"[:3]) if fraction else 0)


@lru_cache(maxsize=1024)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def format_rfc3339(unix_ms: int) -> str:
    """Return *unix_ms* (0 to `LAST_MS`) as `2023-03-21T07:32:04.691Z`: UTC, three digits."""
    second, ms = divmod(unix_ms, 1000)
    return f"{_second_text(second)}.{ms:03d}Z"
