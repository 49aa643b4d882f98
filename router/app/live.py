"""`volcengine-live`: what is registered at the vendor, against what the configuration names."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog

from router.config import Configuration
from router.errors import InvariantError
from router.live_api import (
    Credentials,
    DeleteCallback,
    DescribeCallback,
    LiveApiError,
    LiveClient,
    Registered,
    Retried,
)
from router.live_api.register import Found, Step
from router.live_api.wanted import Place, Wanted

log = structlog.get_logger(__name__)


def client_of(configuration: Configuration) -> LiveClient:
    """Return the client of the configured API, not yet open."""
    section, keys = configuration.options.volcengine_live, configuration.live_keys
    if section is None or keys is None:
        raise InvariantError("the configuration was loaded without the keys of the management API")
    credentials = Credentials(
        access_key=keys.access_key.reveal().decode(errors="replace"), secret_key=keys.secret_key
    )
    return LiveClient(section.endpoint, credentials, on_retry=_log_retry)


async def found_at(
    client: LiveClient, wanted: Iterable[Wanted]
) -> tuple[Found, tuple[LiveApiError, ...]]:
    """Return what is registered at each place that is named, all types of messages.

    Places that the vendor refuses to know are left out, and their errors returned; these begin
    with the place.

    Raises:
        LiveApiError: The vendor tells nothing at all; it begins with the place as well.
    """
    found: dict[Place, Sequence[Registered]] = {}
    refused: list[LiveApiError] = []
    for place in dict.fromkeys(each.place for each in wanted):
        request = DescribeCallback(vhost=place.vhost, domain=place.domain, app=place.app)
        try:
            found[place] = await client.describe_callback(request)
        except LiveApiError as error:
            if not error.is_of_place:
                raise error.about(str(place)) from error
            refused.append(error.about(str(place)))
    return found, tuple(refused)


async def apply(
    client: LiveClient,
    steps: Iterable[Step],
    tell: Callable[[Step, str | LiveApiError], None],
    stop: asyncio.Event,
) -> int:
    """Do what is to be done, step by step until told to stop; return how many were not done.

    *tell* gets the id of each request, or why it failed. A failure stops no other step.
    """
    undone = 0
    for step in steps:
        if step.request is None:
            continue
        if stop.is_set():
            undone += 1
            continue
        try:
            if isinstance(step.request, DeleteCallback):
                outcome = await client.delete_callback(step.request)
            else:
                outcome = await client.update_callback(step.request)
        except LiveApiError as error:
            undone += 1
            tell(step, error)
        else:
            tell(step, outcome)
    return undone


def _log_retry(retried: Retried) -> None:
    log.warning(
        "live_api_retried",
        action=retried.action,
        error=retried.failure.code,
        attempts=retried.attempts,
        after_secs=round(retried.after_secs, 1),
    )
