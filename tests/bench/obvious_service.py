"""The service that anyone would write first: what ours is measured against.

Design: idiomatic and honest, nothing left out and nothing made slow: an aiohttp handler, `json`,
the vendor's signature with `hashlib`, one `send_and_wait` per callback with acks=all and
idempotence, answered 200 when it returns. No access log; the library's defaults elsewhere.

    python -m tests.bench.obvious_service PORT BOOTSTRAP_SERVERS TOPIC_PREFIX
"""

import hashlib
import hmac
import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

SECRET_VARIABLE = "RTC_CALLBACK_KEY"
_SIGNED = ("EventType", "EventData", "EventTime", "EventId", "AppId", "Version", "Nonce")


class Service:
    """One callback in, one durable record out."""

    def __init__(self, bootstrap_servers: str, topic_prefix: str, secret: str) -> None:
        """Take where to write, and what proves a callback."""
        self._bootstrap_servers = bootstrap_servers
        self._topic_prefix = topic_prefix
        self._secret = secret
        self._producer: Any = None  # the stubs know the product's calls only

    async def connected(self, _app: web.Application) -> AsyncIterator[None]:
        """Keep a producer while the application runs."""
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap_servers, acks="all", enable_idempotence=True
        )
        await self._producer.start()
        yield
        await self._producer.stop()

    async def receive(self, request: web.Request) -> web.Response:
        """Answer 200 once Kafka has the event, 400 or 401 where it is not authentic, else 503."""
        try:
            callback = json.loads(await request.read())
            values = [str(callback[name]) for name in _SIGNED]
            signature = str(callback["Signature"])
        except (ValueError, KeyError, TypeError):
            return web.json_response({"code": 1}, status=400)
        text = "".join(sorted((*values, self._secret)))
        digest = hashlib.sha256(text.encode()).hexdigest()
        if not hmac.compare_digest(digest, signature.lower()):
            return web.json_response({"code": 1}, status=401)
        event = _event(callback)
        try:
            await self._send(callback["EventType"], event)
        except KafkaError:
            return web.json_response({"code": 1}, status=503)
        return web.json_response({"code": 0})

    async def _send(self, event_type: str, event: dict[str, Any]) -> None:
        await self._producer.send_and_wait(
            f"{self._topic_prefix}{event_type}",
            value=json.dumps(event).encode(),
            key=event["subject"].encode(),
        )


def _event(callback: dict[str, Any]) -> dict[str, Any]:
    data = json.loads(callback["EventData"])
    return {
        "specversion": "1.0",
        "id": f"{callback['AppId']}/{callback['EventId']}",
        "source": "/callbacks/rtc",
        "type": f"volcengine-rtc.{callback['EventType']}",
        "subject": f"{callback['AppId']}/{data['RoomId']}",
        "time": callback["EventTime"],
        "datacontenttype": "application/json",
        "recordedtime": datetime.now(UTC).isoformat(),
        "data": data,
    }


def main(port: str, bootstrap_servers: str, topic_prefix: str) -> None:
    """Serve until SIGTERM or SIGINT."""
    service = Service(bootstrap_servers, topic_prefix, os.environ[SECRET_VARIABLE])
    app = web.Application()
    app.cleanup_ctx.append(service.connected)
    app.router.add_post("/callbacks/rtc", service.receive)
    web.run_app(app, host="127.0.0.1", port=int(port), access_log=None, print=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
