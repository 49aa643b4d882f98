"""What is a path of ours, what is not, and that all that is not looks the same."""

import pytest

from tests.e2e.callbacks import RTC, SECOND_TOKEN, STUDIO, STUDIO_TOKEN, rtc, studio
from tests.e2e.conftest import Published
from tests.e2e.serving import Server
from tests.e2e.wire import ask, head, post

pytestmark = pytest.mark.kafka

UNKNOWN = {
    "root": "/",
    "callbacks": "/callbacks",
    "callbacks-slash": "/callbacks/",
    "unknown-source": "/callbacks/nobody",
    "vendor-instead-of-source": "/callbacks/volcengine-rtc",
    "trailing-slash": f"{RTC}/",
    "token-where-none-is": f"{RTC}/{STUDIO_TOKEN}",
    "no-token": "/callbacks/studio",
    "empty-token": "/callbacks/studio/",
    "wrong-token": "/callbacks/studio/wrong-token-wrong-token",
    "cut-token": STUDIO[:-1],
    "longer-token": f"{STUDIO}0",
    "upper-case-token": f"/callbacks/studio/{STUDIO_TOKEN.upper()}",
    "token-and-slash": f"{STUDIO}/",
    "token-and-more": f"{STUDIO}/more",
    "token-in-query": f"/callbacks/studio?token={STUDIO_TOKEN}",
    "token-of-another-name": "/callbacks/studio/STUDIO_TOKEN",
    "encoded-token": STUDIO.replace("studio.", "studio%2e"),
    "encoded-source": "/callbacks/%72tc",
    "encoded-slash": "/callbacks%2frtc",
    "encoded-dots": "/callbacks/%2e%2e/callbacks/rtc",
    "encoded-nul": f"{RTC}%00",
    "encoded-newline": f"{RTC}%0a",
    "encoded-question-mark": f"{RTC}%3fx",
    "encoded-wrongly": f"{RTC}%zz",
    "overlong-utf-8": "/callbacks/%c0%ae",
    "dots": "/callbacks/../callbacks/rtc",
    "dots-to-a-file": "/callbacks/../../etc/passwd",
    "one-dot": "/callbacks/./rtc",
    "double-slash": "//callbacks/rtc",
    "inner-double-slash": "/callbacks//rtc",
    "upper-case": "/callbacks/RTC",
    "upper-case-prefix": "/Callbacks/rtc",
    "parameter": f"{RTC};x=1",
    "backslash": "/callbacks\\rtc",
    "healthz": "/healthz",
    "readyz": "/readyz",
    "metrics": "/metrics",
    "admin": "/admin",
    "debug": "/debug",
    "long": f"/callbacks/{'a' * 2000}",
}


@pytest.mark.parametrize("path", [pytest.param(path, id=name) for name, path in UNKNOWN.items()])
def test_an_unknown_path_is_answered_404(server: Server, path: str) -> None:
    """Every path but that of a source, with its token if it has one, is unknown."""
    answer = ask(server.port, post(path, rtc("unknown-path")))

    assert (answer.status, answer.reason) == (404, "not-found")


def test_every_404_is_the_same(server: Server) -> None:
    """Nothing tells a known source, a near miss of a token or an unknown path apart."""
    bodies = [b"", b"{}", rtc("unknown-path"), studio("unknown-path")]
    requests = [post(path, body) for path in UNKNOWN.values() for body in bodies]

    answers = {ask(server.port, request).undated for request in requests}

    assert len(answers) == 1


def test_nothing_sent_to_an_unknown_path_is_published(server: Server, published: Published) -> None:
    """An authentic callback at a wrong path leaves no event."""
    for path in UNKNOWN.values():
        ask(server.port, post(path, rtc("wrong-path")))
        ask(server.port, post(path, studio("wrong-path")))
    ask(server.port, post(RTC, rtc("right-path")))

    events = published()

    assert "appId/right-path" in events
    assert not {"appId/wrong-path", "wrong-path"} & events.keys()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param(f"{RTC}?x=1", rtc("query"), id="query"),
        pytest.param(f"{RTC}?", rtc("empty-query"), id="empty-query"),
        pytest.param(f"{RTC}?a=/../b?c=%00&d[]=", rtc("odd-query"), id="odd-query"),
        pytest.param(f"{STUDIO}?x=1", studio("query"), id="query-after-token"),
        pytest.param(f"/callbacks/studio/{SECOND_TOKEN}", studio("second"), id="second-token"),
    ],
)
def test_a_query_is_ignored_and_each_token_counts(server: Server, path: str, body: bytes) -> None:
    """A source is reached with any query, and with any of its tokens."""
    assert ask(server.port, post(path, body)).status == 200


@pytest.mark.parametrize(
    "method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]
)
@pytest.mark.parametrize("path", [RTC, STUDIO, "/nowhere", "/healthz", "/metrics"])
def test_other_methods_are_answered_405(server: Server, method: str, path: str) -> None:
    """Whatever the path, only POST is allowed, and browsers are promised nothing."""
    answer = ask(server.port, post(path, b"", method=method))

    assert (answer.status, answer.reason) == (405, "method")
    assert answer.headers["allow"] == "POST"
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", [RTC, "/nowhere"])
def test_head_is_answered_405_without_a_body(server: Server, path: str) -> None:
    """HEAD is a method as GET is; its answer has no body."""
    request = head(f"HEAD {path} HTTP/1.1", "Host: localhost", "Connection: close")

    answer = ask(server.port, request, bodiless=True)

    assert (answer.status, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "first_line",
    ["CONNECT localhost:443 HTTP/1.1", "OPTIONS * HTTP/1.1"],
)
def test_methods_without_a_path_are_answered_405(server: Server, first_line: str) -> None:
    """No tunnel and no options, in the form that these methods have."""
    answer = ask(server.port, head(first_line, "Host: localhost"))

    assert (answer.status, answer.reason) == (405, "method")


@pytest.mark.parametrize("method", ["FOO", "post", "Post"])
def test_a_method_that_does_not_exist_is_refused(server: Server, method: str) -> None:
    """Methods are compared exactly: refused as malformed or as not allowed."""
    answer = ask(server.port, post(RTC, rtc("odd-method"), method=method))

    assert (answer.status, answer.reason) in {(405, "method"), (400, "malformed")}
