"""Hints: the usual mistakes are named, and no secret ever is."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ingress.hints import hints
from router.ingress.sources import Source, Sources
from router.vendors import vendors
from router.vendors.decode import decode
from router.vendors.refusal import Refused
from router.vendors.spec import without_proof
from router.vendors.verify import Secrets, verify
from tests.sender import KEY, LIMITS, rtc

NOW_MS = 1_795_248_000_123


def _source(name: str, secrets: Secrets, vendor: str = "volcengine-rtc") -> Source:
    return Source(name=name, vendor=vendors()[vendor], secrets=secrets)


def _hints(body: bytes, source: Source, *others: Source) -> tuple[str, ...]:
    """Return the hints for a body that *source* refuses, as it really does."""
    message = decode(source.vendor, body)
    refused = message if isinstance(message, Refused) else None
    if refused is None:
        assert not isinstance(message, Refused)
        outcome = verify(source.vendor, message, source.secrets, NOW_MS)
        assert isinstance(outcome, Refused)
        refused = outcome
    return hints(refused, body, source, Sources([source, *others], LIMITS))


def _zego(secret: str) -> bytes:
    text = "".join(sorted((secret, "1795248000", "n1"))).encode()
    digest = hashlib.sha1(text, usedforsecurity=False).hexdigest()
    members = {"AppID": 7, "EventType": 1, "Timestamp": "1795248000", "Nonce": "n1"}
    return json.dumps({**members, "Signature": digest}).encode()


def _live(signed: str, **data: object) -> bytes:
    digest = hashlib.md5(signed.encode(), usedforsecurity=False).hexdigest()
    return json.dumps({"data": {"t": 1795248000, "sign": digest, **data}}).encode()


def test_a_wrong_secret_alone_has_no_hint() -> None:
    """Nothing is guessed where nothing fits."""
    assert _hints(rtc(), _source("rtc", {None: (b"wrong",)})) == ()


def test_whose_secret_it_was_is_told() -> None:
    """Every other source that would have proven the body is named, of whatever vendor."""
    body = _zego("zego-secret")
    source = _source("rtc", {None: (b"wrong",)})
    right = _source("zego", {None: (b"zego-secret",)}, "zego-cloud-player")
    wrong = _source("player", {None: (b"else",)}, "zego-cloud-player")

    told = _hints(body, source, right, wrong)

    assert told[-1] == "another source's secret proves it: zego"
    assert not any("player" in hint for hint in told)


def test_a_source_without_a_proof_proves_nothing() -> None:
    """A token of the path would take any body: that is no hint."""
    unsigned = Source(
        name="open",
        vendor=without_proof(vendors()["volcengine-live"]),
        secrets={None: (b"unused",)},
        tokens=(b"token",),
    )
    studio = Source(name="studio", vendor=vendors()["alibaba-caster"], secrets={})

    assert _hints(rtc(), _source("rtc", {None: (b"wrong",)}), unsigned, studio) == ()


@pytest.mark.parametrize("secret", [b" 1234", b"1234\n", b"\t1234\r\n", b"\n1234"])
def test_white_space_around_a_secret_is_told(secret: bytes) -> None:
    """The secret would prove the body without it; what the secret is, nobody says."""
    (hint,) = _hints(rtc(), _source("rtc", {None: (secret,)}))

    assert hint == "the secret would prove it without the white space at its ends"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_end_at_the_vendor_is_told(end: str) -> None:
    """The vendor was given the secret with a line end behind it."""
    values = json.loads(rtc())
    signed = [values[name] for name in values if name != "Signature"]
    digest = hashlib.sha256("".join(sorted((*signed, f"{KEY}{end}"))).encode()).hexdigest()
    body = json.dumps({**values, "Signature": digest}).encode()

    (hint,) = _hints(body, _source("rtc", {None: (KEY.encode(),)}))

    assert "with a line end behind it" in hint


def test_the_secret_of_another_application_is_told() -> None:
    """The body's application has no secret, or another one; the right one stands elsewhere."""
    own: Secrets = {"appId": (b"wrong",), "65f1c0": (b"1234",)}
    unknown: Secrets = {"a": (b"wrong",), "b": (b"1234",)}
    without: Secrets = {"appId": (b"wrong",), None: (b"1234",)}

    told = "sources.rtc.secrets: the one with `app: {}` proves it, but the body names another "
    told += "application, or none: correct this `app:`"
    none = "no secret is configured for this AppId"
    assert _hints(rtc(), _source("rtc", own)) == (told.format("65f1c0"),)
    assert _hints(rtc(), _source("rtc", unknown)) == (none, told.format("b"))
    assert _hints(rtc(), _source("rtc", {"c": (b"1234",)})) == (none, told.format("c"))
    assert _hints(rtc(), _source("rtc", without)) == (
        (
            "sources.rtc.secrets: the one without `app:` proves it, but its application has "
            "others, which are tried instead: give this one the same `app:`"
        ),
    )


def test_the_refusals_own_hint_comes_first() -> None:
    """Live's digest in the other order, and a digest that is switched off."""
    live = _source("live", {None: (b"live-key",)}, "volcengine-live")

    (swapped,) = _hints(_live("1795248000live-key"), live)
    (unsigned,) = _hints(_live("", sign=""), live)

    assert "the vendor documents the key before it" in swapped
    assert "switch authentication on" in unsigned
    assert "`unsigned: true` and `tokens`" in unsigned


def test_a_refusal_that_no_secret_would_mend_has_only_its_own() -> None:
    """A body that is proven but too old is not tried with other secrets."""
    source, other = _source("rtc", {None: (b"1234",)}), _source("other", {None: (b"1234",)})
    sources = Sources([source, other], LIMITS)

    assert hints(Refused("stale", "sent long ago"), rtc(), source, sources) == ("sent long ago",)
    assert hints(Refused("too-large"), rtc(), source, sources) == ()
    assert hints(Refused("empty-body"), b"", source, sources) == ()


@given(st.binary(max_size=200) | st.text(max_size=50).map(lambda text: json.dumps(text).encode()))
def test_any_body_gets_an_answer_without_secrets(body: bytes) -> None:
    """Whatever was sent, hints are words of ours: no secret is in them."""
    names = ("volcengine-rtc", "volcengine-live", "zego-cloud-player")
    secrets: Secrets = {None: (b"Zq7-secret", b" Zq7-spaced ")}
    all_of_them = [_source(name, secrets, name) for name in names]

    for source in all_of_them:
        for reason in (Refused("proof-wrong"), Refused("not-json")):
            told = hints(reason, body, source, Sources(all_of_them, LIMITS))
            assert not any("Zq7" in hint for hint in told)
