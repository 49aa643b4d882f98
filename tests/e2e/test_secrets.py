"""No secret, token or signature leaves the process by its log, whatever is sent."""

import pytest

from tests.e2e.callbacks import (
    RTC,
    RTC_SECRET,
    SECRETS,
    STUDIO,
    STUDIO_TOKEN,
    encoded,
    forged,
    room_created,
    rtc,
    signature,
    studio,
)
from tests.e2e.conftest import StartServer
from tests.e2e.serving import Server, leaks
from tests.e2e.wire import Client, head, post

pytestmark = pytest.mark.kafka

HOST = "Host: localhost"
_SIGNED = room_created("secret", AppId="unknownApp")
_WITH_TOKEN = [f"Authorization: Bearer {STUDIO_TOKEN}", f"X-Token: {STUDIO_TOKEN}"]

REQUESTS = {
    "accepted": post(STUDIO, studio("secret")),
    "accepted-with-query": post(f"{STUDIO}?token={STUDIO_TOKEN}", studio("secret")),
    "signed": post(RTC, rtc("secret")),
    "odd": post(RTC, rtc("secret", EventType="Brandnew", EventData="no JSON")),
    "forged": post(RTC, forged("secret")),
    "unknown-app": post("/callbacks/apps", encoded({**_SIGNED, "Signature": signature(_SIGNED)})),
    "signature-as-key": post(RTC, encoded({signature(_SIGNED): 1})),
    "secret-as-event": post(RTC, rtc(RTC_SECRET, EventType=RTC_SECRET)),
    "secret-in-json-error": post(RTC, f'{{"{RTC_SECRET}'.encode()),
    "trailing-slash": post(f"{STUDIO}/", studio("secret")),
    "cut-token": post(STUDIO[:-1], studio("secret")),
    "encoded-token": post(STUDIO.replace(".", "%2e"), studio("secret")),
    "token-at-another-source": post(f"{RTC}/{STUDIO_TOKEN}", rtc("secret")),
    "other-method": post(STUDIO, b"", method="GET"),
    "multipart": post(STUDIO, studio("secret"), "Content-Type: multipart/mixed"),
    "too-large": head(f"POST {STUDIO} HTTP/1.1", HOST, "Content-Length: 10000000"),
    "empty": post(STUDIO, b""),
    "headers": post("/nowhere", b"", *_WITH_TOKEN),
    "malformed-line": head(f"POST {STUDIO} x HTTP/1.1", HOST),
    "malformed-version": head(f"POST {STUDIO} HTTP/x", HOST),
    "malformed-header": head(f"POST {STUDIO} HTTP/1.1", HOST, f"X {STUDIO_TOKEN}"),
    "malformed-length": head(f"POST {STUDIO} HTTP/1.1", HOST, f"Content-Length: {STUDIO_TOKEN}"),
    "malformed-chunk": head(f"POST {STUDIO} HTTP/1.1", HOST, "Transfer-Encoding: chunked")
    + f"{STUDIO_TOKEN}\r\n".encode(),
    "no-host": head(f"POST {STUDIO} HTTP/1.1"),
    "garbage-behind": post(STUDIO, studio("secret")) + f"{STUDIO_TOKEN}\r\n\r\n".encode(),
    "not-http": f"{STUDIO_TOKEN}{signature(_SIGNED)}\r\n\r\n".encode(),
    "new-line-in-path": f"POST {STUDIO}\nX HTTP/1.1\r\n\r\n".encode(),
    "long-line": head(f"POST {STUDIO}?{'a' * 20_000} HTTP/1.1", HOST),
}


@pytest.fixture(scope="module")
def server_that_has_seen_it_all(start_server: StartServer) -> Server:
    """A server to which all of them were sent, and some ended in the middle."""
    server = start_server({})
    for number, request in enumerate(REQUESTS.values()):
        for sent in (request, request[:-1]):
            with Client(server.port, f"127.5.0.{number + 1}") as client:
                client.send(sent).half_close()
                client.answers()
    return server


def test_the_log_holds_no_secret(server_that_has_seen_it_all: Server) -> None:
    """Neither as it is nor encoded; the refusals are there, so it is not merely silent."""
    output = server_that_has_seen_it_all.output

    assert b"proof-wrong" in output
    assert b"unknown-app" in output
    assert leaks(output) == []


def test_the_log_holds_no_body(server_that_has_seen_it_all: Server) -> None:
    """Of a body not a line, of a header not a word."""
    output = server_that_has_seen_it_all.output

    assert b"EventData" not in output
    assert b"Bearer" not in output


def test_what_searches_for_secrets_finds_them() -> None:
    """The search of these tests is not blind: it knows every secret, raw and encoded."""
    for name, secret in SECRETS.items():
        assert leaks(f"x{secret}x".encode()) == [name]
        assert leaks(secret.encode().hex().encode()) == [name]
    assert leaks(signature(_SIGNED).encode()) == [signature(_SIGNED)]
