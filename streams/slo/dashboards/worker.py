"""*Worker*: can the numbers be believed: lag, ticks, latency, dead letters, snapshots."""

from streams.slo.dashboards.frame import Board, Row
from streams.slo.dashboards.look import at_least, at_most, plain
from streams.slo.dashboards.parts import Ask, Panel, lines, number, stacked, states, tabled
from streams.slo.dashboards.queries import age
from streams.slo.objective import Objective

__all__ = ["worker_board"]


def worker_board(objective: Objective) -> Board:
    """Return the dashboard of those who run callsla."""
    return Board(
        uid="callsla-worker",
        title="Call centre: Worker",
        description="Can the numbers be believed? Lag, ticks, latency, dead letters, snapshots.",
        rows=(
            Row("Believable now?", [*_sight(objective), *_health()]),
            Row("Freshness", _freshness()),
            Row("Data", _data()),
            Row("Partitions and workers", _partitions()),
            Row("Resources", _resources()),
        ),
        by_queue=False,
    )


def _each(name: str) -> str:
    """One value per partition, whichever workers show it."""
    return f"max by (partition) ({name})"


def _more(name: str) -> str:
    """How much a counter has grown over the interval that a point stands for."""
    return f"sum(increase({name}[$__rate_interval]))"


def _sight(slo: Objective) -> list[Panel]:
    behind = int(slo.alerts.blind.behind) / 1e6
    silent = int(slo.alerts.blind.heartbeat) / 1e6
    return [
        number(
            "Numbers are behind by",
            Ask(age(f"min({_each('callcenter_tick_decided_timestamp_seconds > 0')})"), "behind"),
            at_most("s", behind, 10, least=0),
            "How far the verdicts of the slowest partition are behind the clock. High: see the lag "
            "below; with no lag the feed has stopped. Runbook: BlindBehind.",
        ),
        number(
            "Oldest heartbeat",
            Ask(age(f"min({_each('callcenter_heartbeat_timestamp_seconds > 0')})"), "heartbeat"),
            at_most("s", silent, silent / 2, least=0),
            "Since when no heartbeat of a source has come all the way through. High: the feed is "
            "broken before Kafka; restart the adapter. Runbook: BlindHeartbeat.",
        ),
        number(
            "Records to read",
            Ask(f"sum({_each('callcenter_consumer_lag_events')})", "records"),
            at_most("short", 10_000, 1_000, least=0),
            "Records on Kafka not yet applied. Growing: the worker does not keep up; add workers, "
            "up to one per partition.",
        ),
    ]


def _health() -> list[Panel]:
    return [
        number(
            "Workers ready",
            Ask("sum(callcenter_worker_ready)", "ready"),
            at_least("short", 1, least=0),
            "Workers that say they can be relied on. Fewer than you run: look at /-/ready of each, "
            "it says why.",
        ),
        number(
            "Partitions owned",
            Ask("sum(callcenter_partitions_owned)", "owned"),
            at_least("short", 1, least=0),
            "Partitions with an owner; must be all of the topic. Fewer: some calls are watched by "
            "nobody. Runbook: BlindPartition.",
        ),
        number(
            "Partitions caught up",
            Ask(f"sum({_each('callcenter_caught_up')})", "caught up"),
            at_least("short", 1, least=0),
            "Partitions whose end has been reached. Fewer than are owned: after a start or a "
            "take-over this takes seconds; if it stays so, see the records to read below.",
        ),
    ]


def _freshness() -> list[Panel]:
    latency, ticks = (
        "sum by (le) (rate(callcenter_event_latency_seconds_bucket[$__rate_interval]))",
        "sum by (le) (rate(callcenter_tick_duration_seconds_bucket[$__rate_interval]))",
    )
    return [
        lines(
            "Age of events when they count",
            [
                Ask(f"histogram_quantile(0.5, {latency})", "50%"),
                Ask(f"histogram_quantile(0.99, {latency})", "99%"),
            ],
            plain("s"),
            "From the event to its effect here, observed while caught up. Seconds instead of "
            "fractions: a slow source, or clocks that differ; compare them.",
            8,
        ),
        lines(
            "Duration of a tick",
            [
                Ask(f"histogram_quantile(0.5, {ticks})", "50%"),
                Ask(f"histogram_quantile(0.99, {ticks})", "99%"),
            ],
            plain("s"),
            "Each tick fires the deadlines that have passed. Near the distance between ticks "
            "(0.25 s): the worker is at its limit; add one.",
            8,
        ),
        lines(
            "Records to read, by partition",
            [Ask(_each("callcenter_consumer_lag_events"), "{{partition}}")],
            plain(),
            "One line alone high: one partition has most of the calls or its owner is stuck. All "
            "high: workers are too few or have just started.",
            8,
        ),
    ]


def _data() -> list[Panel]:
    events, refused = (
        "sum by (fate) (rate(callcenter_events_total[$__rate_interval]))",
        "sum by (reason) (increase(callcenter_dead_letters_total[$__rate_interval]))",
    )
    raw = "sum by (topic, reason) (increase(callcenter_raw_dead_letters_total[$__rate_interval]))"
    return [
        stacked(
            "Events a second, by fate",
            [Ask(events, "{{fate}}")],
            plain("eps"),
            "duplicate: a source repeats itself, harmless. late: a feed delivers after an hour. "
            "orphan: the start of calls is missing; ask whether a feed was left out.",
            8,
        ),
        lines(
            "Records refused, by reason",
            [Ask(refused, "{{reason}}"), Ask(raw, "{{topic}} {{reason}}")],
            plain(),
            "malformed: a producer has changed its format. future or old: a clock is wrong. Mend "
            "the source, then callsla dlq replay.",
            8,
        ),
        lines(
            "Doubts about the data",
            [
                Ask(_more("callcenter_boundary_ambiguous_total"), "exactly at target"),
                Ask(_more("callcenter_queue_label_overflow_total"), "too many queues"),
                Ask(_more("callcenter_unknown_fields_total"), "unknown fields"),
                Ask(_more("callcenter_ledger_losses_total"), "losses accepted"),
            ],
            plain(),
            "exactly at target: a finer clock might judge these calls otherwise. too many queues: "
            "raise max_queues or clean up names. losses accepted: counts are not whole.",
            8,
        ),
    ]


def _partitions() -> list[Panel]:
    columns = [
        Ask(_each("callcenter_consumer_lag_events"), "to read", look=at_most("short", 10_000)),
        Ask(_each("callcenter_caught_up"), "caught up", look=at_least("short", 1)),
        Ask(age(_each("callcenter_event_time_seconds")), "newest event", look=plain("s")),
        Ask(age(_each("callcenter_snapshot_timestamp_seconds")), "snapshot", look=plain("s")),
        Ask(_each("callcenter_snapshot_size_bytes"), "snapshot size", look=plain("bytes")),
        Ask(_each("callcenter_snapshot_duration_seconds"), "writing it", look=plain("s")),
        Ask(_each("callcenter_recovery_seconds"), "catching up took", look=plain("s")),
        Ask(_each("callcenter_ledger_untrimmed"), "not trimmed", look=at_most("short", 1)),
    ]
    return [
        tabled(
            "Partitions",
            columns,
            "partition",
            "An old snapshot: a restart would read much again; look for errors in the log of its "
            "owner. Not trimmed: the broker forbids it and the log fills the disk.",
            sort="to read",
        ),
        states(
            "Workers ready, one by one",
            Ask("max by (instance) (callcenter_worker_ready)", "{{instance}}"),
            at_least("short", 1),
            "A gap or red: that worker was away or could not be relied on; others have taken its "
            "partitions over. Often: see the rebalances.",
        ),
    ]


def _resources() -> list[Panel]:
    return [
        lines(
            "Memory",
            [
                Ask(
                    "process_resident_memory_bytes and on (instance) callcenter_build_info",
                    "{{instance}}",
                )
            ],
            plain("bytes"),
            "Follows the number of open calls and callbacks. Growing without them: keep the log "
            "and report it; restart the worker, which loses nothing.",
            8,
        ),
        lines(
            "Cores used",
            [
                Ask(
                    "rate(process_cpu_seconds_total[$__rate_interval])"
                    " and on (instance) callcenter_build_info",
                    "{{instance}}",
                )
            ],
            plain(),
            "A worker uses one core at most. Near 1: add workers, up to one per partition.",
            8,
        ),
        lines(
            "Rebalances and lost partitions",
            [
                Ask(_more("callcenter_rebalances_total"), "rebalances"),
                Ask(_more("callcenter_partitions_lost_total"), "lost"),
            ],
            plain(),
            "Each costs a moment without numbers. Many: workers die, or Kafka loses sight of them; "
            "give each a static instance name and look at their logs.",
            8,
        ),
    ]
