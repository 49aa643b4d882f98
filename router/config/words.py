"""What an unquoted word means: here as in JSON, and for other readers of YAML.

Design: readers of YAML 1.1 and 1.2 disagree about many plain words (`no`, `010`, `12:30:00`). Here
they are text. Where text is wanted that is a warning, since the next person reads the file with
the other rules in mind; where something else is wanted, the error says what to write.
"""

import math
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

_WORDS: Final[Mapping[str, object]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_WHOLE = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,99})")
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,99})(?:\.[0-9]{1,99})?(?:[eE][-+]?[0-9]{1,9})?")


class Surprise(NamedTuple):
    """A plain word that other readers of YAML take for something else.

    Attributes:
        reading: What it is for them.
        instead: What to write where that is meant, behind "write".
    """

    reading: str
    instead: str


_SURPRISES: Final = tuple(
    (re.compile(pattern), Surprise(reading, instead))
    for pattern, reading, instead in (
        (r"y|Y|yes|Yes|YES|on|On|ON", "true", "true"),
        (r"n|N|no|No|NO|off|Off|OFF", "false", "false"),
        (r"[-+]?0[0-9_]+", "a number, perhaps an octal one", "it without leading zeros"),
        (r"[-+]?0x[0-9A-Fa-f_]+", "a hexadecimal number", "a decimal number"),
        (r"[-+]?0o[0-7_]+", "an octal number", "a decimal number"),
        (r"[-+]?0b[01_]+", "a binary number", "a decimal number"),
        (r"[-+]?[0-9][0-9_]*_[0-9_]*(?:\.[0-9_]*)?", "a number", "it without _"),
        (r"[-+]?[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]*)?", "a number to the base 60", "one number"),
        (r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?", "a date", "a number"),
        (r"[-+]?(?:\.[0-9]+|[0-9]+\.)(?:[eE][-+]?[0-9]+)?", "a number", "digits around the point"),
        (r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "infinite or no number", "a number"),
        (r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?", "a number", "a smaller number"),
    )
)
_EXPONENT: Final = Surprise("text", "it without e")


def plain(text: str) -> object:
    """Return what an unquoted word means; what no number can hold is text."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def surprise(text: str) -> Surprise | None:
    """Return what others take an unquoted word for, if that is not what it means here."""
    value = plain(text)
    if isinstance(value, str):
        return next((found for pattern, found in _SURPRISES if pattern.fullmatch(text)), None)
    return _EXPONENT if isinstance(value, float) and "." not in text else None


def key_surprise(text: str) -> Surprise | None:
    """Return what others take an unquoted key for; here every key is text."""
    value = plain(text)
    if value is None or isinstance(value, bool | int | float):
        return Surprise("no text", "")
    return surprise(text)
