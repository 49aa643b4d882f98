"""Every vendor's samples become exactly the events beside them, and nothing else proves them.

What a sample is, `tests/samples.py` tells. What becomes of cut, renamed and enlarged bodies is in
`test_changed_samples.py`.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from router.ingress.receive import Accepted
from router.vendors import vendors
from router.vendors.refusal import Refused
from tests.replay import TRACE, ask, assert_becomes, doubted, event_of
from tests.samples import (
    PROOFS,
    RTC,
    SAMPLES,
    SIGNED,
    STAMPED,
    WINDOWS,
    Proof,
    Sample,
    changed_character,
    digest,
    each,
    members_of,
    without_proof,
)
from tests.sender import SIGNED as SIGNED_BY_RTC

DIGESTED = {name: sample for name, sample in STAMPED.items() if sample.vendor in WINDOWS}
TIMED = {n: s for n, s in DIGESTED.items() if s.proof and s.proof.sent_secs and not s.is_stale}
PROVING = {
    f"{name}-{field}": (sample, getattr(sample.proof, field))
    for name, sample in STAMPED.items()
    for field in Proof.__struct_fields__
    if getattr(sample.proof, field)
}
EDGES = pytest.mark.parametrize("edge", [0, 1], ids=["early", "late"])


def _envelope(body: str) -> dict[str, Any]:
    envelope: dict[str, Any] = json.loads(body.removeprefix("\ufeff"))
    return envelope


def _with_data(body: str, change: Callable[[str], str]) -> str:
    """Return the body with the JSON of EventData changed, as text or object like before."""
    begin = body.index('"EventData":') + len('"EventData":')
    begin += len(body[begin:]) - len(body[begin:].lstrip())
    _, length = json.JSONDecoder().raw_decode(body[begin:])
    sent = body[begin : begin + length]
    new = change(sent) if sent[0] in "{[" else json.dumps(change(json.loads(sent)))
    return body[:begin] + new + body[begin + length :]


def _is_object(text: object) -> bool:
    try:
        return isinstance(json.loads(text) if isinstance(text, str) else text, dict)
    except ValueError:
        return False


def _app_of(sample: Sample) -> str | None:
    """Return the application that the body names, if it names one."""
    members = members_of(sample.body)
    app = members.get("AppID", members.get("AppId"))
    return str(app) if type(app) in (int, str) else None


APPS = {name: sample for name, sample in SIGNED.items() if _app_of(sample)}


def _edge_ms(sample: Sample, edge: int) -> int:
    assert sample.proof is not None
    assert sample.proof.sent_secs is not None
    return (sample.proof.sent_secs + WINDOWS[sample.vendor][edge]) * 1000


@each(SAMPLES)
def test_a_sample_becomes_its_event(sample: Sample) -> None:
    """Topic, key and event are those of the sample; the event counts once, in one record."""
    assert_becomes(sample, ask(sample))


@each(SAMPLES)
def test_a_record_says_what_it_holds(sample: Sample) -> None:
    """The headers are the contract's five, with the event's own values."""
    outcome = ask(sample)

    got = event_of(outcome)
    assert isinstance(outcome, Accepted)
    assert sorted(outcome.records[0].headers) == [
        ("content-type", b"application/cloudevents+json; charset=UTF-8"),
        ("event_id", got["id"].encode()),
        ("event_source", got["source"].encode()),
        ("event_type", got["type"].encode()),
        ("traceparent", TRACE.encode()),
    ]


@each({name: sample for name, sample in SAMPLES.items() if not sample.is_recognized})
def test_what_is_unrecognized_says_why_in_words(sample: Sample) -> None:
    """Beside the reason there are words of ours, and no part of the proof."""
    data = event_of(ask(sample))["data"]

    assert isinstance(data["detail"], str)
    assert data["detail"]
    if sample.vendor in PROOFS:
        assert data["body"] == without_proof(sample, data["body"])


@each(DIGESTED)
def test_a_proof_is_what_the_vendor_tells_to_compute(sample: Sample) -> None:
    """The digest of the sample comes out of the tests' own lines, and each text is there once."""
    proof = sample.proof
    assert proof is not None
    texts = [proof.time, proof.signature, *([proof.nonce] if proof.nonce else [])]

    assert proof.signature.lower() == digest(sample, proof.time, proof.nonce)
    assert [sample.body.count(text) for text in texts] == [1] * len(texts)


@pytest.mark.parametrize("member", [*SIGNED_BY_RTC[:6], "Nonce and Noce"])
@each(RTC)
def test_a_changed_character_is_refused(sample: Sample, member: str) -> None:
    """No signed value can change by one character."""
    envelope = _envelope(sample.body)
    names = [name for name in member.split(" and ") if name in envelope]
    body = sample.body
    if isinstance(envelope[names[0]], dict):
        body = _with_data(body, lambda text: f"{{ {text[1:]}")
    else:
        body = json.dumps({**envelope, **{name: f"{envelope[name][:-1]}~" for name in names}})

    assert ask(sample, body) == Refused("proof-wrong")


@pytest.mark.parametrize(("sample", "text"), PROVING.values(), ids=PROVING)
def test_a_changed_proof_is_refused(sample: Sample, text: str) -> None:
    """Neither the sending time nor the nonce nor the digest can change by one character."""
    body = sample.body.replace(text, changed_character(text))

    assert body != sample.body
    assert ask(sample, body) == Refused("proof-wrong")


@each(RTC)
def test_a_changed_signature_is_refused(sample: Sample) -> None:
    """Nor can the digest of an envelope."""
    sent = _envelope(sample.body)["Signature"]
    body = sample.body.replace(sent, changed_character(sent))

    assert ask(sample, body) == Refused("proof-wrong")


@each({name: s for name, s in RTC.items() if _is_object(_envelope(s.body)["EventData"])})
def test_event_data_that_was_written_again_is_refused(sample: Sample) -> None:
    """The text of EventData is signed, not its meaning: other spaces are another text."""
    body = _with_data(sample.body, lambda text: json.dumps(json.loads(text), indent=3))

    assert ask(sample, body) == Refused("proof-wrong")


@each({n: s for n, s in RTC.items() if isinstance(_envelope(s.body)["EventData"], str)})
def test_the_envelope_may_be_written_in_any_way(sample: Sample) -> None:
    """Order, spaces and escapes outside of what was signed do not matter."""
    body = json.dumps(dict(reversed(_envelope(sample.body).items())), indent=1)

    assert_becomes(sample, ask(sample, body))


@each(SIGNED)
def test_another_secret_proves_nothing(sample: Sample) -> None:
    """A wrong secret is a wrong proof; beside the right one it does no harm."""
    right, wrong = sample.secret.encode(), f"{sample.secret}~".encode()

    assert ask(sample, secrets={None: (wrong,)}) == Refused("proof-wrong")
    assert_becomes(sample, ask(sample, secrets={None: (wrong, right)}))


@each(APPS)
def test_an_application_has_its_own_secrets(sample: Sample) -> None:
    """Where it has some, these alone count; another one's never do."""
    app, right = _app_of(sample), (sample.secret.encode(),)
    others = ask(sample, secrets={f"{app}~": right})

    assert ask(sample, secrets={None: right, app: (b"~",)}) == Refused("proof-wrong")
    assert isinstance(others, Refused)
    assert others.reason == "unknown-app"
    assert_becomes(sample, ask(sample, secrets={None: (b"~",), app: right}))


@EDGES
@each(TIMED)
def test_the_edge_of_the_window_is_inside(sample: Sample, edge: int) -> None:
    """At the last moment it is the same event as ever."""
    now_ms = _edge_ms(sample, edge)

    assert_becomes(sample, ask(sample, now_ms=now_ms), now_ms)
    assert_becomes(sample, ask(sample, now_ms=now_ms, is_stale_refused=True), now_ms)


@EDGES
@each(TIMED)
def test_beyond_the_edge_it_is_stale(sample: Sample, edge: int) -> None:
    """A millisecond further it is kept as it came, or refused where the source says so."""
    now_ms = _edge_ms(sample, edge) + (-1, 1)[edge]
    kept = doubted(sample, sample.body, "stale")
    refused = ask(sample, now_ms=now_ms, is_stale_refused=True)

    assert_becomes(kept, ask(sample, now_ms=now_ms), now_ms)
    assert isinstance(refused, Refused)
    assert refused.reason == "stale"


@each({name: sample for name, sample in STAMPED.items() if sample.is_stale})
def test_a_stale_sample_may_be_refused(sample: Sample) -> None:
    """Where the source says so; what proves nothing is no staler than wrong."""
    refused = ask(sample, is_stale_refused=True)
    wrong = ask(sample, secrets={None: (b"~",)}, is_stale_refused=True)

    assert isinstance(refused, Refused)
    assert refused.reason == "stale"
    assert wrong == Refused("proof-wrong")


@each({name: sample for name, sample in SAMPLES.items() if sample.proof is None})
def test_without_a_window_any_time_will_do(sample: Sample) -> None:
    """A callback may be as old as it likes where its proof tells of no time."""
    for now_ms in (0, sample.now_ms * 3):
        assert_becomes(sample, ask(sample, now_ms=now_ms, is_stale_refused=True), now_ms)


def test_every_type_has_a_sample() -> None:
    """Each vendor shows each of its types, and what it does not recognise."""
    types = {
        f"{vendor.name}.{name}"
        for vendor in vendors().values()
        for name in [*vendor.types, "Unrecognized"]
    }

    assert types == {sample.event["type"] for sample in SAMPLES.values()}
