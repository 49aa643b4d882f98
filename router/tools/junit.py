"""Outcomes of routing tests as JUnit XML, for whatever shows them beside the code.

Design: the structure that CI systems agree on: `testsuites` of `testsuite` of `testcase`, the
counts as attributes, a `failure` with a message and text inside the case that failed. A rule that
no test reaches is a case of its own where that is a failure.
"""

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring  # only written, never read

from router.ingress.printable import printable
from router.tools.rule_tests import Outcome

_SUITE = "callback-router test"


def junit(outcomes: Sequence[Outcome], unreached: Iterable[str] = ()) -> bytes:
    """Return the document, UTF-8.

    Args:
        outcomes: In the order in which they are listed.
        unreached: Rules that no test reaches, where each is a failure.
    """
    root = Element("testsuites", name=_SUITE)
    for file in dict.fromkeys(outcome.case.file for outcome in outcomes):
        suite = SubElement(root, "testsuite", name=file)
        for outcome in outcomes:
            if outcome.case.file == file:
                _add(suite, outcome.case.name, outcome.lines, file, outcome.case.line)
    names = list(unreached)
    if names:
        coverage = SubElement(root, "testsuite", name="coverage")
        for name in names:
            _add(coverage, f"rule {name}", ["no test reaches this rule"])
    for suite in [*root]:
        _count(suite, len(suite), len(suite.findall("testcase/failure")))
    _count(root, len(root.findall(".//testcase")), len(root.findall(".//failure")))
    indent(root)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _add(
    suite: Element, name: str, lines: Sequence[str], file: str = "", line: int | None = None
) -> None:
    """Add a case; XML cannot hold control characters, so these are written as escapes."""
    case = SubElement(suite, "testcase", name=printable(name), classname=suite.attrib["name"])
    case.set("time", "0")
    if file:
        case.set("file", file)
    if line is not None:
        case.set("line", str(line))
    if lines:
        failure = SubElement(case, "failure", message=printable(lines[0]), type="expectation")
        failure.text = "\n".join(map(printable, lines))


def _count(element: Element, tests: int, failures: int) -> None:
    counts = {"tests": tests, "failures": failures, "errors": 0, "skipped": 0, "time": 0}
    for name, value in counts.items():
        element.set(name, str(value))
