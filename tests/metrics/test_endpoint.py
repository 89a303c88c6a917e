"""The HTTP endpoint, over a real socket on loopback."""

import asyncio
import gzip
import http.client
import socket
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from ledger_workers import T0, Worker, answered_call
from scraped import openmetrics_samples, plain_samples, series

from streams.instants import HOUR
from streams.metrics import Endpoint, EndpointError, Exposition, serve
from streams.metrics.negotiation import accepts_gzip, prefers_openmetrics
from streams.slo import Kept, parse_slo

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def ask(
    port: int, path: str, method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    """The answer to one request, and its body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(
            method, path, headers={name.replace("_", "-"): v for name, v in headers.items()}
        )
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def test_metrics_are_served_as_plain_text(endpoint: Endpoint) -> None:
    """Without any preference: format 0.0.4."""
    response, body = ask(endpoint.port, "/metrics")
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    offered = series(plain_samples(body.decode()), "callcenter_calls_offered_total")
    assert list(offered.values()) == [1]


def test_the_process_is_described_as_well(endpoint: Endpoint) -> None:
    """Memory and processor time under the names every Prometheus client has for them."""
    _, body = ask(endpoint.port, "/metrics")
    assert series(plain_samples(body.decode()), "process_resident_memory_bytes")


@pytest.mark.parametrize("accept", [PROMETHEUS_2, PROMETHEUS_3])
def test_prometheus_gets_openmetrics(endpoint: Endpoint, accept: str) -> None:
    """And its end mark, so that a body cut short is noticed."""
    response, body = ask(endpoint.port, "/metrics", Accept=accept)
    assert response.headers["Content-Type"] == (
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    )
    assert body.endswith(b"\n# EOF\n")
    offered = series(openmetrics_samples(body.decode()), "callcenter_calls_offered_total")
    assert list(offered.values()) == [1]


def test_the_body_is_compressed_on_request(endpoint: Endpoint) -> None:
    """With gzip, and not else."""
    response, packed = ask(endpoint.port, "/metrics", Accept_Encoding="gzip")
    assert response.headers["Content-Encoding"] == "gzip"
    assert series(plain_samples(gzip.decompress(packed).decode()), "callcenter_ticks_total")
    response, _ = ask(endpoint.port, "/metrics", Accept_Encoding="identity")
    assert response.headers["Content-Encoding"] is None


@pytest.mark.parametrize(
    ("accept", "openmetrics"),
    [
        ("", False),
        (BROWSER, False),
        (PROMETHEUS_2, True),
        (PROMETHEUS_3, True),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text;version=9.0.0", False),
        ("application/openmetrics-text;q=0.3, text/plain;q=0.4", False),
        ("application/openmetrics-text;q=0, */*", False),
        ("application/openmetrics-text;q=high", False),
        (";;;=,,q", False),
    ],
)
def test_the_format_follows_the_preference(accept: str, openmetrics: bool) -> None:
    """By quality first, and plain text when in doubt."""
    assert prefers_openmetrics(accept) is openmetrics


@pytest.mark.parametrize(
    ("header", "gzipped"),
    [("", False), ("gzip", True), ("deflate, GZIP;q=0.5", True), ("gzip;q=0", False)],
)
def test_the_encoding_follows_the_preference(header: str, gzipped: bool) -> None:
    """A quality of zero is a refusal."""
    assert accepts_gzip(header) is gzipped


def test_what_was_promised_is_served(
    endpoint: Endpoint, exposition: Exposition, worker: Worker
) -> None:
    """The whole of slo.yaml as the worker uses it; a worker that does not say it has no page."""
    assert ask(endpoint.port, "/slo")[0].status == 404
    objective = parse_slo("promises: {answer: {target: 7s}}")
    worker.keeping = Kept(objective)
    exposition.publish(worker)
    response, body = ask(endpoint.port, "/slo")
    assert response.status == 200
    assert parse_slo(body) == objective


def test_probes_say_yes_or_why_not(
    endpoint: Endpoint, exposition: Exposition, worker: Worker
) -> None:
    """200 or 503, and one line."""
    for path, word in (("/-/healthy", b"healthy\n"), ("/-/ready", b"ready\n")):
        response, body = ask(endpoint.port, path)
        assert (response.status, body) == (200, word)
    worker.unready = "partition 3 is\nbeing recovered"
    worker.unhealthy = "no answer from Kafka for 90 s"
    exposition.publish(worker)
    response, body = ask(endpoint.port, "/-/healthy")
    assert (response.status, body) == (503, b"no answer from Kafka for 90 s\n")
    worker.unhealthy = None
    exposition.publish(worker)
    response, body = ask(endpoint.port, "/-/ready")
    assert (response.status, body) == (503, b"partition 3 is being recovered\n")


def test_the_landing_page_links_to_the_rest(
    endpoint: Endpoint, exposition: Exposition, worker: Worker
) -> None:
    """And shows the state, escaped."""
    worker.unready = "<b>recovering</b>"
    exposition.publish(worker)
    response, body = ask(endpoint.port, "/")
    assert response.status == 200
    for path in ("/metrics", "/-/ready", "/-/healthy"):
        assert f'href="{path}"' in body.decode()
    assert b"&lt;b&gt;recovering" in body


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("POST", "/metrics", 405), ("HEAD", "/metrics", 200)],
)
def test_other_requests_are_answered_in_kind(
    endpoint: Endpoint, method: str, path: str, status: int
) -> None:
    """Unknown paths and methods are refused; HEAD has no body."""
    response, body = ask(endpoint.port, path, method)
    assert response.status == status
    assert method != "HEAD" or body == b""


def test_a_port_in_use_is_one_clear_line(endpoint: Endpoint, exposition: Exposition) -> None:
    """It names the address and says what to do."""
    with pytest.raises(EndpointError) as caught:
        Endpoint(exposition, port=endpoint.port)
    text = str(caught.value)
    assert f"127.0.0.1:{endpoint.port}" in text
    assert "metrics_port" in text
    assert "\n" not in text


@pytest.mark.parametrize("port", [70_000, -1])
def test_an_impossible_port_is_one_clear_line(exposition: Exposition, port: int) -> None:
    """As a port in use is."""
    with pytest.raises(EndpointError, match="metrics_port"):
        Endpoint(exposition, port=port)


def test_the_port_is_free_after_a_stop(exposition: Exposition) -> None:
    """And no thread is left."""
    before = threading.active_count()
    endpoint = Endpoint(exposition, port=0)
    ask(endpoint.port, "/metrics")
    endpoint.stop()
    assert threading.active_count() == before
    Endpoint(exposition, port=endpoint.port).stop()


def _eventually_served(port: int) -> bool:
    return any(ask(port, "/-/healthy")[0].status == 200 for _ in range(200))


def test_a_client_that_goes_away_harms_nobody(endpoint: Endpoint) -> None:
    """In the middle of a request or of the answer."""
    for request in (b"GET /met", b"GET /metrics HTTP/1.0\r\n\r\n", b"\0\xff\n\n"):
        with socket.create_connection(("127.0.0.1", endpoint.port)) as rude:
            rude.sendall(request)
    assert _eventually_served(endpoint.port)


def test_serving_keeps_the_numbers_fresh(worker: Worker) -> None:
    """The loop publishes by itself; the endpoint answers while the loop is busy."""

    async def serving() -> list[float]:
        running = await serve(worker, port=0)
        try:
            await asyncio.sleep(0)
            first = await asyncio.to_thread(_offered, running.port)
            worker.partitions[0].take(*answered_call("b", "sales", T0 + HOUR, wait=3))
            worker.partitions[0].tick(T0 + 2 * HOUR)
            for _ in range(100):
                await asyncio.sleep(0.02)
                second = await asyncio.to_thread(_offered, running.port)
                if second != first:
                    break
            return [first, second]
        finally:
            await running.close()

    assert asyncio.run(serving()) == [1, 2]


def _offered(port: int) -> float:
    _, body = ask(port, "/metrics")
    return sum(series(plain_samples(body.decode()), "callcenter_calls_offered_total").values())


def test_publishing_at_once_needs_no_waiting(worker: Worker) -> None:
    """A worker may publish right after its tick."""

    async def serving() -> float:
        running = await serve(worker, port=0)
        try:
            running.publish()
            return await asyncio.to_thread(_offered, running.port)
        finally:
            await running.close()

    assert asyncio.run(serving()) == 1


def test_a_scrape_is_told_what_is_so_at_that_moment(worker: Worker) -> None:
    """It asks the loop for a new picture: nobody has to wait for the next one."""

    async def serving() -> float:
        running = await serve(worker, port=0)
        try:
            await asyncio.sleep(0.05)
            worker.partitions[0].take(*answered_call("b", "sales", T0 + HOUR, wait=3))
            worker.partitions[0].tick(T0 + 2 * HOUR)
            return await asyncio.to_thread(_offered, running.port)
        finally:
            await running.close()

    assert asyncio.run(serving()) == 2


def test_a_loop_that_is_busy_does_not_hold_up_a_scrape(worker: Worker) -> None:
    """It is answered with the last picture there was."""

    async def serving() -> tuple[float, float]:
        running = await serve(worker, port=0)
        try:
            await asyncio.sleep(0.05)
            asked = asyncio.ensure_future(asyncio.to_thread(_timed_offered, running.port))
            await asyncio.sleep(0)
            time.sleep(1)  # noqa: ASYNC251 - the loop does nothing else meanwhile
            return await asked
        finally:
            await running.close()

    found, took = asyncio.run(serving())
    assert (found, took < 0.5) == (1, True)


def _timed_offered(port: int) -> tuple[float, float]:
    begun = time.monotonic()
    return _offered(port), time.monotonic() - begun


def test_copying_for_a_scrape_lets_everything_else_have_its_turns(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is called from one to the next, as a batch is, waits for one turn of copying at most."""
    turns = 0

    def slow(*_: object) -> bool:
        nonlocal turns
        turns += 1
        time.sleep(0.003)
        return False

    monkeypatch.setattr(Exposition, "copy", slow)

    async def serving() -> list[int]:
        running = await serve(worker, port=0)
        loop, waited = asyncio.get_running_loop(), []
        try:
            asked = asyncio.ensure_future(asyncio.to_thread(_offered, running.port))
            while not asked.done():
                before, handed_on = turns, loop.create_future()
                loop.call_soon(handed_on.set_result, None)
                await handed_on
                waited.append(turns - before)
                await asyncio.sleep(0)
            return waited
        finally:
            await running.close()

    waited = asyncio.run(serving())
    assert turns > 3
    assert max(waited) == 1


def test_nothing_is_copied_while_a_text_is_rendered(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both want the interpreter: a turn would take twice as long. It is made up for afterwards."""
    copied: list[bool] = []
    monkeypatch.setattr(Exposition, "is_behind", True)
    monkeypatch.setattr(Exposition, "publish", lambda *_, copy=True: copied.append(copy))

    async def serving() -> int:
        running = await serve(worker, port=0)
        try:
            with running._exposition._rendering:
                await asyncio.sleep(0.35)
                while_rendering = sum(copied)
            await asyncio.sleep(0.35)
            return while_rendering
        finally:
            await running.close()

    assert asyncio.run(serving()) == 0
    assert sum(copied) > 0


@pytest.fixture
def interval() -> Iterator[None]:
    """Have the interpreter change threads as often as before."""
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("interval")
def test_no_thread_keeps_the_interpreter_from_the_loop_for_long(worker: Worker) -> None:
    """A thread has it for a millisecond, not five."""

    async def serving() -> None:
        running = await serve(worker, port=0)
        await running.close()

    sys.setswitchinterval(0.005)
    asyncio.run(serving())
    assert sys.getswitchinterval() == pytest.approx(0.001)


def test_a_publication_that_fails_does_not_end_publishing(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and the next one counts again."""

    def broken() -> str | None:
        message = "no such partition"
        raise KeyError(message)

    async def serving() -> float:
        worker.ready = broken  # type: ignore[method-assign]
        running = await serve(worker, port=0)
        try:
            await asyncio.sleep(0.05)
            del worker.ready
            await asyncio.sleep(0.4)
            return await asyncio.to_thread(_offered, running.port)
        finally:
            await running.close()

    assert asyncio.run(serving()) == 1
    assert "cannot publish the metrics" in caplog.text
