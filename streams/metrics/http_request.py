"""A request as HTTP/1 has it: one head, read strictly and within bounds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

__all__ = ["MAX_HEAD", "RefusedError", "Request", "head_end", "read_request"]

MAX_HEAD: Final = 32 * 1024
"""Bytes of the longest head that is read; Prometheus sends half a thousand."""

METHODS: Final = ("GET", "HEAD")

_END: Final = re.compile(rb"\r?\n\r?\n")
_END_LENGTH: Final = len(b"\r\n\r\n")
_METHOD: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET: Final = re.compile(rb"[!-~]+")
_VERSION: Final = re.compile(rb"HTTP/(\d)\.(\d)")
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\0\r\n]*)")
_AUTHORITY: Final = re.compile(r"https?://[^/?#]*", re.IGNORECASE)


class RefusedError(Exception):
    """The request is not answered: `status` and one line that says why."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """What of a request matters here; `fields` by their name in lower case."""

    method: str
    path: str
    fields: Mapping[str, str]


def head_end(received: bytes | bytearray, read_before: int = 0) -> int | None:
    """Return where the head ends in what was received, none if it does not yet.

    The first `read_before` bytes were looked at before. Only then is a head of many small pieces
    read in linear time.
    """
    found = _END.search(received, max(0, read_before - _END_LENGTH + 1))
    return found.end() if found else None


def read_request(head: bytes) -> Request:
    """Return the request of that head.

    Raises:
        RefusedError: it is none, or asks for what is not done here.
    """
    first, *lines = head.rstrip(b"\r\n").split(b"\n")
    method, target, version = _first_line(first.removesuffix(b"\r"))
    fields: dict[str, str] = {}
    hosts = 0
    for line in lines:
        name, value = _field(line.removesuffix(b"\r"))
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
        hosts += name == "host"
    if hosts > 1 or (hosts == 0 and version != "1.0"):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "a request names one Host")
    return Request(method, _path(target), fields)


def _first_line(line: bytes) -> tuple[str, str, str]:
    parts = line.split(b" ")
    if len(parts) != 3 or not (_METHOD.fullmatch(parts[0]) and _TARGET.fullmatch(parts[1])):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "this is no request of HTTP")
    version = _VERSION.fullmatch(parts[2])
    if version is None:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "this is no request of HTTP")
    if version[1] != b"1":
        raise RefusedError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "HTTP/1.0 or HTTP/1.1 is spoken")
    method = parts[0].decode("ascii")
    if method not in METHODS:
        raise RefusedError(HTTPStatus.METHOD_NOT_ALLOWED, "there is GET, and HEAD")
    return method, parts[1].decode("ascii"), f"{version[1].decode()}.{version[2].decode()}"


def _field(line: bytes) -> tuple[str, str]:
    found = _FIELD.fullmatch(line)
    if found is None:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "a header field is malformed")
    return found[1].decode("ascii").lower(), found[2].decode("latin-1").rstrip(" \t")


def _path(target: str) -> str:
    """The path as it was sent, without a query: what is not known by its very name is not there."""
    if authority := _AUTHORITY.match(target):
        target = target[authority.end() :]
        target = target if target.startswith("/") else f"/{target}"
    if not target.startswith("/"):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the path of a request begins with /")
    return target.partition("?")[0].partition("#")[0]
