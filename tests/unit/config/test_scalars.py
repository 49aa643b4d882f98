"""Durations, sizes, addresses and networks as a person writes them."""

import contextlib
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.scalars import (
    PARSERS,
    Address,
    Duration,
    Size,
    format_duration,
    format_size,
    parse_address,
    parse_duration,
    parse_network,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("300ms", 0.3), ("3s", 3), ("5m", 300), ("2h", 7200), ("7d", 604_800), ("0s", 0)],
)
def test_a_duration_is_in_seconds(text: str, seconds: float) -> None:
    """Every unit becomes seconds."""
    assert parse_duration(text) == Duration(seconds)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.3, "300ms"), (1.5, "1500ms"), (60, "1m"), (90, "90s"), (604_800, "7d"), (0, "0s")],
)
def test_a_duration_is_written_as_short_as_it_can_be(seconds: float, text: str) -> None:
    """The largest unit of which it is a whole number."""
    assert format_duration(Duration(seconds)) == text


@given(st.integers(0, 10**11))
def test_a_written_duration_is_read_again(ms: int) -> None:
    """Nothing of it is lost."""
    assert parse_duration(format_duration(Duration(ms / 1000))) == ms / 1000


@pytest.mark.parametrize(
    ("size", "value"),
    [(1_048_576, "1MiB"), (1_537, 1_537), (1_049_600, "1025KiB"), (7, 7), (0, 0)],
)
def test_a_size_is_written_as_short_as_it_can_be(size: int, value: str | int) -> None:
    """The largest unit of which it is a whole number; bytes are a number."""
    assert format_size(Size(size)) == value


@given(st.integers(0, 10**12 - 1))
def test_a_written_size_is_read_again(size: int) -> None:
    """Nothing of it is lost."""
    assert parse_size(format_size(Size(size))) == size


@pytest.mark.parametrize(
    ("value", "size"),
    [("1MiB", 1_048_576), ("512KiB", 524_288), ("2GiB", 2_147_483_648), (7, 7), ("7", 7)],
)
def test_a_size_is_in_bytes(value: object, size: int) -> None:
    """Every unit becomes bytes; a number is bytes already, also as the text of a variable."""
    assert parse_size(value) == Size(size)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0.0.0.0:8080", Address("0.0.0.0", 8080)),  # noqa: S104  # parsed, not bound
        ("[::1]:8080", Address("::1", 8080)),
        ("kafka_1.example.com:65535", Address("kafka_1.example.com", 65_535)),
        ("localhost:0", Address("localhost", 0)),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, address: Address) -> None:
    """An address is read, and shows as it was written."""
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize("text", ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1/32"])
def test_a_network_is_of_either_family(text: str) -> None:
    """IPv4 and IPv6 networks are read."""
    assert parse_network(text) == ip_network(text)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(
            (Duration, value)
            for value in ("3", "3 s", "-3s", "1.5s", "3S", "٣s", "s", 3, None, True)
        ),
        *((Size, value) for value in ("1MB", "1 MiB", "-1", "1.5MiB", "", -1, 1.0, True, None)),
        *(
            (Address, value)
            for value in (":80", "a", "a:", "a:65536", "::1:80", "[a]:8", "a b:1", 80)
        ),
        *(
            (type(None), value)
            for value in ("10.0.0.1/8", "10.0.0.0/33", "::1%lo", "x", "", 1, None)
        ),
    ],
    ids=repr,
)
def test_anything_else_is_refused(kind: type, value: object) -> None:
    """Half a value is no value; NoneType stands for networks, the union that is no type."""
    parsers = {getattr(key, "__name__", "NoneType"): parse for key, parse in PARSERS.items()}
    with pytest.raises(ValueError, match=r"^expected"):
        parsers[kind.__name__](value)


@given(st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.binary()))
def test_parsers_raise_only_value_errors(value: object) -> None:
    """Whatever is given, a parser returns or raises ValueError."""
    for parse in PARSERS.values():
        with contextlib.suppress(ValueError):
            parse(value)
