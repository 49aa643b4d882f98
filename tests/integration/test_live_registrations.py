"""`volcengine-live update-callback|describe-callback|delete-callback`, against the vendor's rules."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from router.app.live import apply, client_of, found_at
from router.config import load
from router.live_api import LiveApiError
from router.live_api.register import Step, update_plan
from router.live_api.wanted import wanted_of
from tests.integration.live_commands import (
    BASE,
    BY_DOMAIN,
    BY_VHOST,
    ENVIRONMENT,
    KEY,
    LIVE,
    OLDER_KEY,
    OLDER_TOKEN,
    TOKEN,
    Commands,
)
from tests.live_api.server import DOMAIN, VHOST, Code, LiveApiServer

OURS = f"{BASE}/{TOKEN}"
OTHERS = "https://user:pa55@other.example.com/hook?key=hidden"


@pytest.fixture
async def server() -> AsyncIterator[LiveApiServer]:
    """The vendor, by this machine's clock."""
    async with LiveApiServer() as serving:
        yield serving


def _put(server: LiveApiServer, place: tuple[str, str, str, str], **given: Any) -> None:
    """Let something be registered, as another one did it."""
    vhost, domain, app, message_type = place
    urls = given.pop("urls")
    server.account.registered[place] = {
        "Vhost": vhost,
        "Domain": domain,
        "App": app,
        "MessageType": message_type,
        "CallbackDetailList": [{"CallbackType": "http", "URL": url} for url in urls],
        "CreateTime": "2026-01-01T00:00:00Z",
        **given,
    }


def _urls(server: LiveApiServer, *place: str) -> list[str]:
    """Return the URLs that are registered at vhost, domain, app and type."""
    vhost, domain, app, message_type = place
    known = server.account.registered[vhost, domain, app, message_type]
    return [detail["URL"] for detail in known["CallbackDetailList"]]


def _writes(server: LiveApiServer) -> int:
    """Return how often something was to be changed."""
    return sum(asked.action != "DescribeCallback" for asked in server.asked)


async def test_what_is_named_is_registered_once(server: LiveApiServer, tmp_path: Path) -> None:
    """First shown, then done with --apply; the second time there is nothing to do."""
    commands = Commands(tmp_path, server, BY_DOMAIN, BY_VHOST)

    shown = await commands("update-callback")
    assert shown.splitlines()[:3] == [
        f"+ domain {DOMAIN}  push_end",
        f"+     {BASE}/********",
        "+     signed with the newest secret of live",
    ]
    assert "3 to add\nnothing was done; --apply does it, and it takes effect after 3 to 5" in shown
    assert _writes(server) == 0

    done = await commands("update-callback", "--apply")
    assert done.count("\ndone    ") == 3
    assert done.endswith("3 to add\ntakes effect after 3 to 5 minutes\n")
    stored = server.account.registered["", DOMAIN, "", "record"]
    assert stored["AuthEnable"] is True
    assert stored["AuthKeyPrimary"] == KEY
    assert _urls(server, "", DOMAIN, "", "record") == [OURS]
    assert server.account.registered[VHOST, "", "", "push"]["TranscodeCallback"] == 1

    assert await commands("update-callback", "--apply") == (
        f"= domain {DOMAIN}  push_end\n= domain {DOMAIN}  record\n= vhost {VHOST}  push\n"
        "3 with nothing to do\n"
    )
    assert _writes(server) == 3


async def test_what_is_not_ours_stays(server: LiveApiServer, tmp_path: Path) -> None:
    """Other URLs, and what nobody asked to change, are sent again; --replace removes the URLs."""
    callback = {**BY_VHOST, "transcode": None}
    commands = Commands(tmp_path, server, callback)
    place = (VHOST, "", "", "push")
    older = f"{BASE}/{OLDER_TOKEN}"
    given = {"TranscodeCallback": 1, "AuthEnable": True, "AuthKeyPrimary": OLDER_KEY}
    _put(server, place, urls=[older, OTHERS], **given)

    shown = await commands("update-callback", "--apply")
    assert shown.splitlines()[:8] == [
        f"~ vhost {VHOST}  push",
        f"-     with another token: {BASE}/********",
        "      not ours: https://***@other.example.com/hook?***",
        "-     signed with an older secret of live",
        "      transcoded streams too",
        f"+     {BASE}/********",
        "+     signed with the newest secret of live",
        "!     the key is one for the whole list: those others must know it too",
    ]
    assert _urls(server, *place) == [OTHERS, OURS]
    stored = server.account.registered[place]
    assert (stored["TranscodeCallback"], stored["AuthKeyPrimary"]) == (1, KEY)

    assert "1 with nothing to do" in await commands("update-callback", "--apply")
    await commands("update-callback", "--apply", "--replace")
    assert _urls(server, *place) == [OURS]


async def test_an_unsigned_source_leaves_the_key_alone(
    server: LiveApiServer, tmp_path: Path
) -> None:
    """Whoever else is in the list still checks what is signed."""
    source = {"vendor": "volcengine-live", "unsigned": True, "tokens": LIVE["tokens"]}
    commands = Commands(tmp_path, server, BY_VHOST, sources={"live": source})
    place = (VHOST, "", "", "push")
    _put(server, place, urls=[OTHERS], AuthEnable=True, AuthKeyPrimary="anotherOnesKey123")

    shown = await commands("update-callback", "--apply")

    assert "anotherOnesKey123" not in shown
    stored = server.account.registered[place]
    assert (stored["AuthEnable"], stored["AuthKeyPrimary"]) == (True, "anotherOnesKey123")
    assert _urls(server, *place) == [OTHERS, OURS]


async def test_one_failure_stops_no_other(server: LiveApiServer, tmp_path: Path) -> None:
    """Each outcome is told, and the exit code is 1; what was left is done the next time."""
    commands = Commands(tmp_path, server, BY_DOMAIN)
    server.then(None, Code("InvalidParam.Format", message="URL format error"))

    done = await commands.process("volcengine-live", "update-callback", "--apply")

    assert done.returncode == 1
    told = done.stderr.splitlines()
    failure = f"failed  domain {DOMAIN}  push_end: InvalidParam.Format: URL format error"
    assert told[-2].startswith(failure)
    assert told[-1] == "not done: 1; run it again: only what is left is done"
    assert f"done    domain {DOMAIN}  record" in done.stdout
    assert "1 to add, 1 with nothing to do" in await commands("update-callback", "--apply")


async def test_a_place_that_is_not_ours_is_named(server: LiveApiServer, tmp_path: Path) -> None:
    """Of several places, the one that the vendor refuses: exit 1. The others are shown, and done."""
    commands = Commands(tmp_path, server, {**BY_VHOST, "vhost": "nobodys.example.com"}, BY_DOMAIN)

    looked = await commands.process("volcengine-live", "update-callback")
    writes = _writes(server)
    done = await commands.process("volcengine-live", "update-callback", "--apply")
    described = await commands.process("volcengine-live", "describe-callback")
    removed = await commands.process("volcengine-live", "delete-callback", "--apply")

    begin = "error   vhost nobodys.example.com: ResourceNotFound.VhostNotExist: vhost not"
    for ended in (looked, done, described, removed):
        assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
        assert ended.stderr.startswith(begin)
        assert f"domain {DOMAIN}" in ended.stdout
        assert "nobodys" not in ended.stdout
    assert (writes, _writes(server)) == (0, 4)
    assert "2 to add\n" in looked.stdout


async def test_where_no_place_is_known_nothing_is_shown(
    server: LiveApiServer, tmp_path: Path
) -> None:
    """Only the error is told; a refusal of the whole account is one error, not one per place."""
    commands = Commands(tmp_path, server, {**BY_VHOST, "vhost": "nobodys.example.com"}, BY_DOMAIN)
    server.then(Code("AccessDenied"))

    denied = await commands.process("volcengine-live", "update-callback")
    only = Commands(tmp_path, server, {**BY_VHOST, "vhost": "nobodys.example.com"})
    unknown = await only.process("volcengine-live", "update-callback", "--apply")

    assert (denied.returncode, denied.stdout) == (1, "")
    assert denied.stderr.startswith("callback-router: vhost nobodys.example.com: AccessDenied")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr.startswith("error   vhost nobodys.example.com: ResourceNotFound")


async def test_ctrl_c_ends_it_between_two_steps(server: LiveApiServer, tmp_path: Path) -> None:
    """What is under way is done and told, so nobody has to guess; no other step begins."""
    configuration = load(
        Commands(tmp_path, server, BY_DOMAIN).config, ENVIRONMENT, with_live_keys=True
    )
    wanted, stop = wanted_of(configuration), asyncio.Event()
    told: list[str | LiveApiError] = []

    def tell(_: Step, outcome: str | LiveApiError) -> None:
        told.append(outcome)
        stop.set()

    async with client_of(configuration) as client:
        found, _ = await found_at(client, wanted)
        steps = update_plan(wanted, found)
        assert await apply(client, steps, tell, stop) == 1

    assert [type(outcome) for outcome in told] == [str]
    assert server.account.registered.keys() == {("", DOMAIN, "", "push_end")}


async def test_describe_tells_what_is_there(server: LiveApiServer, tmp_path: Path) -> None:
    """Also what nobody named, what is missing, and a key that is no secret of ours."""
    commands = Commands(tmp_path, server, BY_DOMAIN)
    _put(server, ("", DOMAIN, "", "record"), urls=[OURS], AuthEnable=True, AuthKeyPrimary="unknown")
    _put(server, ("", DOMAIN, "", "snapshot"), urls=[OTHERS])

    assert await commands.described() == [
        {
            "place": f"domain {DOMAIN}",
            "message_type": "record",
            "urls": [f"{BASE}/********"],
            "key": "unknown",
            "key_source": "",
            "transcode": False,
            "since": "2026-01-01T00:00:00Z",
            "is_named": True,
        },
        {
            "place": f"domain {DOMAIN}",
            "message_type": "snapshot",
            "urls": ["https://***@other.example.com/hook?***"],
            "key": "off",
            "key_source": "",
            "transcode": False,
            "since": "2026-01-01T00:00:00Z",
            "is_named": False,
        },
        {
            "place": f"domain {DOMAIN}",
            "message_type": "push_end",
            "urls": [],
            "key": "off",
            "key_source": "",
            "transcode": False,
            "since": "",
            "is_named": True,
        },
    ]
    table = (await commands("describe-callback")).splitlines()
    assert [line.split() for line in table[:2]] == [
        ["place", "type", "key", "transcoded", "since", "URL"],
        ["domain", DOMAIN, "record", "unknown", "no", "2026-01-01T00:00:00Z", f"{BASE}/********"],
    ]
    assert table[3].endswith("not registered")


async def test_only_what_is_named_is_deleted(server: LiveApiServer, tmp_path: Path) -> None:
    """Ours leaves a list that others are in; what else a deletion would take holds it back."""
    commands = Commands(tmp_path, server, BY_DOMAIN, BY_VHOST)
    shared, alone = ("", DOMAIN, "", "record"), ("", DOMAIN, "", "push_end")
    vhost, sibling = (VHOST, "", "", "push"), (VHOST, "", "show", "push")
    given = {"AuthEnable": True, "AuthKeyPrimary": KEY}
    _put(server, shared, urls=[OTHERS, OURS], **given)
    for place in (alone, vhost):
        _put(server, place, urls=[OURS], **given)
    for place in (sibling, ("", DOMAIN, "", "snapshot")):
        _put(server, place, urls=[OTHERS])

    shown = await commands("delete-callback")
    assert _writes(server) == 0
    assert f"- domain {DOMAIN}  push_end" in shown
    assert f"! vhost {VHOST}  push" in shown
    assert f"!     vhost {VHOST}/show would be removed with it: --replace does so" in shown
    assert "1 to change, 1 to remove, 1 held back" in shown

    await commands("delete-callback", "--apply", code=1)
    left = {vhost, sibling, shared, ("", DOMAIN, "", "snapshot")}
    assert server.account.registered.keys() == left
    assert _urls(server, *shared) == [OTHERS]
    assert server.account.registered[shared]["AuthKeyPrimary"] == KEY

    await commands("delete-callback", "--apply", "--replace")
    assert server.account.registered.keys() == {shared, ("", DOMAIN, "", "snapshot")}
    assert await commands("delete-callback", "--apply") == (
        f"= domain {DOMAIN}  push_end\n= domain {DOMAIN}  record\n= vhost {VHOST}  push\n"
        "3 with nothing to do\n"
    )
