"""What the endpoint has to offer, by path: nothing else is there."""

from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from streams.metrics.exposition import OPENMETRICS, PLAIN, Exposition
from streams.metrics.http_answer import HTML, TEXT, Answer, line
from streams.metrics.http_request import Request
from streams.metrics.negotiation import accepts_gzip, prefers_openmetrics
from streams.metrics.renderings import Renderings

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Site"]

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


class Site:
    """Answers requests from what a worker has published."""

    def __init__(self, exposition: Exposition) -> None:
        self._exposition = exposition
        self._renderings = Renderings(exposition)
        self._pages: dict[str, Callable[[], Answer]] = {
            "/": self._landing,
            "/slo": self._slo,
            "/-/healthy": lambda: _verdict(exposition.unhealthy(), "healthy"),
            "/-/ready": lambda: _verdict(exposition.unready(), "ready"),
        }

    async def answer(self, request: Request) -> Answer:
        """Return the answer, for the current task, which may be cancelled while it sends it."""
        if request.path == "/metrics":
            return await self._metrics(request)
        page = self._pages.get(request.path)
        if page is None:
            return line(HTTPStatus.NOT_FOUND, "not found; see /")
        return page()

    async def _metrics(self, request: Request) -> Answer:
        openmetrics = prefers_openmetrics(request.fields.get("accept", ""))
        compress = accepts_gzip(request.fields.get("accept-encoding", ""))
        pieces = await self._renderings.get(openmetrics=openmetrics, compress=compress)
        fields = {"Vary": "Accept, Accept-Encoding"}
        if compress:
            fields["Content-Encoding"] = "gzip"
        content_type = OPENMETRICS if openmetrics else PLAIN
        return Answer(HTTPStatus.OK, content_type, pieces, fields)

    def _slo(self) -> Answer:
        text = self._exposition.slo()
        if text is None:
            return line(HTTPStatus.NOT_FOUND, "this worker was started without one")
        return Answer(HTTPStatus.OK, TEXT, [text.encode()])

    def _landing(self) -> Answer:
        state = self._exposition.unready()
        text = _PAGE.format(state=escape("ready" if state is None else f"not ready: {state}"))
        policy = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
        return Answer(HTTPStatus.OK, HTML, [text.encode()], policy)


def _verdict(problem: str | None, fine: str) -> Answer:
    status = HTTPStatus.OK if problem is None else HTTPStatus.SERVICE_UNAVAILABLE
    return line(status, problem or fine)
