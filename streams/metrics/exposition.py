"""What is served at `/metrics`: published by the worker, rendered by whoever scrapes."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics import exposition as openmetrics_exposition

from streams.metrics.collector import OPENMETRICS_END, Renderer, collect, describe
from streams.metrics.columns import Column, compressed, plain
from streams.metrics.published import PublishedWorker, Publisher
from streams.metrics.source import Source

__all__ = ["OPENMETRICS", "PLAIN", "Exposition"]

PLAIN: Final = CONTENT_TYPE_PLAIN_0_0_4
OPENMETRICS: Final = openmetrics_exposition.CONTENT_TYPE_LATEST

STALLED_AFTER: Final = 15.0
"""Seconds without a publication after which the worker counts as stuck."""

STARTING: Final = "the worker is starting"


class Exposition:
    """Holds the newest published state; a `prometheus_client` collector, too.

    `publish` belongs to the event loop's thread, everything else to any thread. A scrape renders
    from a state that never changes, so it neither waits for the loop nor holds it up.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._publisher = Publisher()
        self._worker: PublishedWorker | None = None
        self._published_at = clock()
        # Renderings one after the other: they share one interpreter with the worker.
        self._rendering = threading.Lock()
        self._ask: Callable[[], None] | None = None
        self._renderer = Renderer()
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)

    def refreshed_by(self, ask: Callable[[], None] | None) -> None:
        """Have `ask` called by `refresh`; it may have the worker publish anew."""
        self._ask = ask

    def refresh(self) -> None:
        """Have what is shown be what is so now, if that can be had within a moment; it blocks."""
        ask = self._ask
        if ask is not None:
            ask()

    def copy(self, source: Source) -> bool:
        """Copy what is live for one short turn; returns whether that was all there is to copy."""
        return self._publisher.copy(source)

    @property
    def is_behind(self) -> bool:
        """Whether copies that are due had to be left to the next turn."""
        return self._publisher.is_behind

    @property
    def is_rendering(self) -> bool:
        """Whether a thread is rendering a text at this moment."""
        return self._rendering.locked()

    def publish(self, source: Source, *, copy: bool = True) -> None:
        """Make the state of `source` now what scrapes see; `copy` as for `Publisher.publish`."""
        self._worker = self._publisher.publish(source, copy=copy)
        self._published_at = self._clock()

    def describe(self) -> Iterable[Family]:
        """Return every family without samples."""
        return describe()

    def collect(self) -> Iterable[Family]:
        """Return every family with its samples; none before the first publication."""
        worker = self._worker
        return () if worker is None else collect(worker)

    def text(self, *, openmetrics: bool = False, compress: bool = False) -> list[bytes]:
        """Return the exposition in pieces, gzip-compressed if asked for."""
        worker = self._worker
        with self._rendering:
            columns = (
                []
                if worker is None
                else list(self._renderer.render(worker, openmetrics=openmetrics))
            )
            columns.append(Column(self._process_text(openmetrics)))
            return compressed(columns) if compress else plain(columns)

    def slo(self) -> str | None:
        """Return what was promised, as `slo.yaml` has it; none if the worker does not say."""
        worker = self._worker
        return None if worker is None or worker.keeping is None else worker.keeping.slo_text

    def unhealthy(self) -> str | None:
        """Return why the worker should be restarted, none if it should not."""
        silence = self._clock() - self._published_at
        if silence > STALLED_AFTER:
            return f"the worker has not moved for {silence:.0f} s"
        return None if self._worker is None else self._worker.unhealthy

    def unready(self) -> str | None:
        """Return why the numbers should not be relied on yet, none if they may be."""
        if self._worker is None:
            return STARTING
        return self.unhealthy() or self._worker.unready

    def _process_text(self, openmetrics: bool) -> list[bytes]:
        if not openmetrics:
            return [generate_latest(self._process)]
        text: bytes = openmetrics_exposition.generate_latest(self._process)  # type: ignore[no-untyped-call]
        return [text.removesuffix(OPENMETRICS_END), OPENMETRICS_END]
