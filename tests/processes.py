"""Processes that die with the test process, even if that is killed: the kernel sees to it (Linux).

Design: "parent" is for the kernel the thread that forks, so a process started from a worker thread
would die with that worker. Therefore one thread, which lives as long as this process, starts all.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Becomes the user, where one is told, asks the kernel (PR_SET_PDEATHSIG) for the signal when the
# parent ends, and becomes the program. In this order: a change of the user takes the request back.
_TIED_TO_PARENT = """
import ctypes, os, sys
parent, number, user, group, *command = sys.argv[1:]
if user:
    os.setgroups([])
    os.setgid(int(group))
    os.setuid(int(user))
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, int(number))
if os.getppid() == int(parent):
    os.execv(command[0], command)
"""

_starter = ThreadPoolExecutor(1, "starter")


def start_tied(
    command: Sequence[str],
    folder: Path,
    log: Path,
    *,
    at_the_end: signal.Signals = signal.SIGKILL,
    user: tuple[int, int] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program in *folder* that gets a signal when this process ends.

    Its output goes to *log*, emptied first. *user* is whom root lets it run as, with the group.
    """
    user_id, group_id = map(str, user) if user is not None else ("", "")
    told = [str(os.getpid()), str(int(at_the_end)), user_id, group_id]
    with log.open("wb") as output:
        return _starter.submit(
            subprocess.Popen,
            [sys.executable, "-I", "-S", "-c", _TIED_TO_PARENT, *told, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,  # an interrupt from the keyboard is for the tests only
        ).result()
