"""What may be wrong where a body is refused, in words for operators: pure.

Design: every first day is a wrong secret, so what is tried here are the usual mistakes: the key of
another source or application, a key with white space around it. `explain` and `rejects` ask the
same function. A hint names sources and applications of the configuration and nothing that was
sent; no secret is in it. It hashes once per secret, so callers bound how often they ask.
"""

from collections.abc import Iterable

from router.ingress.sources import Source, Sources
from router.vendors.decode import decode
from router.vendors.refusal import Reason, Refused
from router.vendors.spec import Message, PathToken
from router.vendors.verify import Secrets, Verified, verify

_OF_PROOF: frozenset[Reason] = frozenset(
    {"not-json", "proof-missing", "proof-wrong", "unknown-app"}
)
_LINE_ENDS = (b"\n", b"\r\n")


def hints(refused: Refused, body: bytes, source: Source, sources: Sources) -> tuple[str, ...]:
    """Return what may be wrong: the refusal's own hint, then what would prove the body.

    Total over hostile input, as `decode` and `verify` are.

    Args:
        refused: Why *source* does not take the body.
        body: As it came.
        source: The entrance that it came to.
        sources: All of them.
    """
    own = (refused.hint,) if refused.hint else ()
    if refused.reason not in _OF_PROOF:
        return own
    return (*own, *_own_secrets(body, source), *_other_sources(body, source, sources))


def _own_secrets(body: bytes, source: Source) -> Iterable[str]:
    """Yield how a secret of the source itself would prove the body."""
    message = decode(source.vendor, body)
    if isinstance(message, Refused):
        return
    if _is_proven(source, message, _stripped(source.secrets)):
        yield "the secret would prove it without the white space at its ends"
    if _is_proven(source, message, _ended(source.secrets)):
        yield "the secret would prove it with a line end behind it: the vendor has one too many"
    yield from _applications_secrets(source, message)


def _applications_secrets(source: Source, message: Message) -> Iterable[str]:
    """Yield which secret would prove the body if its `app:` did not keep it from being tried."""
    if all(app is None for app in source.secrets):
        return
    where = f"sources.{source.name}.secrets"
    for app, own in source.secrets.items():
        if not _is_proven(source, message, {None: own}):
            continue
        if app is None:
            yield (
                f"{where}: the one without `app:` proves it, but its application has others, which "
                "are tried instead: give this one the same `app:`"
            )
        else:
            yield (
                f"{where}: the one with `app: {app}` proves it, but the body names another "
                "application, or none: correct this `app:`"
            )


def _other_sources(body: bytes, source: Source, sources: Sources) -> Iterable[str]:
    messages: dict[str, Message | Refused] = {}
    for other in sources.by_name.values():
        if other is source or other.name == source.name or _needs_no_secret(other):
            continue
        name = other.vendor.name
        if name not in messages:
            messages[name] = decode(other.vendor, body)
        message = messages[name]
        if isinstance(message, Message) and _is_proven(other, message, other.secrets):
            yield f"another source's secret proves it: {other.name}"


def _is_proven(source: Source, message: Message, secrets: Secrets) -> bool:
    if _needs_no_secret(source) or not any(secrets.values()):
        return False
    return isinstance(verify(source.vendor, message, secrets, 0), Verified)


def _needs_no_secret(source: Source) -> bool:
    return isinstance(source.vendor.proof, PathToken)


def _stripped(secrets: Secrets) -> Secrets:
    return {
        app: tuple(bare for secret in own if (bare := secret.strip()) not in (b"", secret))
        for app, own in secrets.items()
    }


def _ended(secrets: Secrets) -> Secrets:
    return {
        app: tuple(secret + end for secret in own for end in _LINE_ENDS)
        for app, own in secrets.items()
    }
