"""Reading an exposition back, as Prometheus would."""

from ledger_workers import Worker
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from streams.metrics import Exposition

__all__ = ["Samples", "openmetrics_samples", "plain_samples", "published", "scrape", "series"]

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def published(worker: Worker) -> Exposition:
    """An exposition of `worker` now; every partition has had its turn."""
    exposition = Exposition()
    for _ in range(len(worker.partitions) + 1):
        exposition.publish(worker)
    return exposition


def plain_samples(text: str) -> Samples:
    """Every sample of a text in format 0.0.4; a series that comes twice is an error."""
    return _samples(text_string_to_metric_families(text))


def openmetrics_samples(text: str) -> Samples:
    """Every sample of a text in OpenMetrics."""
    return _samples(openmetrics_families(text))  # type: ignore[no-untyped-call]


def scrape(worker: Worker) -> Samples:
    """What a scrape of `worker` finds."""
    return plain_samples(b"".join(published(worker).text()).decode())


def series(samples: Samples, name: str, **labels: str) -> dict[frozenset[tuple[str, str]], float]:
    """The samples of `name` that have `labels`, by all their labels."""
    return {
        found: value
        for (sample, found), value in samples.items()
        if sample == name and labels.items() <= dict(found).items()
    }


def _samples(families) -> Samples:  # type: ignore[no-untyped-def]
    samples: Samples = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in samples, key
            samples[key] = sample.value
    return samples
