"""What only the vendors and the routes know about a configuration, with its place."""

from pathlib import Path

import pytest

from router.assembly import routes_of, sources_of, topics_of
from router.ingress.receive import Accepted
from router.vendors import vendors
from router.vendors.spec import PathToken
from tests.sender import TOKEN, ask, live
from tests.unit.assembling import findings, load_one

SIGNED = ["volcengine-rtc", "zego-cloud-player", "volcengine-live"]
CONTENT = (
    "does not sign the content: who sees one callback could send others for some minutes; "
    "add tokens"
)


@pytest.mark.parametrize("vendor", SIGNED)
def test_a_vendor_that_signs_with_secrets(tmp_path: Path, vendor: str) -> None:
    """A token beside them is fine, but does not stand in for them."""
    told = f"router.yaml:4:8: sources.one: {vendor} signs its callbacks: add secrets to check them with"

    assert findings(tmp_path, f"vendor: {vendor}") == ([told], [])
    assert findings(tmp_path, f"vendor: {vendor}, tokens: [{{env: TOKEN}}]") == ([told], [])
    both = f"vendor: {vendor}, secrets: [{{env: KEY}}], tokens: [{{env: TOKEN}}]"
    assert findings(tmp_path, both) == ([], [])


@pytest.mark.parametrize("vendor", SIGNED)
def test_a_digest_without_the_content_wants_a_token_too(tmp_path: Path, vendor: str) -> None:
    """A warning for ZEGO and Live, whose digests cover a time only; RTC's covers all."""
    told = f"router.yaml:4:8: sources.one: {vendor} {CONTENT}"

    errors, warnings = findings(tmp_path, f"vendor: {vendor}, secrets: [{{env: KEY}}]")
    assert errors == []
    assert warnings == ([] if vendor == "volcengine-rtc" else [told])


def test_a_vendor_without_a_signature_needs_a_token(tmp_path: Path) -> None:
    """And has no use for secrets."""
    needs = "alibaba-caster signs nothing, so the path must hold a secret: add tokens"
    unused = "alibaba-caster signs nothing: these are never used"

    assert findings(tmp_path, "vendor: alibaba-caster") == (
        [f"router.yaml:4:8: sources.one: {needs}"],
        [],
    )
    source = "vendor: alibaba-caster, tokens: [{env: TOKEN}]"
    assert findings(tmp_path, source) == ([], [])
    assert findings(tmp_path, f"{source}, secrets: [{{env: KEY}}]") == (
        [],
        [f"router.yaml:4:66: sources.one.secrets: {unused}"],
    )


def test_live_without_its_signature_needs_a_token(tmp_path: Path) -> None:
    """The switch is the vendor's, so a token proves instead."""
    needs = (
        "volcengine-live is switched to sign nothing, so the path must hold a secret: add tokens"
    )

    assert findings(tmp_path, "vendor: volcengine-live, unsigned: true") == (
        [f"router.yaml:4:8: sources.one: {needs}"],
        [],
    )
    source = "vendor: volcengine-live, unsigned: true, tokens: [{env: TOKEN}]"
    assert findings(tmp_path, source) == ([], [])


@pytest.mark.parametrize("vendor", [name for name in vendors() if name != "volcengine-live"])
def test_only_live_can_be_unsigned(tmp_path: Path, vendor: str) -> None:
    """No other vendor documents a switch; unsigned by nature is not switched off."""
    column = len(f"  one: {{vendor: {vendor}, unsigned: ") + 1
    told = f"router.yaml:4:{column}: sources.one.unsigned: "
    told += f"{vendor} has no switch for its proof; remove the line"

    source = f"vendor: {vendor}, unsigned: true, tokens: [{{env: TOKEN}}]"
    assert findings(tmp_path, source) == ([told], [])


@pytest.mark.parametrize("vendor", vendors())
def test_refusing_what_is_stale_needs_a_signed_time(tmp_path: Path, vendor: str) -> None:
    """RTC and the studio sign none: the line has no effect, and is said to have none."""
    secrets = "" if vendor == "alibaba-caster" else ", secrets: [{env: KEY}]"
    source = f"vendor: {vendor}, tokens: [{{env: TOKEN}}]{secrets}, on_stale: "
    place = f"router.yaml:4:{len('  one: {' + source) + 1}: sources.one.on_stale"
    told = f"{place}: {vendor} signs no time to check here; remove the line"

    errors, warnings = findings(tmp_path, f"{source}reject")
    assert errors == []
    assert warnings == ([told] if vendor in ("alibaba-caster", "volcengine-rtc") else [])
    assert findings(tmp_path, f"{source}publish") == ([], [])


def test_refusing_what_is_stale_needs_live_to_sign(tmp_path: Path) -> None:
    """Without its signature nothing in the body is to be believed, its time neither."""
    source = "vendor: volcengine-live, tokens: [{env: TOKEN}], unsigned: true, on_stale: reject"

    (warning,) = findings(tmp_path, source)[1]
    assert warning.endswith("volcengine-live signs no time to check here; remove the line")


@pytest.mark.parametrize("vendor", vendors())
def test_secrets_by_application_need_applications(tmp_path: Path, vendor: str) -> None:
    """RTC and ZEGO tell applications apart; a secret of one would never be used elsewhere."""
    secrets = 'secrets: [{env: KEY}, {env: OTHER, app: "7"}]'
    errors, _ = findings(tmp_path, f"vendor: {vendor}, tokens: [{{env: TOKEN}}], {secrets}")

    told = [f"{vendor} does not tell applications apart; remove the line"]
    found = [error.partition("sources.one.secrets[1].app: ")[2] for error in errors]
    assert found == ([] if vendor in ("volcengine-rtc", "zego-cloud-player") else told)


def test_an_unknown_vendor_is_told_the_known_ones(tmp_path: Path) -> None:
    """All four, in their order, and nothing else about that source."""
    told = (
        "router.yaml:4:17: sources.one.vendor: unknown vendor; use one of "
        "alibaba-caster, volcengine-live, volcengine-rtc, zego-cloud-player"
    )
    assert findings(tmp_path, "vendor: zego, on_stale: reject") == ([told], [])


def test_a_source_is_made_of_its_options(tmp_path: Path) -> None:
    """Secrets by application in their order, tokens, networks, and what is done with stale ones."""
    secrets = 'secrets: [{env: KEY}, {env: OTHER, app: "7"}, {env: OTHER}, {env: KEY, app: "7"}]'
    text = f"vendor: zego-cloud-player, {secrets}, tokens: [{{env: TOKEN}}], on_stale: reject"
    source = sources_of(load_one(tmp_path, text)).by_name["one"]

    assert source.vendor is vendors()["zego-cloud-player"]
    assert source.secrets == {
        None: (b"signing-secret-1", b"other-secret-22"),
        "7": (b"other-secret-22", b"signing-secret-1"),
    }
    assert source.tokens == (TOKEN.encode(),)
    assert source.is_stale_refused


def test_an_unsigned_source_has_no_proof_but_its_token(tmp_path: Path) -> None:
    """Its vendor's table is that of the vendor with the proof switched off."""
    text = "vendor: volcengine-live, unsigned: true, tokens: [{env: TOKEN}]"
    source = sources_of(load_one(tmp_path, text)).by_name["one"]

    assert isinstance(source.vendor.proof, PathToken)
    assert source.vendor.name == "volcengine-live"
    assert (source.vendor.window, source.is_stale_refused) == (None, False)


@pytest.mark.parametrize("vendor", vendors())
def test_every_topic_of_a_vendor_is_known_beforehand(tmp_path: Path, vendor: str) -> None:
    """One for each type and one for what is not recognised, signed or not."""
    unsigned = ", unsigned: true" if vendor == "volcengine-live" else ", secrets: [{env: KEY}]"
    text = f"vendor: {vendor}, tokens: [{{env: TOKEN}}]{unsigned}"
    configuration = load_one(tmp_path, text)

    types = [*vendors()[vendor].types, "Unrecognized"]
    assert topics_of(configuration) == sorted(f"callbacks.{vendor}.{name}" for name in types)


def test_rules_are_made_of_their_options(tmp_path: Path) -> None:
    """Conditions, topics and keys as configured."""
    rules = "base: 'b.{type}'\nroutes:\n  - {name: a, when: {type: PushEnd}, to: '{vendor}.x'}\n"
    source = "vendor: volcengine-live, secrets: [{env: KEY}], tokens: [{env: TOKEN}]"
    configuration = load_one(tmp_path, source, rules)

    routes = routes_of(configuration)
    reachable = [("one", "volcengine-live", ("PushStart", "PushEnd"))]
    assert routes.topics(reachable) == ["b.PushEnd", "b.PushStart", "volcengine-live.x"]
    started, ended = (
        ask("live", live(event_type=f"push_{it}"), routes=routes) for it in ("start", "end")
    )
    assert isinstance(started, Accepted)
    assert isinstance(ended, Accepted)
    assert [record.topic for record in started.records] == ["b.PushStart"]
    assert [record.topic for record in ended.records] == ["b.PushEnd", "volcengine-live.x"]
