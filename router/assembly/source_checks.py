"""What is wrong with sources: an unknown vendor, a missing protection, what has no effect."""

from collections.abc import Iterator

from router.config import Configuration, Finding, SourceOptions
from router.vendors import vendors
from router.vendors.spec import KeyedDigest, PathToken, SortedDigest, Vendor


def check_sources(configuration: Configuration) -> Iterator[Finding]:
    """Yield what is wrong with sources: an unknown vendor, a missing protection."""
    for name, source in configuration.options.sources.items():
        path = ("sources", name)
        vendor = vendors().get(source.vendor)
        if vendor is None:
            known = ", ".join(vendors())
            yield Finding("router", (*path, "vendor"), f"unknown vendor; use one of {known}")
        else:
            yield from _unprotected(path, source, vendor)


def _unprotected(path: tuple[str, str], source: SourceOptions, vendor: Vendor) -> Iterator[Finding]:
    yield from _without_effect(path, source, vendor)
    if source.unsigned and not isinstance(vendor.proof, KeyedDigest):
        message = f"{vendor.name} has no switch for its proof; remove the line"
        yield Finding("router", (*path, "unsigned"), message)
    elif source.unsigned or isinstance(vendor.proof, PathToken):
        why = "is switched to sign nothing" if source.unsigned else "signs nothing"
        if not source.tokens:
            message = f"{vendor.name} {why}, so the path must hold a secret: add tokens"
            yield Finding("router", path, message)
        if source.secrets:
            message = f"{vendor.name} {why}: these are never used"
            yield Finding("router", (*path, "secrets"), message, is_warning=True)
    elif not source.secrets:
        message = f"{vendor.name} signs its callbacks: add secrets to check them with"
        yield Finding("router", path, message)
    elif not vendor.proof.covers_content and not source.tokens:
        message = (
            f"{vendor.name} does not sign the content: who sees one callback could send others "
            "for some minutes; add tokens"
        )
        yield Finding("router", path, message, is_warning=True)


def _without_effect(
    path: tuple[str, str], source: SourceOptions, vendor: Vendor
) -> Iterator[Finding]:
    if source.on_stale == "reject" and (vendor.window is None or source.unsigned):
        message = f"{vendor.name} signs no time to check here; remove the line"
        yield Finding("router", (*path, "on_stale"), message, is_warning=True)
    has_apps = isinstance(vendor.proof, SortedDigest) and vendor.proof.app
    for index, secret in enumerate(source.secrets):
        if secret.app is not None and not has_apps:
            message = f"{vendor.name} does not tell applications apart; remove the line"
            yield Finding("router", (*path, "secrets", index, "app"), message)
