"""More connections than descriptors: those that are there are served, by the spool too."""

import socket
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tests.integration.command import PATHS, Service, post, write_config
from tests.sender import rtc

_DESCRIPTORS: Final = 300
_CALLERS: Final = 500
_WAIT_SECS: Final = 20.0
_HARD_SECS: Final = 3.5


def test_callers_without_number_keep_nobody_from_being_served(tmp_path: Path) -> None:
    """Those beyond the bound are closed at once; what is accepted has a place on disk, in time."""
    config = write_config(tmp_path, "127.0.0.1:1", connections_per_address=10_000)
    with Service(config, descriptors=_DESCRIPTORS) as service, ExitStack() as stack:
        first = stack.enter_context(_caller(service.port))
        _ask(first)  # so that it is admitted before the others
        callers = [stack.enter_context(_caller(service.port)) for _ in range(_CALLERS)]
        _wait_closed(callers, _CALLERS - _DESCRIPTORS // 2)
        begun_at = time.monotonic()
        _ask(first)
        secs = time.monotonic() - begun_at
        for caller in callers:
            caller.close()
        [(status, _)] = post(service.port, [(PATHS["rtc"], rtc(), {})])

    assert secs < _HARD_SECS
    assert status == 200
    assert not [line for line in service.err + service.out if "Too many open files" in line]


def _caller(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=_WAIT_SECS)


def _ask(caller: socket.socket) -> None:
    """Send a callback, and expect that it is accepted."""
    body = rtc()
    head = f"POST {PATHS['rtc']} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    caller.sendall(head.encode() + body)
    assert caller.recv(65536).startswith(b"HTTP/1.1 200 ")


def _wait_closed(callers: list[socket.socket], least: int) -> None:
    """Return when at least so many were closed from the other side."""
    deadline = time.monotonic() + _WAIT_SECS
    closed: set[socket.socket] = set()
    while len(closed) < least:
        assert time.monotonic() < deadline, f"{len(closed)} were closed"
        closed |= {caller for caller in callers if _is_closed(caller)}


def _is_closed(caller: socket.socket) -> bool:
    try:
        return caller.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
