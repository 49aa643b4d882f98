"""The values that a person writes as one word: durations, sizes, addresses, networks.

Design: what is parsed is total over `object` and raises ValueError with a message that says what
was expected and never repeats what was given: that may be a secret at the wrong place.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping

from msgspec import Struct

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_DURATION = re.compile(r"([0-9]{1,12})(ms|s|m|h|d)")
_DURATION_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SIZE = re.compile(r"([0-9]{1,12})(KiB|MiB|GiB|)")
_SIZE_BYTES = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]{1,253})):([0-9]{1,5})")
_LAST_PORT = 65_535


class Duration(float):
    """Seconds; written as `300ms`, `3s`, `5m`, `2h`, `7d`."""

    __slots__ = ()


class Size(int):
    """Bytes; written as `512KiB`, `1MiB`, `2GiB`, or a plain whole number."""

    __slots__ = ()


class Address(Struct, frozen=True):
    """Where to listen or connect; written as `0.0.0.0:8080` or `[::1]:8080`. Port 0: any free."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return the text that `parse_address` reads."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_duration(value: object) -> Duration:
    """Return the duration, or raise ValueError."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a duration such as 300ms, 3s, 5m, 2h or 7d")
    return Duration(int(match[1]) * _DURATION_MS[match[2]] / 1000)


def format_duration(seconds: Duration) -> str:
    """Return the shortest text that `parse_duration` reads as this."""
    ms = round(seconds * 1000)
    fitting = [unit for unit, size in _DURATION_MS.items() if ms >= size and ms % size == 0]
    unit = fitting[-1] if fitting else "s"
    return f"{ms // _DURATION_MS[unit]}{unit}"


def parse_size(value: object) -> Size:
    """Return the size, or raise ValueError."""
    text = str(value) if type(value) is int else value  # a boolean is an int for isinstance
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("expected a size such as 512KiB, 1MiB, 2GiB or a number of bytes")
    return Size(int(match[1]) * _SIZE_BYTES[match[2]])


def format_size(size: Size) -> str | int:
    """Return the shortest value that `parse_size` reads as this."""
    fitting = [unit for unit, count in _SIZE_BYTES.items() if size >= count and size % count == 0]
    unit = fitting[-1] if fitting else ""
    return f"{size // _SIZE_BYTES[unit]}{unit}" if unit else int(size)


def parse_address(value: object) -> Address:
    """Return the address, or raise ValueError."""
    match = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match[3]) > _LAST_PORT or not _is_ipv6_or_none(match[1]):
        raise ValueError("expected HOST:PORT such as 0.0.0.0:8080 or [::1]:8080")
    return Address(match[1] or match[2], int(match[3]))


def parse_network(value: object) -> Network:
    """Return the network (a plain address is a network of one), or raise ValueError."""
    try:
        # Numbers and bytes are addresses for ipaddress; a scope (%eth0) never matches a peer.
        if isinstance(value, str) and "%" not in value:
            return ipaddress.ip_network(value)
    except ValueError:
        pass
    raise ValueError("expected a network such as 10.0.0.0/8 or 2001:db8::/32, no host bits set")


def _is_ipv6_or_none(text: str | None) -> bool:
    try:
        return text is None or bool(ipaddress.IPv6Address(text))
    except ValueError:
        return False


PARSERS: Mapping[object, Callable[[object], object]] = {
    Duration: parse_duration,
    Size: parse_size,
    Address: parse_address,
    Network: parse_network,
}
"""For each of these annotations, what turns YAML's value into it."""

PATTERNS: Mapping[object, str] = {
    Duration: _DURATION.pattern,
    Size: _SIZE.pattern,
    Address: _ADDRESS.pattern,
    Network: "[0-9A-Fa-f:.]+(?:/[0-9]{1,3})?",
}
"""What the texts of each look like; its parser may know better."""
