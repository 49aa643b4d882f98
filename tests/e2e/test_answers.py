"""Every kind of answer, exactly; the order of the checks; and nothing of the sender's repeated."""

import pytest

from tests.e2e.callbacks import RTC, STUDIO, encoded, forged, room_created, rtc, signature, studio
from tests.e2e.conftest import Published, StartServer
from tests.e2e.serving import Server
from tests.e2e.wire import Answer, Client, ask, head, post

pytestmark = pytest.mark.kafka

MARK = "Zq7Mark"
_GUARDED = "/callbacks/guarded"
_MULTIPART = "Content-Type: multipart/form-data; boundary=x"
_TOO_LARGE = head(
    f"POST {RTC} HTTP/1.1", "Host: localhost", "Content-Length: 10000000", f"X: {MARK}"
)

REFUSALS = {
    "malformed": (head(f"POST {RTC}?{MARK} HTTP/1.1", f"X: {MARK}"), 400, "malformed"),
    "empty-body": (post(f"{RTC}?{MARK}", b""), 400, "empty-body"),
    "not-json": (post(RTC, b'{"' + MARK.encode()), 400, "not-json"),
    "proof-missing": (post(RTC, encoded(room_created(MARK))), 401, "proof-missing"),
    "proof-wrong": (post(RTC, forged(MARK)), 401, "proof-wrong"),
    "unknown-app": (post("/callbacks/apps", rtc(MARK)), 401, "unknown-app"),
    "address": (post(_GUARDED, rtc(MARK), f"X-Forwarded-For: {MARK}"), 403, "address"),
    "not-found": (post(f"/{MARK}/{MARK}?{MARK}", MARK.encode()), 404, "not-found"),
    "wrong-token": (post(f"/callbacks/studio/{MARK}-{MARK}-{MARK}", b"{}"), 404, "not-found"),
    "method": (post(f"/{MARK}", rtc(MARK), method="PUT"), 405, "method"),
    "too-large": (_TOO_LARGE, 413, "too-large"),
    "multipart": (post(RTC, rtc(MARK), f"{_MULTIPART}{MARK}"), 415, "media-type"),
    "encoding": (post(RTC, rtc(MARK), f"Content-Encoding: {MARK}"), 415, "media-type"),
}
_AS_PARAMETERS = [pytest.param(*refusal, id=name) for name, refusal in REFUSALS.items()]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param(RTC, rtc("recognized"), id="recognized"),
        pytest.param(RTC, rtc("unknown-type", EventType="BrandNew"), id="unknown-type"),
        pytest.param(RTC, rtc("bad-payload", EventData="no JSON"), id="bad-payload"),
        pytest.param(STUDIO, studio("recognized"), id="studio"),
        pytest.param(STUDIO, b"this is no JSON", id="studio-no-json"),
    ],
)
def test_what_is_durable_is_answered_200(server: Server, path: str, body: bytes) -> None:
    """Recognised or not, a durable callback gets the same ten bytes and exactly 200."""
    answer = ask(server.port, post(path, body))

    assert (answer.status, answer.body) == (200, b'{"code":0}')
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == "10"


def test_an_accepted_callback_is_a_record(server: Server, published: Published) -> None:
    """When the 200 is there, the event is in Kafka, under its source, type and subject."""
    ask(server.port, post(RTC, rtc("a-record")))
    ask(server.port, post(STUDIO, studio("a-record-of-the-studio")))

    events = published()

    rtc_event, studio_event = events["appId/a-record"], events["a-record-of-the-studio"]
    assert rtc_event["source"] == "/callbacks/rtc"
    assert rtc_event["type"] == "volcengine-rtc.RoomCreate"
    assert rtc_event["subject"] == "appId/room1"
    assert studio_event["source"] == "/callbacks/studio"
    assert studio_event["type"] == "alibaba-caster.OperateCallback"


def test_what_is_not_recognized_is_published_with_its_reason(
    server: Server, published: Published
) -> None:
    """An authentic callback of an unknown type is not lost."""
    answer = ask(server.port, post(RTC, rtc("new-type", EventType="BrandNewType")))

    event = published()["appId/new-type"]

    assert answer.status == 200
    assert event["type"] == "volcengine-rtc.Unrecognized"
    assert event["data"]["reason"] == "unknown-type"
    assert event["data"]["body"]["EventType"] == "BrandNewType"
    assert not {"Signature", "Nonce"} & event["data"]["body"].keys()


@pytest.mark.parametrize(("request_", "status", "reason"), _AS_PARAMETERS)
def test_a_refusal_is_a_problem(
    server: Server, address: str, request_: bytes, status: int, reason: str
) -> None:
    """A refusal has its status, and a body of four members with its reason."""
    answer = ask(server.port, request_, address)

    assert (answer.status, answer.reason) == (status, reason)


@pytest.mark.parametrize(("request_", "status", "reason"), _AS_PARAMETERS)
def test_a_refusal_repeats_nothing(
    server: Server, address: str, request_: bytes, status: int, reason: str
) -> None:
    """No byte that the sender chose comes back, in no header and no body."""
    answer = ask(server.port, request_, address)

    assert answer.status == status, reason
    assert MARK.lower().encode() not in answer.raw.lower()


def test_an_acceptance_repeats_nothing(server: Server) -> None:
    """The answer 200 holds nothing of the callback, of its path or of its headers."""
    answer = ask(server.port, post(f"{RTC}?{MARK}", rtc(MARK), f"X-Request-Id: {MARK}"))

    assert answer.status == 200
    assert MARK.encode() not in answer.raw


def test_a_method_that_is_not_allowed_is_told_which_is(server: Server) -> None:
    """405 comes with `Allow: POST`; no other refusal has it."""
    allowed = {
        name: ask(server.port, request).headers.get("allow")
        for name, (request, *_) in REFUSALS.items()
    }

    assert allowed == {name: "POST" if name == "method" else None for name in REFUSALS}


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        pytest.param(post("/nowhere", b"", method="GET"), "method", id="method-before-path"),
        pytest.param(
            post("/callbacks/studio/wrong-token-wrong-token", b"", method="PUT"),
            "method",
            id="method-before-token",
        ),
        pytest.param(
            post(_GUARDED, b"", _MULTIPART, method="PUT"), "method", id="method-before-address"
        ),
        pytest.param(
            head(f"PUT {RTC} HTTP/1.1", "Host: localhost", "Content-Length: 10000000"),
            "method",
            id="method-before-size",
        ),
        pytest.param(
            post(f"{_GUARDED}/token-token-token", b""), "not-found", id="token-before-address"
        ),
        pytest.param(post("/nowhere", b"", _MULTIPART), "not-found", id="path-before-media-type"),
        pytest.param(
            head("POST /nowhere HTTP/1.1", "Host: localhost", "Content-Length: 10000000"),
            "not-found",
            id="path-before-size",
        ),
        pytest.param(post("/callbacks/studio", b""), "not-found", id="token-before-body"),
        pytest.param(
            post(_GUARDED, rtc("order"), _MULTIPART), "address", id="address-before-media-type"
        ),
        pytest.param(
            head(f"POST {_GUARDED} HTTP/1.1", "Host: localhost", "Content-Length: 10000000"),
            "address",
            id="address-before-size",
        ),
        pytest.param(post(_GUARDED, b""), "address", id="address-before-body"),
        pytest.param(post(_GUARDED, forged("order")), "address", id="address-before-proof"),
        pytest.param(post(RTC, b"", _MULTIPART), "media-type", id="media-type-before-body"),
        pytest.param(
            post(RTC, forged("order"), "Content-Encoding: gzip"),
            "media-type",
            id="media-type-before-proof",
        ),
        pytest.param(post(RTC, forged("x" * 1_100_000)), "too-large", id="size-before-proof"),
    ],
)
def test_checks_come_in_their_order(
    server: Server, address: str, request_: bytes, reason: str
) -> None:
    """Of two faults the one whose check comes first is answered."""
    assert ask(server.port, request_, address).reason == reason


def _burst(server: Server, address: str) -> Answer:
    """Return the first answer to forgeries that is not 401."""
    request = post(RTC, forged("burst"))
    with Client(server.port, address) as client:
        answers = (client.send(request).answer() for _ in range(2000))
        return next(answer for answer in answers if answer.status != 401)


def test_too_many_failed_proofs_are_answered_429(start_server: StartServer) -> None:
    """After many forgeries from one address 429 replaces 401 there, and nowhere else."""
    server = start_server({})

    answer = _burst(server, "127.2.0.1")

    assert (answer.status, answer.reason) == (429, "too-many-failures")
    elsewhere = ask(server.port, post(RTC, forged("burst")), "127.2.0.2")
    assert (elsewhere.status, elsewhere.reason) == (401, "proof-wrong")


def test_an_authentic_callback_never_gets_429(start_server: StartServer) -> None:
    """From an address whose forgeries get 429, authentic callbacks and other refusals go on."""
    server = start_server({})
    assert _burst(server, "127.2.0.3").status == 429

    with Client(server.port, "127.2.0.3") as client:
        authentic = client.send(post(RTC, rtc("after-a-burst"))).answer()
        unknown = client.send(post("/nowhere", b"")).answer()
        no_json = client.send(post(RTC, b"{")).answer()

    assert authentic.status == 200
    assert unknown.status == 404
    assert no_json.status == 400


def test_a_signature_is_not_told_by_the_answer(server: Server, address: str) -> None:
    """A refusal of a forgery does not hold the signature that would have been right."""
    members = room_created("not-told")

    answer = ask(server.port, post(RTC, forged("not-told")), address)

    assert signature(members).encode() not in answer.raw.lower()
