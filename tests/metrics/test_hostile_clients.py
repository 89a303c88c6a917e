"""Whatever clients do to the endpoint: who scrapes is answered, and the worker works on."""

import gzip
import os
import socket
import threading
import time

import pytest
from crowd import crowd, waited_for_cpu
from ledger_workers import T0, Worker, answered_call
from scraped import plain_samples, series

from streams.instants import HOUR
from streams.metrics import Endpoint, Exposition
from streams.metrics.clients import Limits

PATIENCE = 10
"""Seconds that Prometheus waits for a scrape by default."""

GET = b"GET /metrics HTTP/1.1\r\nHost: worker\r\n"


def connect(endpoint: Endpoint) -> socket.socket:
    return socket.create_connection(("127.0.0.1", endpoint.port), timeout=60)


def all_of(client: socket.socket) -> bytes:
    """Everything that is sent until the connection is closed."""
    received = bytearray()
    while piece := client.recv(65536):
        received += piece
    return bytes(received)


def say(endpoint: Endpoint, *pieces: bytes) -> tuple[int, bytes]:
    """The status and the whole of the answer to what is sent in pieces."""
    with connect(endpoint) as client:
        for piece in pieces:
            client.sendall(piece)
        answer = all_of(client)
    return (int(answer.split(b" ", 2)[1]) if answer else 0), answer


def scrape(endpoint: Endpoint) -> float:
    """Seconds of a whole scrape with the right numbers in it, less those without a processor."""
    begun, waited = time.monotonic(), waited_for_cpu()
    status, answer = say(endpoint, GET + b"Accept-Encoding: gzip\r\n\r\n")
    took = time.monotonic() - begun - (waited_for_cpu() - waited) / 1e3
    assert status == 200
    text = gzip.decompress(answer.split(b"\r\n\r\n", 1)[1]).decode()
    assert series(plain_samples(text), "callcenter_calls_offered_total")
    return took


def still_there(client: socket.socket) -> bool:
    """Whether one more byte can be sent."""
    try:
        client.sendall(b"X")
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "target",
    [
        "/../../etc/passwd",
        "/metrics/../../../etc/passwd",
        "/-/healthy/../../slo.yaml",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/..\\..\\etc\\passwd",
        "//etc/passwd",
        "/metrics%00.txt",
        "/metrics/",
        "/METRICS",
        "/metrics;x",
        "file:///etc/passwd",
        "http://worker/../etc/passwd",
        "etc/passwd",
        "*",
    ],
)
def test_nothing_but_its_pages_is_there(endpoint: Endpoint, target: str) -> None:
    """A path is a name: it is looked up as it is, and leads to no file."""
    status, answer = say(endpoint, f"GET {target} HTTP/1.1\r\nHost: worker\r\n\r\n".encode())
    assert status in {400, 404}
    assert b"root:" not in answer
    assert b"callcenter_" not in answer


@pytest.mark.parametrize("target", ["/métriques", "/\N{SNOWMAN}", "/met\x00rics", "/met\trics"])
def test_a_target_that_is_no_ascii_is_refused(endpoint: Endpoint, target: str) -> None:
    """It can be no request of HTTP."""
    request = f"GET {target} HTTP/1.1\r\nHost: worker\r\n\r\n".encode()
    assert say(endpoint, request)[0] == 400


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /metrics HTTP/1.0\r\n\r\n",
        b"GET /metrics HTTP/1.0\n\n",
        b"\r\nGET /metrics HTTP/1.1\r\nHost: worker\r\n\r\n",
        b"GET /metrics?format=prometheus&x=%20 HTTP/1.1\r\nhost: worker\r\n\r\n",
        b"GET http://worker:9808/metrics HTTP/1.1\r\nHost: worker:9808\r\n\r\n",
        GET + b"Cookie: " + b"c" * 16_000 + b"\r\n\r\n",
        GET + b"X-Empty:\r\nX-Latin: caf\xe9\r\nAccept: text/plain\r\nAccept: */*;q=0.1\r\n\r\n",
        GET + b"Content-Length: 5\r\n\r\nhello",
    ],
)
def test_every_honest_way_to_ask_is_served(endpoint: Endpoint, request_: bytes) -> None:
    """Old clients, proxies with large cookies, and people who type."""
    status, answer = say(endpoint, request_)
    assert status == 200
    assert b"callcenter_calls_offered_total" in answer


def test_a_request_may_come_byte_by_byte(endpoint: Endpoint) -> None:
    """As long as it comes."""
    request = GET + b"\r\n"
    assert say(endpoint, *(request[at : at + 1] for at in range(len(request))))[0] == 200


def test_who_closes_its_half_gets_its_answer(endpoint: Endpoint) -> None:
    """Some clients say that way that they are done."""
    with connect(endpoint) as client:
        client.sendall(GET + b"\r\n")
        client.shutdown(socket.SHUT_WR)
        assert all_of(client).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "fields",
    [
        b"X-Large: " + b"x" * 1_000_000 + b"\r\n",
        b"X-Many: 1\r\n" * 100_000,
        b"X-Unfinished: " + b"x" * 40_000,
    ],
    ids=["one of a megabyte", "a hundred thousand", "without an end"],
)
def test_huge_headers_are_refused_in_words(endpoint: Endpoint, fields: bytes) -> None:
    """The client reads why, although it was still sending."""
    status, answer = say(endpoint, GET + fields)
    assert status == 431
    assert b"at most 32768 bytes" in answer


def test_a_request_line_without_end_is_refused(endpoint: Endpoint) -> None:
    """As huge headers are."""
    assert say(endpoint, b"GET /" + b"a" * 1_000_000)[0] == 431


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "BREW"]
)
def test_other_methods_are_told_which_there_are(endpoint: Endpoint, method: str) -> None:
    """With a body or without."""
    request = f"{method} /metrics HTTP/1.1\r\nHost: worker\r\nContent-Length: 9\r\n\r\nsome=body"
    status, answer = say(endpoint, request.encode())
    assert status == 405
    assert b"\r\nAllow: GET, HEAD\r\n" in answer


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /metrics\r\n\r\n", 400),
        (b"GET  /metrics HTTP/1.1\r\nHost: worker\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1 \r\nHost: worker\r\n\r\n", 400),
        (b"GET /metrics FTP/1.1\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\n\r\n", 400),
        (GET + b"Host: other\r\n\r\n", 400),
        (GET + b"no colon\r\n\r\n", 400),
        (GET + b"Space : before\r\n\r\n", 400),
        (GET + b"Folded: a\r\n b\r\n\r\n", 400),
        (GET + b"Nul: a\0b\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ],
)
def test_what_is_no_request_is_refused(endpoint: Endpoint, request_: bytes, status: int) -> None:
    """Strictly, so that no proxy in between understands it otherwise."""
    said, answer = say(endpoint, request_)
    assert said == status
    assert b"callcenter_" not in answer


def test_head_has_the_length_and_no_body(endpoint: Endpoint) -> None:
    """Of the very answer that GET would have."""
    status, answer = say(endpoint, GET.replace(b"GET", b"HEAD", 1) + b"\r\n")
    head, body = answer.split(b"\r\n\r\n", 1)
    assert (status, body) == (200, b"")
    assert b"Content-Length: " in head


def test_the_first_of_several_requests_is_answered(endpoint: Endpoint) -> None:
    """And it is said that there will be no other."""
    status, answer = say(endpoint, (GET + b"\r\n") * 50)
    assert status == 200
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"\r\nConnection: close\r\n" in answer


def test_slow_clients_are_let_go(exposition: Exposition) -> None:
    """A drop now and then does not keep a connection: the whole request has its time."""
    endpoint = Endpoint(exposition, port=0, limits=Limits(request_seconds=0.5))
    try:
        with connect(endpoint) as client:
            client.sendall(GET)
            begun = time.monotonic()
            while time.monotonic() < begun + 10 and still_there(client):
                time.sleep(0.05)
            assert time.monotonic() - begun < 5
        assert scrape(endpoint) < PATIENCE
    finally:
        endpoint.stop()


def test_who_does_not_take_its_answer_is_let_go(worker: Worker) -> None:
    """After its time; others are served meanwhile."""
    for number in range(400):
        worker.partitions[0].take(*answered_call(f"q/{number}", f"queue-{number}", T0, wait=3))
    worker.partitions[0].tick(T0 + HOUR)
    exposition = Exposition()
    exposition.publish(worker)
    assert sum(map(len, exposition.text())) > 1_000_000
    endpoint = Endpoint(exposition, port=0, limits=Limits(answer_seconds=1))
    try:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", endpoint.port))
            client.sendall(GET + b"\r\n")
            time.sleep(0.3)
            assert scrape(endpoint) < PATIENCE
            time.sleep(1.5)
            client.settimeout(10)
            answer = all_of(client)
        assert 0 < len(answer) < 1_000_000
    finally:
        endpoint.stop()


def test_the_one_who_waits_longest_makes_room(exposition: Exposition) -> None:
    """Whoever comes is let in, and whoever is being answered stays."""
    endpoint = Endpoint(exposition, port=0, limits=Limits(connections=4))
    try:
        clients = [connect(endpoint) for _ in range(4)]
        assert scrape(endpoint) < PATIENCE
        assert clients[0].recv(1) == b""
        clients[3].sendall(GET + b"\r\n")
        assert all_of(clients[3]).startswith(b"HTTP/1.1 200 ")
    finally:
        for client in clients:
            client.close()
        endpoint.stop()


def test_a_crowd_pushes_out_its_own(exposition: Exposition) -> None:
    """Whoever comes from elsewhere stays, however long ago that was."""
    endpoint = Endpoint(exposition, port=0, limits=Limits(connections=4))
    at = ("127.0.0.1", endpoint.port)
    try:
        with connect(endpoint) as alone:
            crowd = [
                socket.create_connection(at, 60, source_address=("127.0.0.2", 0)) for _ in range(20)
            ]
            assert crowd[0].recv(1) == b""
            alone.sendall(GET + b"\r\n")
            assert all_of(alone).startswith(b"HTTP/1.1 200 ")
    finally:
        for client in crowd:
            client.close()
        endpoint.stop()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", ["silent", "half", "dripping", "deaf"])
def test_a_thousand_connections_stop_no_scrape(endpoint: Endpoint, kind: str) -> None:
    """They cost no thread each, and few open files."""
    threads = threading.active_count()
    with crowd(endpoint.port, kind, 1000):
        assert max(scrape(endpoint) for _ in range(5)) < PATIENCE
        assert say(endpoint, b"GET / HTTP/1.1\r\nHost: worker\r\n\r\n")[0] == 200
        assert threading.active_count() <= threads + 3
        assert len(os.listdir("/proc/self/fd")) < 700


@pytest.mark.timeout(120)
def test_a_crowd_that_scrapes_shares_the_answers(exposition: Exposition) -> None:
    """Rendering takes a bounded part of the worker's time, and nobody gets old numbers."""
    rendered = 0
    text = exposition.text

    def counted(*, openmetrics: bool = False, compress: bool = False) -> list[bytes]:
        nonlocal rendered
        rendered += 1
        time.sleep(0.02)
        return text(openmetrics=openmetrics, compress=compress)

    exposition.text = counted  # type: ignore[method-assign]
    endpoint = Endpoint(exposition, port=0)
    try:
        with crowd(endpoint.port, "scraping", 50):
            begun, before = time.monotonic(), rendered
            assert max(scrape(endpoint) for _ in range(5)) < PATIENCE
            time.sleep(2)
            spent = (rendered - before) * 0.02
            assert 0 < spent < 0.3 * (time.monotonic() - begun)
    finally:
        endpoint.stop()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", ["silent", "dripping", "scraping"])
def test_batches_are_not_held_up(endpoint: Endpoint, kind: str) -> None:
    """The worker's thread works on while a thousand clients come and ask.

    How long exactly is for `tests/bench/bench_hostile.py` to measure, on a machine that does
    nothing else.
    """
    lates: list[float] = []
    done = threading.Event()

    def batches() -> None:
        while not done.is_set():
            begun, waited = time.monotonic(), waited_for_cpu()
            time.sleep(0.005)
            late = time.monotonic() - begun - 0.005
            lates.append(late - (waited_for_cpu() - waited) / 1e3)

    thread = threading.Thread(target=batches)
    thread.start()
    try:
        with crowd(endpoint.port, kind, 200 if kind == "scraping" else 1000):
            for _ in range(5):
                scrape(endpoint)
    finally:
        done.set()
        thread.join()
    lates.sort()
    assert lates[len(lates) * 95 // 100] < 0.1


def test_a_request_that_fails_says_so(
    exposition: Exposition, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of ours is an answer, and a trace for us; not for the client."""

    def broken(**_: object) -> list[bytes]:
        message = "a secret of ours"
        raise RuntimeError(message)

    exposition.text = broken  # type: ignore[method-assign]
    endpoint = Endpoint(exposition, port=0)
    try:
        status, answer = say(endpoint, GET + b"\r\n")
    finally:
        endpoint.stop()
    assert status == 500
    assert b"secret" not in answer
    assert "a request of the metrics endpoint failed" in caplog.text


def test_requests_are_in_no_log(endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a client sends, a token in a query say, cannot be read in a log, nor forge one."""
    with caplog.at_level("DEBUG"):
        say(endpoint, b"GET /nothing?token=s3cr3t HTTP/1.1\r\nHost: worker\r\n\r\n")
        say(endpoint, GET + b"Authorization: Bearer s3cr3t\r\n\r\n")
        say(endpoint, b"s3cr3t\r\n\r\n")
    assert "s3cr3t" not in caplog.text
