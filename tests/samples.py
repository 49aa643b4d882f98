"""The vendors' samples, made independently of the code, and the senders' side of them.

A sample: origin, body, and what must come of it: topic, key and event. The event lacks what a
delivery adds: `recordedtime`, `traceparent`, a `time` that is the receipt's and the `id` of what
nothing names; the words of `detail` are free. A signed vendor's has its secret; where the sending
time is checked, `now` is the clock at the receipt, and `proof` the texts in the body that prove
it; `source` is there where the entrance is not the vendor's usual one. Bodies are read and hashes
made by lines of the tests' own. A vendor that no table here names has its samples replayed all the
same; only the changes that need to know it are left out.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus

import msgspec
import pytest
from msgspec.structs import replace

from tests.sender import live_signature, zego_signature

FOLDER: Final = Path(__file__).parents[1] / "router" / "vendors"
USUAL_SOURCES: Final = {
    "volcengine-rtc": "rtc",
    "alibaba-caster": "studio",
    "zego-cloud-player": "zego",
    "volcengine-live": "live",
}
WINDOWS: Final = {"zego-cloud-player": (-600, 600), "volcengine-live": (-1200, 600)}
"""The youngest and the oldest that a callback may be, in seconds after the time that it tells."""

PROOFS: Final = {
    "volcengine-rtc": ("Signature", "Nonce", "Noce"),
    "zego-cloud-player": ("Signature", "Nonce", "Timestamp"),
    "volcengine-live": ("data.sign", "data.t"),
}
"""The members that prove and say nothing else."""

_MARGIN_SECS = 60
_SECONDS = re.compile(r"[0-9]{10}")


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Texts that each occur once in the body: the sending time, the digest, and ZEGO's nonce."""

    time: str
    signature: str
    nonce: str = ""

    @property
    def sent_secs(self) -> int | None:
        """The sending time, if it is one."""
        return int(self.time) if _SECONDS.fullmatch(self.time) else None


class Sample(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One callback and what must come of it."""

    vendor: str
    source: str
    origin: str
    secret: str = ""
    now: str = "2026-11-21T08:00:00.123Z"
    proof: Proof | None = None
    body: str
    topic: str
    key: str
    event: dict[str, Any]

    @property
    def short_type(self) -> str:
        """The event's type without the vendor."""
        return str(self.event["type"]).rpartition(".")[2]

    @property
    def is_recognized(self) -> bool:
        """Whether its type is known and nothing about it is in doubt."""
        return self.short_type != "Unrecognized"

    @property
    def is_stale(self) -> bool:
        """Whether it comes outside its vendor's window."""
        return bool(self.event["data"].get("reason") == "stale" and not self.is_recognized)

    @property
    def now_ms(self) -> int:
        """The clock at the receipt, Unix ms."""
        return round(datetime.fromisoformat(self.now).timestamp() * 1000)


def _read(path: Path) -> Sample:
    vendor = path.parts[-3].replace("_", "-")
    written = {"source": USUAL_SOURCES.get(vendor, vendor), **json.loads(path.read_bytes())}
    return msgspec.convert({**written, "vendor": vendor}, Sample)


SAMPLES: Final = {
    f"{path.parts[-3]}-{path.stem}": _read(path) for path in sorted(FOLDER.glob("*/samples/*.json"))
}
RECOGNIZED: Final = {name: sample for name, sample in SAMPLES.items() if sample.is_recognized}
SIGNED: Final = {name: sample for name, sample in SAMPLES.items() if sample.secret}
RTC: Final = {name: sample for name, sample in SIGNED.items() if sample.vendor == "volcengine-rtc"}
STAMPED: Final = {name: sample for name, sample in SIGNED.items() if sample.proof}


def each(samples: Mapping[str, Sample]) -> pytest.MarkDecorator:
    """Return the mark that runs a test once per sample."""
    return pytest.mark.parametrize("sample", samples.values(), ids=samples)


def as_text(event: dict[str, Any]) -> str:
    """Return the event as text: to Python 1, 1.0 and true are equal."""
    return json.dumps(event, sort_keys=True)


def at_ms(unix_ms: int) -> str:
    """Return the moment as events write it."""
    moment = datetime.fromtimestamp(unix_ms / 1000, UTC)
    return f"{moment.isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"


def hashed(*values: object) -> str:
    """Return the contract's hash: compact, sorted keys, UTF-8, 32 hex digits."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def members_of(body: str) -> dict[str, Any]:
    """Return the body's members, whichever way the vendor has encoded them."""
    text = body.removeprefix("\ufeff").strip()
    pairs = parse_qsl(text, keep_blank_values=True)
    texts = [text, unquote_plus(text), *(pairs[0] if len(pairs) == 1 else ())]
    for candidate in texts:
        found = _json(candidate)
        if isinstance(found, dict):
            return found
    assert len(pairs) > 1, body
    return dict(pairs)


def without_proof(sample: Sample, members: dict[str, Any]) -> dict[str, Any]:
    """Return the members without those that only prove them."""
    kept = dict(members)
    for path in PROOFS.get(sample.vendor, ()):
        head, _, inner = path.partition(".")
        if not inner:
            kept.pop(head, None)
        elif isinstance(kept.get(head), dict):
            kept[head] = {name: value for name, value in kept[head].items() if name != inner}
    return kept


def digest(sample: Sample, time: str, nonce: str) -> str:
    """Return what the vendor's page tells to compute over the time, the nonce and the secret."""
    if sample.vendor == "volcengine-live":
        return live_signature(time, sample.secret)
    return zego_signature({"Timestamp": time, "Nonce": nonce}, sample.secret)


def restamped(sample: Sample, now_secs: int, number: int) -> Sample:
    """Return the sample as if it were sent just now.

    Its age stays the same, but for a margin to the window's edges, since a delivery takes time.
    A nonce gets *number* at its end: it may come with one content only.
    """
    proof = sample.proof
    if proof is None or sample.vendor not in WINDOWS:
        return sample
    nonce = f"{proof.nonce}{number:03}" if proof.nonce else ""
    time = proof.time if proof.sent_secs is None else str(now_secs - _age_secs(sample))
    signature = digest(sample, time, nonce)
    if proof.signature.isupper():
        signature = signature.upper()
    new = Proof(time=time, signature=signature, nonce=nonce)
    body = sample.body
    for field in ("time", "signature", "nonce") if nonce else ("time", "signature"):
        assert sample.body.count(getattr(proof, field)) == 1, (field, sample.body)
        body = body.replace(getattr(proof, field), getattr(new, field))
    event = sample.event
    if event["timebasis"] == "envelope":
        event = {**event, "time": at_ms(int(time) * 1000)}
    return replace(sample, proof=new, body=body, event=event)


def changed_character(text: str) -> str:
    """Return the text with its last character replaced by another of its kind."""
    other = {"9": "8", "f": "e", "F": "E"}
    return text[:-1] + other.get(text[-1], "9" if text[-1].isdigit() else "f")


def _age_secs(sample: Sample) -> int:
    assert sample.proof is not None
    assert sample.proof.sent_secs is not None
    age = sample.now_ms // 1000 - sample.proof.sent_secs
    youngest, oldest = WINDOWS[sample.vendor]
    if not sample.is_stale:
        return min(max(age, youngest + _MARGIN_SECS), oldest - _MARGIN_SECS)
    return min(age, youngest - _MARGIN_SECS) if age < youngest else max(age, oldest + _MARGIN_SECS)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
