"""RTC's signature: what proves a callback and what does not."""

import pytest

from tests.e2e.callbacks import (
    APP_SECRET,
    NEW_SECRET,
    OLD_SECRET,
    RTC,
    RTC_SECRET,
    WRONG_SIGNATURE,
    encoded,
    forged,
    room_created,
    rtc,
    signature,
    signed,
)
from tests.e2e.conftest import Published
from tests.e2e.serving import Server
from tests.e2e.wire import ask, post

pytestmark = pytest.mark.kafka

_MEMBERS = room_created("proof")
_NO_NONCE = {name: value for name, value in _MEMBERS.items() if name != "Nonce"}
_FORGED = room_created("forged")
_RIGHT = signature(_FORGED)
_VECTOR = {
    **room_created("123456"),
    "Signature": "1c7200723842eff514b65fc3f065597432bbb4249e10d33db79b3853d05f3691",
}


def _both_nonces(proving: str) -> bytes:
    members = {**_MEMBERS, "Nonce": "aaBc", "Noce": "9091"}
    return encoded({**members, "Signature": signature(members, proving)})


def _object_as_data(raw: str) -> bytes:
    """Return a body whose EventData is an object with exactly this text."""
    right = signature({**_MEMBERS, "EventData": raw})
    rest = {name: value for name, value in _MEMBERS.items() if name != "EventData"}
    return encoded({**rest, "Signature": right})[:-1] + f',"EventData":{raw}}}'.encode()


PROVEN = {
    "lower-case": encoded({**_MEMBERS, "Signature": signature(_MEMBERS)}),
    "upper-case": encoded({**_MEMBERS, "Signature": signature(_MEMBERS).upper()}),
    "mixed-case": encoded({**_MEMBERS, "Signature": signature(_MEMBERS).title()}),
    "noce": encoded(
        {
            **_NO_NONCE,
            "Noce": "9091",
            "Signature": signature({**_NO_NONCE, "Noce": "9091"}, "Noce"),
        }
    ),
    "both-nonce-proves": _both_nonces("Nonce"),
    "both-noce-proves": _both_nonces("Noce"),
    "data-as-object": _object_as_data('{ "RoomId" : "room1",\n "Timestamp":1679383924691 }'),
    "data-with-spaces": signed({**_MEMBERS, "EventData": ' { "RoomId" : "room1" } '}),
    "data-not-ascii": signed({**_MEMBERS, "EventData": '{"RoomId":"房间","Name":"é"}'}),
    "empty-data": signed({**_MEMBERS, "EventData": ""}),
    "replayed": encoded({**_MEMBERS, "Signature": signature(_MEMBERS)}),
}

WRONG = {
    "zeros": WRONG_SIGNATURE,
    "one-digit": ("1" if _RIGHT[0] == "0" else "0") + _RIGHT[1:],
    "cut": _RIGHT[:-1],
    "longer": f"{_RIGHT}0",
    "spaces-around": f" {_RIGHT} ",
    "space-inside": f"{_RIGHT[:32]} {_RIGHT[32:]}",
    "newline": f"{_RIGHT}\n",
    "prefixed": f"sha256={_RIGHT}",
    "not-hexadecimal": "g" * 64,
    "not-ascii": "é" * 64,
    "full-width-digits": "\uff10" * 64,
    "nul": "\0" * 64,
    "empty": "",
    "long": "0" * 900_000,
    "number": 0,
    "null": None,
    "boolean": True,
    "array": [_RIGHT],
    "object": {"Signature": _RIGHT},
    "other-secret": signature(_FORGED, secret=OLD_SECRET),
    "empty-secret": signature(_FORGED, secret=""),
    "of-another-event": signature(room_created("another")),
}


@pytest.mark.parametrize("name", PROVEN)
def test_a_right_signature_proves(server: Server, name: str) -> None:
    """In either case, over either name of the nonce, over EventData exactly as it was sent."""
    assert ask(server.port, post(RTC, PROVEN[name])).status == 200


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_signature_is_refused(server: Server, address: str, name: str) -> None:
    """Whatever stands in its place, what is not the signature proves nothing."""
    answer = ask(server.port, post(RTC, encoded({**_FORGED, "Signature": WRONG[name]})), address)

    assert answer.status == 401
    assert answer.reason in {"proof-wrong", "proof-missing"}


@pytest.mark.parametrize("missing", _MEMBERS)
def test_a_signed_member_that_is_missing_is_refused(
    server: Server, address: str, missing: str
) -> None:
    """All seven values are needed; one that is missing is not taken as empty."""
    rest = {name: value for name, value in _FORGED.items() if name != missing}
    proof = signature({**_FORGED, missing: ""})

    answer = ask(server.port, post(RTC, encoded({**rest, "Signature": proof})), address)

    assert answer.status == 401


@pytest.mark.parametrize("changed", _MEMBERS)
def test_a_changed_member_is_refused(server: Server, address: str, changed: str) -> None:
    """Every one of the seven values is bound by the signature."""
    members = {**_FORGED, changed: f"{_FORGED[changed]}0", "Signature": _RIGHT}

    answer = ask(server.port, post(RTC, encoded(members)), address)

    assert (answer.status, answer.reason) == (401, "proof-wrong")


@pytest.mark.parametrize("changed", ["EventTime", "EventId", "AppId", "Version", "Nonce"])
@pytest.mark.parametrize("value", [None, 1, [], {}, True], ids=repr)
def test_a_member_of_another_type_is_refused(
    server: Server, address: str, changed: str, value: object
) -> None:
    """What was signed is text: anything else in its place cannot be what the vendor sent."""
    members = {**_FORGED, changed: value, "Signature": _RIGHT}

    assert ask(server.port, post(RTC, encoded(members)), address).status == 401


def test_nothing_forged_is_published(server: Server, published: Published, address: str) -> None:
    """A refused callback leaves no event, in no topic."""
    for number, wrong in enumerate(WRONG.values()):
        body = encoded({**_FORGED, "Signature": wrong})
        ask(server.port, post(RTC, body), f"{address.rsplit('.', 1)[0]}.{251 + number % 4}")
    ask(server.port, post(RTC, rtc("proven")))

    events = published()

    assert "appId/proven" in events
    assert "appId/forged" not in events


@pytest.mark.parametrize("secret", [NEW_SECRET, OLD_SECRET])
def test_every_secret_of_a_source_proves(server: Server, secret: str) -> None:
    """During a rotation both the new and the old secret are good."""
    proof = signature(_MEMBERS, secret=secret)

    answer = ask(server.port, post("/callbacks/rotated", encoded({**_MEMBERS, "Signature": proof})))

    assert answer.status == 200


def test_the_secret_of_another_source_does_not_prove(server: Server, address: str) -> None:
    """The path chooses the secrets; those of other sources are not tried."""
    answer = ask(server.port, post("/callbacks/rotated", rtc("forged")), address)

    assert (answer.status, answer.reason) == (401, "proof-wrong")


@pytest.mark.parametrize(
    ("app", "secret", "status", "reason"),
    [
        pytest.param("65f1c0", APP_SECRET, 200, None, id="its-own"),
        pytest.param("65f1c0", RTC_SECRET, 401, "proof-wrong", id="of-another-app"),
        pytest.param("other", APP_SECRET, 401, "unknown-app", id="unknown-app"),
        pytest.param("", APP_SECRET, 401, None, id="empty-app"),
    ],
)
def test_an_app_is_checked_against_its_own_secrets(
    server: Server, address: str, app: str, secret: str, status: int, reason: str | None
) -> None:
    """A secret that names an AppId proves callbacks of that one only."""
    members = room_created("app", AppId=app)
    body = encoded({**members, "Signature": signature(members, secret=secret)})

    answer = ask(server.port, post("/callbacks/apps", body), address)

    assert answer.status == status
    assert reason is None or answer.reason == reason


def test_an_example_signed_with_another_secret_is_refused(server: Server, address: str) -> None:
    """The signature printed in the vendor's document proves nothing here."""
    assert signature(room_created("123456"), secret="1234") == _VECTOR["Signature"]
    assert ask(server.port, post(RTC, encoded(_VECTOR)), address).status == 401


def test_a_forgery_and_a_proof_differ_in_the_answer_only(
    server: Server, published: Published, address: str
) -> None:
    """The same event, forged and then sent by the vendor, is accepted: no forgery blocks it."""
    refused = ask(server.port, post(RTC, forged("contested")), address)
    accepted = ask(server.port, post(RTC, rtc("contested")), address)

    assert (refused.status, accepted.status) == (401, 200)
    assert "appId/contested" in published()
