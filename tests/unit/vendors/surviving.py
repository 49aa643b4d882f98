"""What every outcome promises, checked with readers that are not ours."""

import json

from cloudevents.core.bindings.kafka import KafkaMessage, from_structured_event

from router.ingress.receive import Accepted
from router.record import decode_event
from router.vendors.refusal import Refused

BODY_REASONS = {"empty-body", "not-json", "proof-missing", "proof-wrong", "unknown-app"}
HEADERS = 5
BASES = {"vendor", "natural", "content", "none"}


def survives(outcome: Accepted | Refused) -> Accepted | Refused:
    """Return the outcome: a known refusal, or an event that anyone can read."""
    if isinstance(outcome, Refused):
        assert outcome.reason in BODY_REASONS
        return outcome
    for record in outcome.records:
        message = KafkaMessage(dict(record.headers), record.key, record.value)
        read = from_structured_event(message)
        event = decode_event(record.value)
        assert (read.get_id(), read.get_type()) == (event.id, event.type)
        assert (read.get_source(), read.get_subject()) == (event.source, event.subject)
        assert read.get_data() == json.loads(record.value)["data"]
        assert len(record.headers) == HEADERS
        assert event.idbasis in BASES
        assert event.subject.encode() == record.key != b""
    assert len(outcome.records) == 1
    return outcome
