"""The operators' port of every service: liveness, readiness, metrics; no secrets."""

from collections.abc import Callable

from aiohttp import web

from router.observability import Metrics


class Readiness:
    """Whether this instance wants work: not while it starts, not while it drains."""

    def __init__(self) -> None:
        """Begin not ready."""
        self.is_ready = False


def probes_app(
    metrics: Metrics, readiness: Readiness, watch: Callable[[], None] | None = None
) -> web.Application:
    """Return the application for `/healthz`, `/readyz` and `/metrics`.

    *watch* is called before the metrics are shown, to set those that are looked at now and then.
    """

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        status = "ready" if readiness.is_ready else "not ready"
        return web.json_response({"status": status}, status=200 if readiness.is_ready else 503)

    async def exposition(_: web.Request) -> web.Response:
        if watch is not None:
            watch()
        return web.Response(
            body=metrics.exposition(), headers={"Content-Type": "text/plain; version=0.0.4"}
        )

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", exposition)
    return app
