"""Descriptors: as many as the system gives, and enough of them kept for Kafka and the spool.

Design: many systems start a process with 1,024 and let it have far more, for the sake of programs
that cannot count further. What callbacks' connections may take is bounded, since without one the
spool could not make its next segment.
"""

import resource
from contextlib import suppress
from typing import Final

_ENOUGH: Final = 65_536
_KEPT: Final = 256  # five rounds of accepting, the spool, and a few brokers


def raised_descriptors() -> int:
    """Return how many descriptors this process may have, raised as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _ENOUGH
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft < wanted:
        with suppress(OSError, ValueError):  # then not
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def connections_of(descriptors: int) -> int:
    """Return how many of them connections may take: half, or all but what is kept."""
    return max(descriptors // 2, descriptors - _KEPT)
