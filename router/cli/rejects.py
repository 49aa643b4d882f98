"""`callback-router rejects`: the last refusals of a running instance."""

import http.client
from pathlib import Path

import click
import msgspec

from router.cli.options import config_option, configured
from router.config import Address
from router.config.scalars import parse_address
from router.errors import UnavailableError
from router.ingress.printable import printable
from router.ingress.rejections import Rejection, Report

_ANSWER_SECS = 5.0
_MAX_ANSWER_BYTES = 8 << 20
_ANY_HOST = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to ask, not to listen


@click.command()
@config_option
@click.option("--admin", metavar="HOST:PORT", help="The instance's admin port; then no --config.")
def rejects(config: Path, admin: str | None) -> None:
    """Show the last refusals of a running instance: why, and what may be wrong; no secrets."""
    for line in _lines(_report_of(_address(config, admin))):
        print(line)


def _address(config: Path, admin: str | None) -> Address:
    if admin is None:
        address = configured(config).options.admin
    else:
        try:
            address = parse_address(admin)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--admin") from error
    if address.port == 0:
        message = "port 0 is whichever was free: name the one that it became"
        raise click.BadParameter(message, param_hint="--admin")
    return Address(_ANY_HOST.get(address.host, address.host), address.port)


def _report_of(address: Address) -> Report:
    """Return what the instance says.

    Raises:
        UnavailableError: There is none, or something else.
    """
    connection = http.client.HTTPConnection(address.host, address.port, timeout=_ANSWER_SECS)
    try:
        connection.request("GET", "/rejects")
        answer = connection.getresponse().read(_MAX_ANSWER_BYTES)
        return msgspec.json.decode(answer, type=Report)
    except OSError as error:
        why = error.strerror or str(error) or type(error).__name__
        message = f"no instance answers at {address} ({why}): is `serve` running, and is this its"
        raise UnavailableError(f"{message} admin port?") from error
    except (http.client.HTTPException, msgspec.MsgspecError, ValueError) as error:
        message = f"what answers at {address} knows no refusals: is this `serve`'s admin port?"
        raise UnavailableError(message) from error
    finally:
        connection.close()


def _lines(report: Report) -> list[str]:
    if not report.refused:
        return ["nothing was refused since the start"]
    lines = [line for rejection in report.rejections for line in _lines_of(rejection)]
    shown = len(report.rejections)
    fast = f"; {report.not_kept} came too fast to be kept" if report.not_kept else ""
    return [*lines, f"shown {shown} of {report.refused} refusals since the start{fast}"]


def _lines_of(rejection: Rejection) -> list[str]:
    shown = rejection.shown
    source = rejection.source or "(no source)"
    more = f" and {shown.members_omitted} more" if shown.members_omitted else ""
    parts = {
        "type": shown.type,
        "app": shown.app,
        "members": ", ".join(shown.members) + more,
    }
    head = f"{rejection.time}  {source}  {rejection.address}  {rejection.reason}"
    said = [f"    {name}: {value}" for name, value in parts.items() if value]
    told = [f"    hint: {hint}" for hint in shown.hints]
    return [printable(line) for line in (head, *said, *told)]
