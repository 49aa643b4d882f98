"""At most so many requests a second, for all clients of the process together.

Design: the vendor counts an account's requests a second, so the last ones are remembered, and the
next may begin a second after the one that is as many back. A bucket that fills up while nothing
is asked was rejected: after a pause it lets nearly twice as many pass within one second.
"""

import asyncio
import time
from collections import deque
from typing import Final, Protocol

REQUESTS_PER_SEC: Final = 10
DATA_REQUESTS_PER_SEC: Final = 30
"""Of DescribeLiveCallbackData, which is counted for itself."""

_WINDOW_SECS: Final = 1.1
"""The vendor's second and a tenth: the way there takes one request longer than another."""


class Clock(Protocol):
    """The time, and waiting."""

    def unix_ms(self) -> int:
        """Return the wall clock, Unix ms; it is signed."""

    def monotonic_secs(self) -> float:
        """Return a time that never goes back."""

    async def sleep(self, secs: float) -> None:
        """Return *secs* later."""


class SystemClock:
    """This machine's, and the running loop's."""

    def unix_ms(self) -> int:
        """Return the wall clock."""
        return time.time_ns() // 1_000_000

    def monotonic_secs(self) -> float:
        """Return the loop's time."""
        return asyncio.get_running_loop().time()

    async def sleep(self, secs: float) -> None:
        """Return *secs* later."""
        await asyncio.sleep(secs)


class Pace:
    """Turns: at most *per_sec* in any second, first come, first served."""

    def __init__(self, per_sec: int) -> None:
        self._turns: deque[float] = deque(maxlen=per_sec)

    async def turn(self, clock: Clock) -> None:
        """Return when it is the caller's turn; a turn that is given up is lost."""
        now = clock.monotonic_secs()
        is_full = len(self._turns) == self._turns.maxlen
        at = max(now, self._turns[0] + _WINDOW_SECS) if is_full else now
        self._turns.append(at)
        if at > now:
            await clock.sleep(at - now)


class Paces:
    """The pace of each group of actions that the vendor counts together."""

    def __init__(
        self, per_sec: int = REQUESTS_PER_SEC, data_per_sec: int = DATA_REQUESTS_PER_SEC
    ) -> None:
        self._data = Pace(data_per_sec)
        self._others = Pace(per_sec)

    def of(self, action: str) -> Pace:
        """Return the pace that *action* is counted in."""
        return self._data if action == "DescribeLiveCallbackData" else self._others


SYSTEM_CLOCK: Final = SystemClock()
PROCESS_PACES: Final = Paces()
"""Shared by all clients that are not given others."""
