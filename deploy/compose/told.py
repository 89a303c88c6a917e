"""Writes what Alertmanager tells, a line an alert: for compose, where a pager would be."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

PORT: Final = 9095
LONGEST: Final = 1024 * 1024
"""Bytes of a message; Alertmanager's are a few kilobytes."""


def line(alert: dict[str, Any]) -> str:
    """Return an alert in words."""
    labels, words = alert["labels"], alert["annotations"]
    state = "RESOLVED" if alert["status"] == "resolved" else labels["severity"].upper()
    return f"{state:9} {labels['alertname']}: {words['summary']}. {words['description']}"


class Hook(BaseHTTPRequestHandler):
    """Takes a message at any path."""

    timeout = 10

    def do_POST(self) -> None:
        """Write its alerts."""
        length = min(int(self.headers.get("Content-Length", 0)), LONGEST)
        for alert in json.loads(self.rfile.read(length))["alerts"]:
            print(line(alert), flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else PORT
    with ThreadingHTTPServer(("127.0.0.1", port), Hook) as server:
        server.serve_forever()
