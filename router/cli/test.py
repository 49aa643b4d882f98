"""`callback-router test`: the routing tests written beside the rules."""

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec

from router.assembly import routes_of, sources_of
from router.assembly.field_checks import unknown_field
from router.cli.options import config_option, configured
from router.config import Configuration
from router.config.told import told
from router.errors import ConfigError, Problem
from router.ingress.printable import printable
from router.ingress.sources import Sources
from router.tools.junit import junit
from router.tools.rule_cases import Case, read_cases
from router.tools.rule_tests import Outcome, RuleTests


@click.command()
@config_option
@click.option("--junit", "report", type=click.Path(path_type=Path), help="Write JUnit XML there.")
@click.option("--require-coverage", is_flag=True, help="A rule that no test reaches is a failure.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE]...")
def test(
    config: Path, report: Path | None, files: tuple[Path, ...], *, require_coverage: bool
) -> None:
    """Run the tests of the rules in FILE: which topics an event goes to.

    Without FILE those beside the routes: config/routes.test.yaml for config/routes.yaml. No
    secret has to be set, and Kafka is not asked.
    """
    configuration = _without_namespace(configured(config, with_secrets=False))
    sources, routes = sources_of(configuration), routes_of(configuration)
    found: list[Case] = []
    problems: list[Problem] = []
    for file in files or (_beside_routes(configuration),):
        cases, faults = read_cases(file, sources.by_name, routes.rules)
        found += cases
        problems += faults
    if problems:
        raise ConfigError(problems)
    tests = RuleTests(sources, routes)
    outcomes, took_secs = _run(tests, found)
    for doubt in _doubts(outcomes, sources):
        for line in doubt.shown().splitlines():
            print(printable(line))
    unreached = tests.unreached(outcomes)
    _print_outcomes(outcomes, unreached)
    if report is not None:
        _write(report, junit(outcomes, took_secs, unreached if require_coverage else ()))
    if (unreached and require_coverage) or not all(outcome.is_passed for outcome in outcomes):
        sys.exit(1)


def _run(tests: RuleTests, cases: Sequence[Case]) -> tuple[list[Outcome], list[float]]:
    """Return what became of each case, and how long it took."""
    outcomes: list[Outcome] = []
    took_secs: list[float] = []
    for case in cases:
        began = time.perf_counter()
        outcomes.append(tests.outcome(case))
        took_secs.append(time.perf_counter() - began)
    return outcomes, took_secs


def _doubts(outcomes: Sequence[Outcome], sources: Sources) -> tuple[Problem, ...]:
    """Return the fields of tests that no document knows: a rule may be tested by a slip of it."""
    documents = {outcome.case.file: outcome.case.document for outcome in outcomes}
    found = (doubt for outcome in outcomes for doubt in _unknown_fields(outcome, sources))
    return told(found, list(documents.values()))


def _unknown_fields(outcome: Outcome, sources: Sources) -> Iterator[Problem]:
    vendor = sources.by_name[outcome.case.source].vendor.name
    combination = {"vendor": vendor, "type": outcome.short_type}
    told = ""
    for path, place in outcome.case.fields if outcome.short_type else ():
        message = unknown_field(path, [combination])
        if message and not (told and path.startswith(f"{told}.")):
            told = path
            doubt = outcome.case.document.problem(place, message, at_key=True)
            yield msgspec.structs.replace(doubt, is_warning=True)


def _without_namespace(configuration: Configuration) -> Configuration:
    """Return the configuration for tests: their topics are the same wherever they run."""
    kafka = msgspec.structs.replace(configuration.options.kafka, namespace="")
    options = msgspec.structs.replace(configuration.options, kafka=kafka)
    return msgspec.structs.replace(configuration, options=options)


def _beside_routes(configuration: Configuration) -> Path:
    name = configuration.options.routes
    if name is None:
        message = f"{configuration.path} names no file of routes; name a FILE of tests"
        raise click.UsageError(message)
    routes = configuration.path.parent / name
    return routes.with_name(f"{routes.stem}.test{routes.suffix}")


def _print_outcomes(outcomes: Sequence[Outcome], unreached: Sequence[str]) -> None:
    failed = [outcome for outcome in outcomes if not outcome.is_passed]
    for outcome in failed:
        case = outcome.case
        print(printable(f"{case.file}:{case.line}: {case.name}"))
        for line in outcome.lines:
            print(printable(f"    {line}"))
    for name in unreached:
        print(f"rule {name}: no test reaches it")
    passed = len(outcomes) - len(failed)
    print(f"{passed} passed, {len(failed)} failed, {len(unreached)} rules reached by no test")


def _write(report: Path, document: bytes) -> None:
    try:
        report.write_bytes(document)
    except OSError as error:
        message = f"cannot write {report}: {error.strerror}"
        raise click.BadParameter(message, param_hint="--junit") from error
