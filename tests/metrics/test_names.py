"""The names others rely on: present, of the promised kind, with the promised labels."""

import pytest
from ledger_workers import Worker

from streams.metrics import BY_NAME, METRICS, Exposition
from streams.metrics.collector import describe

TOTALS = ("queue", "partition")

CONTRACT = [
    ("callcenter_calls_offered_total", "counter", TOTALS),
    ("callcenter_calls_total", "counter", ("queue", "outcome", "partition")),
    ("callcenter_answer_promises_total", "counter", TOTALS),
    ("callcenter_answer_promises_broken_total", "counter", TOTALS),
    ("callcenter_callback_promises_opened_total", "counter", TOTALS),
    ("callcenter_callback_promises_total", "counter", TOTALS),
    ("callcenter_callback_promises_broken_total", "counter", TOTALS),
    ("callcenter_callback_promises_settled_total", "counter", ("queue", "state", "partition")),
    ("callcenter_promises_total", "counter", TOTALS),
    ("callcenter_promises_broken_total", "counter", TOTALS),
    ("callcenter_answers_total", "counter", ("queue", "usefulness", "partition")),
    ("callcenter_corrections_total", "counter", ("queue", "verdict", "from", "to", "partition")),
    ("callcenter_answer_wait_seconds", "histogram", TOTALS),
    ("callcenter_callback_delay_seconds", "histogram", TOTALS),
    ("callcenter_calls_waiting", "gauge", ("queue",)),
    ("callcenter_calls_waiting_beyond_target", "gauge", ("queue",)),
    ("callcenter_oldest_waiting_timestamp_seconds", "gauge", ("queue",)),
    ("callcenter_callbacks_open", "gauge", ("queue",)),
    ("callcenter_callbacks_overdue", "gauge", ("queue",)),
    ("callcenter_callbacks_due", "gauge", ("queue", "within")),
    ("callcenter_callback_next_due_timestamp_seconds", "gauge", ("queue",)),
    ("callcenter_window_calls", "gauge", ("queue", "window", "class", "partition")),
    # The samples `..._sum`, `..._count` and `..._bucket` are those of one family.
    ("callcenter_window_wait_seconds", "histogram", ("queue", "window", "partition")),
    ("callcenter_target_seconds", "gauge", ("promise", "queue")),
    ("callcenter_objective_ratio", "gauge", ("promise", "queue")),
    ("callcenter_event_time_seconds", "gauge", ("partition",)),
    ("callcenter_consumer_lag_events", "gauge", ("partition",)),
    ("callcenter_heartbeat_timestamp_seconds", "gauge", ("partition",)),
    ("callcenter_event_latency_seconds", "histogram", ("partition",)),
    ("callcenter_events_total", "counter", ("fate", "partition")),
    ("callcenter_dead_letters_total", "counter", ("reason", "partition")),
    ("callcenter_raw_dead_letters_total", "counter", ("topic", "reason")),
    ("callcenter_boundary_ambiguous_total", "counter", ("partition",)),
    ("callcenter_customer_overflow_total", "counter", ("partition",)),
    ("callcenter_recovery_seconds", "gauge", ("partition",)),
    ("callcenter_rebalances_total", "counter", ()),
]


@pytest.mark.parametrize(("name", "kind", "labels"), CONTRACT, ids=[row[0] for row in CONTRACT])
def test_a_published_name_keeps_its_kind_and_labels(
    name: str, kind: str, labels: tuple[str, ...]
) -> None:
    """No name of the contract is renamed, retyped or relabelled."""
    assert (BY_NAME[name].kind, set(BY_NAME[name].labels)) == (kind, set(labels))


def test_the_worker_itself_has_metrics() -> None:
    """Ticks, snapshots and the build are there, whatever their exact names."""
    names = " ".join(BY_NAME)
    for part in ("callcenter_tick_", "callcenter_snapshot_", "callcenter_build_info"):
        assert part in names


def test_every_name_is_unique_and_prefixed() -> None:
    """One prefix, one meaning for a name."""
    assert len(BY_NAME) == len(METRICS)
    assert all(name.startswith("callcenter_") for name in BY_NAME)


def test_every_metric_says_what_it_is_for() -> None:
    """Help is a sentence, the question a question."""
    for metric in METRICS:
        assert metric.help.endswith("."), metric.name
        assert metric.question.endswith("?"), metric.name


def test_every_family_is_rendered_even_without_samples() -> None:
    """A worker that owns nothing yet still says what it will export."""
    exposition = Exposition()
    exposition.publish(Worker())
    text = b"".join(exposition.text()).decode()
    for metric in METRICS:
        kind = "gauge" if metric.kind == "info" else metric.kind
        assert f"# TYPE {metric.name} {kind}\n" in text


def test_the_description_names_every_family() -> None:
    """A registry can check for clashes before anything is collected."""
    assert [family.name for family in describe()] == [metric.family for metric in METRICS]
