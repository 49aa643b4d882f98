"""Every vendor's samples, made independently of the code, become exactly the events beside them.

A sample: origin, secret (of the RTC), body, and what must come of it: topic, key and event. The
event lacks what a delivery adds: `recordedtime`, `traceparent`, a `time` that is the receipt's and
the `id` of what nothing names. The words of `detail` are free.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from router.ingress.receive import Accepted, Request, decide
from router.ingress.sources import Head, Source, Sources
from router.routing import RouteTable
from router.vendors import vendors
from router.vendors.refusal import Refused
from router.vendors.verify import Secrets
from tests.sender import LIMITS, NOW, NOW_TEXT, PATHS, SIGNED, TOKEN, signature

FOLDER = Path(__file__).parents[2] / "router" / "vendors"
SAMPLES: dict[str, dict[str, Any]] = {
    f"{path.parts[-3]}-{path.stem}": json.loads(path.read_bytes())
    for path in sorted(FOLDER.glob("*/samples/*.json"))
}
RTC = {name: sample for name, sample in SAMPLES.items() if "secret" in sample}
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
NEW = '"ZzNewField":{"InnerKey":[1,null]}'


def _each(samples: dict[str, dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("sample", samples.values(), ids=samples)


def _ask(sample: dict[str, Any], body: str) -> Accepted | Refused:
    secrets: Secrets = {None: (sample.get("secret", "").encode(),)}
    token = (TOKEN.encode(),)
    known = vendors()
    sources = Sources(
        [
            Source(name="rtc", vendor=known["volcengine-rtc"], secrets=secrets),
            Source(name="studio", vendor=known["alibaba-caster"], secrets={}, tokens=token),
        ],
        LIMITS,
    )
    target = PATHS["rtc" if "secret" in sample else "studio"]
    head = Head(method="POST", target=target, address="192.0.2.1")
    request = Request(head=head, body=body.encode(), traceparent=TRACE)
    return decide(request, sources, RouteTable(), NOW)


def _event(outcome: Accepted | Refused) -> dict[str, Any]:
    assert isinstance(outcome, Accepted), outcome
    event: dict[str, Any] = json.loads(outcome.records[0].value)
    return event


def _expected(sample: dict[str, Any], got: dict[str, Any]) -> dict[str, Any]:
    """Return the sample's event with what a delivery adds, and the free words of *got*."""
    event = {**sample["event"], "recordedtime": NOW_TEXT, "traceparent": TRACE}
    if event["timebasis"] == "received":
        event["time"] = NOW_TEXT
    if event["idbasis"] == "none":
        event["id"] = NOW.unique
    if event["type"].endswith(".Unrecognized"):
        event["data"] = {**event["data"], "detail": got["data"].get("detail")}
    return event


def _envelope(body: str) -> dict[str, Any]:
    envelope: dict[str, Any] = json.loads(body.removeprefix("\ufeff"))
    return envelope


def _data_place(body: str) -> tuple[int, int]:
    """Return where the text of EventData begins and ends in the body."""
    begin = body.index('"EventData":') + len('"EventData":')
    begin += len(body[begin:]) - len(body[begin:].lstrip())
    _, length = json.JSONDecoder().raw_decode(body[begin:])
    return begin, begin + length


def _with_data(body: str, change: Callable[[str], str]) -> str:
    """Return the body with the JSON of EventData changed, as text or object like before."""
    begin, end = _data_place(body)
    sent = body[begin:end]
    new = change(sent) if sent[0] in "{[" else json.dumps(change(json.loads(sent)))
    return body[:begin] + new + body[end:]


def _is_object(text: object) -> bool:
    try:
        return isinstance(json.loads(text) if isinstance(text, str) else text, dict)
    except ValueError:
        return False


def _signed_again(sample: dict[str, Any], body: str) -> str:
    envelope = _envelope(body)
    begin, end = _data_place(body)
    text = body[begin:end] if isinstance(envelope["EventData"], dict) else envelope["EventData"]
    proof = signature({**envelope, "EventData": text}, sample["secret"])
    return body.replace(envelope["Signature"], proof)


def _text(event: dict[str, Any]) -> str:
    """Return the event as text: to Python 1, 1.0 and true are equal."""
    return json.dumps(event, sort_keys=True)


def _is_recognized(sample: dict[str, Any]) -> bool:
    return not sample["event"]["type"].endswith(".Unrecognized")


@_each(SAMPLES)
def test_a_sample_becomes_its_event(sample: dict[str, Any]) -> None:
    """Topic, key and event are those of the sample; the event counts once, in one record."""
    outcome = _ask(sample, sample["body"])

    got = _event(outcome)
    assert isinstance(outcome, Accepted)
    assert _text(got) == _text(_expected(sample, got))
    assert [(record.topic, record.key.decode()) for record in outcome.records] == [
        (sample["topic"], sample["key"])
    ]


@_each(SAMPLES)
def test_a_record_says_what_it_holds(sample: dict[str, Any]) -> None:
    """The headers are the contract's five, with the event's own values."""
    outcome = _ask(sample, sample["body"])

    got = _event(outcome)
    assert isinstance(outcome, Accepted)
    assert sorted(outcome.records[0].headers) == [
        ("content-type", b"application/cloudevents+json; charset=UTF-8"),
        ("event_id", got["id"].encode()),
        ("event_source", got["source"].encode()),
        ("event_type", got["type"].encode()),
        ("traceparent", TRACE.encode()),
    ]


@_each({name: sample for name, sample in SAMPLES.items() if not _is_recognized(sample)})
def test_what_is_unrecognized_says_why_in_words(sample: dict[str, Any]) -> None:
    """Beside the reason there are words of ours, and no part of the proof."""
    data = _event(_ask(sample, sample["body"]))["data"]

    assert isinstance(data["detail"], str)
    assert data["detail"]
    if "secret" in sample:
        assert not {"Signature", "Nonce", "Noce"}.intersection(data["body"])


@pytest.mark.parametrize("member", [*SIGNED[:6], "Nonce and Noce"])
@_each(RTC)
def test_a_changed_character_is_refused(sample: dict[str, Any], member: str) -> None:
    """No signed value can change by one character."""
    envelope = _envelope(sample["body"])
    names = [name for name in member.split(" and ") if name in envelope]
    body = sample["body"]
    if isinstance(envelope[names[0]], dict):
        body = _with_data(body, lambda text: f"{{ {text[1:]}")
    else:
        body = json.dumps({**envelope, **{name: f"{envelope[name][:-1]}~" for name in names}})

    assert _ask(sample, body) == Refused("proof-wrong")


@_each({name: s for name, s in RTC.items() if _is_object(_envelope(s["body"])["EventData"])})
def test_event_data_that_was_written_again_is_refused(sample: dict[str, Any]) -> None:
    """The text of EventData is signed, not its meaning: other spaces are another text."""
    body = _with_data(sample["body"], lambda text: json.dumps(json.loads(text), indent=3))

    assert _ask(sample, body) == Refused("proof-wrong")


@_each({n: s for n, s in RTC.items() if isinstance(_envelope(s["body"])["EventData"], str)})
def test_the_envelope_may_be_written_in_any_way(sample: dict[str, Any]) -> None:
    """Order, spaces and escapes outside of what was signed do not matter."""
    body = json.dumps(dict(reversed(_envelope(sample["body"]).items())), indent=1)

    got = _event(_ask(sample, body))
    assert _text(got) == _text(_expected(sample, got))


@_each({name: sample for name, sample in SAMPLES.items() if _is_recognized(sample)})
def test_a_field_that_nobody_knows_is_added_and_changes_nothing(sample: dict[str, Any]) -> None:
    """A new field of the vendor's arrives with its keys renamed; all else stays."""
    new = {"zz_new_field": {"inner_key": [1, None]}}
    if "secret" in sample:
        body = _with_data(sample["body"], lambda text: f"{text.rstrip()[:-1]},{NEW}}}")
        body = _signed_again(sample, body)
    else:
        body = f"{sample['body'].rstrip()[:-1]},{NEW}}}"

    got = _event(_ask(sample, body))
    expected = _expected(sample, got)
    expected["data"] = {**expected["data"], **new}
    if "contentid" in expected:
        assert got.pop("contentid") != expected.pop("contentid")
    assert _text(got) == _text(expected)


def test_every_type_has_a_sample() -> None:
    """Each vendor shows each of its types, and what it does not recognise."""
    types = {
        f"{vendor.name}.{name}"
        for vendor in vendors().values()
        for name in [*vendor.types, "Unrecognized"]
    }

    assert types == {sample["event"]["type"] for sample in SAMPLES.values()}
