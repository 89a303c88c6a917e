"""The text: byte for byte what Prometheus and `prometheus_client` understand."""

import gzip
import os
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_workers import T0, Worker, answered_call
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from scraped import openmetrics_samples, plain_samples, published, series

from streams.instants import HOUR, MINUTE
from streams.metrics import Exposition
from streams.metrics.collector import Renderer
from streams.metrics.columns import compressed, plain
from streams.metrics.names import BY_NAME
from streams.metrics.published import PublishedWorker, Publisher
from streams.metrics.rows import Common, Rows

WEIRD = (
    'quote " backslash \\ newline \n tab \t',
    "percent %s %d %% {} {0}",
    "emoji \N{TELEPHONE RECEIVER} umlaut \N{LATIN SMALL LETTER U WITH DIAERESIS}",
    "nul \0 separator \u2028 carriage \r",
    "x" * 128,
    "\\n",
    " ",
)


def busy_worker() -> Worker:
    """Two partitions, odd queue names, every kind of metric with something in it."""
    worker = Worker(recovery_seconds={0: 0.25}, last_tick_at=1.5, last_fetch_at=2.5)
    worker.tick_seconds.add(20_000)
    for number in (0, 1):
        owned = worker.assign(number)
        for index, queue in enumerate((*WEIRD, "sales", None)):
            start = T0 + index * MINUTE
            owned.take(*answered_call(f"{number}/{index}", queue, start, wait=index * 3))
            owned.take(answered_call(f"{number}/{index}/open", queue, start, wait=0)[0])
        owned.lag = 5
        owned.latency.add(3_000)
        owned.tick(T0 + HOUR)
    return worker


def by_library(exposition: Exposition) -> CollectorRegistry:
    """The same families, left to `prometheus_client` to write."""
    registry = CollectorRegistry()
    registry.register(exposition)
    return registry


def ours(exposition: Exposition, *, openmetrics: bool) -> str:
    """Our text without the families of the process."""
    text = b"".join(exposition.text(openmetrics=openmetrics)).decode()
    end = text.index("# HELP process_")
    return text[:end] + ("# EOF\n" if openmetrics else "")


def test_plain_text_is_what_the_library_would_write() -> None:
    """Same samples, and the same lines but for the way a number is written."""
    exposition = published(busy_worker())
    library = generate_latest(by_library(exposition)).decode()
    mine = ours(exposition, openmetrics=False)
    assert plain_samples(mine) == plain_samples(library)
    assert without_numbers(mine) == without_numbers(library)


def test_openmetrics_is_what_the_library_would_write() -> None:
    """Same samples, and the same lines but for the way a number is written."""
    exposition = published(busy_worker())
    library = generate_openmetrics(by_library(exposition)).decode()  # type: ignore[no-untyped-call]
    mine = ours(exposition, openmetrics=True)
    assert openmetrics_samples(mine) == openmetrics_samples(library)
    assert without_numbers(mine) == without_numbers(library)


def without_numbers(text: str) -> list[str]:
    """The lines, each sample without its value."""
    lines = text.split("\n")
    return [line if line.startswith("#") else line.rpartition(" ")[0] for line in lines]


def test_remembered_text_is_the_same_as_fresh_text() -> None:
    """What is kept between scrapes never shows old numbers, neither totals nor windows."""
    worker = busy_worker()
    renderer = Renderer()
    before = rendered(renderer, worker)
    owned = worker.partitions[1]
    owned.take(*answered_call("late", "sales", T0 + 50 * MINUTE, wait=2))
    owned.tick(T0 + HOUR + MINUTE)
    after = rendered(renderer, worker)
    assert after == rendered(Renderer(), worker)
    for name in ("callcenter_calls_offered_total", "callcenter_window_calls"):
        assert series(plain_samples(after), name) != series(plain_samples(before), name)


def test_what_is_kept_compressed_is_the_same_as_fresh_text() -> None:
    """While queues and partitions come and go."""
    worker, renderer = busy_worker(), Renderer()
    for number in range(4):
        owned = worker.partitions.get(number) or worker.assign(number)
        owned.take(*answered_call(f"late/{number}", f"queue-{number}", T0 + HOUR, wait=2))
        owned.tick(T0 + HOUR + (1 + number) * MINUTE)
        packed = b"".join(compressed(renderer.render(picture(worker), openmetrics=False)))
        assert gzip.decompress(packed).decode() == rendered(Renderer(), worker)
    del worker.partitions[1]
    packed = b"".join(compressed(renderer.render(picture(worker), openmetrics=False)))
    assert gzip.decompress(packed).decode() == rendered(Renderer(), worker)


def rendered(renderer: Renderer, worker: Worker) -> str:
    return b"".join(plain(renderer.render(picture(worker), openmetrics=False))).decode()


def picture(worker: Worker) -> PublishedWorker:
    """All of `worker` now: a new publisher has copied every partition after as many turns."""
    publisher = Publisher()
    return [publisher.publish(worker) for _ in worker.partitions][-1]


@pytest.mark.parametrize("queue", WEIRD)
def test_odd_queue_names_come_back_unharmed(queue: str) -> None:
    """Quotes, newlines, backslashes, signs of formatting, emoji, 128 characters."""
    samples = plain_samples(ours(published(busy_worker()), openmetrics=False))
    found = series(samples, "callcenter_calls_offered_total", queue=queue, partition="1")
    assert list(found.values()) == [2]


@given(st.text(min_size=1, max_size=20), st.integers(0, 2**53))
def test_any_label_value_survives(value: str, number: int) -> None:
    """Whatever text a queue has for a name, it is read back as it was."""
    metric = BY_NAME["callcenter_calls_waiting"]
    text = Rows(metric, [("", {})]).text(Common({"queue": value}), [number]).decode()
    expected = {(metric.name, frozenset({("queue", value)})): number}
    assert plain_samples(text) == expected


def test_a_lone_surrogate_does_not_cost_the_scrape() -> None:
    """It cannot be written as UTF-8; a question mark stands for it."""
    text = Rows(BY_NAME["callcenter_calls_waiting"], [("", {})]).text(
        Common({"queue": "a\ud800b"}), [1]
    )
    assert text == b'callcenter_calls_waiting{queue="a?b"} 1\n'


def test_large_numbers_are_written_in_full() -> None:
    """A counter beyond what a float's short form shows keeps every digit."""
    text = Rows(BY_NAME["callcenter_calls_waiting"], [("", {})]).text(
        Common({"queue": "q"}), [12_345_678_901]
    )
    assert text.endswith(b" 12345678901\n")


@pytest.mark.skipif(
    shutil.which("promtool") is None and not os.environ.get("CI"),
    reason="promtool is missing: make parts",
)
def test_promtool_finds_nothing_to_complain_about() -> None:
    """Names, help, units and types are as Prometheus' own linter wants them."""
    text = b"".join(published(busy_worker()).text())
    found = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (found.returncode, found.stdout + found.stderr) == (0, b"")
