"""What the vendor's errors mean: who must act, and whether to try again: pure.

Design: the table is the vendor's, code by code, in our words. A code that is not in it is taken
for the part before its dot, and then for its HTTP status. All four actions may be repeated: two
read, one removes, one replaces as a whole.

Source: error codes of UpdateCallback (6469/1126929); common error codes (6369/68677).
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, Literal

from msgspec import Struct

from router.errors import CallbackRouterError

Who = Literal["caller", "account", "vendor"]
"""`caller`: who wrote the request or runs this machine. `account`: who owns the account."""

Retry = Literal["never", "once", "back-off"]

MAX_ATTEMPTS: Final = 4
_FIRST_WAIT_SECS: Final = 0.5
_SKEW_SECS: Final = 60
"""Above this a clock is said to be wrong; below it the way of an answer may explain it."""

NOT_SENT: Final = "not-sent"
UNREACHABLE: Final = "unreachable"
UNTRUSTED: Final = "untrusted"
TIMED_OUT: Final = "timed-out"
CUT_OFF: Final = "cut-off"
REDIRECTED: Final = "redirected"
UNREADABLE: Final = "unreadable"
TOO_LARGE: Final = "too-large"


class Rule(Struct, frozen=True):
    """What to do about an error."""

    who: Who
    retry: Retry
    hint: str


class Failure(Struct, frozen=True, kw_only=True):
    """Why one attempt failed.

    Attributes:
        code: The vendor's, or one of ours, in lower case.
        message: The vendor's words, or ours; without secrets.
        request_id: What the vendor's support asks for; empty where there is none.
        http_status: 0 where nothing was answered.
        rule: What to do about it.
    """

    code: str
    message: str
    request_id: str = ""
    http_status: int = 0
    rule: Rule


class LiveApiError(CallbackRouterError):
    """The vendor's API did not do what was asked; `attempts` says how often it was asked."""

    def __init__(self, failure: Failure, attempts: int, about: str = "") -> None:
        self._failure = failure
        self.code = failure.code
        self.message = failure.message
        self.request_id = failure.request_id
        self.http_status = failure.http_status
        self.who: Who = failure.rule.who
        self.hint = failure.rule.hint
        self.attempts = attempts
        status = f"HTTP {self.http_status}" if self.http_status else ""
        request = f"request {self.request_id}" if self.request_id else ""
        where = ", ".join(part for part in (status, request) if part)
        text = f"{self.code}: {self.message}" if self.message else self.code
        text = f"{about}: {text}" if about else text
        super().__init__(f"{text} ({where}): {self.hint}" if where else f"{text}: {self.hint}")

    @property
    def is_of_place(self) -> bool:
        """Whether other places may be asked about all the same: only what was named is refused."""
        return self.code.partition(".")[0] in _OF_PLACE

    def about(self, what: str) -> "LiveApiError":
        """Return the same error, its text beginning with *what* was asked about."""
        return LiveApiError(self._failure, self.attempts, what)


_OF_PLACE: Final = frozenset({"InvalidParam", "RequestForbidden", "ResourceNotFound"})
_REQUEST: Final = "correct the request; the message names the member"
_CREDENTIALS: Final = "check access_key and secret_key: both of one key, which is not disabled"
_PERMISSION: Final = "give the user of this access key the right to manage Live's callbacks"
_OWNED: Final = "this account owns no such domain space, domain or application: check name and key"
_SUPPORT: Final = "if it goes on, give the request's id to the vendor's support"
_SLOWER: Final = "the account makes too many requests; others that use it count too"
_OURS: Final = "what was sent is not what the API expects: a bug, unless a proxy changes requests"

RULES: Final[Mapping[str, Rule]] = {
    # the 17 codes of UpdateCallback
    "CommonErr": Rule("vendor", "back-off", _SUPPORT),
    "InvalidParam": Rule("caller", "never", _REQUEST),
    "InvalidParam.BindError": Rule("caller", "never", "a member is of the wrong type"),
    "InvalidParam.Format": Rule("caller", "never", "a name or a URL holds what it must not hold"),
    "InvalidParam.OutOfRange": Rule("caller", "never", "a value is not one of those allowed"),
    "InvalidParam.DomainAndApp": Rule("caller", "never", "app goes with vhost only"),
    "InvalidParam.Empty": Rule("caller", "never", "a member is missing"),
    "RequestForbidden": Rule("account", "never", _OWNED),
    "RequestForbidden.AccountIDNotAllow": Rule("account", "never", _OWNED),
    "RequestForbidden.BillingStatus": Rule(
        "account", "never", "Live is not activated for this account, or a bill is open"
    ),
    "ResourceNotFound": Rule("caller", "once", f"check domain, vhost and app; {_SUPPORT}"),
    "ResourceNotFound.VhostNotExist": Rule("caller", "never", "there is no such vhost: check it"),
    "InternalError": Rule("vendor", "back-off", _SUPPORT),
    "InternalError.DB": Rule("vendor", "back-off", _SUPPORT),
    "InternalServiceError": Rule("vendor", "back-off", _SUPPORT),
    "InternalServiceError.BadResponse": Rule("vendor", "back-off", _SUPPORT),
    "InternalServiceTimeout": Rule("vendor", "back-off", _SUPPORT),
    # those of every API of the vendor
    "MissingParameter": Rule("caller", "never", _OURS),
    "MissingRequestInfo": Rule("caller", "never", _OURS),
    "MissingAuthenticationToken": Rule("caller", "never", _OURS),
    "MissingSignature": Rule("caller", "never", _OURS),
    "InvalidAuthorization": Rule("caller", "never", _OURS),
    "InvalidTimestamp": Rule("caller", "never", "set this machine's clock"),
    "ServiceNotFound": Rule("caller", "never", "the endpoint is not that of Live: check it"),
    "InvalidActionOrVersion": Rule("caller", "never", "the endpoint is not that of Live: check it"),
    "InvalidAccessKey": Rule("account", "never", _CREDENTIALS),
    "InvalidCredential": Rule("account", "never", _CREDENTIALS),
    "SignatureDoesNotMatch": Rule("account", "never", _CREDENTIALS),
    "LackPolicy": Rule("account", "never", _PERMISSION),
    "AccessDenied": Rule("account", "never", _PERMISSION),
    "FlowLimitExceeded": Rule("caller", "back-off", _SLOWER),
    "AccountFlowLimitExceeded": Rule("caller", "back-off", _SLOWER),
    "ServiceUnavailableTemp": Rule("vendor", "back-off", _SUPPORT),
    # ours, where the vendor names no code
    NOT_SENT: Rule("caller", "never", "nothing was sent: correct this first"),
    UNREACHABLE: Rule("caller", "back-off", "check the endpoint, and this machine's network"),
    UNTRUSTED: Rule("caller", "never", "check the endpoint, and whose certificates are trusted"),
    TIMED_OUT: Rule("vendor", "back-off", "it may have been done all the same: look before again"),
    CUT_OFF: Rule("vendor", "back-off", "it may have been done all the same: look before again"),
    REDIRECTED: Rule("caller", "never", "redirections are not followed: name the API itself"),
    TOO_LARGE: Rule("caller", "never", "ask for less: a shorter time, or smaller pages"),
}

_BY_CLASS: Final[Mapping[int, Rule]] = {
    2: Rule("vendor", "once", _SUPPORT),
    4: Rule("caller", "never", _REQUEST),
    5: Rule("vendor", "back-off", _SUPPORT),
}
_BY_STATUS: Final[Mapping[int, Rule]] = {
    HTTPStatus.UNAUTHORIZED: RULES["SignatureDoesNotMatch"],
    HTTPStatus.FORBIDDEN: RULES["AccessDenied"],
    HTTPStatus.TOO_MANY_REQUESTS: RULES["FlowLimitExceeded"],
}
_NOT_THE_API: Final = Rule("caller", "never", "this is not the API: check the endpoint")


def rule_of(code: str, http_status: int) -> Rule:
    """Return what to do about an error *code*, known or not, that came with *http_status*."""
    known = RULES.get(code) or RULES.get(code.partition(".")[0])
    return known or _BY_STATUS.get(http_status) or _BY_CLASS.get(http_status // 100, _NOT_THE_API)


def unreadable_rule(http_status: int) -> Rule:
    """Return what to do about an answer that is not the API's: a gateway's page, or no API."""
    by_status = _BY_STATUS.get(http_status)
    is_error_of_a_gateway = http_status // 100 == 5  # noqa: PLR2004 - the class of 500
    return by_status or (_BY_CLASS[5] if is_error_of_a_gateway else _NOT_THE_API)


def wait_secs(retry: Retry, attempts: int, jitter: float) -> float | None:
    """Return how long to wait before the next attempt, or None if there shall be none.

    Args:
        retry: What the rule says.
        attempts: How many there were, from 1.
        jitter: From 0 to 1, by chance: so that many failures do not come back at once.
    """
    most = {"never": 1, "once": 2, "back-off": MAX_ATTEMPTS}[retry]
    if attempts >= most:
        return None
    return _FIRST_WAIT_SECS * 2.0 ** (attempts - 1) * (0.5 + jitter / 2)


def skew_hint(code: str, skew_secs: float | None) -> str | None:
    """Return the words about a wrong clock, if *code* may come of it and the clock is wrong.

    Args:
        code: The vendor's.
        skew_secs: By how much our clock is ahead of the answer's `Date`; None: it has none.
    """
    if code not in {"InvalidTimestamp", "SignatureDoesNotMatch"} or skew_secs is None:
        return None
    if abs(skew_secs) < _SKEW_SECS:
        return None
    side = "ahead" if skew_secs > 0 else "behind"
    return f"this machine's clock is {abs(round(skew_secs))} s {side}: set it"
