"""The shipped configuration loads, says what its comments say, and shows the defaults."""

from pathlib import Path

import msgspec
import pytest

from router.assembly import CHECKS
from router.config import KafkaOptions, Options, load

ROOT = Path(__file__).parents[3]
ENVIRON = {
    "RTC_CALLBACK_KEY": "a-signing-secret",
    "STUDIO_TOKEN": "0123456789abcdef",
    "ZEGO_CALLBACK_SECRET": "another-signing-secret",
    "ZEGO_TOKEN": "123456789abcdef0",
    "LIVE_AUTH_KEY": "a-third-signing-secret",
    "LIVE_TOKEN": "23456789abcdef01",
}


def test_the_shipped_configuration_loads() -> None:
    """With its secrets set there is nothing to change and nothing to warn of."""
    configuration = load(ROOT / "config/router.yaml", ENVIRON, CHECKS)

    assert configuration.warnings == ()
    vendors = {name: source.vendor for name, source in configuration.options.sources.items()}
    assert vendors == {
        "rtc": "volcengine-rtc",
        "studio": "alibaba-caster",
        "zego": "zego-cloud-player",
        "live": "volcengine-live",
    }
    assert [len(configuration.secrets[name]) for name in vendors] == [1, 0, 1, 1]
    assert [len(configuration.tokens[name]) for name in vendors] == [0, 1, 1, 1]
    assert configuration.routes.base == "callbacks.{vendor}.{type}"
    assert configuration.routes.routes


def test_the_shipped_configuration_shows_the_defaults() -> None:
    """Every line that is not needed shows its default, and every option that works is shown."""
    shipped = load(ROOT / "config/router.yaml", ENVIRON).options
    kafka = KafkaOptions(bootstrap_servers="127.0.0.1:9092")
    default = Options(
        listen=shipped.listen, kafka=kafka, sources=shipped.sources, routes="routes.yaml"
    )

    assert shipped == default


@pytest.mark.parametrize("name", [field.name for field in msgspec.structs.fields(Options)])
def test_every_option_is_shown(name: str) -> None:
    """Who reads the file knows what can be set; what is not needed may be a comment."""
    lines = (ROOT / "config/router.yaml").read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if line.removeprefix("# ").startswith(f"{name}:")]


def test_the_shown_registrations_load(tmp_path: Path) -> None:
    """The section for the management API is right as it stands, without the signs before it."""
    text = (ROOT / "config/router.yaml").read_text(encoding="utf-8")
    begin = text.index("# volcengine_live:")
    shown = "\n".join(line.removeprefix("# ") for line in text[begin:].splitlines())
    (tmp_path / "router.yaml").write_text(text[:begin] + shown, encoding="utf-8")
    (tmp_path / "routes.yaml").write_text((ROOT / "config/routes.yaml").read_text(encoding="utf-8"))
    keys = {"VOLCENGINE_ACCESS_KEY": "an-id", "VOLCENGINE_SECRET_KEY": "a-secret"}
    live_key = {"LIVE_AUTH_KEY": "16lettersOrDigits"}

    found = load(
        tmp_path / "router.yaml", {**ENVIRON, **keys, **live_key}, CHECKS, with_live_keys=True
    )

    assert found.warnings == ()
    assert found.options.volcengine_live is not None
    shown_types = [callback.message_types for callback in found.options.volcengine_live.callbacks]
    assert shown_types == [("push_end", "record", "snapshot", "audit_snapshot"), ("push",)]
