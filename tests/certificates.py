"""A certificate that signs itself, of a key that nobody has; and pairs with their keys."""

import subprocess
from pathlib import Path

CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUK/rGqXUQTays5s8RmBJdaDqiRIMwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjExNjM2NDlaGA8yMTI2MTAyODE2MzY0
OVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGL2
/9jNuNDHl2SnUbUNKmjgM+HVNt+VFlYShxDGoYKW9igbkyoNwVHDItqxyaMRt/4M
Ov0xtYokVrnCSZREhqujUzBRMB0GA1UdDgQWBBR4xzN5NuK9Cv4ycJB6/HOvidf6
KDAfBgNVHSMEGDAWgBR4xzN5NuK9Cv4ycJB6/HOvidf6KDAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCIQDM2xMVdcK76mfAfNFr+Snl9xcbtb0opNbC
S9ClNFvFyAIgPCKacgbXd07woXwwwoKFwBlYMsgO3P+guHgmjSZVb78=
-----END CERTIFICATE-----
"""


def make_pair(folder: Path, name: str, *, password: str = "") -> None:
    """Write a new `{name}.pem` and its key, `{name}.key`, which is encrypted with a password."""
    hidden = ["-passout", f"pass:{password}"] if password else ["-nodes"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    files = ["-keyout", f"{name}.key", "-out", f"{name}.pem"]
    command = ["openssl", "req", "-x509", "-subj", "/CN=a", *curve, *hidden, *files]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
