"""The checks on Kafka: what each asks, and who judges the answer."""

import time
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from msgspec.structs import replace

from streams.doctor.broker import judge_listeners, judge_rights, judge_servers, refused
from streams.doctor.findings import Finding, not_asked
from streams.doctor.kafka_edge import (
    COMMITS,
    arrivals,
    barred_operations,
    group_state,
    may_read_commits,
    read_tails,
    refused_listeners,
    refused_servers,
)
from streams.doctor.sample import decode_events, decode_raw, judge_sample
from streams.doctor.topics import judge_topics
from streams.doctor.workers import judge_clock, judge_group, judge_log, judge_ticks, read_log
from streams.kafka.errors import EdgeError
from streams.kafka.topics import describe_topics
from streams.settings import Settings
from streams.slo import Objective

__all__ = ["ask_broker", "ask_check", "ask_kafka"]

TICK_SECONDS: Final = 6.0
"""A partition is ticked once a second though there is no news; a snapshot may delay that."""


class _Asked(NamedTuple):
    settings: Settings
    objective: Objective


def ask_kafka(settings: Settings, objective: Objective) -> Iterator[Finding]:
    """Yield what is to be said of the broker, and of what is on it."""
    let_in: list[str] = []
    yield from ask_broker(settings, let_in)
    if not let_in:
        for group in ("topics", "rights", "events", "workers", "clocks"):
            yield not_asked(f"{group}.all", "no broker lets us in")
        return
    # No client is to try an address again of which we know that it leads nowhere.
    reached = replace(settings, broker=",".join(let_in))
    for check in _QUESTIONS:
        yield from ask_check(check, reached, objective)


def ask_broker(settings: Settings, let_in: list[str]) -> Iterator[Finding]:
    """Yield whether the addresses in `broker`, and those they send us to, let us in.

    Those in `broker` that do are added to `let_in`.
    """
    refusals = refused_servers(settings)
    yield from judge_servers(settings, refusals)
    closed = {server for server, _ in refusals}
    servers = [each.strip() for each in settings.broker.split(",")]
    let_in += [each for each in servers if each not in closed]
    if let_in:
        yield from judge_listeners(*refused_listeners(settings, let_in[0]))


def ask_check(check: str, settings: Settings, objective: Objective) -> Iterator[Finding]:
    """Yield what one question finds, one of `_QUESTIONS`."""
    try:
        yield from _QUESTIONS[check](_Asked(settings, objective))
    except EdgeError as error:
        yield refused(check, error)


def _ask_topics(asked: _Asked) -> Iterator[Finding]:
    yield from judge_topics(asked.settings, describe_topics(asked.settings))


def _ask_rights(asked: _Asked) -> Iterator[Finding]:
    yield from judge_rights(asked.settings, barred_operations(asked.settings))


def _ask_events(asked: _Asked) -> Iterator[Finding]:
    settings, now = asked.settings, time.time_ns() // 1000
    batches = read_tails(settings, settings.events_topic)
    sample = decode_events(settings.events_topic, batches, asked.objective, now)
    yield from judge_sample(sample, now)
    for topic, form in settings.raw_topics.items():
        raw = decode_raw(topic, read_tails(settings, topic), form)
        yield from judge_sample(raw, now, raw=True)


def _ask_group(asked: _Asked) -> Iterator[Finding]:
    yield from judge_group(asked.settings, group_state(asked.settings))


def _ask_log(asked: _Asked) -> Iterator[Finding]:
    yield from judge_log(read_log(read_tails(asked.settings, asked.settings.ledger_topic)))


def _ask_ticks(asked: _Asked) -> Iterator[Finding]:
    """Ticks tell the workers' clocks, commits the brokers'."""
    settings, grace = asked.settings, int(asked.objective.time.grace)
    seconds, also = max(TICK_SECONDS, 4 * settings.tick_seconds), None
    if may_read_commits(settings):
        also = COMMITS
    ledger, commits = arrivals(settings, settings.ledger_topic, seconds, also=also)
    yield judge_ticks(ledger, seconds)
    yield judge_clock("the workers", "clocks.workers", ledger.values(), grace)
    if also is not None:
        yield judge_clock("the brokers", "clocks.brokers", commits.values(), grace)
        return
    reason = f"the brokers' clock: only {COMMITS} tells it, and we may not read that"
    yield not_asked("clocks.brokers", reason, f"READ on topic {COMMITS}, if it matters to you")


_QUESTIONS: Final[dict[str, Callable[[_Asked], Iterator[Finding]]]] = {
    "topics.all": _ask_topics,
    "rights.worker": _ask_rights,
    "events.sample": _ask_events,
    "workers.group": _ask_group,
    "workers.log": _ask_log,
    "workers.ticks": _ask_ticks,
}
