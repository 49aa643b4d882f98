"""Answers of the management API: read strictly, and never a surprise."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.secret import Secret
from router.live_api.answers import (
    Answered,
    CallbackData,
    CallbackList,
    Done,
    Nothing,
    Pagination,
    read,
)
from router.live_api.api import CallbackCall, CallbackDetail, Registered
from router.live_api.errors import Failure

NOW_MS = 1_795_248_000_000  # 2026-11-21T08:00:00Z


def _answered(body: bytes, status: int = 200, **headers: str) -> Answered:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answered(status=status, headers=given, body=body, signed_ms=NOW_MS)


def _failed(answer: Answered, *secrets: str) -> Failure:
    outcome = read(answer, Nothing, secrets)
    assert isinstance(outcome, Failure)
    return outcome


def test_an_action_without_a_result_is_done() -> None:
    """The documented answer, without the comma that does not belong there."""
    body = b"""{
      "ResponseMetadata": {
        "RequestId": "201806041104200100100232280022D30",
        "Action": "UpdateCallback",
        "Version": "2023-01-01",
        "Service": "live",
        "Region": "cn-north-1"
      }
    }"""

    outcome = read(_answered(body), Nothing, ())

    assert outcome == Done(Nothing(), "201806041104200100100232280022D30")


def test_what_is_registered_is_read() -> None:
    """The documented members; unknown ones are skipped, and null is nothing."""
    body = b"""{"ResponseMetadata": {"RequestId": "1", "Error": null}, "Result": {
      "CallbackList": [
        {
          "MessageType": "push", "Vhost": "push.live.example.com", "App": "live",
          "TranscodeCallback": 1, "CreateTime": "2021-01-02T15:04:05+8:00",
          "CallbackDetailList": [
            {"CallbackType": "http", "URL": "http://example.com/callback", "New": 1}
          ],
          "AuthKeyPrimary": "abc123XYZ", "AuthEnable": true, "AuthField": {}
        },
        {"MessageType": "record", "CallbackDetailList": null, "App": null},
        null
      ]
    }}"""

    outcome = read(_answered(body), CallbackList, ())

    assert isinstance(outcome, Done)
    first, second = outcome.result.callback_list
    assert first == Registered(
        message_type="push",
        vhost="push.live.example.com",
        app="live",
        transcode_callback=1,
        callback_detail_list=(CallbackDetail(url="http://example.com/callback"),),
        create_time="2021-01-02T15:04:05+8:00",
        auth_enable=True,
        auth_key_primary=Secret(b"abc123XYZ"),
    )
    assert second == Registered(message_type="record")
    assert "abc123XYZ" not in repr(outcome)


def test_nothing_registered_may_be_no_result_at_all() -> None:
    """A missing list, a null one and an empty one are the same."""
    results = (b"", b',"Result":null', b',"Result":{}', b',"Result":{"CallbackList":[]}')

    for result in results:
        outcome = read(_answered(b'{"ResponseMetadata":{}' + result + b"}"), CallbackList, ())
        assert outcome == Done(CallbackList(), "")


def test_a_page_of_calls_is_read() -> None:
    """With the count that the vendor gives; the rest of the pagination is not used."""
    body = b"""{"ResponseMetadata": {"RequestId": "1"}, "Result": {
      "DomainList": ["push.example.com"],
      "CallbackInfoList": [{"Stream": "stream-7", "CallbackBody": "{\\"code\\":0}"}],
      "Pagination": {"PageCur": 1, "PageSize": 100, "PageTotal": 1, "TotalCount": 1}
    }}"""

    outcome = read(_answered(body), CallbackData, ())

    call = CallbackCall(stream="stream-7", callback_body='{"code":0}')
    assert outcome == Done(CallbackData((call,), Pagination(1)), "1")


def test_an_error_may_come_with_200() -> None:
    """What `ResponseMetadata.Error` says counts, not the status."""
    body = b"""{"ResponseMetadata": {"RequestId": "7", "Error":
      {"CodeN": 1, "Code": "CommonErr", "Message": "sorry"}}, "Result": {}}"""

    failure = _failed(_answered(body))

    assert (failure.code, failure.message, failure.request_id) == ("CommonErr", "sorry", "7")
    assert (failure.http_status, failure.rule.retry) == (200, "back-off")


def test_a_message_is_cut_masked_and_printable() -> None:
    """Five hundred characters, no secret, nothing that a terminal acts on."""
    message = "\\u001b[31m" + "secret-1 secret-2 " + "x" * 600
    body = f'{{"ResponseMetadata":{{"Error":{{"Code":"E","Message":"{message}"}}}}}}'.encode()

    failure = _failed(_answered(body, 400), "", "secret-1", "secret-2")

    assert failure.message.startswith(" [31m******** ******** xxx")
    assert len(failure.message) == 500


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 200, "0 bytes of text/html are no answer of the API"),
        (b"<html>", 502, "6 bytes of text/html"),
        (b'{"ResponseMetadata":{},}', 200, "24 bytes of text/html"),
        (b"\xff", 200, "1 bytes"),
        (b"[" * 100_000, 200, "100000 bytes"),
        (b"{}", 200, "ResponseMetadata"),
        (b'{"ResponseMetadata":7}', 200, "ResponseMetadata"),
        (b'{"ResponseMetadata":{}}', 500, "an error without a code"),
        (b'{"ResponseMetadata":{"Error":{}}}', 200, "an error without a code"),
        (b'{"ResponseMetadata":{},"Result":7}', 200, "object"),
    ],
    ids=["empty", "page", "comma", "no text", "deep", "none", "number", "500", "no code", "result"],
)
def test_what_is_no_answer_is_told(body: bytes, status: int, words: str) -> None:
    """How much came, what it was said to be, and why it cannot be read."""
    failure = _failed(_answered(body, status, content_type="text/html"))

    assert (failure.code, failure.http_status) == ("unreadable", status)
    assert words in failure.message


def test_a_key_that_is_no_text_is_a_wrong_type() -> None:
    """And what came is not repeated."""
    body = b"""{"ResponseMetadata": {}, "Result": {"CallbackList":
      [{"MessageType": "push", "AuthKeyPrimary": 4711}]}}"""

    outcome = read(_answered(body), CallbackList, ())

    assert isinstance(outcome, Failure)
    assert outcome.code == "unreadable"
    assert "4711" not in outcome.message


@pytest.mark.parametrize("status", [301, 302, 307, 308, 304])
def test_a_redirection_is_an_error(status: int) -> None:
    """Whatever its body says."""
    failure = _failed(_answered(b'{"ResponseMetadata":{}}', status))

    assert (failure.code, failure.rule.retry) == ("redirected", "never")


@pytest.mark.parametrize(
    ("date", "hint"),
    [
        ("Sat, 21 Nov 2026 07:40:00 GMT", "this machine's clock is 1200 s ahead: set it"),
        ("Sat, 21 Nov 2026 09:00:00 GMT", "this machine's clock is 3600 s behind: set it"),
        ("Sat, 21 Nov 2026 08:00:01 GMT", "set this machine's clock"),
        ("yesterday", "set this machine's clock"),
        ("", "set this machine's clock"),
    ],
    ids=["ahead", "behind", "equal", "no date", "empty"],
)
def test_a_wrong_clock_is_measured_by_the_answer(date: str, hint: str) -> None:
    """Its `Date` is the vendor's clock; without one that can be read nothing is measured."""
    body = b'{"ResponseMetadata":{"Error":{"Code":"InvalidTimestamp","Message":"expired"}}}'

    failure = _failed(_answered(body, 400, date=date))

    assert failure.rule.hint == hint
    assert (failure.rule.who, failure.rule.retry) == ("caller", "never")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                ["ResponseMetadata", "Result", "Error", "Code", "Message", "RequestId", "x"]
            ),
            inner,
        )
    ),
    max_leaves=12,
)


@given(
    body=st.binary() | JSON.map(msgspec.json.encode),
    status=st.integers(100, 599),
    result=st.sampled_from([Nothing, CallbackList, CallbackData]),
    date=st.text(),
)
def test_reading_is_total(body: bytes, status: int, result: type[Any], date: str) -> None:
    """Whatever comes, it is done or it failed; nothing is raised."""
    outcome = read(_answered(body, status, date=date), result, ("secret",))

    assert isinstance(outcome, Done | Failure)
