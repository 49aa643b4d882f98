"""What the tests of `volcengine-live` share: a configuration for a vendor on this machine."""

import asyncio
import json
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from tests.integration.command import run, write_config
from tests.live_api.server import ACCESS_KEY, DOMAIN, SECRET_KEY, VHOST, LiveApiServer

KEY = "16lettersOrDigits"
OLDER_KEY = "theKeyBefore12345"
TOKEN = "newest-token-0123456789"
OLDER_TOKEN = "older-token-0123456789"
BASE = "https://callbacks.example.com/callbacks/live"
ENVIRONMENT = {
    "VOLCENGINE_ACCESS_KEY": ACCESS_KEY,
    "VOLCENGINE_SECRET_KEY": SECRET_KEY,
}
FILES = {"key": KEY, "older-key": OLDER_KEY, "token": TOKEN, "older-token": OLDER_TOKEN}
SECRETS = (ACCESS_KEY, SECRET_KEY, KEY, OLDER_KEY, TOKEN, OLDER_TOKEN)
LIVE = {
    "vendor": "volcengine-live",
    "secrets": [{"file": "key"}, {"file": "older-key"}],
    "tokens": [{"file": "token"}, {"file": "older-token"}],
}
BY_DOMAIN = {
    "source": "live",
    "url": f"{BASE}/{{token}}",
    "domain": DOMAIN,
    "message_types": ["push_end", "record"],
}
BY_VHOST = {
    "source": "live",
    "url": f"{BASE}/{{token}}",
    "vhost": VHOST,
    "message_types": ["push"],
    "transcode": True,
}


class Commands:
    """The command with a configuration, and all that it has written."""

    def __init__(
        self,
        folder: Path,
        server: LiveApiServer,
        *callbacks: dict[str, Any],
        kafka: str = "127.0.0.1:1",
        namespace: str = "",
        **settings: object,
    ) -> None:
        """Write the file; *callbacks* shall be registered."""
        for name, secret in FILES.items():
            (folder / name).write_text(secret)
            (folder / name).chmod(0o600)
        section = {
            "access_key": {"env": "VOLCENGINE_ACCESS_KEY"},
            "secret_key": {"env": "VOLCENGINE_SECRET_KEY"},
            "endpoint": server.endpoint,
            "callbacks": list(callbacks),
        }
        settings = {"sources": {"live": LIVE}, "volcengine_live": section, **settings}
        self.config = write_config(folder, kafka, namespace, **settings)
        self.written = ""

    async def __call__(self, *arguments: str, code: int = 0) -> str:
        """Return what the command printed; it ends with *code*, and tells no secret."""
        done = await self.process("volcengine-live", *arguments)
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stdout

    async def process(self, *arguments: str) -> CompletedProcess[str]:
        """Return the ended command, whatever it ended with; it tells no secret."""
        done = await asyncio.to_thread(
            run, *arguments, "--config", self.config, environment=ENVIRONMENT
        )
        assert not [secret for secret in SECRETS if secret in done.stdout + done.stderr]
        self.written += done.stdout + done.stderr
        return done

    async def described(self) -> list[dict[str, Any]]:
        """Return what `describe-callback --json` tells."""
        found = json.loads(await self("describe-callback", "--json"))
        assert isinstance(found, list)
        return found
