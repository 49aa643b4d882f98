"""`printable`: what strangers wrote, as it may be printed: pure."""

import json


def printable(text: str) -> str:
    r"""Return *text* with everything that a terminal might act on as an escape.

    JSON stays JSON of the same value, if its lines were joined before: what may stand in it is
    escaped as in its strings. Control characters below the blank may not, so they are `\x1b`.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return (ascii(char) if char < " " else json.dumps(char))[1:-1]
