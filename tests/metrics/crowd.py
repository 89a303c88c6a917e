"""A crowd of clients with its own address and process: `python crowd.py PORT KIND NUMBER`.

It says `there` when all have come, and goes when its input ends. KIND: `silent` (connected, never a
word), `half` (half a request), `dripping` (a byte now and then), `scraping` (asks again and again),
`deaf` (asks for the metrics and never reads them).
"""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["crowd", "waited_for_cpu"]

HALF = b"GET /metrics HTTP/1.1\r\nHost: worker\r\nX-Slow: "
WHOLE = b"GET /metrics HTTP/1.1\r\nHost: worker\r\nAccept-Encoding: gzip\r\n\r\n"


@contextmanager
def crowd(port: int, kind: str, number: int) -> Iterator[None]:
    """Have a crowd there for the time of the block."""
    command = [sys.executable, __file__, str(port), kind, str(number)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"there\n"
            yield
        finally:
            process.stdin.close()
            process.kill()


def waited_for_cpu() -> float:
    """Milliseconds the threads of this process have waited for a processor that others had.

    A thread that holds the interpreter and has no processor holds up the others as well.
    """
    waited = 0
    for task in Path("/proc/self/task").glob("*/schedstat"):
        with suppress(OSError):  # a thread that ended meanwhile
            waited += int(task.read_text(encoding="ascii").split()[1])
    return waited / 1e6


def _come(port: int, kind: str) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), 60, source_address=("127.0.0.2", 0))
    if kind in {"half", "dripping"}:
        client.sendall(HALF)
    if kind == "deaf":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(WHOLE)
    return client


def _drip(clients: list[socket.socket]) -> None:
    while True:
        for client in list(clients):
            try:
                client.sendall(b"x")
            except OSError:
                clients.remove(client)
        time.sleep(0.05)


def _scrape_for_ever(port: int) -> None:
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
                client.sendall(WHOLE)
                while client.recv(65536):
                    pass
        except OSError:
            time.sleep(0.01)


def main() -> None:
    port, kind, number = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    clients: list[socket.socket] = []
    if kind == "scraping":
        for _ in range(number):
            threading.Thread(target=_scrape_for_ever, args=(port,), daemon=True).start()
    else:
        clients = [_come(port, kind) for _ in range(number)]
    if kind == "dripping":
        threading.Thread(target=_drip, args=(clients,), daemon=True).start()
    print("there", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
