"""What shall be registered, as the configuration says it, and what is doubtful about it: pure.

Design: a URL is compared without the token at its end, which changes while the entrance stays the
same, and is shown without it, since who knows it may call. A token is found by its place in the
path (`/callbacks/{source}/{token}`), so one that is no longer configured stays hidden as well.
Names of hosts have no letter case, so the vendor's spelling of one is not taken for another: what
is not recognised would be replaced, with all the URLs of others in it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from router.config import Configuration, Finding, LiveCallbackOptions, Secret
from router.vendors.volcengine_live import VENDOR

NEWEST_TOKEN: Final = "{token}"  # noqa: S105 - a placeholder
"""Stands for the source's newest token in a URL of the configuration."""

STARS: Final = "********"
_TOKEN: Final = re.compile(r"(/callbacks/[^/?#]+)/[^/?#]+")
_ORIGIN: Final = re.compile(r"\A[^/?#]+://[^/?#@]*(?=[/?#]|\Z)")  # none that holds a password
_KEY: Final = re.compile(rb"[A-Za-z0-9]{16,32}")


class Place(Struct, frozen=True, kw_only=True):
    """Where callbacks are registered: a domain, or a vhost and perhaps one application of it."""

    vhost: str = ""
    domain: str = ""
    app: str = ""

    def __str__(self) -> str:
        """Return `domain push.example.com`, `vhost live-space` or `vhost live-space/show`."""
        if self.domain:
            return f"domain {self.domain}"
        return f"vhost {self.vhost}/{self.app}" if self.app else f"vhost {self.vhost}"


class Wanted(Struct, frozen=True, kw_only=True):
    """One URL that shall be registered for one type of messages.

    Attributes:
        place: Where.
        message_type: One of the vendor's.
        source: The name of the source that the URL leads to.
        url: With the token in it, if there is one.
        transcode: Whether of transcoded streams too; None: as it is registered.
        keys: The source's secrets, newest first; none: its callbacks are not signed.
        tokens: The source's.
    """

    place: Place
    message_type: str
    source: str
    url: str
    transcode: bool | None
    keys: tuple[Secret, ...]
    tokens: tuple[Secret, ...]

    def __str__(self) -> str:
        """Return `domain push.example.com  push`."""
        return f"{self.place}  {self.message_type}"


def wanted_of(configuration: Configuration) -> tuple[Wanted, ...]:
    """Return all that shall be registered, in the order of the file."""
    return tuple(
        Wanted(
            place=Place(
                vhost=callback.vhost or "", domain=callback.domain or "", app=callback.app or ""
            ),
            message_type=message_type,
            source=callback.source,
            url=_url(configuration, callback),
            transcode=callback.transcode,
            keys=tuple(found.secret for found in configuration.secrets[callback.source]),
            tokens=tuple(configuration.tokens[callback.source]),
        )
        for callback in _callbacks(configuration)
        for message_type in callback.message_types
    )


def without_token(url: str, tokens: Iterable[Secret] = ()) -> str:
    """Return a URL without the token behind its source, so that only the entrance is compared.

    *tokens* are stars wherever else they stand: a proxy may have them in another place.
    """
    return _TOKEN.sub(r"\1", _starred(comparable(url), tokens))


def comparable(url: str) -> str:
    """Return a URL with its scheme and host in lower case, the rest as it is."""
    return _ORIGIN.sub(lambda found: found[0].lower(), url)


def shown_url(url: str, tokens: Iterable[Secret] = ()) -> str:
    """Return a URL with stars for its token; *tokens* are hidden wherever they stand."""
    return _TOKEN.sub(rf"\1/{STARS}", _starred(url, tokens))


def _starred(url: str, tokens: Iterable[Secret]) -> str:
    for token in tokens:
        url = url.replace(_text(token), STARS)
    return url


def check_callbacks(configuration: Configuration) -> Iterator[Finding]:
    """Yield what is wrong with a registration: its source, its key, its URL."""
    for index, callback in enumerate(_callbacks(configuration)):
        path = ("volcengine_live", "callbacks", index)
        source = configuration.options.sources.get(callback.source)
        if source is None:
            message = (
                f"no source is called so; there are: {', '.join(configuration.options.sources)}"
            )
            yield Finding("router", (*path, "source"), message)
        elif source.vendor != VENDOR.name:
            message = f"its vendor is {source.vendor}, not {VENDOR.name}"
            yield Finding("router", (*path, "source"), message)
        else:
            yield from _unusual_key(configuration, callback, (*path, "source"))
            yield from _astray(configuration, callback, (*path, "url"))


def _unusual_key(
    configuration: Configuration, callback: LiveCallbackOptions, path: tuple[str | int, ...]
) -> Iterator[Finding]:
    secrets = configuration.secrets[callback.source]
    if secrets and not _KEY.fullmatch(secrets[0].secret.reveal()):
        message = "its newest secret, which is registered, is not 16 to 32 letters and digits"
        yield Finding("router", path, message, is_warning=True)


def _astray(
    configuration: Configuration, callback: LiveCallbackOptions, path: tuple[str | int, ...]
) -> Iterator[Finding]:
    tokens = configuration.tokens[callback.source]
    entrance = f"/callbacks/{callback.source}"
    if NEWEST_TOKEN in callback.url and not tokens:
        yield Finding("router", path, f"{callback.source} has no tokens: leave {NEWEST_TOKEN} out")
        return
    try:
        found = urlsplit(_url(configuration, callback)).path
    except ValueError:
        yield Finding("router", path, "expected a URL")
        return
    if found not in {f"{entrance}/{_text(token)}" for token in tokens} | (
        set() if tokens else {entrance}
    ):
        needed = f"{entrance}/{NEWEST_TOKEN}" if tokens else entrance
        message = f"does not lead to the source, unless a proxy makes {needed} of its path"
        yield Finding("router", path, message, is_warning=True)


def _url(configuration: Configuration, callback: LiveCallbackOptions) -> str:
    tokens = configuration.tokens[callback.source]
    newest = _text(tokens[0]) if tokens else NEWEST_TOKEN
    return callback.url.replace(NEWEST_TOKEN, newest)


def _text(token: Secret) -> str:
    """Return a token as text; one that is none has been reported, and is not used."""
    return token.reveal().decode(errors="replace")


def _callbacks(configuration: Configuration) -> tuple[LiveCallbackOptions, ...]:
    section = configuration.options.volcengine_live
    return () if section is None else section.callbacks
