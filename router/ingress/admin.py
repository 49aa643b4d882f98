"""The operators' port of an ingress: the probes, and refusals; no secrets and no callbacks."""

import msgspec
from aiohttp import web

from router.ingress.server import Server
from router.observability import Metrics
from router.probes import Readiness, probes_app


def admin_app(metrics: Metrics, readiness: Readiness, server: Server) -> web.Application:
    """Return the application for `/healthz`, `/readyz`, `/metrics` and `/rejects`.

    `/readyz` does not follow Kafka: taking every instance out of the balancer while Kafka is away
    would refuse the callbacks that could still be held for it.
    """

    async def rejects(_: web.Request) -> web.Response:
        body = msgspec.json.encode(server.rejections.report())
        return web.Response(body=body, content_type="application/json")

    app = probes_app(metrics, readiness, server.watch)
    app.router.add_get("/rejects", rejects)
    return app
