"""Asking a program by HTTP: with a time limit, a bound on what is read, and no way elsewhere."""

import json
import ssl
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, Final
from urllib.parse import urlencode, urlsplit

from streams.doctor.findings import Finding, Status
from streams.doctor.places import Place

__all__ = ["Web", "WebError"]

TIMEOUT: Final = 10.0
"""Seconds an answer may take, from the first byte of the question to the last of the answer."""
MAX_BYTES: Final = 32 * 1_048_576
_PIECE: Final = 65_536
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_REFUSED: Final = (401, 403)
_AWAY: Final = (502, 503, 504)


class WebError(Exception):
    """What keeps a program from answering; `status` says whether it is away or wrong."""

    def __init__(
        self, status: Status, reason: str, remedy: str, code: int = 0, body: str = ""
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.remedy = remedy
        self.code = code
        """of HTTP; 0: there was no answer"""
        self.body = body
        """the beginning of what was said beside it"""

    def finding(self, check: str) -> Finding:
        """Return it as the answer of `check`."""
        return Finding(check, self.status, self.reason, self.remedy)


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to where the question went, so that no secret goes elsewhere."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        old, new = urlsplit(req.full_url), urlsplit(newurl)
        if (old.scheme, old.netloc) != (new.scheme, new.netloc):
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class Web:
    """One program at its place.

    Raises:
        WebError: the CA file cannot be used.
    """

    def __init__(self, place: Place, *, timeout: float = TIMEOUT, limit: int = MAX_BYTES) -> None:
        self.place = place
        self._timeout = timeout
        self._limit = limit
        self._opener = urllib.request.build_opener(*self._handlers())

    def _handlers(self) -> list[urllib.request.BaseHandler]:
        parts = urlsplit(self.place.url)
        handlers: list[urllib.request.BaseHandler] = [_SameHost()]
        if parts.hostname in _LOOPBACK:
            handlers.append(urllib.request.ProxyHandler({}))
        if parts.scheme == "https":
            handlers.append(urllib.request.HTTPSHandler(context=self._tls()))
        return handlers

    def _tls(self) -> ssl.SSLContext:
        path = self.place.access.ca_file
        try:
            return ssl.create_default_context(cafile=path)
        except (ssl.SSLError, OSError):
            name = f"CALLSLA_{self.place.part.upper()}_CA_FILE"
            reason = f"{name}: {path} cannot be used as certificates of authorities"
            raise WebError("wrong", reason, "name a file in PEM format") from None

    def json(self, path: str, query: Any = (), form: Any = None) -> Any:
        """Return the JSON at `path`; with `form` it is asked by POST.

        Raises:
            WebError: it cannot be had, or is no JSON.
        """
        text = self.text(path, query, form)
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            reason = f"{self.place.url}{path} answers something that is no JSON"
            raise WebError("wrong", reason, self._other_address()) from None

    def text(self, path: str, query: Any = (), form: Any = None) -> str:
        """Return the text at `path`.

        Raises:
            WebError: it cannot be had.
        """
        asked = f"?{urlencode(query, doseq=True)}" if query else ""
        data = None if form is None else urlencode(form).encode()
        request = urllib.request.Request(  # noqa: S310 - places allow http and https only
            f"{self.place.url}{path}{asked}", data, self._headers()
        )
        return self._ask(request).decode("utf-8", "replace")

    def _headers(self) -> dict[str, str]:
        access = self.place.access
        headers = {"User-Agent": "callsla-doctor", "Accept": "application/json, text/plain"}
        if access.token is not None:
            headers["Authorization"] = f"Bearer {access.token}"
        elif access.username is not None:
            pair = f"{access.username}:{access.password}".encode()
            headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
        return headers

    def _ask(self, request: urllib.request.Request) -> bytes:
        end = time.monotonic() + self._timeout
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return self._bounded(answer.read1, end)
        except urllib.error.HTTPError as error:
            with error:
                raise self._told(error.code, _beginning(error)) from None
        except (OSError, HTTPException, ValueError) as error:
            raise self._away(error) from None

    def _bounded(self, read: Callable[[int], bytes], end: float) -> bytes:
        pieces, size = [], 0
        while piece := read(_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > self._limit:
                reason = f"{self.place.url} answers more than {self._limit:,} bytes"
                raise WebError("wrong", reason, self._other_address())
            if time.monotonic() > end:
                raise TimeoutError
        return b"".join(pieces)

    def _told(self, code: int, body: str) -> WebError:
        url, part = self.place.url, self.place.part.upper()
        if code in _REFUSED:
            remedy = (
                f"set CALLSLA_{part}_TOKEN_FILE (or _USERNAME and _PASSWORD_FILE) to one that may"
            )
            return WebError("wrong", f"{url} does not let us ask (HTTP {code})", remedy, code, body)
        if code in _AWAY:
            return WebError("unreachable", f"{url} answers HTTP {code}", "wait for it", code, body)
        if 300 <= code < 400:
            reason = f"{url} sends us to another place (HTTP {code})"
            return WebError("wrong", reason, "name the address it means", code, body)
        return WebError("wrong", f"{url} answers HTTP {code}", self._other_address(), code, body)

    def _away(self, error: Exception) -> WebError:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = f"the certificate of {self.place.url} is not valid: {cause.verify_message}"
            remedy = f"set CALLSLA_{self.place.part.upper()}_CA_FILE, or have it issued anew"
            return WebError("wrong", reason, remedy)
        if isinstance(cause, ssl.SSLError):
            return WebError("wrong", f"{self.place.url} speaks no TLS", "write http://")
        reason = "no answer in time" if isinstance(cause, TimeoutError) else _in_words(cause)
        told = f"{self.place.url} does not answer ({reason})"
        return WebError("unreachable", told, "start it, or correct the URL")

    def _other_address(self) -> str:
        return f"see that {self.place.part} listens there, and nothing else"


def _beginning(error: urllib.error.HTTPError) -> str:
    try:
        return error.read(_PIECE).decode("utf-8", "replace")
    except (OSError, HTTPException, ValueError):
        return ""


def _in_words(cause: Any) -> str:
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return " ".join(str(text).split())[:200].lower()
