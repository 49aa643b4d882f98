"""A clock whose time passes only by waiting."""

import asyncio

START_MS = 1_795_248_000_000  # 2026-11-21T08:00:00Z


class WaitingClock:
    """Waits without waiting; one caller at a time."""

    def __init__(self, unix_ms: int = START_MS) -> None:
        self._start_ms = unix_ms
        self._passed_secs = 0.0
        self.waits: list[float] = []

    def unix_ms(self) -> int:
        """Return the wall clock."""
        return self._start_ms + round(self._passed_secs * 1000)

    def monotonic_secs(self) -> float:
        """Return how long was waited."""
        return self._passed_secs

    async def sleep(self, secs: float) -> None:
        """Let *secs* pass at once."""
        self.waits.append(secs)
        self._passed_secs += secs
        await asyncio.sleep(0)
