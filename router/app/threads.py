"""`Unjoined`: threads that the program does not wait for at its end.

Design: asyncio asks for addresses, and we for the spool's folder, in threads of the loop's executor,
and the standard one is joined twice, when the loop ends and when the interpreter does. A name
server or a disk that hangs would keep the program from ending long after everything is durable.
"""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import ParamSpec, TypeVar

from router.errors import CallbackRouterError

P = ParamSpec("P")
T = TypeVar("T")


class Unjoined(ThreadPoolExecutor):
    """A daemon thread per job: there are few, and each may hang.

    A `ThreadPoolExecutor` by name only, since the loop takes nothing else.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Return the future of a job that begins at once."""
        told: Future[T] = Future()
        job = partial(fn, *args, **kwargs)
        Thread(target=_run, args=(job, told), name="unjoined", daemon=True).start()
        return told

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as inherited
        """Leave every thread to itself, whatever is asked."""


def forsake_threads() -> None:
    """Let the running loop, and the program behind it, end without its threads."""
    asyncio.get_running_loop().set_default_executor(Unjoined())


def _run(job: Callable[[], T], told: Future[T]) -> None:
    if not told.set_running_or_notify_cancel():
        return
    result: list[T] = []
    error: BaseException | None = None
    try:
        result.append(job())
    except (OSError, ValueError, CallbackRouterError) as expected:
        error = expected
    finally:
        if not result and error is None:  # a bug: it ends this thread and is seen by the loop
            error = sys.exc_info()[1]
        with suppress(RuntimeError):  # the loop has ended: nobody waits
            if error is None:
                told.set_result(result[0])
            else:
                told.set_exception(error)
