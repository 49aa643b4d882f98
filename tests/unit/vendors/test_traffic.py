"""Simulated traffic: what each vendor would send is taken, and what others would is not."""

from importlib import import_module
from random import Random

import pytest

from router.ingress.receive import Accepted
from router.vendors import vendors
from router.vendors.traffic import Simulated, Traffic
from tests.sender import KEY, NOW, ask

SOURCES = {"volcengine-rtc": "rtc", "alibaba-caster": "studio"}


def _traffic(vendor: str, seed: int) -> Traffic:
    module = import_module(f"router.vendors.{vendor.replace('-', '_')}.traffic")
    traffic: Traffic = module.Traffic(Random(seed), KEY.encode())  # noqa: S311 - not for secrets
    return traffic


def _sent(vendor: str, seed: int, count: int) -> list[Simulated]:
    traffic = _traffic(vendor, seed)
    return [traffic.ordinary(NOW.unix_ms + step) for step in range(count)]


def _accepted(vendor: str, simulated: Simulated) -> Accepted:
    outcome = ask(SOURCES[vendor], simulated.body)
    assert isinstance(outcome, Accepted), outcome
    return outcome


@pytest.mark.parametrize("vendor", vendors())
def test_ordinary_traffic_is_understood(vendor: str) -> None:
    """Each callback is proven, recognised, and holds nothing that no document explains."""
    for simulated in _sent(vendor, 1, 300):
        outcome = _accepted(vendor, simulated)
        assert (outcome.doubt, outcome.unknown_fields) == (None, 0)
        assert (simulated.kind, simulated.has_token) == ("ordinary", True)


@pytest.mark.parametrize("vendor", vendors())
def test_ordinary_traffic_is_varied(vendor: str) -> None:
    """A minute shows several types; what the vendor names has a new name each time."""
    outcomes = [_accepted(vendor, simulated) for simulated in _sent(vendor, 2, 300)]
    named = [outcome.event.id for outcome in outcomes if outcome.event.idbasis != "none"]

    assert len({outcome.short_type for outcome in outcomes}) >= 3
    assert len(set(named)) == len(named)


@pytest.mark.parametrize("vendor", vendors())
def test_a_forgery_lacks_the_proof(vendor: str) -> None:
    """It is signed for something else, or it comes without the path's token."""
    forged = _traffic(vendor, 3).forgery(NOW.unix_ms)

    assert forged.kind == "forgery"
    assert forged.has_token != isinstance(ask(SOURCES[vendor], forged.body), Accepted)


@pytest.mark.parametrize("vendor", vendors())
def test_an_unknown_type_is_proven(vendor: str) -> None:
    """It is authentic, so it is published as what nobody knows yet."""
    simulated = _traffic(vendor, 4).unknown(NOW.unix_ms)

    assert simulated.kind == "unknown"
    assert _accepted(vendor, simulated).doubt == "unknown-type"


@pytest.mark.parametrize("vendor", vendors())
def test_equal_chance_makes_equal_traffic(vendor: str) -> None:
    """A run can be repeated; another seed is another run."""
    assert _sent(vendor, 5, 20) == _sent(vendor, 5, 20) != _sent(vendor, 6, 20)
