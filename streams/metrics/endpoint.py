"""The HTTP endpoint of a worker: metrics, health, readiness. On its own threads."""

import logging
import socket
import threading
import time
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final
from urllib.parse import urlsplit

from streams.metrics.exposition import OPENMETRICS, PLAIN, Exposition
from streams.metrics.negotiation import accepts_gzip, prefers_openmetrics

__all__ = ["DEFAULT_PORT", "Endpoint", "EndpointError"]

DEFAULT_PORT: Final = 9808
MAX_CONNECTIONS: Final = 8
CLIENT_TIMEOUT: Final = 10.0
"""Seconds a client may take to send its request, or to take a piece of the answer."""
STOP_TIMEOUT: Final = 2.0
"""Seconds that answers under way are given when the endpoint stops."""

TEXT: Final = "text/plain; charset=utf-8"
HTML: Final = "text/html; charset=utf-8"

_BUSY: Final = b"HTTP/1.0 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
_PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>callsla worker</title></head>
<body>
<h1>callsla worker</h1>
<p>{state}</p>
<ul>
<li><a href="/metrics">/metrics</a>: what Prometheus scrapes</li>
<li><a href="/slo">/slo</a>: what was promised, as this worker uses it</li>
<li><a href="/-/ready">/-/ready</a>: 200 when the numbers may be relied on</li>
<li><a href="/-/healthy">/-/healthy</a>: 200 unless the worker should be restarted</li>
</ul>
</body>
</html>
"""

logger = logging.getLogger(__name__)


class EndpointError(Exception):
    """The endpoint cannot listen; the text is one line that says what to do."""


class _Handler(BaseHTTPRequestHandler):
    server: "_Server"
    timeout = CLIENT_TIMEOUT
    server_version = "callsla"
    sys_version = ""

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/metrics":
            self._metrics()
        elif path == "/-/healthy":
            self._verdict(self.server.exposition.unhealthy(), "healthy")
        elif path == "/-/ready":
            self._verdict(self.server.exposition.unready(), "ready")
        elif path == "/slo":
            self._slo()
        elif path == "/":
            self._page()
        else:
            self._answer(HTTPStatus.NOT_FOUND, TEXT, [b"not found; see /\n"])

    do_HEAD = do_GET  # noqa: N815

    def _metrics(self) -> None:
        openmetrics = prefers_openmetrics(self.headers.get("Accept", ""))
        compress = accepts_gzip(self.headers.get("Accept-Encoding", ""))
        pieces = self.server.exposition.text(openmetrics=openmetrics, compress=compress)
        headers = {"Vary": "Accept, Accept-Encoding"}
        if compress:
            headers["Content-Encoding"] = "gzip"
        self._answer(HTTPStatus.OK, OPENMETRICS if openmetrics else PLAIN, pieces, headers)

    def _verdict(self, problem: str | None, fine: str) -> None:
        status = HTTPStatus.OK if problem is None else HTTPStatus.SERVICE_UNAVAILABLE
        self._answer(status, TEXT, [_one_line(problem or fine)])

    def _slo(self) -> None:
        text = self.server.exposition.slo()
        if text is None:
            self._answer(HTTPStatus.NOT_FOUND, TEXT, [b"this worker was started without one\n"])
        else:
            self._answer(HTTPStatus.OK, TEXT, [text.encode()])

    def _page(self) -> None:
        state = self.server.exposition.unready()
        text = _PAGE.format(state=escape("ready" if state is None else f"not ready: {state}"))
        self._answer(HTTPStatus.OK, HTML, [text.encode()])

    def _answer(
        self,
        status: HTTPStatus,
        content_type: str,
        pieces: list[bytes],
        headers: dict[str, str] | None = None,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(sum(map(len, pieces))))
        self.send_header("X-Content-Type-Options", "nosniff")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            for piece in pieces:
                self.wfile.write(piece)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        logger.debug(format, *args)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, exposition: Exposition, host: str, port: int) -> None:
        self.exposition = exposition
        self._free = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer would ask the DNS for the name of the host here.
        TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        request.settimeout(1.0)
        request.send(_BUSY)
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        logger.debug("a client of the metrics endpoint went away", exc_info=True)

    def wait(self, timeout: float) -> None:
        """Wait until no answer is under way, at most `timeout` seconds."""
        until = time.monotonic() + timeout
        for _ in range(MAX_CONNECTIONS):
            self._free.acquire(timeout=max(0.0, until - time.monotonic()))


class Endpoint:
    """Serves `exposition` over HTTP until stopped; listens from the start.

    Raises:
        EndpointError: the address cannot be listened on.
    """

    def __init__(
        self, exposition: Exposition, host: str = "127.0.0.1", port: int = DEFAULT_PORT
    ) -> None:
        self._server = _listen(exposition, host, port)
        self.host = host
        self.port: int = self._server.server_address[1]
        """the port listened on, also when any (0) was asked for"""
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.25},
            name="metrics-endpoint",
            daemon=True,
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """The address of the landing page."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def stop(self) -> None:
        """Stop listening and let answers under way end."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._server.wait(STOP_TIMEOUT)


def _listen(exposition: Exposition, host: str, port: int) -> _Server:
    try:
        return _Server(exposition, host, port)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no such port"
        message = (
            f"cannot serve metrics on {host}:{port}: {reason}; set metrics_host and "
            "metrics_port to an address that is free (port 0: any)"
        )
        raise EndpointError(message) from None


def _one_line(text: str) -> bytes:
    return (" ".join(text.split()) + "\n").encode("utf-8", "replace")
