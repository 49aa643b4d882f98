"""A line of a file with a caret under a column, without what may be a secret.

Design: of a line the keys and values are shown that the options know; see `visible`. What no value
was made of, since the file ends to be YAML before, is hidden but for the name of an option, and so
are comments and text of several lines.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from msgspec import Struct

from router.config.syntax import LINE_END, Place
from router.config.visible import HIDDEN, Path, is_key_shown, is_option, shown_value

MAX_COLUMNS: Final = 96
_BEFORE: Final = 60
_STRUCTURE = re.compile(r"[\s\[\]{},:?-]*")
_KEY = re.compile(r"([A-Za-z_]+):(?=\s|$)\s*")


class Scalar(NamedTuple):
    """A key or value of one word or text: from its place to right behind its end."""

    begin: Place
    end: Place
    path: Path
    is_key: bool


class _Piece(NamedTuple):
    """Part of a line: where it begins and ends, from 0, and what is shown for it."""

    begin: int
    end: int
    shown: str


class _Line(NamedTuple):
    """A line as it is shown.

    Attributes:
        text: All of it.
        pieces: What it is made of, with what is left out.
        begins: Where each piece begins in the file.
        offsets: Where it begins in `text`.
    """

    text: str
    pieces: Sequence[_Piece]
    begins: Sequence[int]
    offsets: Sequence[int]

    def position(self, index: int) -> int:
        """Return where in `text` a caret stands for the character at *index* of the file's line."""
        at = max(bisect_right(self.begins, index) - 1, 0)
        piece = self.pieces[at]
        is_written = len(piece.shown) == piece.end - piece.begin
        inside = min(index - piece.begin, len(piece.shown)) if is_written else 0
        return self.offsets[at] + inside


class Excerpts:
    """Lines of one file, each made once."""

    def __init__(self, text: str, scalars: Sequence[Scalar], root: type[Struct]) -> None:
        """Take the text, what is known of it in its order, and what the file holds."""
        self._lines = LINE_END.split(text)
        self._root = root
        self._made: dict[int, _Line] = {}
        self._scalars: dict[int, list[Scalar]] = {}
        for scalar in scalars:
            for number in range(scalar.begin.line, scalar.end.line + 1):
                self._scalars.setdefault(number, []).append(scalar)

    def at(self, line: int, column: int) -> str:
        """Return the line, cut around the column, and below it a caret; empty if there is none."""
        if not 1 <= line <= len(self._lines):
            return ""
        made = self._made.get(line)
        if made is None:
            made = self._made[line] = _line(list(self._pieces(line)))
        return _cut(made.text, made.position(column - 1)) if made.text else ""

    def _pieces(self, number: int) -> Iterator[_Piece]:
        line = self._lines[number - 1]
        position = 0
        for scalar in self._scalars.get(number, ()):
            is_whole = scalar.begin.line == scalar.end.line
            begin = scalar.begin.column - 1 if scalar.begin.line == number else 0
            end = scalar.end.column - 1 if scalar.end.line == number else len(line)
            if begin < position or begin >= end:
                continue
            yield from self._between(line, position, begin)
            written = line[begin:end]
            yield _Piece(begin, end, self._shown(scalar, written) if is_whole else HIDDEN)
            position = end
        yield from self._between(line, position, len(line))

    def _between(self, line: str, begin: int, end: int) -> Iterator[_Piece]:
        """Yield what stands between two values: brackets and colons; of the rest an option's name."""
        match = _STRUCTURE.match(line, begin, end)
        position = match.end() if match else begin
        yield _Piece(begin, position, line[begin:position])
        key = _KEY.match(line, position, end)
        if key and is_option(self._root, key[1]):
            yield _Piece(position, key.end(), key[0])
            position = key.end()
        if position < end:
            is_comment = line.startswith("#", position)
            yield _Piece(position, end, f"# {HIDDEN}" if is_comment else HIDDEN)

    def _shown(self, scalar: Scalar, written: str) -> str:
        if scalar.is_key:
            return written if is_key_shown(self._root, scalar.path) else HIDDEN
        return shown_value(self._root, scalar.path, written)


def _line(pieces: Sequence[_Piece]) -> _Line:
    return _Line(
        text="".join(piece.shown for piece in pieces).rstrip(),
        pieces=pieces,
        begins=[piece.begin for piece in pieces],
        offsets=[0, *accumulate(len(piece.shown) for piece in pieces)],
    )


def _cut(line: str, position: int) -> str:
    begin = max(0, min(position - _BEFORE, len(line) - MAX_COLUMNS))
    end = begin + MAX_COLUMNS
    part = "".join(each if each.isprintable() else " " for each in line[begin:end])
    before, behind = ("..." if begin else ""), ("..." if end < len(line) else "")
    wide = "".join(
        "\u3000" if unicodedata.east_asian_width(character) in "WF" else " "
        for character in f"{before}{part[: position - begin]}"
    )
    return f"{before}{part}{behind}\n{wide}^"
