"""The four actions: what is asked, by which rules, and what is answered: pure.

Names are the vendor's, written as ours. An empty text is one that is not given: the vendor's own
example of a deletion has an empty `Domain` beside a `Vhost`.

Source: UpdateCallback, DeleteCallback, DescribeCallback (6469/1126929 to 1126931);
DescribeLiveCallbackData (6469/1529718), whose answer's `Pagination` is that of the sibling actions.
"""

import re
from collections.abc import Iterator
from typing import Any, ClassVar, Final, Literal, assert_never, get_args
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, field

from router.clock import LAST_MS, format_rfc3339
from router.config.options import LiveMessageType
from router.config.rules import TRANSCODE_MESSAGE_TYPES
from router.config.secret import MIN_TOKEN_CHARACTERS, Secret

MESSAGE_TYPES: Final[tuple[str, ...]] = get_args(LiveMessageType)
CALLBACK_EVENT_TYPES: Final = ("push_start", "push_end", "snapshot_event", "record_event")
CALLBACK_STATUSES: Final = ("success", "fail")
MAX_PAGE_SIZE: Final = 1000
MAX_SPAN_SECS: Final = 31 * 24 * 3600
MAX_AGE_SECS: Final = 366 * 24 * 3600
_APP: Final = re.compile(r"[A-Za-z0-9_.-]{1,30}")
_KEY: Final = re.compile(rb"[!-~]*")


class CallbackDetail(Struct, frozen=True, kw_only=True, rename="pascal"):
    """Where to call; `http` is the only type and means HTTPS too.

    The path of the URL may end in a token, so it does not show when this is printed.
    """

    url: str = field(name="URL")
    callback_type: str = "http"

    def __repr__(self) -> str:
        """Return everything up to the path."""
        origin = "/".join(self.url.split("/", 3)[:3])
        return f"CallbackDetail({self.callback_type} {origin}/********)"


class UpdateCallback(Struct, frozen=True, kw_only=True, rename="pascal"):
    """Registers a callback; one of the same place and message type is replaced as a whole.

    Attributes:
        vhost: A domain space, or:
        domain: A push domain. Exactly one of the two.
        app: An application of the `vhost`; none: all of them.
        message_type: One of `MESSAGE_TYPES`.
        transcode_callback: 1: of transcoded streams too; for `TRANSCODE_MESSAGE_TYPES` only.
        callback_detail_list: At least one.
        auth_enable: Whether callbacks are signed with `auth_key_primary`.
        auth_key_primary: Goes out only where there is one; shows as stars.
    """

    action: ClassVar[str] = "UpdateCallback"

    vhost: str = ""
    domain: str = ""
    app: str = ""
    message_type: str
    transcode_callback: Literal[0, 1] = 0
    callback_detail_list: tuple[CallbackDetail, ...]
    auth_enable: bool = False
    auth_key_primary: Secret | None = None


class DeleteCallback(Struct, frozen=True, kw_only=True, rename="pascal"):
    """Removes callbacks; without `app` and `message_type` those of all of them.

    Attributes:
        vhost: Where the registration had one, or:
        domain: Where the registration had one. Exactly one of the two.
        app: As registered.
        message_type: One of `MESSAGE_TYPES`.
    """

    action: ClassVar[str] = "DeleteCallback"

    vhost: str = ""
    domain: str = ""
    app: str = ""
    message_type: str = ""


class DescribeCallback(Struct, frozen=True, kw_only=True, rename="pascal"):
    """Asks what is registered at one place; without `app` and `message_type` for all of them."""

    action: ClassVar[str] = "DescribeCallback"

    vhost: str = ""
    domain: str = ""
    app: str = ""
    message_type: str = ""


class DescribeLiveCallbackData(Struct, frozen=True, kw_only=True, rename="pascal"):
    """Asks what was sent, page by page.

    Attributes:
        domain_list: Push domains; none: all of the account.
        app: Application.
        stream: Stream.
        callback_event_type: Of `CALLBACK_EVENT_TYPES`; none: all.
        callback_status: Of `CALLBACK_STATUSES`; none: both.
        start_secs: Unix seconds, at most 366 days ago.
        end_secs: Unix seconds, at most 31 days later.
        page_num: From 1; the first page that is wanted.
        page_size: 1 to 1000.
    """

    action: ClassVar[str] = "DescribeLiveCallbackData"

    domain_list: tuple[str, ...] = ()
    app: str = ""
    stream: str = ""
    callback_event_type: tuple[str, ...] = ()
    callback_status: tuple[str, ...] = ()
    start_secs: int = field(name="StartTime")
    end_secs: int = field(name="EndTime")
    page_num: int = 1
    page_size: int = MAX_PAGE_SIZE


Request = UpdateCallback | DeleteCallback | DescribeCallback | DescribeLiveCallbackData


class Registered(Struct, frozen=True, kw_only=True, rename="pascal"):
    """One callback as it is registered. The vendor sends the key in clear; here it is stars."""

    message_type: str
    vhost: str = ""
    domain: str = ""
    app: str = ""
    transcode_callback: int = 0
    callback_detail_list: tuple[CallbackDetail, ...] = ()
    create_time: str = ""
    auth_enable: bool = False
    auth_key_primary: Secret | None = None


class CallbackCall(Struct, frozen=True, kw_only=True, rename="pascal"):
    """One call that the vendor made or tried to make; empty where it does not say.

    What the vendor tells beyond that (status, method, our answer, its error) nobody needs, so its
    types, of which no example is published, cannot make a page unreadable.

    Address and body hold tokens, signatures and credentials of pushes: they do not show when this
    is printed.

    Attributes:
        domain: Push domain.
        app: Application.
        stream: Stream.
        callback_time: When it was made, RFC 3339.
        callback_event_type: One of `CALLBACK_EVENT_TYPES`, or what came later.
        callback_address: The URL that was called.
        callback_body: What was sent, as text.
    """

    domain: str = ""
    app: str = ""
    stream: str = ""
    callback_time: str = ""
    callback_event_type: str = ""
    callback_address: str = ""
    callback_body: str = ""

    def __repr__(self) -> str:
        """Return what tells one call from another."""
        stream = f"{self.domain}/{self.app}/{self.stream}"
        return f"CallbackCall({self.callback_event_type} {stream} {self.callback_time})"


class CallbackPage(Struct, frozen=True, kw_only=True):
    """Some of the calls, in the vendor's order.

    Attributes:
        number: From 1.
        calls: At most the page's size.
        total_count: How many there are on all pages; None: the vendor does not say.
    """

    number: int
    calls: tuple[CallbackCall, ...]
    total_count: int | None


def faults(request: Request, now_ms: int | None = None) -> list[str]:
    """Return every documented rule that *request* breaks, in words that name the member.

    Args:
        request: What would be sent.
        now_ms: Now, Unix ms. None: what depends on it is not looked at.
    """
    match request:
        case UpdateCallback():
            return [*_place_faults(request), *_update_faults(request)]
        case DeleteCallback() | DescribeCallback():
            return [*_place_faults(request), *_message_type_faults(request.message_type)]
        case DescribeLiveCallbackData():
            return [*_data_faults(request), *_window_faults(request, now_ms)]
        case _:
            assert_never(request)


def body(request: Request) -> bytes:
    """Return what is sent for *request*; it has no faults. Holds the key, if there is one."""
    members: dict[str, Any] = msgspec.to_builtins(request, enc_hook=_revealed)
    for name in {"StartTime", "EndTime"} & members.keys():
        members[name] = f"{format_rfc3339(members[name] * 1000)[:19]}Z"  # the vendor's: to a second
    return msgspec.json.encode({k: v for k, v in members.items() if v not in (None, "", [], ())})


def secrets(request: Request) -> tuple[str, ...]:
    """Return what of *request* must not be shown, though the vendor may repeat it."""
    if not isinstance(request, UpdateCallback):
        return ()
    key = request.auth_key_primary
    urls = [detail.url for detail in request.callback_detail_list]
    tokens = [url.rpartition("/")[2] for url in urls]
    # a shorter one is no token, and may be a word of the message
    tokens = [token for token in tokens if len(token) >= MIN_TOKEN_CHARACTERS]
    return (*([key.reveal().decode()] if key else []), *urls, *tokens)


def _place_faults(request: UpdateCallback | DeleteCallback | DescribeCallback) -> Iterator[str]:
    if bool(request.vhost) == bool(request.domain):
        yield "exactly one of Vhost and Domain is needed"
    if not request.app:
        return
    if request.domain:
        yield "App goes with Vhost only, not with Domain"
    if not _APP.fullmatch(request.app):
        yield "App consists of 1 to 30 letters, digits, _, - and ."


def _message_type_faults(message_type: str) -> Iterator[str]:
    if message_type and message_type not in MESSAGE_TYPES:
        yield f"MessageType is one of {', '.join(MESSAGE_TYPES)}"


def _update_faults(request: UpdateCallback) -> Iterator[str]:
    if not request.message_type:
        yield "MessageType is needed"
    yield from _message_type_faults(request.message_type)
    if request.transcode_callback not in (0, 1):
        yield "TranscodeCallback is 0 or 1"
    if request.transcode_callback and request.message_type not in TRANSCODE_MESSAGE_TYPES:
        yield f"TranscodeCallback goes with {' and '.join(TRANSCODE_MESSAGE_TYPES)} only"
    if not request.callback_detail_list:
        yield "CallbackDetailList needs at least one URL"
    for detail in request.callback_detail_list:
        yield from _detail_faults(detail)
    key = request.auth_key_primary.reveal() if request.auth_key_primary else b""
    if request.auth_enable and not key:
        yield "AuthKeyPrimary is needed where AuthEnable is true"
    if not _KEY.fullmatch(key):
        yield "AuthKeyPrimary consists of ASCII characters that can be seen"


def _detail_faults(detail: CallbackDetail) -> Iterator[str]:
    if detail.callback_type != "http":
        yield "CallbackType is http, which means HTTPS too"
    if not _is_http_url(detail.url):
        yield "URL begins with http:// or https:// and names a host"


def _is_http_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    is_plain = url.isprintable() and " " not in url
    return is_plain and parts.scheme in ("http", "https") and bool(parts.hostname)


def _data_faults(request: DescribeLiveCallbackData) -> Iterator[str]:
    if not set(request.callback_event_type) <= set(CALLBACK_EVENT_TYPES):
        yield f"CallbackEventType holds some of {', '.join(CALLBACK_EVENT_TYPES)}"
    if not set(request.callback_status) <= set(CALLBACK_STATUSES):
        yield f"CallbackStatus holds some of {', '.join(CALLBACK_STATUSES)}"
    if request.page_num < 1:
        yield "PageNum is 1 or more"
    if not 1 <= request.page_size <= MAX_PAGE_SIZE:
        yield f"PageSize is 1 to {MAX_PAGE_SIZE}"


def _window_faults(request: DescribeLiveCallbackData, now_ms: int | None) -> Iterator[str]:
    if not 0 <= request.start_secs < request.end_secs <= LAST_MS // 1000:
        yield "StartTime lies before EndTime, both from 1970 on"
    if request.end_secs - request.start_secs > MAX_SPAN_SECS:
        yield "StartTime and EndTime are at most 31 days apart"
    if now_ms is not None and request.start_secs * 1000 < now_ms - MAX_AGE_SECS * 1000:
        yield "StartTime is at most 366 days ago"


def _revealed(secret: Secret) -> str:
    return secret.reveal().decode()
