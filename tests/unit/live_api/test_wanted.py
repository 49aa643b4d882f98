"""What shall be registered, and what `check` says about it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from router.assembly import CHECKS
from router.config import Configuration, Secret, load
from router.errors import ConfigError
from router.live_api.wanted import Place, shown_url, wanted_of, without_token

ENVIRON = {
    "KEY": "16lettersOrDigits",
    "SHORT": "abc123XYZ",
    "TOKEN": "newest-token-012",
    "OLD": "older-token-0123",
}
SIGNED = "secrets: [{env: KEY}]"
TOKENS = "tokens: [{env: TOKEN}, {env: OLD}]"
A = "http://a/callbacks/live"


def _load(
    folder: Path, source: str, callback: str, environ: Mapping[str, str] = ENVIRON
) -> Configuration:
    text = f"""\
listen: 127.0.0.1:8080
kafka: {{bootstrap_servers: "127.0.0.1:9092"}}
sources:
  live: {{vendor: volcengine-live, {source}}}
  zego: {{vendor: zego-cloud-player, secrets: [{{env: KEY}}], tokens: [{{env: TOKEN}}]}}
volcengine_live:
  access_key: {{env: UNSET}}
  secret_key: {{env: UNSET}}
  callbacks:
    - {{{callback}}}
"""
    (folder / "router.yaml").write_text(text)
    return load(folder / "router.yaml", environ, CHECKS)


def _callback(url: str, source: str = "live") -> str:
    return f'source: {source}, domain: d, message_types: [push, record], url: "{url}"'


def _told(folder: Path, source: str, callback: str) -> list[str]:
    """Return the errors, or the warnings, about the section."""
    try:
        found = _load(folder, source, callback).warnings
    except ConfigError as error:
        found = error.problems
    texts = [str(problem).partition("router.yaml:")[2] for problem in found]
    return [text for text in texts if "volcengine_live" in text]


@pytest.mark.parametrize(
    ("source", "url"),
    [
        (SIGNED, A),
        (f"{SIGNED}, {TOKENS}", f"{A}/{{token}}"),
        (f"{SIGNED}, {TOKENS}", f"{A}/${{TOKEN}}"),
        (f"{SIGNED}, {TOKENS}", f"{A}/${{OLD}}?x=1"),
        (f"unsigned: true, {TOKENS}", f"{A}/{{token}}"),
    ],
)
def test_a_url_that_leads_to_its_source_is_right(tmp_path: Path, source: str, url: str) -> None:
    """With a token of it, if it has any, by name or by a variable."""
    assert _told(tmp_path, source, _callback(url)) == []


@pytest.mark.parametrize(
    ("source", "callback", "told"),
    [
        (SIGNED, _callback(A, "lives"), "source: no source is called so; there are: live, zego"),
        (
            SIGNED,
            _callback(A, "zego"),
            "source: its vendor is zego-cloud-player, not volcengine-live",
        ),
        (
            "secrets: [{env: SHORT}]",
            _callback(A),
            "source: its newest secret, which is registered, is not 16 to 32 letters and digits",
        ),
        (SIGNED, _callback(f"{A}/{{token}}"), "url: live has no tokens: leave {token} out"),
        (
            SIGNED,
            _callback("http://a/live"),
            "url: does not lead to the source, unless a proxy makes /callbacks/live of its path",
        ),
        (
            f"{SIGNED}, {TOKENS}",
            _callback(A),
            "url: does not lead to the source, unless a proxy makes /callbacks/live/{token} of its path",
        ),
        (SIGNED, _callback("http://[a/callbacks/live"), "url: expected a URL"),
    ],
)
def test_what_would_not_arrive_is_told(
    tmp_path: Path, source: str, callback: str, told: str
) -> None:
    """With its place; without the token that the URL holds."""
    (found,) = _told(tmp_path, source, callback)
    assert found.partition("volcengine_live.callbacks[0].")[2] == told


def test_a_token_that_is_no_text_is_told_once(tmp_path: Path) -> None:
    """Its own fault is reported, and the URL's is looked at all the same."""
    environ = {**ENVIRON, "TOKEN": "\udcff" * 16}
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, f"{SIGNED}, {TOKENS}", _callback(f"{A}/{{token}}"), environ)

    told = [problem.message for problem in caught.value.problems]
    assert told == ["a token consists of A-Z a-z 0-9 . _ ~ - only"] * 2  # of both sources


def test_a_wanted_registration_has_all_that_is_needed(tmp_path: Path) -> None:
    """One for each type, with the secrets and tokens of its source."""
    source = f"secrets: [{{env: KEY}}, {{env: SHORT}}], {TOKENS}"
    first, second = wanted_of(_load(tmp_path, source, _callback(f"{A}/{{token}}")))

    assert (str(first), str(second)) == ("domain d  push", "domain d  record")
    assert first.url == f"{A}/newest-token-012"
    assert first.keys == (Secret(b"16lettersOrDigits"), Secret(b"abc123XYZ"))
    assert first.tokens == (Secret(b"newest-token-012"), Secret(b"older-token-0123"))
    assert (first.source, first.transcode) == ("live", None)


def test_a_place_is_called_as_in_the_configuration() -> None:
    """Domain, vhost, or one application of a vhost."""
    places = [Place(domain="d"), Place(vhost="v"), Place(vhost="v", app="show")]
    assert [str(place) for place in places] == ["domain d", "vhost v", "vhost v/show"]


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("https://a/callbacks/live", "https://a/callbacks/live"),
        ("https://a/callbacks/live/t0ken", "https://a/callbacks/live"),
        ("https://a/in/callbacks/live/t0ken?x=1", "https://a/in/callbacks/live?x=1"),
        ("https://a/hooks/live", "https://a/hooks/live"),
    ],
)
def test_a_url_is_compared_without_its_token(url: str, bare: str) -> None:
    """Only what stands behind the source is one; it is stars where a URL is shown."""
    assert without_token(url) == bare
    assert "t0ken" not in shown_url(url)
    assert shown_url(url).replace("/********", "") == bare


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("HTTPS://A.Example/hooks/Live", "https://a.example/hooks/Live"),
        ("https://A:8443?X", "https://a:8443?X"),
        ("https://A", "https://a"),
        ("https://Me:Pass@A/hooks", "https://Me:Pass@A/hooks"),
    ],
)
def test_the_name_of_a_host_has_no_letter_case(url: str, bare: str) -> None:
    """A path has one, and so has a password before the host, which is left as it is."""
    assert without_token(url) == bare


def test_a_token_is_hidden_wherever_it_stands() -> None:
    """A proxy may have it in another place."""
    assert shown_url("https://a/hook-t0ken", [Secret(b"t0ken")]) == "https://a/hook-********"
