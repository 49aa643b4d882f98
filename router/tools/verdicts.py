"""What a rule makes of an event, as it may be shown: pure."""

from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from router.ingress.printable import printable
from router.routing import Verdict
from router.tools.masking import masked, sensitive_names


def masked_verdict(verdict: Verdict, vendor: str) -> Verdict:
    """Return the verdict on an event of *vendor* without the credentials that it saw."""
    if verdict.seen is UNSET:
        return verdict
    if verdict.path is None:
        values = {path: _masked(path, value, vendor) for path, value in verdict.seen.items()}
        return replace(verdict, seen=values)
    return replace(verdict, seen=_masked(verdict.path, verdict.seen, vendor))


def line_of(verdict: Verdict) -> str:
    """Return in one line whether the rule matches, and if not, what decided and what it saw."""
    if verdict.fits:
        return f"rule {verdict.rule}: matches"
    seen = "nothing" if verdict.seen is UNSET else msgspec.json.encode(verdict.seen).decode()
    return printable(f"rule {verdict.rule}: kept from it by {verdict.decided_by}, which saw {seen}")


def line_of_keyless(name: str) -> str:
    """Return in one line that the key of the rule *name* could not be made of this event."""
    return f"rule {name}: its key has no single value here, so the subject is the key"


def _masked(path: str, value: Any, vendor: str) -> Any:
    """Return the value as it is shown below its names: one of them may be that of a secret."""
    names = path.split(".")
    nested = value
    for name in reversed(names):
        nested = {name: nested}
    text = masked(msgspec.json.encode(nested).decode(), sensitive_names(vendor))
    shown: Any = msgspec.json.decode(text)
    for name in names:
        if not isinstance(shown, dict):
            break
        shown = shown[name]
    return shown
