"""The management API of Volcengine Live: what is registered there, and what it has sent.

Design: the vendor's package for this is synchronous, brings nine others, and raises the bare
`Exception`; four actions need sixty lines of signing instead, checked against the vendor's own
vectors. What is pure stands in `sign` (the signature), `api` (requests, their rules, answers),
`errors` (who must act, and whether to try again) and `answers`; only `client` talks, and `pace`
waits. A request that breaks a documented rule is never sent.

Source: Signature V4 (6369/67270); UpdateCallback, DeleteCallback, DescribeCallback (6469/1126929 to
1126931); DescribeLiveCallbackData (6469/1529718); common error codes (6369/68677).
"""

from router.config.rules import TRANSCODE_MESSAGE_TYPES
from router.live_api.api import (
    CALLBACK_EVENT_TYPES,
    CALLBACK_STATUSES,
    MESSAGE_TYPES,
    CallbackCall,
    CallbackDetail,
    CallbackPage,
    DeleteCallback,
    DescribeCallback,
    DescribeLiveCallbackData,
    Registered,
    UpdateCallback,
    faults,
)
from router.live_api.client import LiveClient, Retried, Timeouts
from router.live_api.errors import LiveApiError, Who
from router.live_api.pace import Clock, Paces
from router.live_api.sign import Credentials

__all__ = [
    "CALLBACK_EVENT_TYPES",
    "CALLBACK_STATUSES",
    "MESSAGE_TYPES",
    "TRANSCODE_MESSAGE_TYPES",
    "CallbackCall",
    "CallbackDetail",
    "CallbackPage",
    "Clock",
    "Credentials",
    "DeleteCallback",
    "DescribeCallback",
    "DescribeLiveCallbackData",
    "LiveApiError",
    "LiveClient",
    "Paces",
    "Registered",
    "Retried",
    "Timeouts",
    "UpdateCallback",
    "Who",
    "faults",
]
