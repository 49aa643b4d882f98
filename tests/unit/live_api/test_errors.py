"""Who must act about which error, how often it is tried again, and what is said."""

import pytest

from router.live_api.errors import (
    RULES,
    Failure,
    LiveApiError,
    Rule,
    rule_of,
    skew_hint,
    unreadable_rule,
    wait_secs,
)
from tests.live_api.codes import CODES

EXPECTED = {
    "CommonErr": ("vendor", "back-off"),
    "InvalidParam": ("caller", "never"),
    "InvalidParam.BindError": ("caller", "never"),
    "InvalidParam.Format": ("caller", "never"),
    "InvalidParam.OutOfRange": ("caller", "never"),
    "InvalidParam.DomainAndApp": ("caller", "never"),
    "InvalidParam.Empty": ("caller", "never"),
    "RequestForbidden": ("account", "never"),
    "RequestForbidden.AccountIDNotAllow": ("account", "never"),
    "RequestForbidden.BillingStatus": ("account", "never"),
    "ResourceNotFound": ("caller", "once"),
    "ResourceNotFound.VhostNotExist": ("caller", "never"),
    "InternalError": ("vendor", "back-off"),
    "InternalError.DB": ("vendor", "back-off"),
    "InternalServiceError": ("vendor", "back-off"),
    "InternalServiceError.BadResponse": ("vendor", "back-off"),
    "InternalServiceTimeout": ("vendor", "back-off"),
    "MissingParameter": ("caller", "never"),
    "MissingRequestInfo": ("caller", "never"),
    "MissingAuthenticationToken": ("caller", "never"),
    "MissingSignature": ("caller", "never"),
    "InvalidAuthorization": ("caller", "never"),
    "InvalidCredential": ("account", "never"),
    "InvalidTimestamp": ("caller", "never"),
    "ServiceNotFound": ("caller", "never"),
    "InvalidActionOrVersion": ("caller", "never"),
    "InvalidAccessKey": ("account", "never"),
    "SignatureDoesNotMatch": ("account", "never"),
    "LackPolicy": ("account", "never"),
    "AccessDenied": ("account", "never"),
    "FlowLimitExceeded": ("caller", "back-off"),
    "AccountFlowLimitExceeded": ("caller", "back-off"),
    "ServiceUnavailableTemp": ("vendor", "back-off"),
}


def test_every_documented_code_is_tested() -> None:
    """The codes with a rule, but for our own, are those of the documents, and each has a case."""
    assert {code for code in RULES if not code.islower()} == CODES.keys() == EXPECTED.keys()


@pytest.mark.parametrize("code", CODES)
def test_a_documented_code_has_its_rule(code: str) -> None:
    """By the code alone, whatever the status."""
    assert (RULES[code].who, RULES[code].retry) == EXPECTED[code]
    assert rule_of(code, 599) == RULES[code]


@pytest.mark.parametrize(
    ("code", "http_status", "expected"),
    [
        ("InvalidParam.New", 200, ("caller", "never")),
        ("InternalError.Cache", 400, ("vendor", "back-off")),
        ("New", 200, ("vendor", "once")),
        ("New", 400, ("caller", "never")),
        ("New", 401, ("account", "never")),
        ("New", 403, ("account", "never")),
        ("New", 404, ("caller", "never")),
        ("New", 429, ("caller", "back-off")),
        ("New", 500, ("vendor", "back-off")),
        ("New.Sort", 503, ("vendor", "back-off")),
        ("New", 700, ("caller", "never")),
    ],
)
def test_an_unknown_code_goes_by_its_head_and_then_by_the_status(
    code: str, http_status: int, expected: tuple[str, str]
) -> None:
    """What the vendor adds is understood as well as can be."""
    rule = rule_of(code, http_status)

    assert (rule.who, rule.retry) == expected


@pytest.mark.parametrize(
    ("http_status", "expected"),
    [
        (200, ("caller", "never")),
        (403, ("account", "never")),
        (404, ("caller", "never")),
        (429, ("caller", "back-off")),
        (502, ("vendor", "back-off")),
    ],
)
def test_an_answer_without_a_code_goes_by_its_status(
    http_status: int, expected: tuple[str, str]
) -> None:
    """A gateway in trouble is tried again, something that is no API is not."""
    rule = unreadable_rule(http_status)

    assert (rule.who, rule.retry) == expected


def test_waits_double_and_end() -> None:
    """Half of each wait is by chance, and after the fourth attempt there is none."""
    shortest = [wait_secs("back-off", attempts, 0.0) for attempts in range(1, 6)]
    longest = [wait_secs("back-off", attempts, 1.0) for attempts in range(1, 6)]

    assert shortest == [0.25, 0.5, 1.0, None, None]
    assert longest == [0.5, 1.0, 2.0, None, None]
    assert [wait_secs("once", attempts, 1.0) for attempts in (1, 2)] == [0.5, None]
    assert wait_secs("never", 1, 1.0) is None


@pytest.mark.parametrize(
    ("code", "skew_secs", "expected"),
    [
        ("InvalidTimestamp", 901.4, "this machine's clock is 901 s ahead: set it"),
        ("InvalidTimestamp", -60.0, "this machine's clock is 60 s behind: set it"),
        ("SignatureDoesNotMatch", 86_400.0, "this machine's clock is 86400 s ahead: set it"),
        ("SignatureDoesNotMatch", 59.9, None),
        ("InvalidTimestamp", None, None),
        ("InvalidAccessKey", 901.0, None),
    ],
)
def test_a_clock_is_blamed_only_if_it_is_wrong(
    code: str, skew_secs: float | None, expected: str | None
) -> None:
    """For the two codes that a wrong clock causes, from a minute on."""
    assert skew_hint(code, skew_secs) == expected


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (
            Failure(
                code="CommonErr",
                message="try later",
                request_id="20261121",
                http_status=200,
                rule=Rule("vendor", "back-off", "wait"),
            ),
            "CommonErr: try later (HTTP 200, request 20261121): wait",
        ),
        (
            Failure(
                code="redirected", message="", http_status=302, rule=Rule("caller", "never", "no")
            ),
            "redirected (HTTP 302): no",
        ),
        (
            Failure(code="timed-out", message="late", rule=Rule("vendor", "never", "look")),
            "timed-out: late: look",
        ),
    ],
    ids=["all", "no message", "no answer"],
)
def test_an_error_says_what_is_known(failure: Failure, text: str) -> None:
    """The code, the vendor's words, where it came from, and what to do."""
    error = LiveApiError(failure, attempts=3)

    assert str(error) == text
    assert (error.code, error.message, error.request_id) == (
        failure.code,
        failure.message,
        failure.request_id,
    )
    assert (error.http_status, error.who, error.hint, error.attempts) == (
        failure.http_status,
        failure.rule.who,
        failure.rule.hint,
        3,
    )
    assert str(error.about("domain d")) == f"domain d: {text}"


@pytest.mark.parametrize(
    ("code", "is_of_place"),
    [
        ("ResourceNotFound.VhostNotExist", True),
        ("RequestForbidden", True),
        ("InvalidParam.Format", True),
        ("AccessDenied", False),
        ("InternalError", False),
        ("unreachable", False),
    ],
)
def test_what_a_place_is_refused_for_stops_no_other(code: str, *, is_of_place: bool) -> None:
    """What the account may not do, or the way, stops them all."""
    error = LiveApiError(Failure(code=code, message="", rule=rule_of(code, 400)), 1)

    assert error.is_of_place is is_of_place
