"""Points in time as integers: RFC 3339 to and from Unix milliseconds, pure.

Design: time is an argument. Nothing here reads a clock; the edges do (`time.time_ns` for what
is recorded, `loop.time` for deadlines) and pass the number on, so the pure part needs no fake.
"""

import re
from calendar import timegm
from datetime import UTC, datetime
from functools import lru_cache

LAST_MS = 253_402_300_799_999
"""9999-12-31T23:59:59.999Z: the last instant that RFC 3339 can write."""

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d\d):(\d\d))",
    re.ASCII,
)
_LEAP_SECOND = 60


@lru_cache(maxsize=4096)  # vendors stamp whole seconds: a busy second asks for one text often
def parse_rfc3339(text: str) -> int | None:
    """Return *text* as Unix milliseconds (cut, not rounded), or None if it is not RFC 3339.

    Zero to nine fraction digits and any offset; the result may lie before 1970.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, sign, offset_hours, offset_minutes = match.groups()[6:]
    leap = second == _LEAP_SECOND  # RFC 3339 5.6 allows :60, datetime does not
    try:
        moment = datetime(year, month, day, hour, minute, second - leap, tzinfo=UTC)
        offset = datetime(1970, 1, 1, int(offset_hours or 0), int(offset_minutes or 0), tzinfo=UTC)
    except ValueError:
        return None
    offset_secs = timegm(offset.timetuple()) * (-1 if sign == "-" else 1)
    whole = timegm(moment.timetuple()) + leap - offset_secs
    return whole * 1000 + int((fraction or "0").ljust(3, "0")[:3])


@lru_cache(maxsize=1024)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def format_rfc3339(unix_ms: int) -> str:
    """Return *unix_ms* (0 to `LAST_MS`) as `2023-03-21T07:32:04.691Z`: UTC, three digits."""
    second, ms = divmod(unix_ms, 1000)
    return f"{_second_text(second)}.{ms:03d}Z"
