"""What is exported is what the ledger counted: to the call, and from zero on."""

from itertools import product
from typing import Any, ClassVar

from ledger_workers import T0, Worker, answered_call
from scraped import Samples, scrape, series

from streams.events import REASONS, CallAnswered, CallEnded, CallOffered, CallQueued, Event
from streams.instants import HOUR, MINUTE, SECOND
from streams.ledger import FATES, OUTCOMES, VERDICTS, QueueRules, Rules
from streams.metrics import METRICS
from streams.metrics.window_families import CLASSES


def value(samples: Samples, name: str, **labels: str) -> float:
    """The one sample of `name` with exactly `labels`."""
    return samples[name, frozenset(labels.items())]


def abandoned_call(call_id: str, queue: str, start: int, wait: int) -> list[Event]:
    common: dict[str, Any] = {"call_id": call_id, "queue": queue, "customer": f"customer-{call_id}"}
    return [
        CallOffered(id=f"{call_id}/1", at=start, **common),
        CallEnded(
            id=f"{call_id}/2",
            at=start + wait * SECOND,
            ended_by="customer",
            **common,
        ),
    ]


def sales_day() -> Worker:
    """Two calls answered in time, one late, one abandoned late and never called back."""
    worker = Worker()
    owned = worker.assign(3)
    owned.take(
        *answered_call("a", "sales", T0, wait=4),
        *answered_call("b", "sales", T0 + SECOND, wait=10),
        *answered_call("c", "sales", T0 + 2 * SECOND, wait=25),
        *abandoned_call("d", "sales", T0 + 3 * SECOND, wait=40),
    )
    owned.tick(T0 + 2 * HOUR)
    return worker


def test_counters_are_those_of_the_ledger() -> None:
    """Offered, outcomes, both promises and the whole one, exactly."""
    samples = scrape(sales_day())
    at = {"queue": "sales", "partition": "3"}
    assert value(samples, "callcenter_calls_offered_total", **at) == 4
    outcomes = {"answered_in_target": 2, "answered_late": 1, "abandoned_late": 1}
    for outcome in OUTCOMES:
        found = value(samples, "callcenter_calls_total", outcome=outcome, **at)
        assert found == outcomes.get(outcome, 0), outcome
    assert value(samples, "callcenter_answer_promises_total", **at) == 4
    assert value(samples, "callcenter_answer_promises_broken_total", **at) == 2
    assert value(samples, "callcenter_callback_promises_opened_total", **at) == 1
    assert value(samples, "callcenter_callback_promises_total", **at) == 1
    assert value(samples, "callcenter_callback_promises_broken_total", **at) == 1
    assert value(samples, "callcenter_promises_total", **at) == 4
    assert value(samples, "callcenter_promises_broken_total", **at) == 2


def test_every_count_of_the_ledger_reaches_the_exposition() -> None:
    """Each verdict and state of the totals is read off some counter."""
    worker = sales_day()
    samples = scrape(worker)
    counts = worker.partitions[3].ledger.totals.queues["sales"].counts
    label = {"outcome": "calls", "callback": "callback_promises_settled", "usefulness": "answers"}
    key = {"outcome": "outcome", "callback": "state", "usefulness": "usefulness"}
    for verdict, name in label.items():
        exported = series(samples, f"callcenter_{name}_total", queue="sales")
        by_state = {dict(labels)[key[verdict]]: count for labels, count in exported.items()}
        for state in VERDICTS[verdict]:
            assert by_state[state] == counts.get((verdict, state), 0), (verdict, state)


def test_a_customer_who_rings_again_in_time_is_inside_the_callback_ratio() -> None:
    """Kept by recall counts as a decided promise, and not as a broken one."""
    worker = Worker()
    owned = worker.assign(0)
    customer: dict[str, Any] = {"queue": "sales", "customer": "c"}
    again = T0 + 10 * MINUTE
    owned.take(
        CallOffered(id="1", at=T0, call_id="a", **customer),
        CallEnded(id="2", at=T0 + 30 * SECOND, call_id="a", ended_by="customer", **customer),
        CallOffered(id="3", at=again, call_id="b", **customer),
        CallAnswered(id="4", at=again, call_id="b", answered_by="human", **customer),
    )
    owned.tick(T0 + 3 * HOUR)
    samples = scrape(worker)
    at = {"queue": "sales", "partition": "0"}
    settled = "callcenter_callback_promises_settled_total"
    assert value(samples, settled, state="kept_by_recall", **at) == 1
    assert value(samples, "callcenter_callback_promises_total", **at) == 1
    assert value(samples, "callcenter_callback_promises_broken_total", **at) == 0


def test_the_wait_histogram_has_a_boundary_exactly_at_the_target() -> None:
    """`le="10.0"` is the number answered in time; equality is in time."""
    samples = scrape(sales_day())
    at = {"queue": "sales", "partition": "3"}
    bucket = "callcenter_answer_wait_seconds_bucket"
    assert value(samples, bucket, le="10.0", **at) == 2
    assert value(samples, bucket, le="+Inf", **at) == 3
    assert value(samples, "callcenter_answer_wait_seconds_count", **at) == 3
    assert value(samples, "callcenter_answer_wait_seconds_sum", **at) == 39.0
    assert value(samples, "callcenter_callback_delay_seconds_bucket", le="3600.0", **at) == 0


def test_a_target_of_its_own_gives_a_queue_its_own_boundary() -> None:
    """Targets that are no round number, too."""
    rules = Rules(queues={"vip": QueueRules(answer_target=7_500_000, callback_target=20 * MINUTE)})
    worker = Worker(rules)
    worker.assign(0)
    samples = scrape(worker)
    at = {"queue": "vip", "partition": "0"}
    assert value(samples, "callcenter_answer_wait_seconds_bucket", le="7.5", **at) == 0
    assert value(samples, "callcenter_callback_delay_seconds_bucket", le="1200.0", **at) == 0


def test_known_label_sets_start_at_zero() -> None:
    """A configured queue is at zero in every partition before its first call."""
    worker = Worker(Rules(queues={"sales": QueueRules(), "branch-*": QueueRules()}))
    worker.assign(0)
    worker.assign(1)
    samples = scrape(worker)
    for partition, outcome in product("01", OUTCOMES):
        at = {"queue": "sales", "partition": partition}
        assert value(samples, "callcenter_calls_total", outcome=outcome, **at) == 0
    assert not any(dict(labels).get("queue") == "branch-*" for _, labels in samples)
    for partition, fate in product("01", FATES):
        assert value(samples, "callcenter_events_total", partition=partition, fate=fate) == 0
    for partition, reason in product("01", REASONS):
        at = {"partition": partition, "reason": reason}
        assert value(samples, "callcenter_dead_letters_total", **at) == 0
    assert value(samples, "callcenter_calls_waiting", queue="sales") == 0
    assert value(samples, "callcenter_callbacks_due", queue="sales", within="900") == 0


def test_a_queue_seen_in_one_partition_starts_at_zero_in_the_others() -> None:
    """So that its first broken promise there is an increase and not a new series."""
    worker = sales_day()
    worker.assign(7)
    samples = scrape(worker)
    at = {"queue": "sales", "partition": "7"}
    assert value(samples, "callcenter_answer_promises_broken_total", **at) == 0
    assert value(samples, "callcenter_answer_promises_broken_total", queue="sales", partition="3")


def test_no_traffic_exports_no_ratio_and_no_wait() -> None:
    """A window that holds nothing has no series: nothing is not 100 %."""
    worker = Worker(Rules(queues={"sales": QueueRules()}))
    worker.assign(0)
    samples = scrape(worker)
    assert not series(samples, "callcenter_window_calls")
    assert not series(samples, "callcenter_window_wait_seconds_sum")
    assert not series(samples, "callcenter_oldest_waiting_timestamp_seconds")
    assert not series(samples, "callcenter_event_time_seconds")


def test_windows_hold_the_additive_parts() -> None:
    """Counts by class, sum, count, maximum and buckets of the waits."""
    worker = Worker()
    owned = worker.assign(0)
    owned.take(*answered_call("a", "sales", T0, wait=4), *answered_call("b", "sales", T0, wait=25))
    owned.tick(T0 + 3 * MINUTE)
    samples = scrape(worker)
    at = {"queue": "sales", "window": "5m", "partition": "0"}
    assert value(samples, "callcenter_window_calls", **at, **{"class": "answer_kept"}) == 1
    assert value(samples, "callcenter_window_calls", **at, **{"class": "answer_excluded"}) == 0
    assert value(samples, "callcenter_window_wait_seconds_sum", **at) == 29.0
    assert value(samples, "callcenter_window_wait_seconds_count", **at) == 2
    assert value(samples, "callcenter_window_wait_seconds_max", **at) == 25.0
    assert value(samples, "callcenter_window_wait_seconds_bucket", le="10.0", **at) == 1
    for name in ("calls", "wait_seconds_count", "wait_seconds_max"):
        assert not series(samples, f"callcenter_window_{name}", window="1m"), name


def test_every_class_the_ledger_counts_in_a_window_is_known() -> None:
    """A class the exporter did not know would be lost without a word."""
    worker = sales_day()
    known = {name for names in CLASSES.values() for name in names}
    for sums in worker.partitions[3].ledger.windows.read().values():
        assert sums.classes.keys() <= known


def test_corrections_carry_what_they_changed() -> None:
    """An answer that is reported after its deadline fired: from broken to kept."""
    worker = Worker()
    owned = worker.assign(0)
    offered, answered, _ = answered_call("a", "sales", T0, wait=4)
    owned.take(offered)
    owned.tick(T0 + 5 * MINUTE)
    owned.take(answered)
    owned.tick(T0 + 6 * MINUTE)
    samples = scrape(worker)
    at = {"queue": "sales", "partition": "0"}
    change = {"verdict": "answer", "from": "broken", "to": "kept"}
    back = {"verdict": "answer", "from": "kept", "to": "broken"}
    assert value(samples, "callcenter_corrections_total", **change, **at) == 1
    assert value(samples, "callcenter_corrections_total", **back, **at) == 0
    assert value(samples, "callcenter_answer_promises_broken_total", **at) == 1


def test_counters_less_corrections_are_the_truth() -> None:
    """Every correction there was is exported, also one of the many that are not foreseen."""
    worker = Worker()
    owned = worker.assign(0)
    moved: dict[str, Any] = {"call_id": "moved", "customer": "m"}
    owned.take(CallOffered(id="m1", at=T0 + SECOND, queue="support", **moved))
    owned.tick(T0 + MINUTE)
    owned.take(CallQueued(id="m2", at=T0, queue="sales", **moved))
    for index in range(6):
        offered, answered, ended = answered_call(f"{index}", "sales", T0 + index, wait=3 * index)
        owned.take(offered)
        owned.tick(T0 + (index + 1) * MINUTE)
        owned.take(answered, ended)
    owned.tick(T0 + HOUR)
    samples = scrape(worker)
    corrections = {
        (verdict, was, to, queue): count
        for queue, totals in owned.ledger.totals.queues.items()
        for (verdict, was, to), count in totals.corrections.items()
    }
    assert ("offered", "offered", "none", "support") in corrections
    for (verdict, was, to, queue), count in corrections.items():
        labels = {"verdict": verdict, "from": was, "to": to, "queue": queue}
        found = series(samples, "callcenter_corrections_total", **labels)
        assert list(found.values()) == [count], labels


def test_live_gauges_are_summed_over_the_partitions_of_the_worker() -> None:
    """One series per queue and no partition; the oldest caller of all."""
    worker = Worker()
    for number in (0, 1):
        start = T0 + number * SECOND
        worker.assign(number).take(*answered_call(f"{number}", "sales", start, wait=0)[:1])
    samples = scrape(worker)
    assert value(samples, "callcenter_calls_waiting", queue="sales") == 2
    assert value(samples, "callcenter_oldest_waiting_timestamp_seconds", queue="sales") == (
        T0 / SECOND
    )


def test_the_promise_in_force_is_exported() -> None:
    """Targets and objectives of the default and of each configured queue."""
    vip = QueueRules(answer_target=5 * SECOND, answer_objective=0.97)
    samples = scrape(Worker(Rules(queues={"vip": vip})))
    assert value(samples, "callcenter_target_seconds", promise="answer", queue="vip") == 5.0
    assert value(samples, "callcenter_objective_ratio", promise="answer", queue="vip") == 0.97
    default = {"promise": "callback", "queue": "__none__"}
    assert value(samples, "callcenter_target_seconds", **default) == 3600.0
    assert value(samples, "callcenter_objective_ratio", **default) == 0.95


def test_freshness_and_quality_of_a_partition() -> None:
    """Watermark, decided time, lag, heartbeat, recovery, overflow and dead letters."""
    worker = Worker(Rules(max_queues=2), recovery_seconds={4: 1.5}, unknown_fields=9)
    owned = worker.assign(4)
    owned.take(*(answered_call(f"{n}", f"queue-{n}", T0 + n, wait=0)[0] for n in range(5)))
    owned.lag, owned.last_heartbeat_at, owned.caught_up = 12, T0, False
    owned.dead_letters["malformed"] = 2
    owned.tick(T0 + MINUTE)
    samples = scrape(worker)
    expected = {
        "callcenter_event_time_seconds": (T0 + 4) / SECOND,
        "callcenter_tick_decided_timestamp_seconds": (T0 + MINUTE) / SECOND,
        "callcenter_heartbeat_timestamp_seconds": T0 / SECOND,
        "callcenter_consumer_lag_events": 12,
        "callcenter_caught_up": 0,
        "callcenter_recovery_seconds": 1.5,
        "callcenter_queue_label_overflow_total": owned.ledger.totals.overflowed,
    }
    for name, number in expected.items():
        assert value(samples, name, partition="4") == number, name
    assert owned.ledger.totals.overflowed > 0
    at = {"partition": "4", "reason": "malformed"}
    assert value(samples, "callcenter_dead_letters_total", **at) == 2
    assert value(samples, "callcenter_unknown_fields_total") == 9


def test_refused_records_of_raw_topics_are_counted_by_topic_and_reason() -> None:
    """A worker without raw topics has no such series; one with them begins at 0."""
    name = "callcenter_raw_dead_letters_total"
    assert not series(scrape(Worker()), name)
    counted = {"pbx": dict.fromkeys(REASONS, 0), "crm": {"malformed": 3}}
    samples = scrape(Worker(raw_dead_letters=counted))
    for topic in counted:
        for reason in REASONS:
            expected = 3 if (topic, reason) == ("crm", "malformed") else 0
            assert value(samples, name, topic=topic, reason=reason) == expected


def test_the_latency_histogram_is_cumulative() -> None:
    """Buckets add up to the count, the sum is in seconds."""
    worker = Worker()
    owned = worker.assign(0)
    for duration in (500, 5_000, 5_000, 2_000_000):
        owned.latency.add(duration)
    samples = scrape(worker)
    at = {"partition": "0"}
    bucket = "callcenter_event_latency_seconds_bucket"
    assert value(samples, bucket, le="0.001", **at) == 1
    assert value(samples, bucket, le="0.01", **at) == 3
    assert value(samples, bucket, le="+Inf", **at) == 4
    assert value(samples, "callcenter_event_latency_seconds_sum", **at) == 2.0105


def test_series_of_a_revoked_partition_vanish() -> None:
    """At the next publication, every one of them; so that no partition is counted twice."""
    worker = sales_day()
    worker.assign(7).take(*answered_call("x", "support", T0, wait=1))
    assert any(dict(labels).get("partition") == "3" for _, labels in scrape(worker))
    del worker.partitions[3]
    samples = scrape(worker)
    assert not any(dict(labels).get("partition") == "3" for _, labels in samples)
    assert value(samples, "callcenter_partitions_owned") == 1


def test_a_worker_without_partitions_exports_no_queue_but_the_promise() -> None:
    """Not even zeros: the queues are somebody else's."""
    samples = scrape(Worker(Rules(queues={"sales": QueueRules()})))
    promise = {"callcenter_target_seconds", "callcenter_objective_ratio"}
    assert {name for name, labels in samples if "queue" in dict(labels)} == promise


def test_the_number_of_series_is_what_the_reference_says() -> None:
    """For one queue in one partition without corrections."""
    samples = scrape(sales_day())
    for metric in METRICS:
        if metric.per == "queue and partition" and "window" not in metric.labels:
            names = {metric.name + suffix for suffix in ("", "_bucket", "_sum", "_count")}
            assert sum(name in names for name, _ in samples) == metric.each, metric.name


def test_late_facts_never_lower_a_counter() -> None:
    """An answer event that arrives late leaves every counter at least as high."""
    worker = Worker()
    owned = worker.assign(0)
    common: dict[str, Any] = {"call_id": "a", "queue": "sales", "customer": "c"}
    owned.take(CallOffered(id="1", at=T0, **common))
    owned.tick(T0 + MINUTE)
    before = scrape(worker)
    owned.take(CallAnswered(id="2", at=T0 + SECOND, answered_by="human", **common))
    owned.tick(T0 + 2 * MINUTE)
    after = scrape(worker)
    for key, number in before.items():
        if key[0].endswith("_total") and key[0].startswith("callcenter_"):
            assert after[key] >= number, key


class KeepsALog(Worker):
    """A worker that keeps its ticks in a log."""

    partitions_lost = 2
    losses: ClassVar = {0: 1}
    untrimmed: ClassVar = {0: True}


def test_the_log_tells_of_losses_and_of_what_it_cannot_trim() -> None:
    """What an operator has to act on, by partition where it belongs to one."""
    worker = KeepsALog()
    worker.assign(0)
    samples = scrape(worker)
    assert value(samples, "callcenter_ledger_losses_total", partition="0") == 1
    assert value(samples, "callcenter_ledger_untrimmed", partition="0") == 1
    assert value(samples, "callcenter_partitions_lost_total") == 2
