"""The operators' port: liveness, readiness, metrics; no secrets and no callbacks."""

from aiohttp import web

from router.ingress.server import Server
from router.observability import Metrics


class Readiness:
    """Whether this instance wants callbacks: not while it starts, not while it drains."""

    def __init__(self) -> None:
        """Begin not ready."""
        self.is_ready = False


def admin_app(metrics: Metrics, readiness: Readiness, server: Server) -> web.Application:
    """Return the application for `/healthz`, `/readyz` and `/metrics`.

    `/readyz` does not follow Kafka: taking every instance out of the balancer while Kafka is away
    would refuse the callbacks that could still be held for it.
    """

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        status = "ready" if readiness.is_ready else "not ready"
        return web.json_response({"status": status}, status=200 if readiness.is_ready else 503)

    async def exposition(_: web.Request) -> web.Response:
        server.watch()
        return web.Response(
            body=metrics.exposition(), headers={"Content-Type": "text/plain; version=0.0.4"}
        )

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", exposition)
    return app
