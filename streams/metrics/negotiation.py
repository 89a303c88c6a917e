"""Which format and which encoding a client wants, from its HTTP headers."""

from collections.abc import Iterator
from typing import Final

__all__ = ["accepts_gzip", "prefers_openmetrics"]

_OPENMETRICS: Final = "application/openmetrics-text"
_OPENMETRICS_VERSIONS: Final = {"", "0.0.1", "1.0.0"}
_PLAIN: Final = {"text/plain", "text/*", "*/*"}


def prefers_openmetrics(accept: str) -> bool:
    """Return whether `accept` (an Accept header) ranks OpenMetrics 1.0 above plain text."""
    best, preferred = 0.0, False
    for media, parameters in _choices(accept):
        version = parameters.get("version", "").strip('"')
        openmetrics = media == _OPENMETRICS and version in _OPENMETRICS_VERSIONS
        quality = _quality(parameters)
        if (openmetrics or media in _PLAIN) and quality > best:
            best, preferred = quality, openmetrics
    return preferred


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether `accept_encoding` (an Accept-Encoding header) allows gzip."""
    return any(
        coding == "gzip" and _quality(parameters) > 0
        for coding, parameters in _choices(accept_encoding)
    )


def _choices(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    for choice in header.split(","):
        name, *parameters = (part.strip() for part in choice.split(";"))
        pairs = (parameter.partition("=") for parameter in parameters)
        yield name.lower(), {key.strip().lower(): value.strip() for key, _, value in pairs}


def _quality(parameters: dict[str, str]) -> float:
    try:
        return float(parameters.get("q", "1"))
    except ValueError:
        return 0.0
