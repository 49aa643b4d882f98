"""`Worker`: a daemon thread that runs one job after the other for the event loop.

Design: not the loop's executor, which is joined at exit: a disk that hangs must not keep the
program from ending. The loop is woken once per job.
"""

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
_Job = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Runs(Protocol):
    """Where jobs run."""

    def call(self, job: Callable[[], T]) -> "asyncio.Future[T]":
        """Return the future of a job that runs when those before it have ended."""

    def stop(self) -> None:
        """Take no more jobs; those that were taken still run."""


class Worker:
    """A thread of its own, started by the first job."""

    def __init__(self, name: str) -> None:
        """Take the thread's name."""
        self._name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: Thread | None = None

    def call(self, job: Callable[[], T]) -> "asyncio.Future[T]":
        """Return the future of a job that runs when those before it have ended.

        An error of the job is that of the future. Cancelling the future does not stop the job.
        """
        if self._thread is None:
            self._thread = Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        told: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put((job, told))
        return told

    def stop(self) -> None:
        """Take no more jobs; those that were taken still run."""
        if self._thread is not None:
            self._jobs.put(None)

    def _run(self) -> None:
        for job, told in iter(self._jobs.get, None):
            _run(job, told)


def _run(job: Callable[[], T], told: "asyncio.Future[T]") -> None:
    result: list[T] = []
    error: BaseException | None = None
    try:
        result.append(job())
    except OSError as expected:
        error = expected
    finally:
        if not result and error is None:  # a bug: it ends this thread and is seen by the loop
            error = sys.exc_info()[1]
        with suppress(RuntimeError):  # the loop has ended: nobody waits
            told.get_loop().call_soon_threadsafe(_tell, told, result, error)


def _tell(told: "asyncio.Future[T]", result: list[T], error: BaseException | None) -> None:
    if told.done():
        return
    if error is not None:
        told.set_exception(error)
    else:
        told.set_result(result[0])
