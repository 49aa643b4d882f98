"""The server's own check of signatures: it takes the vendor's examples, and nothing changed."""

from collections.abc import Mapping

import pytest

from tests.live_api.signature import MAX_SKEW_SECS, RefusedError, check_time, verify

KEY_1 = "AKLTMjI2ODVlYzI3ZGY1NGU4ZjhjYWRjMTlmNTM5OTZkYzE"
KEY_2 = "AKLTYWViMTVmZGYzM2E0NDI5Mzk2MDZjNjFmMjc2MjRjMzg"
SECRETS = {
    KEY_1: "TnpCak5XWXpZV1U0WkRaaE5ERmxaR0ZpTmpjeVkyUXlZek0wTWpJMU1qWQ==",
    KEY_2: "WkRZeE1EQmxPVGhsWWpWak5HVmtNbUUxTXpZeU9UVXlOMlE1TmpZeVlqTQ==",
}
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
UPDATE = (
    b'{"Vhost":"push.live.example.com","App":"example_app","MessageType":"push",'
    b'"TranscodeCallback":0,'
    b'"CallbackDetailList":[{"CallbackType":"http","URL":"http://example.com/callback"}]}'
)
UPDATE_DIGEST = "961411a173309ecd291c0f79a69650f31b50705c46c3b29d472ced4eb21e8a1e"


def _signed(
    host: str, date: str, credential: str, signature: str, more: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the headers of a request, all of which are signed."""
    headers = {"Host": host, "X-Date": date, **(more or {})}
    names = ";".join(sorted(name.lower() for name in headers))
    proof = f"Credential={credential}/request, SignedHeaders={names}, Signature={signature}"
    return {**headers, "Authorization": f"HMAC-SHA256 {proof}"}


VECTORS: dict[str, tuple[str, str, dict[str, str], bytes]] = {
    "V1": (
        "GET",
        "/?Action=ListUsers&Limit=10&Offset=0&Version=2018-01-01",
        _signed(
            "iam.volcengineapi.com",
            "20201230T081805Z",
            f"{KEY_1}/20201230/cn-north-1/iam",
            "28eeabbbd726b87002e0fe58ad8c1c768e619b06e2646f35b6ad7ed029a6d8a7",
            {
                "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
                "X-Content-Sha256": EMPTY,
            },
        ),
        b"",
    ),
    "V2": (
        "GET",
        "/?Version=2018-01-01&Action=ListUsers&Limit=10&Offset=0",
        _signed(
            "iam.volcengineapi.com",
            "20240619T071306Z",
            f"{KEY_2}/20240619/cn-beijing/iam",
            "e31c4558bcfe08a286001f59cedbf0791ffd0b2362f10e55ee2627467bcdde93",
        ),
        b"",
    ),
    "V3": (
        "GET",
        "/?Action=QueryBalanceAcct&Version=2022-01-01",
        _signed(
            "billing.volcengineapi.com",
            "20250329T180937Z",
            f"{KEY_2}/20250329/cn-beijing/billing",
            "1eda9e7e6b1728151a8e8791fdaf67cfbd28bd5c80d0fce2eb208746cf483105",
        ),
        b"",
    ),
    "V4": (
        "POST",
        "/?Action=ListBill&Version=2022-01-01",
        _signed(
            "billing.volcengineapi.com",
            "20250329T180937Z",
            f"{KEY_2}/20250329/cn-beijing/billing",
            "5e8480ceea12d0000a23c054151c50dd02c1a7dec835004057d19f13d53a7658",
        ),
        b'{"Limit":10,"BillPeriod":"2023-08"}',
    ),
    "V5": (
        "POST",
        "/?Action=UpdateCallback&Version=2023-01-01",
        _signed(
            "live.volcengineapi.com",
            "20250329T180937Z",
            f"{KEY_2}/20250329/cn-north-1/live",
            "d8d75b3e42680bb4db5ca721adebe1c1eabc6b1dfda0a014a5e9e92134ae19d3",
            {"Content-Type": "application/json", "X-Content-Sha256": UPDATE_DIGEST},
        ),
        UPDATE,
    ),
    "V5b": (
        "POST",
        "/?Action=UpdateCallback&Version=2023-01-01",
        _signed(
            "live.volcengineapi.com",
            "20250329T180937Z",
            f"{KEY_2}/20250329/cn-north-1/live",
            "a41a4d03f88bd158a496963a28b6706bf4ec8256250912ea659b00046a40c707",
        ),
        UPDATE,
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_the_vectors_verify(name: str) -> None:
    """What the vendor signed is taken."""
    method, target, headers, body = VECTORS[name]

    assert verify(method, target, headers, body, SECRETS) in (KEY_1, KEY_2)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"method": "GET"}, "SignatureDoesNotMatch"),
        ({"target": "/?Action=DeleteCallback&Version=2023-01-01"}, "SignatureDoesNotMatch"),
        ({"body": UPDATE + b" "}, "SignatureDoesNotMatch"),
        ({"Host": "live.example.com"}, "SignatureDoesNotMatch"),
        ({"X-Date": "20250329T180938Z"}, "SignatureDoesNotMatch"),
        ({"X-Date": "20250330T180937Z"}, "SignatureDoesNotMatch"),
        ({"X-Date": ""}, "MissingRequestInfo"),
        ({"Content-Type": "text/plain"}, "SignatureDoesNotMatch"),
        ({"X-Content-Sha256": EMPTY}, "SignatureDoesNotMatch"),
        ({"Authorization": "Bearer x"}, "SignatureDoesNotMatch"),
    ],
    ids=lambda value: next(iter(value), "") if isinstance(value, dict) else value,
)
def test_what_was_changed_is_refused(changed: dict[str, str | bytes], code: str) -> None:
    """Every signed part counts."""
    method, target, headers, body = VECTORS["V5"]
    parts = {"method": method, "target": target, "body": body, **headers, **changed}

    with pytest.raises(RefusedError, match=code):
        verify(
            str(parts.pop("method")),
            str(parts.pop("target")),
            {name: str(value) for name, value in parts.items() if name != "body"},
            bytes(parts["body"]) if isinstance(parts["body"], bytes) else b"",
            SECRETS,
        )


def test_other_keys_and_missing_headers_have_their_codes() -> None:
    """A key that nobody has, and no signature at all, are told apart from a wrong one."""
    method, target, headers, body = VECTORS["V5b"]

    with pytest.raises(RefusedError, match="InvalidAccessKey"):
        verify(method, target, headers, body, {})
    with pytest.raises(RefusedError, match="MissingAuthenticationToken"):
        verify(method, target, {"Host": "x"}, body, SECRETS)
    with pytest.raises(RefusedError, match="SignatureDoesNotMatch"):
        verify(method, target, headers, body, {KEY_2: "another secret"})


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_clock_may_differ_by_a_quarter_of_an_hour(sign: int) -> None:
    """Up to that the time is taken; a second more is a wrong time."""
    signed_ms = 1_743_271_777_000

    check_time("20250329T180937Z", signed_ms + sign * MAX_SKEW_SECS * 1000)
    with pytest.raises(RefusedError, match="InvalidTimestamp"):
        check_time("20250329T180937Z", signed_ms + sign * (MAX_SKEW_SECS + 1) * 1000)
