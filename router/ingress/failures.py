"""Bounds on what strangers can cost: failed verifications per address, log lines per reason."""

from collections import OrderedDict

_MAX_REMEMBERED = 10_000


class Buckets:
    """Token buckets by key: *burst* at once, then *rate* a second; the oldest keys are forgotten.

    Time is an argument: seconds of a monotonic clock.
    """

    def __init__(self, rate: float, burst: float) -> None:
        """Take the refill per second and the size of a bucket."""
        self._rate = rate
        self._burst = burst
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now: float) -> bool:
        """Take one token of *key*; False where none is left."""
        tokens, last = self._buckets.pop(key, (self._burst, now))
        tokens = min(self._burst, tokens + (now - last) * self._rate)
        is_allowed = tokens >= 1.0
        self._buckets[key] = (tokens - 1.0 if is_allowed else tokens, now)
        if len(self._buckets) > _MAX_REMEMBERED:
            self._buckets.popitem(last=False)
        return is_allowed
