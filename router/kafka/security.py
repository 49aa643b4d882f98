"""The engine's arguments for TLS and SASL."""

import ssl

from router.kafka.port import SecurityArguments


def security_arguments(
    protocol: str,
    *,
    login: tuple[str, str, str] | None = None,
    ca_file: str | None = None,
    cert_file: str | None = None,
    key_file: str | None = None,
) -> SecurityArguments:
    """Return what every client of the cluster is made with.

    Args:
        protocol: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.
        login: SASL mechanism, user and password.
        ca_file: Certificates to trust instead of the system's.
        cert_file: Our own certificate.
        key_file: Its key.
    """
    arguments = SecurityArguments(security_protocol=protocol)
    if protocol.endswith("SSL"):
        context = ssl.create_default_context(cafile=ca_file)
        if cert_file is not None:
            context.load_cert_chain(cert_file, key_file)
        arguments["ssl_context"] = context
    if login is not None:
        mechanism, username, password = login
        arguments["sasl_mechanism"] = mechanism
        arguments["sasl_plain_username"] = username
        arguments["sasl_plain_password"] = password
    return arguments
