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


def junit(
    outcomes: Sequence[Outcome], took_secs: Sequence[float], unreached: Iterable[str] = ()
) -> bytes:
    """Return the document, UTF-8.

    Args:
        outcomes: In the order in which they are listed.
        took_secs: How long each of them took.
        unreached: Rules that no test reaches, where each is a failure.
    """
    root = Element("testsuites", name=_SUITE)
    for file in dict.fromkeys(outcome.case.file for outcome in outcomes):
        suite = SubElement(root, "testsuite", name=file)
        for outcome, secs in zip(outcomes, took_secs, strict=True):
            if outcome.case.file == file:
                case = _added(suite, outcome.case.name, outcome.lines, secs)
                case.set("file", file)
                case.set("line", str(outcome.case.line))
    names = list(unreached)
    if names:
        coverage = SubElement(root, "testsuite", name="coverage")
        for name in names:
            _added(coverage, f"rule {name}", ["no test reaches this rule"])
    for element in (*root, root):
        _count(element)
    indent(root)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _added(suite: Element, name: str, lines: Sequence[str], secs: float = 0.0) -> Element:
    """Return a new case; XML cannot hold control characters, so these are written as escapes."""
    case = SubElement(suite, "testcase", name=printable(name), classname=suite.attrib["name"])
    case.set("time", _time(secs))
    if lines:
        failure = SubElement(case, "failure", message=printable(lines[0]), type="expectation")
        failure.text = "\n".join(map(printable, lines))
    return case


def _count(element: Element) -> None:
    """Set the sums over all cases below."""
    cases = element.findall(".//testcase")
    failures = len(element.findall(".//failure"))
    counts = {"tests": len(cases), "failures": failures, "errors": 0, "skipped": 0}
    for name, value in counts.items():
        element.set(name, str(value))
    element.set("time", _time(sum(float(case.attrib["time"]) for case in cases)))


def _time(secs: float) -> str:
    return f"{secs:.6f}"
