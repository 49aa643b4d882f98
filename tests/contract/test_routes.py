"""The shipped routes do what their tests say, and each rule has a test."""

from pathlib import Path

from router.assembly import CHECKS, routes_of, sources_of
from router.config import load
from router.tools.rule_cases import read_cases
from router.tools.rule_tests import RuleTests

CONFIG = Path(__file__).parents[2] / "config"


def test_the_shipped_routes_pass_their_tests() -> None:
    """Without one variable of the environment; no rule is without a test."""
    configuration = load(CONFIG / "router.yaml", {}, CHECKS, with_secrets=False)
    sources, routes = sources_of(configuration), routes_of(configuration)
    cases, problems = read_cases(CONFIG / "routes.test.yaml", sources.by_name, routes.rules)
    tests = RuleTests(sources, routes)
    outcomes = [tests.outcome(case) for case in cases]

    assert problems == []
    assert {outcome.case.name: outcome.lines for outcome in outcomes if outcome.lines} == {}
    assert tests.unreached(outcomes) == []
