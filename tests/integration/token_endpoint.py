"""A token endpoint on loopback that gives tokens for client credentials (RFC 6749, 4.4)."""

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote_plus

__all__ = ["TokenEndpoint", "token_endpoint"]


class TokenEndpoint:
    """Gives what `make` returns to the client `client` with `secret`.

    `answer`, if set, is the status and body of every answer instead; `asked` are the forms.
    """

    def __init__(self, make: Callable[[], str], client: str, secret: str) -> None:
        self.make = make
        self.client = client
        self.secret = secret
        self.lives: int | None = 3600
        self.answer: tuple[int, bytes] | None = None
        self.asked: list[dict[str, list[str]]] = []
        self.url = ""

    def respond(self, authorization: str, form: dict[str, list[str]]) -> tuple[int, bytes]:
        """Return the status and the body of the answer."""
        self.asked.append(form)
        if self.answer is not None:
            return self.answer
        pair = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
        if [unquote_plus(each) for each in pair] != [self.client, self.secret]:
            return 401, b'{"error": "invalid_client", "error_description": "no such client"}'
        given = {"access_token": self.make(), "token_type": "Bearer", "expires_in": self.lives}
        return 200, json.dumps(given).encode()


@contextmanager
def token_endpoint(
    make: Callable[[], str],
    client: str = "callsla",
    secret: str = "s3cret:%/ü",  # noqa: S107
    certificate: tuple[Path, Path] | None = None,
) -> Iterator[TokenEndpoint]:
    """Run an endpoint for the time of the block; with a certificate and its key by HTTPS."""
    endpoint = TokenEndpoint(make, client, secret)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            status, body = endpoint.respond(self.headers["Authorization"], form)
            self.send_response(status)
            if status in {301, 302, 307, 308}:
                self.send_header("Location", endpoint.url)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Write nothing on stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "http" if certificate is None else "https"
    endpoint.url = f"{scheme}://127.0.0.1:{server.server_address[1]}/token"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
