"""The smaller job on which the peers agree, by brute force: what every result is checked against.

It is less than the promise: one pass in the order of arrival, no deadline, no callback, no
correction.

* A call begins with the first `call.offered` or `call.queued` that is read of it, in that event's
  queue and at that event's time: *offered*.
* The first human answer or abandonment of a call that has begun decides it: answered within 10
  seconds, answered later, or abandoned.
* `call.ended` ends it; what is read of the call afterwards is a new call, or nothing.
* Each of the four is counted once for the queue, and once for the queue and the minute of the
  event (event time).

Nothing here is shared with the code of the peers.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

__all__ = ["COUNTED", "Counts", "Result", "WrongResultError", "check", "expected"]

COUNTED: Final = ("offered", "in_target", "late", "abandoned")
TARGET_SECONDS: Final = 10.0

Counts = dict[str, list[int]]
"""Four numbers, as `COUNTED` names them, by queue, or by `queue|minute` (minutes since 1970)."""


class Result(Struct, frozen=True, forbid_unknown_fields=True):
    """What an engine counted."""

    queues: Counts
    windows: Counts


class WrongResultError(Exception):
    """An engine counted something else than brute force: its times count for nothing."""


def expected(partitions: Iterable[Sequence[bytes]]) -> Result:
    """Return the truth about records, given by partition and in the order of their offsets."""
    calls: dict[str, list[dict[str, Any]]] = {}
    homes: dict[str, int] = {}
    for number, records in enumerate(partitions):
        for record in records:
            event = msgspec.json.decode(record)
            if event["kind"].startswith("call."):
                calls.setdefault(event["call_id"], []).append(event)
                if homes.setdefault(event["call_id"], number) != number:
                    raise ValueError(f"call {event['call_id']} is in two partitions")
    result = Result({}, {})
    for events in calls.values():
        for life in _lives(events):
            _judge(life, result)
    return result


def _lives(events: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Split the events of a call id behind each `call.ended`."""
    lives: list[list[dict[str, Any]]] = [[]]
    for event in events:
        lives[-1].append(event)
        if event["kind"] == "call.ended":
            lives.append([])
    return lives


def _judge(events: list[dict[str, Any]], result: Result) -> None:
    begins = [e["kind"] in ("call.offered", "call.queued") for e in events]
    if True not in begins:
        return
    first = begins.index(True)
    queue, start = events[first]["queue"], _instant(events[first])
    _count(result, queue, start, "offered")
    for event in events[first + 1 :]:
        instant = _instant(event)
        if event["kind"] == "call.abandoned":
            _count(result, queue, instant, "abandoned")
            return
        if event["kind"] == "call.answered" and event["answered_by"] == "human":
            waited = (instant - start).total_seconds()
            _count(result, queue, instant, "in_target" if waited <= TARGET_SECONDS else "late")
            return


def _instant(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["at"])


def _count(result: Result, queue: str, instant: datetime, what: str) -> None:
    minute = int(instant.timestamp()) // 60
    for counts, key in ((result.queues, queue), (result.windows, f"{queue}|{minute}")):
        counts.setdefault(key, [0] * len(COUNTED))[COUNTED.index(what)] += 1


def check(found: Result, truth: Result) -> None:
    """Raise if an engine's result is not the truth.

    Raises:
        WrongResultError: with the first differences.
    """
    both = ((found.queues, truth.queues), (found.windows, truth.windows))
    faults = [
        f"{key}: {told.get(key)}, by brute force {true.get(key)}"
        for told, true in both
        for key in sorted(told.keys() | true.keys())
        if told.get(key) != true.get(key)
    ]
    if faults:
        more = f" and {len(faults) - 3:,} more" if len(faults) > 3 else ""
        raise WrongResultError("; ".join(faults[:3]) + more)
