"""Are the topics such that nothing is lost in them?"""

from collections.abc import Iterator, Mapping
from typing import Final

from streams.doctor.findings import Finding, ok, warning, wrong
from streams.instants import MILLISECOND
from streams.kafka.topics import TopicPlan, TopicState, plan_topics, replication_advice
from streams.settings import Settings
from streams.slo.durations import brief

__all__ = ["judge_topics"]

_HOUR_MS: Final = 3_600_000
_FOREVER: Final = -1
_TRIFLES: Final = ("segment.bytes",)
"""Settings that cost disk space and nothing else."""

States = Mapping[str, TopicState]


def judge_topics(settings: Settings, states: States) -> Iterator[Finding]:
    """Yield what is to be said of every topic of `settings`."""
    there = [name for name in settings.topics if states[name].found.partitions]
    yield from _existence(settings, states, there)
    yield from _partitions(settings, states)
    for name in there:
        if not states[name].config and name not in settings.raw_topics:
            yield warning(
                "topics.settings",
                f"the settings of {name} cannot be seen",
                f"have DESCRIBE_CONFIGS on topic {name} granted to whoever asks",
            )
    plans = [plan for plan in plan_topics(settings) if states[plan.name].config]
    yield from _compaction(plans, states)
    yield from _retention(settings, plans, states)
    yield from _other_settings(plans, states)
    yield from _replicas(plans, states)


def _existence(settings: Settings, states: States, there: list[str]) -> Iterator[Finding]:
    check = "topics.exist"
    for name, state in states.items():
        if state.found.missing:
            own = name not in settings.raw_topics
            remedy = "callsla topics create" if own else "correct raw_topics, or create it"
            yield wrong(check, f"{name} does not exist", remedy)
        elif state.found.hidden:
            yield wrong(check, f"{name} cannot be seen", f"have DESCRIBE on topic {name} granted")
    if there and len(there) == len(states):
        yield ok(check, f"all {len(there)} topics exist")


def _partitions(settings: Settings, states: States) -> Iterator[Finding]:
    check = "topics.partitions"
    events = states[settings.events_topic].found
    ledger = states[settings.ledger_topic].found
    if not events.partitions or not ledger.partitions:
        return
    if events.partitions != ledger.partitions:
        smaller = min(events, ledger, key=lambda each: each.partitions)
        larger = max(events.partitions, ledger.partitions)
        yield wrong(
            check,
            f"{ledger.name} has {ledger.partitions} partitions and {events.name} "
            f"{events.partitions}: a worker would not start",
            f"kafka-topics.sh --alter --topic {smaller.name} --partitions {larger}",
        )
        return
    yield ok(check, f"events and ledger have {events.partitions} partitions each")


def _compaction(plans: list[TopicPlan], states: States) -> Iterator[Finding]:
    """Compacting takes away records that a later one with the same key, or none, outlives."""
    check, fine = "topics.compaction", True
    for plan in plans:
        policy = states[plan.name].config.get("cleanup.policy", "delete")
        if policy != plan.config["cleanup.policy"]:
            fine = False
            yield wrong(
                check,
                f"{plan.name}: cleanup.policy is {policy}: records that are still needed vanish",
                _alter(plan.name, "cleanup.policy", "delete"),
            )
    if fine and plans:
        yield ok(check, "no topic is compacted")


def _retention(settings: Settings, plans: list[TopicPlan], states: States) -> Iterator[Finding]:
    """The ledger's topic keeps all; events have to outlive the longest absence of workers.

    The SLO period needs no event: its counts are in the ledger's snapshots and in Prometheus.
    """
    check, findings = "topics.retention", []
    for plan in plans:
        kept = int(states[plan.name].config.get("retention.ms", _FOREVER))
        wanted = int(plan.config["retention.ms"])
        if not _outlives(kept, wanted):
            findings.append(_too_short(check, settings, plan.name, kept, wanted))
        size = int(states[plan.name].config.get("retention.bytes", _FOREVER))
        if size != _FOREVER:
            findings.append(_bounded(check, settings, plan.name, size))
    yield from findings
    if plans and not findings:
        hours = settings.retention_hours
        yield ok(check, f"the ledger is kept for ever, events for {hours} h or longer")


def _outlives(kept: int, wanted: int) -> bool:
    return kept == _FOREVER or (wanted != _FOREVER and kept >= wanted)


def _too_short(check: str, settings: Settings, name: str, kept: int, wanted: int) -> Finding:
    remedy = _alter(name, "retention.ms", str(wanted))
    shown = f"{name} keeps records for {brief(kept * MILLISECOND)} only"
    if name == settings.ledger_topic:
        return wrong(check, f"{shown}: counts that were shown could not be rebuilt", remedy)
    if name == settings.events_topic:
        hours = settings.retention_hours
        reason = f"{shown}: workers that are away for longer lose calls (retention_hours: {hours})"
        return wrong(check, reason, remedy)
    return warning(check, f"{shown}: who reads later misses some", remedy)


def _bounded(check: str, settings: Settings, name: str, size: int) -> Finding:
    remedy = _alter(name, "retention.bytes", str(_FOREVER))
    reason = f"{name} keeps {size:,} bytes a partition at most"
    if name == settings.ledger_topic:
        return wrong(check, f"{reason}: counts that were shown could not be rebuilt", remedy)
    return warning(check, f"{reason}: on a busy day that is less than its time", remedy)


def _other_settings(plans: list[TopicPlan], states: States) -> Iterator[Finding]:
    check, fine = "topics.settings", True
    judged = ("cleanup.policy", "retention.ms", "retention.bytes")
    for plan in plans:
        config = states[plan.name].config
        wanted = {key: value for key, value in plan.config.items() if key not in judged}
        differs = {key: value for key, value in wanted.items() if config.get(key) != value}
        differs |= {
            key: str(least)
            for key, least in plan.at_least.items()
            if int(config.get(key, 0)) < least
        }
        for key, value in differs.items():
            fine = False
            told = warning if key in _TRIFLES else wrong
            reason = f"{plan.name}: {key} is {config.get(key)}, should be {value}"
            yield told(check, reason, _alter(plan.name, key, value))
    if fine and plans:
        yield ok(check, "sizes and leader elections are as they should be")


def _replicas(plans: list[TopicPlan], states: States) -> Iterator[Finding]:
    lines = [
        line
        for plan in plans
        for line in replication_advice(
            states[plan.name].found, int(states[plan.name].config["min.insync.replicas"])
        )
    ]
    for line in lines:
        reason, _, remedy = line.rpartition("; ")
        yield warning("topics.replicas", reason, remedy)
    if plans and not lines:
        yield ok("topics.replicas", "as many replicas as the brokers allow")


def _alter(topic: str, name: str, value: str) -> str:
    return f"kafka-configs.sh --alter --topic {topic} --add-config {name}={value}"
