"""A web hook on loopback that keeps what Alertmanager sends, and questions to both programs."""

import json
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

__all__ = ["Inbox", "Told", "active_alerts", "ask", "inbox", "until"]

T = TypeVar("T")

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Told:
    """One alert of one message."""

    name: str
    status: str
    labels: dict[str, str]
    summary: str
    description: str


class Inbox:
    """The messages that arrived, oldest first."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.messages: list[dict[str, Any]] = []

    def told(self, name: str, status: str = "firing") -> list[Told]:
        """Return the alerts of that name that were sent with that status."""
        alerts = [alert for message in list(self.messages) for alert in message.get("alerts", [])]
        return [_told(alert) for alert in alerts if _is(alert, name, status)]


def _is(alert: dict[str, Any], name: str, status: str) -> bool:
    return bool(alert["labels"]["alertname"] == name and alert["status"] == status)


def _told(alert: dict[str, Any]) -> Told:
    return Told(
        alert["labels"]["alertname"],
        alert["status"],
        alert["labels"],
        alert["annotations"]["summary"],
        alert["annotations"]["description"],
    )


@contextmanager
def inbox() -> Iterator[Inbox]:
    """Receive messages until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.messages.append(json.loads(body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received = Inbox(f"http://127.0.0.1:{server.server_port}/alerts")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def until(ask: Callable[[], T], what: str, seconds: float = 60) -> T:
    """Return what `ask` returns as soon as it is true; fail with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.1)
    message = f"not within {seconds:g} s: {what}"
    raise AssertionError(message)


def _get(url: str) -> Any:
    with _DIRECT.open(url, timeout=5) as response:
        return json.load(response)


def ask(prometheus: str, expression: str) -> list[dict[str, Any]]:
    """Return the result of an instant query."""
    query = urllib.parse.urlencode({"query": expression})
    result: list[dict[str, Any]] = _get(f"{prometheus}/api/v1/query?{query}")["data"]["result"]
    return result


def active_alerts(alertmanager: str) -> dict[tuple[str, str], str]:
    """Return the state of each alert by name and queue: `active` or `suppressed`."""
    alerts = _get(f"{alertmanager}/api/v2/alerts")
    return {
        (alert["labels"]["alertname"], alert["labels"].get("queue", "")): alert["status"]["state"]
        for alert in alerts
    }
