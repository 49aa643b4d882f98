"""The admin port: health, readiness, metrics; no callbacks there, and none of it in public."""

import pytest

from tests.e2e.callbacks import RTC, STUDIO, forged, rtc, studio
from tests.e2e.conftest import Published, StartServer
from tests.e2e.serving import Server, leaks
from tests.e2e.wire import Client, ask, head, post

pytestmark = pytest.mark.kafka

PAGES = ["/healthz", "/readyz", "/metrics", "/rejects"]
_PREFIX = "callback_router_"


@pytest.fixture(scope="module")
def server(start_server: StartServer) -> Server:
    """A server whose counters start with this module."""
    return start_server({})


@pytest.mark.parametrize("page", PAGES)
def test_the_admin_port_answers_get(server: Server, page: str) -> None:
    """Each page is there, with a body or a query sent along or without."""
    with_body = head(f"GET {page}?x=1 HTTP/1.1", "Host: localhost", "Content-Length: 1") + b"x"

    assert server.get(page).status == 200
    assert ask(server.admin_port, with_body).status == 200


@pytest.mark.parametrize("page", PAGES)
def test_the_admin_port_takes_no_post(server: Server, page: str) -> None:
    """There is nothing to change there."""
    assert ask(server.admin_port, post(page, b"")).status == 405


@pytest.mark.parametrize("path", [RTC, STUDIO])
def test_the_admin_port_takes_no_callbacks(server: Server, published: Published, path: str) -> None:
    """A callback sent to the wrong port is not accepted, and leaves no event."""
    answer = ask(server.admin_port, post(path, rtc("wrong-port")))

    assert answer.status in {404, 405}
    assert "appId/wrong-port" not in published()


@pytest.mark.parametrize("page", PAGES)
def test_the_public_port_has_none_of_it(server: Server, page: str) -> None:
    """In public these are unknown paths, and GET is no method."""
    nowhere = ask(server.port, post("/nowhere", b""))
    posted = ask(server.port, post(page, b""))
    got = ask(server.port, head(f"GET {page} HTTP/1.1", "Host: localhost"))

    assert (posted.status, posted.undated) == (404, nowhere.undated)
    assert (got.status, got.reason) == (405, "method")
    assert b"ready" not in got.raw
    assert _PREFIX.encode() not in got.raw


def test_accepted_callbacks_are_counted(server: Server) -> None:
    """By source and type, once each; a time to the answer with each of them."""
    labels = {"source": "rtc", "type": "RoomCreate"}
    before = server.metric("callbacks_total", **labels)
    timed = server.metric("ack_seconds_count", source="rtc")

    for _ in range(3):
        assert ask(server.port, post(RTC, rtc("counted"))).status == 200

    assert server.metric("callbacks_total", **labels) == before + 3
    assert server.metric("ack_seconds_count", source="rtc") == timed + 3
    assert server.metric("last_accepted_timestamp_seconds", source="rtc") > 1.7e9


@pytest.mark.parametrize(
    ("request_", "labels"),
    [
        pytest.param(post(RTC, forged("c")), {"source": "rtc", "reason": "proof-wrong"}, id="401"),
        pytest.param(post(RTC, b"{"), {"source": "rtc", "reason": "not-json"}, id="400"),
        pytest.param(post("/nowhere", b""), {"reason": "not-found"}, id="404"),
        pytest.param(
            post("/callbacks/guarded", b"{}"), {"source": "guarded", "reason": "address"}, id="403"
        ),
        pytest.param(post(RTC, b"", method="GET"), {"reason": "method"}, id="405"),
        pytest.param(
            post(RTC, b"x", "Content-Encoding: br"),
            {"source": "rtc", "reason": "media-type"},
            id="415",
        ),
        pytest.param(
            head(f"POST {STUDIO} HTTP/1.1", "Host: localhost", "Content-Length: 10000000"),
            {"source": "studio", "reason": "too-large"},
            id="413",
        ),
        pytest.param(b"\0\r\n\r\n", {"reason": "malformed"}, id="malformed"),
    ],
)
def test_refusals_are_counted(
    server: Server, address: str, request_: bytes, labels: dict[str, str]
) -> None:
    """By reason, and by source where one was found."""
    before = server.metric("rejections_total", **labels)

    ask(server.port, request_, address)

    assert server.metric("rejections_total", **labels) == before + 1


def test_labels_are_never_a_senders_choice(server: Server, address: str) -> None:
    """Names that only a sender knows make no label; a guess of names costs no memory."""
    marks = ["Zq7Source", "Zq7Type", "Zq7App", "Zq7Room", "Zq7Caster", "Zq7Method"]
    ask(server.port, post("/callbacks/Zq7Source", b"{}"), address)
    ask(server.port, post(RTC, rtc("labels", EventType="Zq7Type")))
    ask(server.port, post(RTC, rtc("labels", AppId="Zq7App")))
    ask(server.port, post(RTC, rtc("labels", EventData='{"RoomId":"Zq7Room","Zq7Type":1}')))
    ask(server.port, post(STUDIO, studio("Zq7Caster")))
    ask(server.port, post(RTC, b"", method="Zq7Method"))

    metrics = server.get("/metrics").body.lower()

    assert not [mark for mark in marks if mark.lower().encode() in metrics]


def test_the_metrics_say_what_runs(server: Server) -> None:
    """They are in Prometheus' text format and name the build."""
    answer = server.get("/metrics")

    assert answer.headers["content-type"].startswith(("text/plain", "application/openmetrics"))
    assert server.metric("build_info") == 1


def test_the_admin_port_tells_no_secret(server: Server, address: str) -> None:
    """Whatever was sent before, no page holds a secret, a token or a signature."""
    for request in (post(STUDIO, studio("told")), post(RTC, rtc("told")), post(RTC, forged("t"))):
        ask(server.port, request, address)

    with Client(server.admin_port) as client:
        for page in [*PAGES, "/", "/callbacks", "/config", "/debug"]:
            answer = client.send(head(f"GET {page} HTTP/1.1", "Host: localhost")).answer()

            assert leaks(answer.raw) == []
