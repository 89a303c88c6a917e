"""A web hook that receives what Alertmanager has to say."""

import json
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

__all__ = ["Alert", "Hook"]

SILENT: Final = "Watchdog"
"""Fires always: it shows that alerts get through at all."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as it was told last."""

    name: str
    firing: bool
    title: str
    text: str
    told_at: float
    """seconds since 1970"""


class Hook:
    """Listens on loopback while entered; `alerts` is the latest word about each alert."""

    def __init__(self) -> None:
        self.heartbeats = 0
        self._alerts: dict[str, Alert] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="demo-hook"
        )

    @property
    def url(self) -> str:
        """Where alerts go."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/alerts"

    def alerts(self) -> list[Alert]:
        """Return what was told, the firing ones first, the newest first."""
        with self._lock:
            told = list(self._alerts.values())
        return sorted(told, key=lambda alert: (not alert.firing, -alert.told_at))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, message: dict[str, Any]) -> None:
        """Note every alert of a message of Alertmanager (web hook, version 4)."""
        for each in message.get("alerts", ()):
            labels, notes = each["labels"], each.get("annotations", {})
            if labels.get("alertname") == SILENT:
                self.heartbeats += 1
                continue
            alert = Alert(
                name=labels.get("alertname", "?"),
                firing=each["status"] == "firing",
                title=notes.get("summary") or labels.get("alertname", "?"),
                text=notes.get("description", ""),
                told_at=time.time(),
            )
            with self._lock:
                self._note(each["fingerprint"], alert)

    def _note(self, fingerprint: str, alert: Alert) -> None:
        known = self._alerts.get(fingerprint)
        if known is None or known.firing != alert.firing or alert.firing:
            self._alerts[fingerprint] = alert

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self.take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length", 0))
                take(json.loads(self.rfile.read(size)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing: the terminal belongs to the view."""

        return Handler
