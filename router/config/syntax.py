"""What is no YAML, in words that say what to change.

Design: PyYAML's own messages name what its parser expected, and some repeat what stands there,
which may be a secret; so none of them is shown. A message that is not in the table is a plain one.
"""

import re
from typing import Final, NamedTuple

import yaml


class Place(NamedTuple):
    """Line and column, from 1."""

    line: int
    column: int


START: Final = Place(1, 1)

LINE_END: Final = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
"""What ends a line for YAML 1.1, and so for PyYAML's places."""

MISSING_SPACE: Final = "a space is missing behind the colon"

_TAG: Final = "tags (!name) are not allowed; quote text that begins with !"
_HEX: Final = "an escape lacks hexadecimal digits; use single quotes for plain text"
_WORDINGS: Final[tuple[tuple[str, str], ...]] = (
    ("found character '\\t'", "a tab; use spaces"),
    ("found character", "no text begins with this character; quote it"),
    ("mapping values are not allowed", "no key can be here; check the indentation, or quote text"),
    ("could not find expected ':'", "a key without a colon and a space behind it"),
    ("sequence entries are not allowed", "a list with - begins in a line of its own"),
    ("mapping keys are not allowed", "no key can be here; check the indentation"),
    ("expected <block end>", "this fits no line above; check the indentation"),
    ("invalid indentation", "this fits no line above, or a bracket is open"),
    ("found unexpected end of stream", "this quote is not closed"),
    ("found unexpected document separator", "this quote is not closed before ---"),
    ("expected ',' or ']'", "a comma or ] is missing"),
    ("expected ',' or '}'", "a comma or } is missing"),
    ("found unknown escape", "an unknown escape; write \\\\ for \\, or use single quotes"),
    ("expected escape sequence", _HEX),
    ("expected alphabetic or numeric", "a name is missing; quote text that begins with & or *"),
    ("expected the node content", "a value is missing before this"),
    ("expected '<document start>'", "nothing may follow here; check brackets and indentation"),
    ("expected chomping or", "behind | or > stands nothing but a comment"),
    ("expected indentation indicator", "behind | or > stands nothing but a comment"),
    ("expected a comment or", "nothing but a comment may follow here"),
    ("found undefined tag", _TAG),
    ("found non-specific tag", _TAG),
    ("expected '!'", _TAG),
    ("expected '>'", _TAG),
    ("expected URI", _TAG),
    ("expected ' '", "a space is missing before this"),
)
_BEGUN_THERE: Final = ("could not find expected ':'", "found unexpected")
"""Where the beginning of what is wrong is the place to look at."""
GLUED: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*:(?!//)(?=[^\s:])")
"""A key with its value right behind the colon: one word for YAML, and what nobody means."""

_GLUED_LINE = re.compile(f"[ -]*{GLUED.pattern}")
_INDENT = re.compile(r"[ \t]*")


class TooDeepError(yaml.MarkedYAMLError):
    """Levels beyond the bound; the message is ours."""


def fault_of(error: yaml.MarkedYAMLError, text: str) -> tuple[Place, str]:
    """Return where *text* stops being YAML, and what to change."""
    problem = error.problem or ""
    mark = error.problem_mark or error.context_mark
    if problem.startswith(_BEGUN_THERE) and error.context_mark is not None:
        mark = error.context_mark
    place = Place(mark.line + 1, mark.column + 1) if mark else START
    if isinstance(error, TooDeepError):
        return place, f"not valid YAML: {problem}"
    line = line_of(text, place.line)
    indent = _INDENT.match(line)
    if indent and "\t" in indent[0]:
        place = Place(place.line, line.index("\t") + 1)
        return place, "not valid YAML: a tab; indent with spaces"
    for number in (place.line, place.line - 1):  # what goes on in the next line is found there
        glued = _GLUED_LINE.match(line_of(text, number))
        if glued and problem.startswith(("could not", "mapping values")):
            return Place(number, glued.end() + 1), f"not valid YAML: {MISSING_SPACE}"
    wording = next((ours for theirs, ours in _WORDINGS if problem.startswith(theirs)), "look here")
    return place, f"not valid YAML: {wording}"


def line_of(text: str, number: int) -> str:
    """Return a line by its number from 1, as YAML counts them; empty where there is none."""
    lines = LINE_END.split(text, maxsplit=number)
    return lines[number - 1] if 1 <= number <= len(lines) else ""
