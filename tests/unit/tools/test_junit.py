"""The report that CI systems read."""

from pathlib import Path
from xml.etree import ElementTree as ET

from router.tools.junit import junit
from tests.unit.tools.rule_testing import outcomes

STOPPED = "source: rtc, event: {type: RecordStopped, subject: s, data: {code: 0}}"


def _report(folder: Path, *unreached: str) -> ET.Element:
    found = outcomes(folder, f"{STOPPED}, matches: []", f'{STOPPED}, expect: ["x\\e[1m&<"]')
    return ET.fromstring(junit(found, [0.5, 0.000_125], unreached))  # noqa: S314 - our own


def test_the_structure_is_that_of_junit(tmp_path: Path) -> None:
    """`testsuites` of `testsuite` of `testcase`; each case has a place, a name and a time, in seconds."""
    root = _report(tmp_path)

    assert root.tag == "testsuites"
    (suite,) = root
    file = str(tmp_path / "routes.test.yaml")
    assert (suite.tag, suite.get("name")) == ("testsuite", file)
    for element in (root, suite):
        counts = {name: element.get(name) for name in ("tests", "failures", "errors", "skipped")}
        assert counts == {"tests": "2", "failures": "1", "errors": "0", "skipped": "0"}
        assert element.get("time") == "0.500125"
    assert [case.get("time") for case in suite] == ["0.500000", "0.000125"]
    assert [case.tag for case in suite] == ["testcase", "testcase"]
    for number, case in enumerate(suite):
        assert (
            case.attrib.items()
            >= {
                "name": f"test {number}",
                "classname": file,
                "file": file,
                "line": "1",
            }.items()
        )


def test_a_failure_holds_what_is_wrong(tmp_path: Path) -> None:
    """One per case that failed: its first line as message, all of them as text; no control codes."""
    passed, failed = _report(tmp_path).iter("testcase")

    assert list(passed) == []
    (failure,) = failed
    assert (failure.tag, failure.get("type")) == ("failure", "expectation")
    assert failure.get("message") == "- expected  x\\x1b[1m&<"
    text = failure.text or ""
    assert text.splitlines()[0] == failure.get("message")
    assert len(text.splitlines()) == 3


def test_rules_without_a_test_are_cases_that_failed(tmp_path: Path) -> None:
    """They stand in a suite of their own and count."""
    root = _report(tmp_path, "lonely")

    _, coverage = root
    (case,) = coverage
    assert (coverage.get("name"), case.get("name")) == ("coverage", "rule lonely")
    assert [each.tag for each in case] == ["failure"]
    assert (root.get("tests"), root.get("failures")) == ("3", "2")
