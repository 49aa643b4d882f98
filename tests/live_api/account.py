"""An account at the vendor: its domains, what is registered, what was called; and the rules.

The rules are written here a second time, from the documents, so that the client's are compared.
Where the documents are silent: what is registered by domain is described with the space of that
domain, a deletion of nothing succeeds, and calls come oldest first.

Source: UpdateCallback, DeleteCallback, DescribeCallback (6469/1126929 to 1126931);
DescribeLiveCallbackData (6469/1529718).
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from tests.live_api.signature import RefusedError

_TYPES = ["push", "push_end", "snapshot", "record", "audit_snapshot"]
_EVENTS = ["push_start", "push_end", "snapshot_event", "record_event"]
_MEMBERS: dict[str, dict[str, type]] = {
    "UpdateCallback": {
        "MessageType": str,
        "Vhost": str,
        "Domain": str,
        "App": str,
        "TranscodeCallback": int,
        "CallbackDetailList": list,
        "AuthEnable": bool,
        "AuthKeyPrimary": str,
    },
    "DeleteCallback": {"Vhost": str, "Domain": str, "App": str, "MessageType": str},
    "DescribeCallback": {"Vhost": str, "Domain": str, "App": str, "MessageType": str},
    "DescribeLiveCallbackData": {
        "DomainList": list,
        "App": str,
        "Stream": str,
        "CallbackEventType": list,
        "CallbackStatus": list,
        "StartTime": str,
        "EndTime": str,
        "PageNum": int,
        "PageSize": int,
    },
}

Key = tuple[str, str, str, str]
"""Vhost, domain, app and message type of a registration; of the first two one is empty."""


class Account:
    """What one account has; public, so that tests read it and write into it.

    Attributes:
        vhosts: Its domain spaces and their domains.
        registered: What UpdateCallback stored, as it was sent.
        calls: What DescribeLiveCallbackData answers from, with the vendor's members.
    """

    def __init__(self, vhosts: Mapping[str, list[str]]) -> None:
        self.vhosts = dict(vhosts)
        self.registered: dict[Key, dict[str, Any]] = {}
        self.calls: list[dict[str, Any]] = []

    def perform(self, action: str, body: object, now: datetime) -> dict[str, Any] | None:
        """Return the `Result` of *action*, or raise `RefusedError` with the vendor's code."""
        given = _bound(action, body)
        match action:
            case "UpdateCallback":
                self._update(given, now)
            case "DeleteCallback":
                self._delete(given)
            case "DescribeCallback":
                return self._describe(given)
            case _:
                return self._data(given, now)
        return None

    def _update(self, given: dict[str, Any], now: datetime) -> None:
        vhost, domain, app = self._place(given)
        kind = given.get("MessageType", "")
        _require(kind, "InvalidParam.Empty")
        _require(given.get("CallbackDetailList"), "InvalidParam.Empty")
        _require(given.get("TranscodeCallback", 0) in (0, 1), "InvalidParam.OutOfRange")
        _require(not given.get("TranscodeCallback") or kind in ("push", "push_end"), "InvalidParam")
        for detail in given["CallbackDetailList"]:
            _require(isinstance(detail, dict), "InvalidParam.BindError")
            _require(detail.get("CallbackType") == "http", "InvalidParam.OutOfRange")
            url = urlsplit(detail.get("URL", ""))
            _require(url.scheme in ("http", "https") and url.netloc, "InvalidParam.Format")
        if given.get("AuthEnable"):
            _require(given.get("AuthKeyPrimary"), "InvalidParam.Empty")
        self.registered[vhost, domain, app, kind] = {**given, "CreateTime": now.isoformat()}

    def _delete(self, given: dict[str, Any]) -> None:
        for key in self._matching(given):
            del self.registered[key]

    def _describe(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"CallbackList": [self._shown(key) for key in self._matching(given)]}

    def _shown(self, key: Key) -> dict[str, Any]:
        vhost, domain, app, kind = key
        stored = self.registered[key]
        space = vhost or next(name for name, own in self.vhosts.items() if domain in own)
        return {
            "MessageType": kind,
            "Vhost": space,
            "App": app,
            "TranscodeCallback": stored.get("TranscodeCallback", 0),
            "CallbackDetailList": stored["CallbackDetailList"],
            "CreateTime": stored["CreateTime"],
            "AuthEnable": stored.get("AuthEnable", False),
            "AuthKeyPrimary": stored.get("AuthKeyPrimary", ""),
        }

    def _matching(self, given: dict[str, Any]) -> list[Key]:
        vhost, domain, app = self._place(given)
        kind = given.get("MessageType", "")
        return [
            key
            for key in self.registered
            if key[:2] == (vhost, domain) and app in ("", key[2]) and kind in ("", key[3])
        ]

    def _place(self, given: dict[str, Any]) -> tuple[str, str, str]:
        """Return vhost, domain and app, which the rules allow and the account has."""
        vhost, domain, app = (given.get(name, "") for name in ("Vhost", "Domain", "App"))
        _require(vhost or domain, "InvalidParam.Empty")
        _require(not (vhost and domain), "InvalidParam")
        _require(not (domain and app), "InvalidParam.DomainAndApp")
        _require(re.fullmatch(r"[A-Za-z0-9_.-]{0,30}", app), "InvalidParam.Format")
        _require(given.get("MessageType", "") in ("", *_TYPES), "InvalidParam.OutOfRange")
        _require(not vhost or vhost in self.vhosts, "ResourceNotFound.VhostNotExist")
        owned = {name for names in self.vhosts.values() for name in names}
        _require(not domain or domain in owned, "RequestForbidden")
        return vhost, domain, app

    def _data(self, given: dict[str, Any], now: datetime) -> dict[str, Any]:
        begin, end = (_time(given.get(name, "")) for name in ("StartTime", "EndTime"))
        size, number = given.get("PageSize", 100), given.get("PageNum", 1)
        events, states = given.get("CallbackEventType", []), given.get("CallbackStatus", [])
        _require(begin < end <= begin + timedelta(days=31), "InvalidParam.OutOfRange")
        _require(begin >= now - timedelta(days=366), "InvalidParam.OutOfRange")
        _require(1 <= size <= 1000 and number >= 1, "InvalidParam.OutOfRange")
        _require(set(events) <= set(_EVENTS), "InvalidParam.OutOfRange")
        _require(set(states) <= {"success", "fail"}, "InvalidParam.OutOfRange")
        wanted = {
            "Domain": given.get("DomainList"),
            "App": [given["App"]] if given.get("App") else None,
            "Stream": [given["Stream"]] if given.get("Stream") else None,
            "CallbackEventType": events,
            "CallbackStatus": states,
        }
        found = [
            call
            for call in sorted(self.calls, key=lambda call: _time(call["CallbackTime"]))
            if begin <= _time(call["CallbackTime"]) < end
            and all(not of or call.get(name) in of for name, of in wanted.items())
        ]
        return {
            **given,
            "CallbackInfoList": found[(number - 1) * size : number * size],
            "Pagination": {
                "PageCur": number,
                "PageSize": size,
                "PageTotal": -(-len(found) // size),
                "TotalCount": len(found),
            },
        }


def _bound(action: str, body: object) -> dict[str, Any]:
    """Return the members of *body*, each of its type; unknown ones are left out."""
    members = _MEMBERS[action]
    _require(isinstance(body, dict), "InvalidParam.BindError")
    assert isinstance(body, dict)
    given = {name: value for name, value in body.items() if name in members and value is not None}
    for name, value in given.items():
        _require(type(value) is members[name], "InvalidParam.BindError")
    return given


def _time(text: str) -> datetime:
    _require(text, "InvalidParam.Empty")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise RefusedError("InvalidParam.Format") from None
    _require(moment.tzinfo, "InvalidParam.Format")
    return moment


def _require(claim: object, otherwise: str) -> None:
    if not claim:
        raise RefusedError(otherwise)
