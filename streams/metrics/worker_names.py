"""Metrics about the worker itself: how fresh and how trustworthy the numbers are."""

from typing import Final

from streams.metrics.metric import Metric

__all__ = ["WORKER_METRICS"]

_FRESHNESS: Final = (
    Metric(
        "callcenter_event_time_seconds",
        "gauge",
        ("partition",),
        "Time of the newest event applied. Quiet is not blind: see the heartbeat.",
        "Up to when have events been seen?",
        "partition",
    ),
    Metric(
        "callcenter_heartbeat_timestamp_seconds",
        "gauge",
        ("partition",),
        "Time of the newest heartbeat a source has sent all the way through.",
        "Is the pipeline blind?",
        "partition",
    ),
    Metric(
        "callcenter_consumer_lag_events",
        "gauge",
        ("partition",),
        "Records on Kafka not yet applied.",
        "Does the worker keep up?",
        "partition",
    ),
    Metric(
        "callcenter_event_latency_seconds",
        "histogram",
        ("partition",),
        "Time from an event to its effect here, observed while caught up.",
        "How old is an event when it counts?",
        "partition",
        15,
    ),
    Metric(
        "callcenter_caught_up",
        "gauge",
        ("partition",),
        "1 while the end of the partition has been reached, else 0.",
        "Do the numbers describe now or the past?",
        "partition",
    ),
)

_QUALITY: Final = (
    Metric(
        "callcenter_events_total",
        "counter",
        ("fate", "partition"),
        "Events by what became of them.",
        "Does the feed send duplicates, late facts or nonsense?",
        "partition",
        6,
    ),
    Metric(
        "callcenter_dead_letters_total",
        "counter",
        ("reason", "partition"),
        "Records refused and put aside, by reason.",
        "Which records could not be counted, and why?",
        "partition",
        7,
    ),
    Metric(
        "callcenter_raw_dead_letters_total",
        "counter",
        ("topic", "reason"),
        "Records of raw topics refused and put aside by this worker since its start; "
        "callcenter_dead_letters_total does not count them.",
        "Does a vendor send what cannot be understood?",
        "raw topic",
        7,
    ),
    Metric(
        "callcenter_boundary_ambiguous_total",
        "counter",
        ("partition",),
        "Calls whose wait equals the target in the resolution of the source: counted as kept, "
        "a finer clock might say otherwise.",
        "How much of the result hangs on the source's clock?",
        "partition",
    ),
    Metric(
        "callcenter_queue_label_overflow_total",
        "counter",
        ("partition",),
        "Times an event named a queue beyond max_queues and was counted under __other__.",
        "Do queue names run wild?",
        "partition",
    ),
    Metric(
        "callcenter_unknown_fields_total",
        "counter",
        (),
        "Fields of events that were tolerated without being understood, since the start.",
        "Does a source send more than we read?",
        "worker",
    ),
)

_WORKER: Final = (
    Metric(
        "callcenter_ticks_total",
        "counter",
        (),
        "Ticks since the start: each fires the deadlines that have passed.",
        "Is the worker alive?",
        "worker",
    ),
    Metric(
        "callcenter_tick_timestamp_seconds",
        "gauge",
        (),
        "When the last tick was.",
        "Is the worker alive now?",
        "worker",
    ),
    Metric(
        "callcenter_tick_duration_seconds",
        "histogram",
        (),
        "How long a tick took.",
        "Is the worker near its limit?",
        "worker",
        14,
    ),
    Metric(
        "callcenter_tick_decided_timestamp_seconds",
        "gauge",
        ("partition",),
        "Every deadline up to this time has been decided.",
        "Up to when are broken promises known?",
        "partition",
    ),
    Metric(
        "callcenter_fetch_timestamp_seconds",
        "gauge",
        (),
        "When Kafka last answered a fetch.",
        "Does the worker still hear from Kafka?",
        "worker",
    ),
    Metric(
        "callcenter_snapshot_timestamp_seconds",
        "gauge",
        ("partition",),
        "When the newest snapshot of the ledger was written; absent without a ledger log.",
        "How much would a restart have to read again?",
        "partition",
    ),
    Metric(
        "callcenter_snapshot_duration_seconds",
        "gauge",
        ("partition",),
        "How long writing the newest snapshot took.",
        "Do snapshots hold up the worker?",
        "partition",
    ),
    Metric(
        "callcenter_snapshot_size_bytes",
        "gauge",
        ("partition",),
        "Size of the newest snapshot.",
        "How large has the state become?",
        "partition",
    ),
    Metric(
        "callcenter_ledger_untrimmed",
        "gauge",
        ("partition",),
        "1 if the broker does not let the log be trimmed: it grows.",
        "Does the log of the ledger fill the disk?",
        "partition",
    ),
    Metric(
        "callcenter_ledger_losses_total",
        "counter",
        ("partition",),
        "How often an owner had to go on without what could not be rebuilt, as was accepted.",
        "Are the counts whole?",
        "partition",
    ),
    Metric(
        "callcenter_partitions_lost_total",
        "counter",
        (),
        "Live partitions taken over by another worker, or loaded again after an append of unknown "
        "outcome, since the start.",
        "Does the worker lose its partitions under way?",
        "worker",
    ),
    Metric(
        "callcenter_recovery_seconds",
        "gauge",
        ("partition",),
        "How long the partition took to catch up after it was assigned.",
        "How long were we blind after a restart or a rebalance?",
        "partition",
    ),
    Metric(
        "callcenter_rebalances_total",
        "counter",
        (),
        "Rebalances this worker has been through since the start.",
        "Do partitions wander?",
        "worker",
    ),
    Metric(
        "callcenter_partitions_owned",
        "gauge",
        (),
        "Partitions this worker owns. The sum over workers must be the topic's partitions.",
        "Is any part of the calls not being watched?",
        "worker",
    ),
    Metric(
        "callcenter_worker_ready",
        "gauge",
        (),
        "1 while the worker is ready, else 0.",
        "Can these numbers be trusted now?",
        "worker",
    ),
    Metric(
        "callcenter_build_info",
        "info",
        ("version", "python", "kernel"),
        "Versions of callsla and of Python, and whether the ledger is compiled; always 1.",
        "Which version runs?",
        "worker",
    ),
)

WORKER_METRICS: Final[tuple[Metric, ...]] = (*_FRESHNESS, *_QUALITY, *_WORKER)
