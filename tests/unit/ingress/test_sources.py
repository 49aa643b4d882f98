"""Finding the source that a request's head is for, in the contract's order."""

from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ingress.sources import Head, Limits, Source, Sources, is_within, parse_address
from router.vendors import vendors
from router.vendors.refusal import Refused

TOKEN, OLD = "studio-token-0123456789", "another-token-987654321"
RTC, CASTER = vendors()["volcengine-rtc"], vendors()["alibaba-caster"]
SOURCES = Sources(
    [
        Source(name="rtc", vendor=RTC, secrets={None: (b"k",)}),
        Source(name="studio", vendor=CASTER, secrets={}, tokens=(TOKEN.encode(), OLD.encode())),
        Source(
            name="local",
            vendor=RTC,
            secrets={None: (b"k",)},
            allow=(ip_network("203.0.113.0/24"), ip_network("2001:db8::/32")),
        ),
    ],
    Limits(max_body_bytes=100, max_record_bytes=200),
)
NOT_FOUND = Refused("not-found")


def _find(**head: Any) -> Source | Refused:
    given = {"method": "POST", "target": "/callbacks/rtc", "address": "192.0.2.1", **head}
    return SOURCES.find(Head(**given))


def _name(found: Source | Refused) -> str:
    return found.name if isinstance(found, Source) else found.reason


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/callbacks/rtc", "rtc"),
        ("/callbacks/rtc?a=b", "rtc"),
        ("/callbacks/rtc?/x/y", "rtc"),
        ("/callbacks/rtc?", "rtc"),
        (f"/callbacks/studio/{TOKEN}", "studio"),
        (f"/callbacks/studio/{OLD}", "studio"),
        (f"/callbacks/studio/{TOKEN}?auth_key=x", "studio"),
    ],
)
def test_a_path_leads_to_its_source(target: str, name: str) -> None:
    """By its name, with one of its tokens if it has any; a query is ignored."""
    assert _name(_find(target=target)) == name


@pytest.mark.parametrize(
    "target",
    [
        "",
        "/",
        "*",
        "/callbacks",
        "/callbacks/",
        "/callbacks//",
        "/callbacks/unknown",
        f"/callbacks/unknown/{TOKEN}",
        "/callbacks/rtc/",
        f"/callbacks/rtc/{TOKEN}",
        "/callbacks/RTC",
        "/callbacks/rt%63",
        "/callbacks%2Frtc",
        "//callbacks/rtc",
        "/./callbacks/rtc",
        "/callbacks/../callbacks/rtc",
        " /callbacks/rtc",
        "/callbacks/rtc#x",
        "/callbacks/rtc;x",
        "/callbacks?/rtc",
        "http://host/callbacks/rtc",
        "/callbacks/studio",
        "/callbacks/studio/",
        f"/callbacks/studio/{TOKEN}/",
        f"/callbacks/studio/{TOKEN[:-1]}",
        f"/callbacks/studio/{TOKEN}x",
        f"/callbacks/studio/{TOKEN.upper()}",
        f"/callbacks/studio/%73{TOKEN[1:]}",
        f"/callbacks/studio/{TOKEN}\udcff",
        "/callbacks/studio/\udcff\udc80",
        f"/callbacks/studio?{TOKEN}",
        "/callbacks/unknown/" + "\0" * 31,
        "/metrics",
    ],
    ids=repr,
)
def test_any_other_path_is_not_found(target: str) -> None:
    """Unknown source, wrong or missing token, encoded path, slash: all the same refusal."""
    assert _find(target=target) == NOT_FOUND


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "OPTIONS", "post", "", "POST "])
@pytest.mark.parametrize("target", ["/callbacks/rtc", "/nowhere"])
def test_only_post_is_taken(method: str, target: str) -> None:
    """Whatever the path is."""
    assert _find(method=method, target=target) == Refused("method")


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("203.0.113.7", "local"),
        ("::ffff:203.0.113.7", "local"),
        ("2001:db8::1", "local"),
        ("2001:db8::1%eth0", "local"),
        ("203.0.114.7", "address"),
        ("2001:db9::1", "address"),
        ("::203.0.113.7", "address"),
        ("", "address"),
        ("unknown", "address"),
        ("203.0.113.7:80", "address"),
        ("203.0.113.007", "address"),
    ],
)
def test_a_source_may_name_its_senders(address: str, name: str) -> None:
    """Where it has an `allow`, the sender must be in it; IPv4 inside IPv6 is IPv4."""
    assert _name(_find(target="/callbacks/local", address=address)) == name
    assert _name(_find(target="/callbacks/rtc", address=address)) == "rtc"


@pytest.mark.parametrize(
    ("head", "name"),
    [
        ({"content_encoding": "identity"}, "rtc"),
        ({"content_encoding": " Identity "}, "rtc"),
        ({"content_encoding": "gzip"}, "media-type"),
        ({"content_encoding": "identity, gzip"}, "media-type"),
        ({"content_type": "multipart/form-data; boundary=x"}, "media-type"),
        ({"content_type": " MULTIPART/mixed"}, "media-type"),
        ({"content_type": "application/json"}, "rtc"),
        ({"content_type": "text/plain"}, "rtc"),
        ({"content_type": "application/x-www-form-urlencoded"}, "rtc"),
        ({"content_type": "multipartx"}, "rtc"),
        ({"content_type": "nonsense"}, "rtc"),
        ({"content_length": 100}, "rtc"),
        ({"content_length": 0}, "rtc"),
        ({"content_length": None}, "rtc"),
        ({"content_length": 101}, "too-large"),
    ],
    ids=repr,
)
def test_a_head_tells_what_cannot_be_read(head: dict[str, Any], name: str) -> None:
    """Compressed, multipart and too large bodies are refused before they are read."""
    assert _name(_find(**head)) == name


@pytest.mark.parametrize(
    "reason", ["method", "not-found", "address", "media-type", "too-large"], ids=str
)
def test_the_first_of_several_refusals_counts(reason: str) -> None:
    """Method, path and token, address, media type, size: what is right moves on to the next."""
    wrong: dict[str, dict[str, Any]] = {
        "method": {"method": "GET"},
        "not-found": {"target": "/callbacks/unknown"},
        "address": {"address": "192.0.2.1"},
        "media-type": {"content_encoding": "gzip"},
        "too-large": {"content_length": 101},
    }
    order = list(wrong)
    head: dict[str, Any] = {"target": "/callbacks/local", "address": "203.0.113.7"}
    for name in order[order.index(reason) :]:
        head |= wrong[name]

    assert _name(_find(**head)) == reason


@given(st.text(), st.text(), st.text(), st.text(), st.none() | st.integers())
def test_any_head_has_an_outcome(
    target: str, address: str, kind: str, coding: str, length: int | None
) -> None:
    """Nothing that a head holds raises."""
    for path in (target, f"/callbacks/local?{target}", f"/callbacks/studio/{target}"):
        found = _find(
            target=path,
            address=address,
            content_type=kind,
            content_encoding=coding,
            content_length=length,
        )
        assert isinstance(found, Source | Refused)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", IPv4Address("192.0.2.1")),
        ("::ffff:192.0.2.1", IPv4Address("192.0.2.1")),
        ("::1", IPv6Address("::1")),
        ("fe80::1%eth0", IPv6Address("fe80::1")),
        ("", None),
        ("host", None),
        ("192.0.2.1/32", None),
    ],
)
def test_an_address_is_read(text: str, address: object) -> None:
    """IPv4 and IPv6, without a zone; anything else is none."""
    assert parse_address(text) == address


def test_nothing_is_within_no_network() -> None:
    """Without networks nobody is within; a network of the other family holds nobody."""
    assert not is_within("192.0.2.1", ())
    assert not is_within("192.0.2.1", (ip_network("::/0"),))
    assert is_within("192.0.2.1", (ip_network("::/0"), ip_network("192.0.2.0/24")))


def test_a_source_is_a_value() -> None:
    """Equal configurations make equal sources."""
    assert msgspec.structs.replace(SOURCES.by_name["rtc"]) == SOURCES.by_name["rtc"]
    assert SOURCES.limits == Limits(max_body_bytes=100, max_record_bytes=200)
