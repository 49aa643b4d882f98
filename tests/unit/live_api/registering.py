"""What the tests of plans share: what is wanted, and what is registered."""

from typing import Any

from router.config import Secret
from router.live_api import CallbackDetail, Registered
from router.live_api.wanted import Place, Wanted

NEWEST, OLDER = Secret(b"newestKey1234567"), Secret(b"olderKey12345678")
TOKEN = Secret(b"token-0123456789")
OURS = "https://a.example/callbacks/live/token-0123456789"
OTHERS = "https://b.example/hook"
DOMAIN, VHOST, APP = Place(domain="d"), Place(vhost="v"), Place(vhost="v", app="show")


def wanted(place: Place = DOMAIN, message_type: str = "push", **changed: Any) -> Wanted:
    """Return what shall be registered: signed, without a word about transcoded streams."""
    given: dict[str, Any] = {
        "source": "live",
        "url": OURS,
        "transcode": None,
        "keys": (NEWEST, OLDER),
        "tokens": (TOKEN,),
        **changed,
    }
    return Wanted(place=place, message_type=message_type, **given)


def known(*urls: str, key: Secret | None = NEWEST, **changed: Any) -> Registered:
    """Return what is registered, signed with *key* unless that is None."""
    given: dict[str, Any] = {"message_type": "push", **changed}
    return Registered(
        callback_detail_list=tuple(CallbackDetail(url=url) for url in urls),
        auth_enable=key is not None,
        auth_key_primary=key,
        **given,
    )
