"""Two sources, three rules, and a file of tests about them."""

from pathlib import Path

from router.errors import Problem
from router.ingress.sources import Limits, Source, Sources
from router.routing import RouteTable, Rule, parse_conditions
from router.tools.rule_cases import Case, read_cases
from router.tools.rule_tests import Outcome, RuleTests
from router.vendors import vendors

SOURCES = Sources(
    [
        Source(name="rtc", vendor=vendors()["volcengine-rtc"], secrets={None: (b"unused",)}),
        Source(name="studio", vendor=vendors()["alibaba-caster"], secrets={}, tokens=(b"unused",)),
    ],
    Limits(max_body_bytes=1 << 20, max_record_bytes=2 << 20),
)
FAILED = Rule(
    name="failed",
    conditions=parse_conditions({"type": "RecordStopped", "data.code": {"not": 0}})[0],
    topics=("alerts.{source}",),
    key="{data.task_id}",
)
NOISE = Rule(
    name="noise",
    conditions=parse_conditions({"type": "RecordUploadProcessing"})[0],
    is_drop=True,
)
SHOWS = Rule(
    name="shows",
    conditions=parse_conditions(
        {"data.event_message.show_name": "mine", "data.event_message.show_id": {"exists": True}}
    )[0],
    topics=("shows",),
)
ROUTES = RouteTable(rules=(FAILED, NOISE, SHOWS))


def read(folder: Path, text: str) -> tuple[list[Case], list[Problem]]:
    """Return what is read of a file with this text."""
    file = folder / "routes.test.yaml"
    file.write_text(text, encoding="utf-8")
    return read_cases(file, SOURCES.by_name, ROUTES.rules)


def outcomes(folder: Path, *tests: str) -> list[Outcome]:
    """Return what becomes of tests in flow style, each without its name."""
    named = (f"{{name: test {number}, {text}}}" for number, text in enumerate(tests))
    cases, problems = read(folder, f"tests: [{', '.join(named)}]")
    assert problems == []
    running = RuleTests(SOURCES, ROUTES)
    return [running.outcome(case) for case in cases]
