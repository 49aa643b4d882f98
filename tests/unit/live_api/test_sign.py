"""The signature: the vendor's printed examples, and two requests of Live computed on their own."""

import hashlib
from typing import Any

import pytest
from msgspec import structs

from router.config.secret import Secret
from router.live_api.sign import (
    Credentials,
    Request,
    Scope,
    canonical,
    content_digest,
    query_string,
    sign,
    signing_key,
    x_date,
)

PAIR_1 = Credentials(
    access_key="AKLTMjI2ODVlYzI3ZGY1NGU4ZjhjYWRjMTlmNTM5OTZkYzE",
    secret_key=Secret(b"TnpCak5XWXpZV1U0WkRaaE5ERmxaR0ZpTmpjeVkyUXlZek0wTWpJMU1qWQ=="),
)
PAIR_2 = Credentials(
    access_key="AKLTYWViMTVmZGYzM2E0NDI5Mzk2MDZjNjFmMjc2MjRjMzg",
    secret_key=Secret(b"WkRZeE1EQmxPVGhsWWpWak5HVmtNbUUxTXpZeU9UVXlOMlE1TmpZeVlqTQ=="),
)
LIVE = Scope(region="cn-north-1", service="live")
UPDATE = (
    b'{"Vhost":"push.live.example.com","App":"example_app","MessageType":"push",'
    b'"TranscodeCallback":0,'
    b'"CallbackDetailList":[{"CallbackType":"http","URL":"http://example.com/callback"}]}'
)
LIST_USERS = Request(
    method="GET",
    host="iam.volcengineapi.com",
    query={"Version": "2018-01-01", "Action": "ListUsers", "Offset": "0", "Limit": "10"},
)
UPDATE_CALLBACK = Request(
    method="POST",
    host="live.volcengineapi.com",
    query={"Action": "UpdateCallback", "Version": "2023-01-01"},
    body=UPDATE,
)


def _with_content(request: Request, content_type: str) -> Request:
    """Return *request* with the two headers that tell of a body."""
    headers = {
        "Content-Type": content_type,
        "X-Content-Sha256": hashlib.sha256(request.body).hexdigest(),
    }
    return structs.replace(request, headers=headers)


_BILLING: dict[str, Any] = {"host": "billing.volcengineapi.com"}
VECTORS = {
    "V1": (
        _with_content(LIST_USERS, "application/x-www-form-urlencoded; charset=utf-8"),
        PAIR_1,
        Scope(region="cn-north-1", service="iam"),
        1_609_316_285_000,
        "20201230T081805Z",
        "3a4d4dee07c3308a52da01bc12d7a83c3705bfa543f51648f46de880bb2a7447",
        "28eeabbbd726b87002e0fe58ad8c1c768e619b06e2646f35b6ad7ed029a6d8a7",
    ),
    "V2": (
        LIST_USERS,
        PAIR_2,
        Scope(region="cn-beijing", service="iam"),
        1_718_781_186_000,
        "20240619T071306Z",
        "5ed5bca3905e1fcbf789abb56a17c2d819674a3bcfa468ae476bd1ea80d135cb",
        "e31c4558bcfe08a286001f59cedbf0791ffd0b2362f10e55ee2627467bcdde93",
    ),
    "V3": (
        Request(
            method="GET",
            query={"Action": "QueryBalanceAcct", "Version": "2022-01-01"},
            **_BILLING,
        ),
        PAIR_2,
        Scope(region="cn-beijing", service="billing"),
        1_743_271_777_000,
        "20250329T180937Z",
        "43171c1658c64b5db55c58d54988a4598d2d09a5613136beaa5eef40eae6e2c1",
        "1eda9e7e6b1728151a8e8791fdaf67cfbd28bd5c80d0fce2eb208746cf483105",
    ),
    "V4": (
        Request(
            method="POST",
            query={"Action": "ListBill", "Version": "2022-01-01"},
            body=b'{"Limit":10,"BillPeriod":"2023-08"}',
            **_BILLING,
        ),
        PAIR_2,
        Scope(region="cn-beijing", service="billing"),
        1_743_271_777_000,
        "20250329T180937Z",
        "27383e3b56d03850f5634483527fbddcbf06cf98de1bc8a6679ef2300bff3b15",
        "5e8480ceea12d0000a23c054151c50dd02c1a7dec835004057d19f13d53a7658",
    ),
    "V5": (
        _with_content(UPDATE_CALLBACK, "application/json"),
        PAIR_2,
        LIVE,
        1_743_271_777_000,
        "20250329T180937Z",
        "a1d66286a5809b92f083627e74ba40e1146ad57e47a2b505d5082739b74506c5",
        "d8d75b3e42680bb4db5ca721adebe1c1eabc6b1dfda0a014a5e9e92134ae19d3",
    ),
    "V5b": (
        UPDATE_CALLBACK,
        PAIR_2,
        LIVE,
        1_743_271_777_000,
        "20250329T180937Z",
        "0d9c9049dd0f253469e7812abcdd9df8c794a78871600c784435ace19360271c",
        "a41a4d03f88bd158a496963a28b6706bf4ec8256250912ea659b00046a40c707",
    ),
}
"""Request, credentials, scope, time, and: its text, the canonical request's digest, the signature."""


@pytest.mark.parametrize("name", VECTORS)
def test_the_vectors_come_out(name: str) -> None:
    """The time, the canonical request and the signature are those of the documents."""
    request, credentials, scope, at_ms, date, digest, signature = VECTORS[name]

    headers = sign(request, credentials, scope, at_ms)

    assert x_date(at_ms) == headers["X-Date"] == date
    assert hashlib.sha256(canonical(request, date).encode()).hexdigest() == digest
    assert headers["Authorization"].endswith(f", Signature={signature}")


def test_the_headers_say_what_is_signed() -> None:
    """The request's own headers go out unchanged, beside the three of the signature."""
    request, credentials, scope, at_ms, *_ = VECTORS["V5"]

    headers = sign(request, credentials, scope, at_ms)

    assert headers == {
        "Content-Type": "application/json",
        "X-Content-Sha256": "961411a173309ecd291c0f79a69650f31b50705c46c3b29d472ced4eb21e8a1e",
        "Host": "live.volcengineapi.com",
        "X-Date": "20250329T180937Z",
        "Authorization": "HMAC-SHA256 "
        "Credential=AKLTYWViMTVmZGYzM2E0NDI5Mzk2MDZjNjFmMjc2MjRjMzg"
        "/20250329/cn-north-1/live/request, "
        "SignedHeaders=content-type;host;x-content-sha256;x-date, "
        "Signature=d8d75b3e42680bb4db5ca721adebe1c1eabc6b1dfda0a014a5e9e92134ae19d3",
    }


@pytest.mark.parametrize(
    ("scope", "day", "key"),
    [
        (
            Scope(region="cn-beijing", service="iam"),
            "20240619",
            "abee62e533a58934c49954459a3c3237d2fccea517c9a7c8a2651d8ea7779826",
        ),
        (LIVE, "20250329", "86d6b848ccae09ee2d69b0fe0f960d1f8ed4709dde7bf44cc27a05b21bb12240"),
    ],
    ids=["V2", "V5"],
)
def test_the_signing_key_is_of_one_day_region_and_service(scope: Scope, day: str, key: str) -> None:
    """The keys of two of the vectors come out."""
    assert signing_key(PAIR_2.secret_key, scope, day).hex() == key


def test_a_query_is_sorted_and_encoded() -> None:
    """By RFC 3986: the tilde stays, a blank is %20, and everything beyond ASCII is UTF-8."""
    query = {"b": "a b+c/d", "a~": "é", "A": "-_.~"}

    assert query_string(query) == "A=-_.~&a~=%C3%A9&b=a%20b%2Bc%2Fd"


def test_blanks_around_a_value_are_not_signed() -> None:
    """Nor does the order or the case of the names matter."""
    request, *_ = VECTORS["V5"]
    headers = request.headers
    other = {name.upper(): f" {headers[name]} " for name in sorted(headers, reverse=True)}

    date = "20250329T180937Z"
    assert canonical(structs.replace(request, headers=other), date) == canonical(request, date)


def test_the_empty_body_has_a_digest() -> None:
    """A request without a body is signed with the digest of nothing."""
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    assert content_digest(b"") == nothing


def test_credentials_do_not_show() -> None:
    """Neither the id nor the secret is in any text made of them."""
    shown = [repr(PAIR_2), str(PAIR_2), f"{PAIR_2}", repr([PAIR_2]), f"{PAIR_2!r}"]

    assert set(shown) == {"Credentials(********)", "[Credentials(********)]"}
