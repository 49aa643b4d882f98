"""Whether the files for TLS hold what they are named for, by the library that will read them."""

import ssl
from collections.abc import Iterator
from pathlib import Path

_NO_CERTIFICATE = "holds no certificate in PEM form"


def certificate_faults(
    ca: Path | None, cert: Path | None, key: Path | None
) -> Iterator[tuple[str, str]]:
    """Yield the option and what is wrong with its file; every file can be opened.

    Args:
        ca: Certificates to trust.
        cert: Our own certificate, or a chain that begins with it.
        key: Its key.
    """
    if ca is not None and not _holds_certificate(ca):
        yield "ssl_ca_file", _NO_CERTIFICATE
    if cert is not None and not _holds_certificate(cert):
        yield "ssl_cert_file", _NO_CERTIFICATE
    elif cert is not None and key is not None and (fault := _key_fault(cert, key)):
        yield "ssl_key_file", fault


def _holds_certificate(file: Path) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except ssl.SSLError:
        return False
    return True


def _key_fault(cert: Path, key: Path) -> str | None:
    asked: list[str] = []

    def password() -> str:
        """Answer instead of OpenSSL's prompt, which would wait for somebody to type."""
        asked.append("")
        return ""

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(cert, key, password)
    except ssl.SSLError as error:
        if asked:
            return "is encrypted, and nobody is there to type a password: name one that is not"
        if error.reason == "KEY_VALUES_MISMATCH":
            return "is not the key of the certificate in ssl_cert_file"
        return "holds no key in PEM form"
    return None
