"""What is registered against what shall be: a plan, shown before anything is done: pure.

Design: UpdateCallback replaces a registration as a whole, so what nobody wants to change is sent
again: other people's URLs, the answer for transcoded streams, and the key where ours is not
signed. One list has one key. Only what the configuration names is touched: where other URLs stand
beside ours, removing ours is an update, and where a deletion would take other applications'
registrations along it is held back.

Source: UpdateCallback (6469/1126929), DeleteCallback (6469/1126930).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct, structs

from router.config import Secret
from router.config.rules import TRANSCODE_MESSAGE_TYPES
from router.live_api.api import CallbackDetail, DeleteCallback, Registered, UpdateCallback
from router.live_api.wanted import Place, Wanted, comparable, shown_url, without_token

Verb = Literal["add", "change", "remove", "same", "blocked"]

Found = Mapping[Place, Sequence[Registered]]
"""What the vendor answers about each place that the configuration names."""

KeyKind = Literal["newest", "older", "unknown", "off"]

Keys = Mapping[str, Sequence[Secret]]
"""Secrets by their source, newest first."""

_SIGNS = {"add": "+", "change": "~", "remove": "-", "same": "=", "blocked": "!"}


class Step(Struct, frozen=True, kw_only=True):
    """What is to be done about one registration.

    Attributes:
        wanted: What the configuration says of it.
        verb: `same`: nothing; `blocked`: nothing, though something should be.
        before: As it is registered, if it is.
        request: What to send; None where nothing is to be done.
        others: URLs in the same list that the configuration does not name.
        siblings: Registrations of applications that a deletion would take along.
    """

    wanted: Wanted
    verb: Verb
    before: Registered | None = None
    request: UpdateCallback | DeleteCallback | None = None
    others: tuple[str, ...] = ()
    siblings: tuple[Registered, ...] = ()


def update_plan(wanted: Iterable[Wanted], found: Found, *, replace: bool = False) -> list[Step]:
    """Return a step for each that is wanted, in order; *replace* removes others' URLs."""
    return [_update(each, registered(each, found), replace=replace) for each in wanted]


def delete_plan(wanted: Sequence[Wanted], found: Found, *, replace: bool = False) -> list[Step]:
    """Return a step for each that is named, in order; *replace* removes what is others' too."""
    ours = {(each.place, each.message_type) for each in wanted}
    return [_delete(each, found, ours, replace=replace) for each in wanted]


def registered(wanted: Wanted, found: Found) -> Registered | None:
    """Return what is registered where *wanted* is to be."""
    for each in found.get(wanted.place, ()):
        if each.message_type == wanted.message_type and _is_at(each, wanted.place):
            return each
    return None


def key_of(known: Registered, keys: Keys) -> tuple[KeyKind, str]:
    """Return what a registration signs with, and whose secret that is, where it is one."""
    if not known.auth_enable:
        return "off", ""
    for source, secrets in keys.items():
        if known.auth_key_primary in secrets:
            return ("newest" if known.auth_key_primary == secrets[0] else "older"), source
    return "unknown", ""


def key_text(known: Registered, keys: Keys) -> str:
    """Return the same in words; the key itself is not in them."""
    kind, source = key_of(known, keys)
    is_checked = any(keys.values())
    match kind:
        case "off":
            return "not signed: what comes so is refused" if is_checked else "not signed"
        case "unknown" if not is_checked:
            return "signed with a key that is not checked here"
        case "unknown":
            names = " or ".join(keys)
            return f"signed with a key that is no secret of {names}: what comes so is refused"
        case _:
            return (
                f"signed with {'the newest' if kind == 'newest' else 'an older'} secret of {source}"
            )


def lines(step: Step) -> Iterator[str]:
    """Yield a step as a difference: what it is about, what goes (-), what comes (+), what stays."""
    yield f"{_SIGNS[step.verb]} {step.wanted}"
    if step.verb == "same":
        return
    if step.verb == "blocked":
        for sibling in step.siblings:
            place = structs.replace(step.wanted.place, app=sibling.app)
            yield f"!     {place} would be removed with it: --replace does so"
        return
    before = _facts(step.wanted, step.before)
    after = _facts(step.wanted, step.request if isinstance(step.request, UpdateCallback) else None)
    for line in (*before, *(line for line in after if line not in before)):
        sign = " " if line in before and line in after else "-" if line in before else "+"
        yield f"{sign}     {line}"
    yield from _shared_key(step)


def _update(wanted: Wanted, before: Registered | None, *, replace: bool) -> Step:
    urls = _urls(before)
    others = tuple(url for url in urls if not _is_ours(url, wanted))
    kept = () if replace else others
    is_there = any(_is_current(url, wanted) for url in urls)
    stays = [url for url in urls if _is_current(url, wanted) or url in kept]
    request = _request(wanted, before, stays if is_there else [*stays, wanted.url])
    if before is not None and _state(request) == _state(before):
        return Step(wanted=wanted, verb="same", before=before, others=others)
    verb: Verb = "add" if before is None else "change"
    return Step(wanted=wanted, verb=verb, before=before, request=request, others=others)


def _request(wanted: Wanted, before: Registered | None, urls: Sequence[str]) -> UpdateCallback:
    """Return what registers *urls*: all else as it is, but for what is wanted."""
    was = before or Registered(message_type=wanted.message_type)
    transcode = bool(was.transcode_callback) if wanted.transcode is None else wanted.transcode
    return UpdateCallback(
        vhost=wanted.place.vhost,
        domain=wanted.place.domain,
        app=wanted.place.app,
        message_type=wanted.message_type,
        transcode_callback=int(transcode and wanted.message_type in TRANSCODE_MESSAGE_TYPES),  # type: ignore[arg-type]  # of a truth it is 0 or 1
        callback_detail_list=tuple(CallbackDetail(url=url) for url in urls),
        auth_enable=bool(wanted.keys) or was.auth_enable,
        auth_key_primary=wanted.keys[0] if wanted.keys else was.auth_key_primary,
    )


def _delete(wanted: Wanted, found: Found, ours: set[tuple[Place, str]], *, replace: bool) -> Step:
    before = registered(wanted, found)
    urls = _urls(before)
    others = tuple(url for url in urls if not _is_ours(url, wanted))
    if before is None or len(others) == len(urls):
        return Step(wanted=wanted, verb="same", before=before, others=others)
    if others and not replace:
        unsigned = structs.replace(wanted, keys=(), transcode=None)
        request = _request(unsigned, before, others)
        return Step(wanted=wanted, verb="change", before=before, request=request, others=others)
    siblings = tuple(_siblings(wanted, found, ours))
    if siblings and not replace:
        return Step(wanted=wanted, verb="blocked", before=before, others=others, siblings=siblings)
    removal = DeleteCallback(
        vhost=wanted.place.vhost,
        domain=wanted.place.domain,
        app=wanted.place.app,
        message_type=wanted.message_type,
    )
    return Step(
        wanted=wanted,
        verb="remove",
        before=before,
        request=removal,
        others=others,
        siblings=siblings,
    )


def _siblings(wanted: Wanted, found: Found, ours: set[tuple[Place, str]]) -> Iterator[Registered]:
    """Yield what goes as well when *wanted*, of a whole vhost, is deleted, and is not ours."""
    if wanted.place.domain or wanted.place.app:
        return
    for each in found.get(wanted.place, ()):
        place = structs.replace(wanted.place, app=each.app)
        is_named = (place, each.message_type) in ours
        if each.app and each.message_type == wanted.message_type and not is_named:
            yield each


def _is_at(each: Registered, place: Place) -> bool:
    """Tell whether a registration found at a place was made for just that place."""
    if place.domain:
        return _is_same_name(each.domain, place.domain)
    return not each.domain and _is_same_name(each.vhost, place.vhost) and each.app == place.app


def _is_same_name(answered: str, asked: str) -> bool:
    """Tell whether the vendor means the host that was asked for; it may leave the name out."""
    return answered.lower() in ("", asked.lower())


def _is_current(url: str, wanted: Wanted) -> bool:
    """Tell whether a URL is the wanted one, token and all."""
    return comparable(url) == comparable(wanted.url)


def _is_ours(url: str, wanted: Wanted) -> bool:
    return without_token(url, wanted.tokens) == without_token(wanted.url, wanted.tokens)


def _urls(known: Registered | UpdateCallback | None) -> list[str]:
    return [] if known is None else [detail.url for detail in known.callback_detail_list]


def _state(known: Registered | UpdateCallback) -> tuple[object, ...]:
    """Return all that a registration decides; a key that nothing is signed with decides nothing."""
    key = known.auth_key_primary if known.auth_enable else None
    transcode = known.transcode_callback and known.message_type in TRANSCODE_MESSAGE_TYPES
    return sorted(_urls(known)), bool(transcode), known.auth_enable, key


def _facts(wanted: Wanted, known: Registered | UpdateCallback | None) -> list[str]:
    """Return what a registration says, a line each, without token and key."""
    if known is None:
        return []
    was = Registered(
        message_type=known.message_type,
        auth_enable=known.auth_enable,
        auth_key_primary=known.auth_key_primary,
    )
    # what a URL is stands before it: where one with a query ends, nobody who masks it can tell
    shown = [f"{_whose(url, wanted)}{shown_url(url, wanted.tokens)}" for url in _urls(known)]
    transcoded = ["transcoded streams too"] if known.transcode_callback else []
    return [*shown, key_text(was, {wanted.source: wanted.keys}), *transcoded]


def _whose(url: str, wanted: Wanted) -> str:
    if _is_current(url, wanted):
        return ""
    return "with another token: " if _is_ours(url, wanted) else "not ours: "


def _shared_key(step: Step) -> Iterator[str]:
    """Yield a warning where the receivers of other URLs must learn a new key."""
    if step.before is None or not isinstance(step.request, UpdateCallback):
        return
    kept = set(step.others) & set(_urls(step.request))
    is_same = _state(step.before)[2:] == _state(step.request)[2:]
    if kept and not is_same:
        yield "!     the key is one for the whole list: those others must know it too"
