"""Answers as bytes: statuses, bodies and headers of the contract."""

import json
from email.message import Message
from email.parser import BytesParser
from http import HTTPStatus
from typing import get_args

import pytest

from router.ingress.answers import CONTINUE, FAILED_PROOF, STATUS, Answers
from router.vendors.refusal import Reason

WALL_CLOCK = 1_679_383_924.9
DATE = "Tue, 21 Mar 2023 07:32:04 GMT"


def _answers() -> Answers:
    answers = Answers()
    answers.refresh(WALL_CLOCK)
    return answers


def _read(answer: bytes) -> tuple[str, Message, bytes]:
    """Return status line, headers and body, and check that the length is announced."""
    head, _, body = answer.partition(b"\r\n\r\n")
    line, _, headers = head.partition(b"\r\n")
    return line.decode(), BytesParser().parsebytes(headers), body


@pytest.mark.parametrize("is_last", [False, True], ids=["open", "last"])
def test_a_durable_callback_is_answered_200(*, is_last: bool) -> None:
    """Exactly 200, with the body of the contract; the last one closes."""
    line, headers, body = _read(_answers().ok(is_last=is_last))

    assert line == "HTTP/1.1 200 OK"
    assert body == b'{"code":0}'
    assert dict(headers) == {
        "Content-Type": "application/json",
        "Content-Length": "10",
        "Date": DATE,
        **({"Connection": "close"} if is_last else {}),
    }


@pytest.mark.parametrize(
    ("reason", "status", "title"),
    [
        ("malformed", 400, "Bad Request"),
        ("empty-body", 400, "Bad Request"),
        ("not-json", 400, "Bad Request"),
        ("proof-missing", 401, "Unauthorized"),
        ("proof-wrong", 401, "Unauthorized"),
        ("unknown-app", 401, "Unauthorized"),
        ("stale", 401, "Unauthorized"),
        ("address", 403, "Forbidden"),
        ("not-found", 404, "Not Found"),
        ("method", 405, "Method Not Allowed"),
        ("timeout", 408, "Request Timeout"),
        ("too-large", 413, "Request Entity Too Large"),
        ("media-type", 415, "Unsupported Media Type"),
        ("too-many-failures", 429, "Too Many Requests"),
        ("unavailable", 503, "Service Unavailable"),
    ],
)
@pytest.mark.parametrize("is_last", [False, True], ids=["open", "last"])
def test_a_refusal_is_a_problem(reason: Reason, status: int, title: str, *, is_last: bool) -> None:
    """Status, media type and members are those of the contract, for each reason."""
    line, headers, body = _read(_answers().problem(reason, is_last=is_last))

    assert line == f"HTTP/1.1 {status} {title}"
    assert json.loads(body) == {
        "type": "about:blank",
        "title": title,
        "status": status,
        "reason": reason,
    }
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Content-Length"] == str(len(body))
    assert headers["Date"] == DATE
    assert headers["Connection"] == ("close" if is_last else None)


def test_every_reason_has_a_status() -> None:
    """No refusal is without an answer, and none is invented."""
    assert set(STATUS) == set(get_args(Reason))


@pytest.mark.parametrize("reason", get_args(Reason))
def test_some_refusals_say_what_to_do(reason: Reason) -> None:
    """405 names POST, 503 and 429 when to come back; the others neither."""
    _, headers, _ = _read(_answers().problem(reason, is_last=False))

    assert headers["Allow"] == ("POST" if reason == "method" else None)
    assert (headers["Retry-After"] is not None) == (reason in ("unavailable", "too-many-failures"))
    assert headers["Retry-After"] is None or int(headers["Retry-After"]) > 0


def test_a_status_of_ones_own_may_be_given() -> None:
    """Malformed HTTP has statuses of its own; the reason stays."""
    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    line, _, body = _read(_answers().problem("malformed", is_last=True, status=status))

    assert line == "HTTP/1.1 431 Request Header Fields Too Large"
    assert json.loads(body) == {
        "type": "about:blank",
        "title": "Request Header Fields Too Large",
        "status": 431,
        "reason": "malformed",
    }


def test_head_gets_no_body() -> None:
    """The head is that of the same answer with a body."""
    whole = _answers().problem("method", is_last=False, method="PUT")
    head = _answers().problem("method", is_last=False, method="HEAD")

    assert whole.startswith(head)
    assert head.endswith(b"\r\n\r\n")
    assert json.loads(whole.removeprefix(head))["status"] == 405


def test_the_date_follows_the_clock() -> None:
    """Each refresh changes the date of every answer."""
    answers = _answers()
    answers.refresh(WALL_CLOCK + 1)

    for answer in (answers.ok(is_last=False), answers.problem("method", is_last=True)):
        assert _read(answer)[1]["Date"] == "Tue, 21 Mar 2023 07:32:05 GMT"


def test_what_counts_as_a_failed_verification() -> None:
    """The proof was missing or wrong, or nobody could have proven it."""
    assert {"proof-missing", "proof-wrong", "unknown-app"} == FAILED_PROOF
    assert CONTINUE == b"HTTP/1.1 100 Continue\r\n\r\n"
