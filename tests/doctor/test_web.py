"""How another program is asked: patient for so long, for so many bytes, and nowhere else."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from streams.doctor.places import Access, Place
from streams.doctor.web import Web, WebError


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on loopback; yields the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Odd(BaseHTTPRequestHandler):
    """Answers in every way that a program should not."""

    seen: list[tuple[str, str | None]] = []  # noqa: RUF012 - one for all requests
    elsewhere = ""

    def do_GET(self) -> None:
        self.seen.append((self.path, self.headers.get("Authorization")))
        if self.path.startswith("/status/"):
            self._send(int(self.path.rpartition("/")[2]), b"no")
        elif self.path == "/elsewhere":
            self._send(302, b"", f"{self.elsewhere}/here")
        elif self.path == "/again":
            self._send(302, b"", "/here")
        elif self.path == "/drip":
            self._drip()
        elif self.path == "/large":
            self._send(200, b"x" * 5000)
        else:
            self._send(200, b'{"a": 1}')

    def _send(self, status: int, body: bytes, location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(1000):
            try:
                self.wfile.write(b"x")
            except OSError:
                return
            time.sleep(0.05)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def odd() -> Iterator[str]:
    Odd.seen = []
    with served(Odd) as url:
        yield url


def refusal(url: str, path: str, limit: int = 1000) -> WebError:
    web = Web(Place("grafana", url, Access(token="t")), timeout=0.5, limit=limit)  # noqa: S106
    with pytest.raises(WebError) as caught:
        web.json(path)
    assert "\n" not in caught.value.reason
    return caught.value


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/status/401", "wrong", "does not let us ask (HTTP 401)"),
        ("/status/403", "wrong", "does not let us ask (HTTP 403)"),
        ("/status/404", "wrong", "answers HTTP 404"),
        ("/status/503", "unreachable", "answers HTTP 503"),
        ("/large", "wrong", "more than 1,000 bytes"),
        ("/drip", "unreachable", "no answer in time"),
        ("/elsewhere", "wrong", "sends us to another place"),
    ],
)
def test_each_way_not_to_answer_has_its_own_words(
    odd: str, path: str, status: str, words: str
) -> None:
    """Whether it is away or wrong, and what to do."""
    with served(Odd) as Odd.elsewhere:
        before = time.monotonic()
        error = refusal(odd, path)
        assert time.monotonic() - before < 5
    assert (error.status, words in error.reason) == (status, True), error.reason
    assert error.remedy


def test_a_secret_goes_nowhere_else(odd: str) -> None:
    """A redirect is followed on the same host and port only."""
    with served(Odd) as Odd.elsewhere:
        refusal(odd, "/elsewhere")
        assert [path for path, _ in Odd.seen] == ["/elsewhere"]
    assert Web(Place("grafana", odd, Access(token="t"))).json("/again") == {"a": 1}  # noqa: S106
    assert Odd.seen[-1] == ("/here", "Bearer t")


def test_a_name_and_a_password_are_told_as_basic(odd: str) -> None:
    """As every of the programs takes them."""
    Web(Place("grafana", odd, Access(username="me", password="pw"))).text("/")  # noqa: S106
    assert Odd.seen == [("/", "Basic bWU6cHc=")]


def test_nobody_there_and_no_certificates(odd: str) -> None:
    """The address and what to do are named."""
    error = refusal("http://127.0.0.1:1", "/")
    assert error.status == "unreachable"
    assert error.reason == "http://127.0.0.1:1 does not answer (connection refused)"
    assert refusal(odd.replace("http:", "https:"), "/").reason.endswith("speaks no TLS")
    with pytest.raises(WebError, match="CALLSLA_GRAFANA_CA_FILE: /dev/null cannot be used"):
        Web(Place("grafana", "https://h", Access(ca_file="/dev/null")))
