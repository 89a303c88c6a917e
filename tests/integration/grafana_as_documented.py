"""A small HTTP server that answers as Grafana's HTTP API documents it.

Grafana itself can be had from no package registry, so this stands in for it: what the doctor asks
and how it reads the answers is tested, not whether a real Grafana still answers so. The shapes are
those of the reference "HTTP API": Other (health), Data source, Folder/Dashboard Search.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import ProxyHandler, build_opener

__all__ = ["Grafana", "grafana"]

TOKEN: Final = "glsa_only-for-this-test"  # noqa: S105
_DIRECT: Final = build_opener(ProxyHandler({}))


@dataclass
class Grafana:
    """What it holds; `prometheus` is where its data source points."""

    prometheus: str
    url: str = ""
    database: str = "ok"
    works: bool = True
    sources: list[dict[str, Any]] = field(default_factory=list)
    dashboards: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        """Return status and body of a GET by somebody with the right token."""
        if path == "/api/datasources":
            return 200, self.sources
        if path == "/api/search":
            return 200, [self._hit(uid) for uid in self.dashboards if query["tag"] == ["callsla"]]
        uids = [each["uid"] for each in self.sources]
        for uid in uids:
            if path == f"/api/datasources/uid/{uid}/health":
                return self._health()
            if path == f"/api/datasources/proxy/uid/{uid}/api/v1/query":
                return 200, self._proxied(query["query"][0])
        return 404, {"message": "Data source not found", "traceID": ""}

    def _health(self) -> tuple[int, Any]:
        if self.works:
            return 200, {"message": "Successfully queried the Prometheus API.", "status": "OK"}
        return 400, {"message": "connect: connection refused", "status": "ERROR", "details": {}}

    def _hit(self, uid: str) -> dict[str, Any]:
        return {
            "id": 1,
            "uid": uid,
            "title": uid,
            "uri": f"db/{uid}",
            "url": f"/d/{uid}/{uid}",
            "type": "dash-db",
            "tags": ["callsla"],
            "isStarred": False,
        }

    def _proxied(self, expression: str) -> Any:
        """The query goes to a real Prometheus."""
        url = f"{self.prometheus}/api/v1/query?{urlencode({'query': expression})}"
        with _DIRECT.open(url, timeout=5) as answer:
            return json.load(answer)


@contextmanager
def grafana(prometheus: str) -> Iterator[Grafana]:
    """Serve on loopback until the end of the block."""
    held = Grafana(prometheus)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            held.asked.append(parts.path)
            if parts.path == "/api/health":
                told = {"commit": "abc", "database": held.database, "version": "13.2.0"}
                self._send(200, told)
            elif self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._send(401, {"message": "Unauthorized"})
            else:
                self._send(*held.answer(parts.path, parse_qs(parts.query)))

        def _send(self, status: int, told: Any) -> None:
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    held.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
    thread.start()
    try:
        yield held
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
