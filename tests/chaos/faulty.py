"""`serve` with a fault inside: `python -m tests.chaos.faulty POINT[:N] ACTION -- serve ...`.

Design: the service is assembled and run by its own code; before that, methods of its parts are
wrapped, so the product knows nothing of it. A fault begins to count at SIGUSR1, and ends at
SIGUSR2. Actions, done when the point is passed the Nth time: `kill` (as kill -9), `eio`, `enospc`
(the call fails), `tear` (a write is done but for its end, and then `kill`, as when the power goes),
`delay=SECS`; with `*` at the end from then on every time. `--twin NAME` swaps in a mistake of
`tests.chaos.flawed`.
"""

import errno
import functools
import inspect
import os
import signal
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from router.cli import main
from tests.chaos.flawed import TWINS

Function = Callable[..., Any]


class Point(Struct, frozen=True, kw_only=True):
    """A place in the code: just before or just after a method, or a function.

    Attributes:
        module: Where it is.
        owner: The class; empty for a function of the module.
        method: Of the class, or the function.
        is_after: Behind the call instead of before it.
        file: The end of the name of the file that the call must be about, if any.
    """

    module: str
    method: str
    owner: str = ""
    is_after: bool = False
    file: str = ""


_CONNECTION = "router.ingress.connection"
_DISK = "router.spool.disk"
SEGMENT: Final = ".seg"
MARKS: Final = ".done"
CURSOR: Final = "cursor"
_TORN_BYTES = 300

POINTS: Final = {
    "head_read": Point(module=_CONNECTION, owner="Connection", method="_begin"),
    "body_read": Point(module="router.ingress.server", owner="Server", method="decide"),
    "verified": Point(module="router.ingress.receive", method="accept"),
    "normalized": Point(
        module="router.ingress.server", owner="Server", method="decide", is_after=True
    ),
    "lane_joined": Point(module="router.publish.lane", owner="Lane", method="add", is_after=True),
    "produce_called": Point(
        module="router.kafka.producer", owner="KafkaProducer", method="send", is_after=True
    ),
    "produce_acked": Point(module="router.publish.pump", owner="Pump", method="_ended"),
    "before_reply": Point(module=_CONNECTION, owner="Connection", method="_durable"),
    "after_reply": Point(module=_CONNECTION, owner="Connection", method="_durable", is_after=True),
    "spool_appended": Point(module=_DISK, owner="Disk", method="fdatasync", file=SEGMENT),
    "spool_synced": Point(
        module=_DISK, owner="Disk", method="fdatasync", is_after=True, file=SEGMENT
    ),
    "write": Point(module=_DISK, owner="Disk", method="pwrite", file=SEGMENT),
    "marks_written": Point(module=_DISK, owner="Disk", method="pwrite", is_after=True, file=MARKS),
    "cursor_written": Point(
        module=_DISK, owner="Disk", method="fdatasync", is_after=True, file=CURSOR
    ),
    "segment_unlinked": Point(
        module=_DISK, owner="Disk", method="unlink", is_after=True, file=SEGMENT
    ),
    "drain_sent": Point(
        module="router.kafka.producer", owner="KafkaProducer", method="send", is_after=True
    ),
}


class Fault:
    """What happens at a point, and when."""

    def __init__(self, number: int, action: str) -> None:
        """Take which passing it is, and what is done then."""
        self.is_armed = False
        self._left = number
        self._is_lasting = action.endswith("*")
        self._action, _, value = action.rstrip("*").partition("=")
        self._delay_secs = float(value or 0.0)

    def pass_by(self, arguments: tuple[Any, ...]) -> None:
        """Do it if this is the time; *arguments* are those of the call."""
        if not self.is_armed:
            return
        self._left -= 1
        if self._left == 0 or (self._left < 0 and self._is_lasting):
            self._act(arguments)

    def _act(self, arguments: tuple[Any, ...]) -> None:
        match self._action:
            case "tear":
                _, fd, data, offset = arguments
                os.pwrite(fd, data[:-_TORN_BYTES], offset)
                os.kill(os.getpid(), signal.SIGKILL)
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "delay":
                threading.Event().wait(self._delay_secs)
            case "eio":
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            case "enospc":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            case other:
                raise ValueError(f"unknown action {other}")


def install(point: Point, pass_by: Callable[[tuple[Any, ...]], None]) -> None:
    """Wrap the point's method, for every object of its class, or the function."""
    module = import_module(point.module)
    owner = getattr(module, point.owner) if point.owner else module
    setattr(owner, point.method, _wrapped(getattr(owner, point.method), point, pass_by))


def _wrapped(
    method: Function, point: Point, pass_by: Callable[[tuple[Any, ...]], None]
) -> Function:
    """Return the method with the point before or behind it."""

    def passed(arguments: tuple[Any, ...], *, is_after: bool) -> None:
        if is_after == point.is_after and _is_about(arguments, point.file):
            pass_by(arguments)

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        passed(args, is_after=False)
        outcome = method(*args, **kwargs)
        passed(args, is_after=True)
        return outcome

    @functools.wraps(method)
    async def wait(*args: Any, **kwargs: Any) -> Any:
        passed(args, is_after=False)
        outcome = await method(*args, **kwargs)
        passed(args, is_after=True)
        return outcome

    return wait if inspect.iscoroutinefunction(method) else call


def _is_about(arguments: tuple[Any, ...], file: str) -> bool:
    """Return whether a call's first argument, a path or a descriptor, is such a file."""
    if not file:
        return True
    first = arguments[1]  # behind self
    path = str(Path(f"/proc/self/fd/{first}").readlink()) if isinstance(first, int) else str(first)
    return path.endswith(file)


def _run(arguments: list[str]) -> None:
    """Install what the arguments before `--` say, and become the command with those behind it."""
    split = arguments.index("--")
    wanted, command = arguments[:split], arguments[split + 1 :]
    pairs = list(zip(wanted[::2], wanted[1::2], strict=True))
    faults = []
    for name, action in pairs:
        if name != "--twin":
            point, _, number = name.partition(":")
            faults.append(Fault(int(number or 1), action))
            install(POINTS[point], faults[-1].pass_by)
    for name, twin in pairs:
        if name == "--twin":  # last: what a twin leaves out has no faults
            TWINS[twin]()

    def arm(number: int, _: object) -> None:
        for fault in faults:
            fault.is_armed = number == signal.SIGUSR1

    signal.signal(signal.SIGUSR1, arm)
    signal.signal(signal.SIGUSR2, arm)
    sys.argv[1:] = command
    main()


if __name__ == "__main__":
    _run(sys.argv[1:])
