"""Masking: no credentials in what is printed, and everything else as it was."""

import json
import time
from base64 import b64decode, b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.tools.masking import masked, masked_value, sensitive_names

URL = "https://user:pass-Zq7@host.example.com:8443/a/b.m3u8?token=Zq7&x=1"
SHOWN = "https://***@host.example.com:8443/a/b.m3u8?***"
NAMES = frozenset({"fp_user_url"})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (URL, SHOWN),
        ("rtmp://push.example.com/live/s?secret=1", "rtmp://push.example.com/live/s?***"),
        ("srt://h:9000?streamid=x,m=publish", "srt://h:9000?***"),
        ("https://u@h", "https://***@h"),
        ("https://proxy/https://u:Zq7@h/x?y=Zq7", "https://proxy/https://***@h/x?***"),
        ("https://h?://Zq7", "https://h?***"),
        ("https://h?to=https://h/x&token=Zq7", "https://h?***"),
        ("https://u:p@w@h/", "https://***@h/"),
        ("https://user:pa/Zq7@h/x", "https://***@h/x"),
        ("https://user:12/Zq7 Zq7@h/x", "https://***@h/x"),
        ("https://Zq7 Zq7@h/x@2x.png", "https://***@h/x@2x.png"),
        ("https://Zq7%2FZq7@h", "https://***@h"),
        ("https://u:Zq7//Zq7@h", "https://***@h"),
        ("https://u:Zq7?Zq7#Zq7@h", "https://***"),
        ("https://h:80?to=a@b", "https://h:80?***"),
        ("https://u:Zq7://Zq7@h", "https://***@h"),
        ("https://h:80/a https://h/b@2x", "https://h:80/a https://h/b@2x"),
        ("https://cdn/my logo.jpg?auth_key=Zq7", "https://cdn/my logo.jpg?***"),
        ("https://h/?token=ab cd&k=Zq7", "https://h/?***"),
        ("https://h/?token=ab\u3000Zq7", "https://h/?***"),
        ("https://h/?token=ab\xa0Zq7\nZq7", "https://h/?***"),
        ("https://h/?sig=a<Zq7>Zq7", "https://h/?***"),
        ('https://h/?sig="Zq7"Zq7', "https://h/?***"),
        ('https://h/"x"?sig=Zq7', 'https://h/"x"?***'),
        ('https://u:pa"Zq7"@h/', "https://***@h/"),
        ('say "https://h/?a=b" Zq7', 'say "https://h/?***'),
        ('["https://h/?a="Zq7","Zq7"]', '["https://h/?***'),
        ('["https://h/?a=""Zq7', '["https://h/?***'),
        ("//h/p?token=Zq7", "//h/p?***"),
        ("url=//u:Zq7@h/p", "url=//***@h/p"),
        ("https%3A%2F%2Fh%2F%3Ftoken%3DZq7", "https%3A%2F%2Fh%2F%3F***"),
        ("a=b&u=https%3a%2f%2fu%3aZq7%40h%2fx&c=d", "a=b&u=https%3a%2f%2f***%40h%2fx&c=d"),
        ("https%253A%252F%252Fh%252F%253FZq7", "https%253A%252F%252Fh%252F%253F***"),
        ("https:%5C%2F%5C%2Fh%3Ftoken=Zq7", "https:%5C%2F%5C%2Fh%3F***"),
        ("%2F%2Fh%2F%23access_token%3DZq7", "%2F%2Fh%2F%23***"),
        ("https://h/p%3Ftoken%3DZq7", "https://h/p%3F***"),
        (
            r"{\"url\":\"https:\u002f\u002Fh\u003Ftoken\u003dZq7",
            r"{\"url\":\"https:\u002f\u002Fh\u003F***",
        ),
        ("https://[::1]:80/?a=b", "https://[::1]:80/?***"),
        ("https://h/#/room?token=1", "https://h/#/room?***"),
        ("https://h/#access_token=1", "https://h/#***"),
        (
            "got https://u:Zq7@h/a and https://u:Zq7@h/?b.",
            "got https://***@h/a and https://***@h/?***",
        ),
        (r"{\"url\":\"https:\/\/u:p@h\/x?t=1\"}", r"{\"url\":\"https:\/\/***@h\/x?***"),
    ],
)
def test_urls_lose_userinfo_and_query(text: str, shown: str) -> None:
    """Scheme, host and path stay; a query goes on to the end, in a literal and in base64 too."""
    assert masked(text) == shown
    assert json.loads(masked(json.dumps({"a": text, "b": 1}))) == {"a": shown, "b": 1}
    encoded = json.dumps({"body_base64": b64encode(text.encode()).decode()})
    assert b64decode(json.loads(masked(encoded))["body_base64"]).decode() == shown


def test_a_query_ends_with_its_literal() -> None:
    """Of JSON inside a text too, with the inner one."""
    inner = '{"u": "https://h/my x?a=\\"Zq7 ://Zq7", "n": 1.50, "v": "https://h/y"}'
    shown = '{"u": "https://h/my x?***", "n": 1.50, "v": "https://h/y"}'

    assert masked(inner) == shown
    assert masked(json.dumps({"x": inner, "y": [0]})) == json.dumps({"x": shown, "y": [0]})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "https://host.example.com/a/b@c#part",
        "https://h?",
        "//h?",
        "1 // 2 ? user:pass@host",
        "100%3F a%40b %2F?x %3A",
        "https://@h",
        "is it ?a=b or user:pass@host",
        '{"a": 1e400, "b":[1.0,  -0, 12345678901234567890123], "a": 2, "é\\u00e9": "\\ud800"}',
        '"unterminated',
        '{"fp_user_url":',
        '{"no escape \\x": 1}',
        '{"body_base64":"aGVsbG8="}',
        '{"body_base64":"no base64!"}',
        '{"body_base64":{"body_base64":[1]}}',
        '{"fp_user_url":null,"fp_user_url":""}',
        "\x00\u2028\ud800",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    """To the last space and digit."""
    assert masked(text, NAMES) == text


@pytest.mark.parametrize(
    "value",
    [
        '"?volcSecret=Zq7"',
        '"Zq7 \\" Zq7"',
        '{"a":[{"b":"Zq7"}],"c":"}Zq7"}',
        '[["Zq7"],"]Zq7"]',
        "777",
        "true",
    ],
)
@pytest.mark.parametrize("name", ["fp_user_url", "fpUserUrl", "FpUserURL", "fp_user_url_"])
def test_sensitive_fields_are_masked(name: str, value: str) -> None:
    """Whatever their value is and however they are spelled; what is beside them stays."""
    text = f'{{"a":1.0,"in":[{{"{name}" : {value} ,"b":"x"}}]}}'

    assert masked(text, NAMES) == f'{{"a":1.0,"in":[{{"{name}" : "***" ,"b":"x"}}]}}'
    assert masked(text) == text


def test_a_broken_text_is_masked_to_its_end() -> None:
    """What was cut off is hidden, and a literal that is none is plain text."""
    assert masked('{"fp_user_url": {"a": ["Zq7"', NAMES) == '{"fp_user_url": "***"'
    assert masked('{"fp_user_url": "Zq7', NAMES) == '{"fp_user_url": "***"'
    assert masked(r'{"a": "\x https://u:Zq7@h?Zq7"}') == r'{"a": "\x https://***@h?***"}'


def test_json_inside_of_text_is_masked() -> None:
    """At any depth, with whatever escapes its writer likes."""
    inner = json.dumps({"url": URL, "fp_user_url": "Zq7", "n": 1})
    go = inner.replace("&", "\\u0026").replace("/", "\\/").replace("?", "\\u003f")
    for text in (inner, go, go.replace(":\\/", "\\u003a\\/")):
        for _ in range(3):
            shown = masked(json.dumps({"extra_info": text, "kept": 1.5}), NAMES)
            assert "Zq7" not in shown
            value = json.loads(shown)
            assert value["kept"] == 1.5
            while "extra_info" in value:
                value = json.loads(value["extra_info"])
            assert value["url"] == SHOWN
            assert value["n"] == 1
            text = json.dumps({"extra_info": text})  # noqa: PLW2901 - one level deeper


def test_texts_in_texts_in_texts_end_somewhere() -> None:
    """Beyond what anybody sends, a text is masked as a whole."""
    text = f'"{URL}"'
    for _ in range(400):
        text = '"' + text.replace("\\", "\\u005c").replace('"', "\\u0022") + '"'

    assert "Zq7" not in masked(text)


def test_base64_is_looked_into() -> None:
    """What was no JSON, or nests too deep, is kept as base64, and masked in there."""
    body = b"\xff<url>" + URL.encode() + b'</url>{"fp_user_url":"Zq7"}'
    text = json.dumps({"body_base64": b64encode(body).decode(), "x": "\u00e9"})

    value = json.loads(masked(text, NAMES))
    assert b64decode(value["body_base64"]).startswith(b"\xff<url>" + SHOWN.encode())
    assert b"Zq7" not in b64decode(value["body_base64"])
    assert value["x"] == "\u00e9"


def test_words_that_are_readable_stay_readable() -> None:
    """Of a text that changes, what is no ASCII is not escaped."""
    assert masked('{"msg":"推流 https://h/?a=1 "}') == '{"msg":"推流 https://h/?***"}'


def test_a_value_goes_by_its_own_vendor() -> None:
    """Names of one vendor are no secrets of another; without a vendor all of them count."""
    data = '"data":{"fp_user_url":"x","push_url":"y","stream_url":"z"}'
    shown = {
        vendor: masked_value(f'{{"type":"{vendor}.X",{data}}}'.encode())
        for vendor in ("volcengine-live", "zego-cloud-player", "callback-router")
    }

    assert '"fp_user_url":"***","push_url":"y"' in shown["volcengine-live"]
    assert data in shown["zego-cloud-player"]
    assert '"fp_user_url":"***","push_url":"***"' in shown["callback-router"]
    assert masked_value(b'\xff{"fp_user_url":"x"}') == '\ufffd{"fp_user_url":"***"}'


def test_sensitive_names_come_from_the_classes() -> None:
    """As the event names them."""
    assert sensitive_names("volcengine-live") == {"fp_user_url"}
    assert sensitive_names("volcengine-live") < sensitive_names()
    assert sensitive_names("alibaba-caster") == frozenset()


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.sampled_from(["fp_user_url", "body_base64"]), inner)
        | inner.map(json.dumps)
        | inner.map(lambda value: b64encode(json.dumps(value).encode()).decode())
    ),
    max_leaves=12,
)
PIECES = st.lists(
    st.text(max_size=5)
    | st.sampled_from(
        [
            *'"\\{}[]:,?#@/% ',
            "://",
            "%2F%2F",
            "%3f",
            URL,
            '\\"',
            '"fp_user_url":',
            '"body_base64":"',
            "null",
            "\\u",
        ]
    )
).map("".join)


@given(PIECES)
def test_any_text_can_be_masked(text: str) -> None:
    """Broken or not; and what is masked stays as it is."""
    once = masked(text, NAMES)

    assert once.count("Zq7") == 0
    assert masked(masked(once, NAMES), NAMES) == masked(once, NAMES)


@given(st.binary())
def test_any_bytes_can_be_masked(value: bytes) -> None:
    """Total over what a record may hold."""
    masked_value(value).encode()


@given(JSON, st.booleans())
def test_json_stays_json(value: Any, is_ascii: bool) -> None:  # noqa: FBT001 - Hypothesis gives it
    """The same value, where there is nothing to hide in it."""
    text = json.dumps(value, ensure_ascii=is_ascii)
    shown = masked(text, NAMES)

    json.loads(shown)
    if (
        "//" not in text
        and "%2f" not in text.lower()
        and "fp" not in text.lower()
        and "base64" not in text
    ):
        assert shown == text


@given(JSON)
def test_planted_credentials_are_found(value: Any) -> None:
    """In keys and texts, in texts inside of texts, beside whatever else is there."""
    planted = {"a": [value, {URL: URL}], "fp_user_url": {"deep": [value, "Zq7"]}}
    for text in (json.dumps(planted), json.dumps({"x": json.dumps([json.dumps(planted)])})):
        assert "Zq7" not in masked(text, NAMES)
        json.loads(masked(text, NAMES))


ANYTHING = st.text(max_size=8) | st.sampled_from(
    ['"', '","', '\\"', " ", "\n", "<", "//", "://", "%3A%2F%2F", "/", "@", "?", "#", "{", "}", "]"]
)


@given(st.text(), st.lists(ANYTHING).map("".join), st.sampled_from(["://", "//", "%3A%2F%2F"]))
def test_whatever_is_in_a_query_is_hidden(before: str, within: str, start: str) -> None:
    """Wherever it stands: plain, in a text, in JSON in a text, and behind anything."""
    url = f"{before}{start}h/?{within}Zq7"
    inner = json.dumps({"url": url, "n": 1})
    for text in (url, inner, json.dumps({"x": url}), json.dumps({"x": inner, "n": [2]})):
        assert "Zq7" not in masked(text)
    assert json.loads(json.loads(masked(json.dumps({"x": inner})))["x"])["n"] == 1


@given(st.lists(ANYTHING).map("".join).filter(lambda text: "@" not in text))
def test_whatever_is_in_a_password_is_hidden(within: str) -> None:
    """Slashes, blanks and quotes, and what looks like another URL, too."""
    for text in (f"https://Zq7:a{within}Zq7@h/", f"https://u:Zq7{within}@h/"):
        for written in (text, json.dumps({"x": text}), json.dumps([json.dumps({"x": text})])):
            assert "Zq7" not in masked(written)


@pytest.mark.parametrize(
    "piece",
    [
        '"',
        '\\"',
        "\\",
        '"\\"',
        "a",
        ":",
        ":\\",
        "://",
        "?",
        "#",
        "[",
        '{"a":',
        '"a" ',
        "@",
        ":/\\",
        "//",
        "%25",
        "%2F",
        ":%5C",
        "/@",
        "//:@",
        "/\\",
        "#=",
        "1",
        '"//?",',
    ],
)
def test_masking_is_linear(piece: str) -> None:
    """A long text of anything takes no longer than a moment: a quadratic one takes minutes."""
    much = piece * (2**17 // len(piece))
    for text in (much, '{"fp_user_url":' * 3 + much):
        began_secs = time.process_time()
        masked(text, NAMES)
        assert time.process_time() - began_secs < 5.0
