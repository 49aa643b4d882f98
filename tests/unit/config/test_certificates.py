"""Files for TLS: each that is not what it is named for is told at its place."""

import shutil
from pathlib import Path

import pytest

from router.config import load
from router.errors import ConfigError
from tests.certificates import CERTIFICATE, make_pair

NO_CERTIFICATE = "holds no certificate in PEM form"


def _said(folder: Path, files: str, protocol: str = "SSL") -> list[str]:
    """Return what is said about a configuration with these files of Kafka's."""
    text = f"""listen: 127.0.0.1:1
kafka: {{bootstrap_servers: k:1, security_protocol: {protocol}, {files}}}
sources: {{one: {{vendor: v}}}}
"""
    (folder / "router.yaml").write_text(text, encoding="utf-8")
    try:
        load(folder / "router.yaml", {})
    except ConfigError as error:
        return [f"{found.where}: {found.message}" for found in error.problems]
    return []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (CERTIFICATE, []),
        (CERTIFICATE * 2, []),
        ("hello", [f"kafka.ssl_ca_file: {NO_CERTIFICATE}"]),
        ("", [f"kafka.ssl_ca_file: {NO_CERTIFICATE}"]),
        (CERTIFICATE.replace("M", "?"), [f"kafka.ssl_ca_file: {NO_CERTIFICATE}"]),
    ],
    ids=["one", "two", "no PEM", "empty", "damaged"],
)
def test_certificates_to_trust(tmp_path: Path, content: str, said: list[str]) -> None:
    """A file without any is told before Kafka is asked, where it would have an effect."""
    (tmp_path / "ca.crt").write_text(content, encoding="utf-8")

    assert _said(tmp_path, "ssl_ca_file: ca.crt") == said
    assert _said(tmp_path, "ssl_ca_file: ca.crt", "PLAINTEXT") == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="keys are made by openssl")
@pytest.mark.parametrize(
    ("cert", "key", "said"),
    [
        ("a.pem", "a.key", []),
        ("a.key", "a.key", [f"kafka.ssl_cert_file: {NO_CERTIFICATE}"]),
        ("a.pem", "a.pem", ["kafka.ssl_key_file: holds no key in PEM form"]),
        (
            "a.pem",
            "b.key",
            ["kafka.ssl_key_file: is not the key of the certificate in ssl_cert_file"],
        ),
        (
            "c.pem",
            "c.key",
            [
                (
                    "kafka.ssl_key_file: is encrypted, and nobody is there to type a password: "
                    "name one that is not"
                )
            ],
        ),
    ],
)
def test_our_certificate_and_its_key(tmp_path: Path, cert: str, key: str, said: list[str]) -> None:
    """The two go together, and nobody is asked for a password."""
    make_pair(tmp_path, "a")
    make_pair(tmp_path, "b")
    make_pair(tmp_path, "c", password="hidden")

    assert _said(tmp_path, f"ssl_cert_file: {cert}, ssl_key_file: {key}") == said
