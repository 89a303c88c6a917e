"""The garbage collector stops a worker for as long as it looks, so it looks at little."""

import gc
from collections.abc import Iterator

import pytest

from streams.kafka.worker import calm_collector


@pytest.fixture
def collector() -> Iterator[None]:
    """Have the collector as it was."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("collector")
def test_it_looks_at_few_objects_at_a_time_and_hardly_ever_at_all() -> None:
    """At 25,000 for 10 ms, at 200,000 for 50; everything takes seconds."""
    calm_collector()
    young, middle, old = gc.get_threshold()
    assert young * (middle + 1) <= 10_000
    assert young * middle * old >= 500_000_000
    assert gc.get_freeze_count() > 0
