"""What is registered, a row for each, with what the configuration says about it: pure."""

from collections.abc import Sequence

from msgspec import Struct, structs

from router.live_api.api import Registered
from router.live_api.register import Found, KeyKind, key_of, registered
from router.live_api.wanted import Place, Wanted, shown_url


class Row(Struct, frozen=True, kw_only=True):
    """One registration, or one that is missing; without key and tokens.

    Attributes:
        place: A domain, a vhost, or one application of it.
        message_type: The vendor's word.
        urls: Where it sends to, the tokens as stars; none: it is not registered.
        key: Whether it signs with a secret that we know.
        key_source: Whose secret.
        transcode: Whether of transcoded streams too.
        since: When it was made, as the vendor says it.
        is_named: Whether the configuration names it.
    """

    place: str
    message_type: str
    urls: tuple[str, ...] = ()
    key: KeyKind = "off"
    key_source: str = ""
    transcode: bool = False
    since: str = ""
    is_named: bool


def rows(wanted: Sequence[Wanted], found: Found) -> list[Row]:
    """Return what is registered at every place that is named, then what is named and missing."""
    named = {(str(each.place), each.message_type) for each in wanted}
    shown = {
        (at, each.message_type): _row(at, each, wanted)
        for place, known in found.items()
        for each in known
        for at in [structs.replace(place, app=each.app)]
    }
    missing = [
        Row(place=str(each.place), message_type=each.message_type, is_named=True)
        for each in wanted
        if registered(each, found) is None
    ]
    known_rows = (
        structs.replace(row, is_named=(row.place, row.message_type) in named)
        for row in shown.values()
    )
    return [*known_rows, *missing]


def _row(place: Place, each: Registered, wanted: Sequence[Wanted]) -> Row:
    keys = {one.source: one.keys for one in wanted}
    tokens = [token for one in wanted for token in one.tokens]
    kind, source = key_of(each, keys)
    return Row(
        place=str(place),
        message_type=each.message_type,
        urls=tuple(shown_url(detail.url, tokens) for detail in each.callback_detail_list),
        key=kind,
        key_source=source,
        transcode=bool(each.transcode_callback),
        since=each.create_time,
        is_named=False,
    )
