"""Where the programs beside the worker listen, and what they are to be told to let us in."""

import os
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from streams.settings import PREFIX, SettingsError
from streams.small_files import read_small_text

__all__ = ["PARTS", "Access", "Place", "place_of"]

PARTS: Final = ("metrics", "prometheus", "alertmanager", "grafana")
_SECRETS: Final = ("token", "password")


class Access(Struct, frozen=True):
    """What opens a door; at most one of token and password is there."""

    token: str | None = None
    username: str | None = None
    password: str | None = None
    ca_file: str | None = None

    def __repr__(self) -> str:
        return f"Access(username={self.username!r}, ca_file={self.ca_file!r})"


class Place(Struct, frozen=True):
    """One program: `part` is one of `PARTS`, `url` its address without a slash at the end.

    `uid` is that of Grafana's data source, if it was named.
    """

    part: str
    url: str
    access: Access = Access()
    uid: str | None = None


def place_of(
    part: str, flags: Mapping[str, str | None], environ: Mapping[str, str] = os.environ
) -> Place | None:
    """Return the place of `part` that `flags` or `CALLSLA_<PART>_URL` name; None: neither does.

    Secrets come from `CALLSLA_<PART>_TOKEN_FILE`, `_PASSWORD_FILE` or the same without `_FILE`.

    Raises:
        SettingsError: the address is no URL, or a secret cannot be read.
    """
    url = flags.get(part) or environ.get(f"{PREFIX}{part.upper()}_URL")
    if not url:
        return None
    uid = environ.get(f"{PREFIX}GRAFANA_DATASOURCE") if part == "grafana" else None
    return Place(part, _checked(part, url), _access(part, environ), uid)


def _checked(part: str, url: str) -> str:
    """An address with a password in it would be seen by whoever lists processes."""
    name = f"--{part}"
    try:
        parts = urlsplit(url)
        hostname, _ = parts.hostname, parts.port
    except ValueError:
        hostname = None
    if hostname is None or parts.scheme not in {"http", "https"}:
        raise SettingsError(f"{name}: it has to be a URL such as http://host:9090: correct it")
    if parts.username is not None or parts.password is not None:
        secret = f"{PREFIX}{part.upper()}_PASSWORD_FILE"
        raise SettingsError(f"{name}: no user and no password belong into a URL: set {secret}")
    if parts.query or parts.fragment:
        raise SettingsError(f"{name}: a URL ends before ? and #: correct it")
    return url.rstrip("/")


def _access(part: str, environ: Mapping[str, str]) -> Access:
    prefix = f"{PREFIX}{part.upper()}_"
    token, password = (_secret(prefix + name.upper(), environ) for name in _SECRETS)
    username = environ.get(f"{prefix}USERNAME") or None
    if token is not None and password is not None:
        raise SettingsError(f"{prefix}TOKEN and {prefix}PASSWORD: only one can be told: remove one")
    if (username is None) != (password is None):
        raise SettingsError(f"{prefix}USERNAME and {prefix}PASSWORD belong together: set both")
    ca_file = environ.get(f"{prefix}CA_FILE") or None
    return Access(token, username, password, ca_file)


def _secret(name: str, environ: Mapping[str, str]) -> str | None:
    path = environ.get(f"{name}_FILE")
    if not path:
        return environ.get(name) or None
    try:
        text = read_small_text(path).rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise SettingsError(f"{name}_FILE: cannot read {path}: {reason.lower()}") from None
    if not text or not text.isprintable():
        raise SettingsError(f"{name}_FILE: {path} must hold the secret on one line: correct it")
    return text
