"""What must hold of counting and logging, whatever becomes of their readers."""

import logging
import sys

import pytest
import structlog

from router.observability import Metrics, set_up_logging


class Full:
    """A file on a full disk."""

    def write(self, _: str) -> int:
        """Fail, as the kernel does."""
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        """Fail, too."""
        raise OSError(28, "No space left on device")


def test_a_line_that_cannot_be_written_is_lost_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Logging never raises: an answer waits behind it."""
    set_up_logging(is_terminal=False)
    monkeypatch.setattr(sys, "stderr", Full())
    try:
        structlog.get_logger("t").error("batch_failed", topic="t")
    finally:
        structlog.reset_defaults()


def test_a_connection_that_closes_itself_is_no_news(capfd: pytest.CaptureFixture[str]) -> None:
    """What the event loop says of it is left out, and nothing else that it says."""
    set_up_logging(is_terminal=False)
    try:
        logging.getLogger("asyncio").error("Unclosed AIOKafkaConnection\nconn: <... port=1>")
        logging.getLogger("asyncio").error("Task exception was never retrieved")
    finally:
        structlog.reset_defaults()

    assert capfd.readouterr().err == "Task exception was never retrieved\n"


def test_the_table_in_the_docstring_names_every_metric() -> None:
    """Each row of `Metrics`' docstring is a metric, and each metric has a row."""
    rows = [
        line.split("|")[1].strip() for line in (Metrics.__doc__ or "").splitlines() if "|" in line
    ]
    names = set(rows) - {"metric", "---"}
    known = {
        family.name.removeprefix("callback_router_")
        + ("_total" if family.type == "counter" else "")
        for family in Metrics("1").registry.collect()
    }
    assert names == known
