"""The end of a run: what was exported and written, against what follows from source and log."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import oracle
from independent import PartitionTruth
from observed import SHOWN, differences
from scraping import Sample
from topic_tail import Stored

from streams import promise_events
from streams.events import CallEvent, CallOffered, CallQueued
from streams.instants import SECOND, rfc3339
from streams.kafka.dead_letters import HEADER_PREFIX
from streams.ledger import NO_QUEUE, Change, QueueRules, Rules

__all__ = [
    "compare_dead_letters",
    "compare_metrics",
    "compare_promises",
    "compare_with_oracle",
    "false_breaches",
]

IN_TIME_MARGIN: Final = 500
"""Milliseconds before a deadline's grace ends; a fact that came later may come too late."""


def compare_metrics(
    truths: Mapping[int, PartitionTruth], samples: Sequence[Sample], ends: Mapping[int, int]
) -> Iterator[str]:
    """Yield where the last answers of all workers are not a tick that covers the whole source."""
    exporters: dict[int, list[int]] = defaultdict(list)
    for sample in samples:
        for partition, series in sample.partitions().items():
            exporters[partition].append(sample.slot)
            ticks = truths[partition].ticks
            covering = [each for each in ticks if each.to_offset >= ends[partition]]
            if frozenset(series.items()) not in {each.series for each in covering}:
                told = "; ".join(differences(dict(ticks[-1].series), series))
                yield f"/metrics of worker {sample.slot}, partition {partition}: {told}"
    for partition in truths:
        if len(exporters[partition]) != 1:
            yield f"partition {partition} is exported by the workers {exporters[partition]}"


def compare_promises(
    truths: Mapping[int, PartitionTruth], written: Sequence[Stored]
) -> Iterator[str]:
    """Yield promise events that are missing, too many or unlike what follows from the log.

    Those of the very last tick may be missing: the next owner would write them.
    """
    expected: dict[_PromiseKey, bytes] = {}
    origins: dict[_PromiseKey, str] = {}
    pending: set[_PromiseKey] = set()
    for truth in truths.values():
        for epoch, tick, _, change in truth.changes:
            event = promise_events.from_change(change, epoch)
            expected[event.id, epoch] = promise_events.encode(event)
            last = truth.ticks[-1].number
            origins[event.id, epoch] = f"partition {truth.partition}, tick {tick} of {last}"
            if tick == last:
                pending.add((event.id, epoch))
    found: dict[_PromiseKey, set[bytes]] = defaultdict(set)
    for message in written:
        value = message.value()
        assert isinstance(value, bytes)
        event = promise_events.decode(value)
        found[event.id, event.epoch].add(value)
    missing = [f"{key} ({origins[key]})" for key in expected.keys() - found.keys() - pending]
    yield from _some("promise event missing", sorted(missing))
    yield from _some("promise event too many", sorted(map(str, found.keys() - expected.keys())))
    unlike = [k for k, values in found.items() if k in expected and values != {expected[k]}]
    yield from _some("promise event differs", [f"{k}: {found[k]}" for k in unlike])


_PromiseKey = tuple[str, int | None]


def compare_dead_letters(
    truths: Mapping[int, PartitionTruth], written: Sequence[Stored]
) -> Iterator[str]:
    """Yield dead letters that are missing or too many; copies of one are one."""
    expected = {
        (number, offset, reason)
        for number, truth in truths.items()
        for offset, reason in truth.dead_letters.items()
    }
    found = {_origin(message) for message in written}
    yield from _some("dead letter missing", sorted(map(str, expected - found)))
    yield from _some("dead letter too many", sorted(map(str, found - expected)))


def _origin(message: Stored) -> tuple[int, int, str]:
    headers: Any = message.headers()
    told = {name: value.decode() for name, value in headers}
    return (
        int(told[f"{HEADER_PREFIX}partition"]),
        int(told[f"{HEADER_PREFIX}offset"]),
        told[f"{HEADER_PREFIX}reason"],
    )


def _some(what: str, found: Sequence[str]) -> Iterator[str]:
    yield from (f"{what}: {each}" for each in found[:SHOWN])
    if len(found) > SHOWN:
        yield f"{what}: and {len(found) - SHOWN:,} more"


def compare_with_oracle(truth: PartitionTruth, rules: Rules) -> Iterator[str]:
    """Yield where the ledger, its corrections counted, is not what brute force says.

    Brute force sees the facts that were not too late, all at once and without any tick.
    """
    events = [event for event, _ in truth.accepted]
    judged = oracle.judge(events, _settings(rules), truth.ledger.now)
    for label, totals in truth.ledger.totals.queues.items():
        figures = judged.figures("" if label == NO_QUEUE else label)
        for verdict, state, number in _judged(figures):
            said = totals.truth(verdict, state)
            if said != number:
                where = f"partition {truth.partition}, {label}"
                yield f"{where}: {verdict} {state} is {said}, by brute force {number}"


def _judged(figures: dict[str, Any]) -> Iterator[tuple[str, str, int]]:
    yield "offered", "offered", figures["offered"]
    yield "opened", "opened", figures["callback"]["opened"]
    yield "late", "late", figures["callback"]["late"]
    for verdict, part in _PARTS.items():
        for state, number in figures[part].items():
            if state not in ("open", "opened", "late"):
                yield verdict, state, number


_PARTS: Final = {
    "outcome": "outcomes",
    "answer": "answer",
    "callback": "callback",
    "promise": "promise",
    "usefulness": "usefulness",
}


def _settings(rules: Rules) -> dict[str, Any]:
    names = [name for name in QueueRules.__struct_fields__ if name in oracle.DEFAULTS]
    own = {name: getattr(rules.default, name) for name in names}
    return {**own, "max_call": rules.max_call}


def false_breaches(truth: PartitionTruth, rules: Rules) -> Iterator[str]:
    """Yield breaches that fired although all that the source had told in time says otherwise.

    A breach that a late fact corrects is no fault of a worker. It is one if the records of the
    call's facts up to the deadline were made before its grace ended: then they were on their way,
    and a worker that is behind, or was cut off, must not fire.
    """
    fired: dict[str, tuple[Change, int]] = {}
    suspects: list[tuple[Change, int]] = []
    for _, _, now, change in truth.changes:
        if change.verdict != "answer":
            continue
        if change.state == "broken":
            fired[change.key] = change, now
        elif change.was == "broken" and change.key in fired:
            suspects.append(fired[change.key])
    facts = _facts(truth, {change.key for change, _ in suspects})
    for change, now in suspects:
        start, known = _told(facts[change.key], change.at)
        deadline = start + rules.default.answer_target
        if change.at == deadline and known * 1000 <= deadline + _allowance(rules):
            early = deadline / SECOND - known / 1000
            yield (
                f"partition {truth.partition}: call {change.key} was broken at its deadline "
                f"({rfc3339(deadline)}, tick {(now - deadline) / SECOND:.2f} s after), though its "
                f"facts were told {early:.2f} s before"
            )


def _allowance(rules: Rules) -> int:
    return rules.grace - IN_TIME_MARGIN * 1000


def _facts(truth: PartitionTruth, keys: set[str]) -> dict[str, list[tuple[CallEvent, int]]]:
    found: dict[str, list[tuple[CallEvent, int]]] = {key: [] for key in keys}
    told: Counter[tuple[str, str]] = Counter()
    for event, stamp in truth.accepted:
        told[event.source, event.id] += 1
        is_new = told[event.source, event.id] == 1
        if is_new and isinstance(event, CallEvent) and event.call_id in found:
            found[event.call_id].append((event, stamp))
    return found


def _told(facts: Sequence[tuple[CallEvent, int]], at: int) -> tuple[int, int]:
    """Return the start of the call, and when (ms) the last of its facts up to `at` was told."""
    starts = [event.at for event, _ in facts if isinstance(event, CallOffered | CallQueued)]
    return min(starts, default=0), max(stamp for event, stamp in facts if event.at <= at)
