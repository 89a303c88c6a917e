"""Certificates and signed tokens of a test's own making, by the `openssl` command."""

import json
import subprocess
import time
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Final

__all__ = ["Authority", "Issuer"]

DAYS: Final = "2"


class Authority:
    """A certificate authority; its certificate is `ca`, and each `certificate` gets a new key."""

    def __init__(self, directory: Path, name: str) -> None:
        self._directory = directory
        self._name = name
        self.ca = directory / f"{name}.pem"
        self._key = directory / f"{name}.key"
        _openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", DAYS),
            *("-subj", f"/CN={name}", "-keyout", self._key, "-out", self.ca),
        )

    def certificate(self, name: str, alternative: str) -> tuple[Path, Path]:
        """Return the files of a certificate and its key; `alternative` as in `IP:127.0.0.1`."""
        request, certificate, key, extensions = (
            self._directory / f"{self._name}-{name}{ending}"
            for ending in (".csr", ".crt", ".key", ".ext")
        )
        extensions.write_text(f"subjectAltName={alternative}\n")
        _openssl(
            *("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}"),
            *("-keyout", key, "-out", request),
        )
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self._key),
            *("-CAcreateserial", "-days", DAYS, "-extfile", extensions, "-out", certificate),
        )
        return certificate, key


class Issuer:
    """Who issues bearer tokens: signed by RS256, checked with the keys in the file `jwks`."""

    name: Final = "test-issuer"
    audience: Final = "kafka"

    def __init__(self, directory: Path) -> None:
        self._key = directory / "issuer.key"
        self.jwks = directory / "jwks.json"
        _openssl("genrsa", "-out", self._key, "2048")
        modulus = _openssl("rsa", "-in", self._key, "-modulus", "-noout")
        number = bytes.fromhex(modulus.decode().strip().removeprefix("Modulus="))
        key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1"}
        key |= {"n": _base64(number), "e": _base64(b"\x01\x00\x01")}
        self.jwks.write_text(json.dumps({"keys": [key]}))

    def token(self, user: str, seconds: float = 3600, audience: str = "kafka") -> str:
        """Return a token for `user` that is valid for `seconds` from now."""
        now = time.time()
        claims: dict[str, str | int] = {
            "iss": self.name,
            "aud": audience,
            "sub": user,
            "scope": "kafka",
        }
        claims |= {"iat": int(now), "exp": int(now + seconds)}
        header = {"alg": "RS256", "kid": "1", "typ": "JWT"}
        signed = ".".join(_base64(json.dumps(part).encode()) for part in (header, claims))
        signature = _openssl("dgst", "-sha256", "-sign", self._key, told=signed.encode())
        return f"{signed}.{_base64(signature)}"


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _openssl(*arguments: str | Path, told: bytes | None = None) -> bytes:
    command = ["openssl", *(str(each) for each in arguments)]
    return subprocess.run(command, check=True, capture_output=True, input=told).stdout
