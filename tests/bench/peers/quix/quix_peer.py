"""Quix Streams, at least once: calls, counters and windows all in its state, with changelogs.

Its state belongs to a message key. So that counters of a queue need no second topic, every record
of a partition gets one and the same key: what is kept is kept for the partition, as the others do.

Arguments: broker, topic, records, group, folder.
"""

import sys
from typing import Any

from peer_job import COUNTED, Report, step
from quixstreams import Application, message_context
from quixstreams.models import Deserializer, SerializationContext

BROKER, TOPIC, RECORDS, GROUP, FOLDER = sys.argv[1:]


class OneKey(Deserializer):  # type: ignore[misc]
    """Whatever the key is."""

    def __call__(self, value: bytes, ctx: SerializationContext) -> str:  # noqa: ARG002
        """Return the key of all records."""
        return "all"


report = Report(int(RECORDS))
# What was last put into the state, by partition and key, for the report at the end.
kept: dict[tuple[int, str], list[int]] = {}


def is_of_a_call(event: dict[str, Any]) -> bool:
    """Heartbeats have no key, so no state."""
    return bool(event["kind"].startswith("call."))


def judge(event: dict[str, Any], state: Any) -> None:
    """Bring the state up to date, one event at a time."""
    key = f"call:{event['call_id']}"
    before = state.get(key)
    call, counted, minute = step(before, event)
    if call is None:
        if before is not None:
            state.delete(key)
        return
    if call is not before:
        state.set(key, call)
    if counted is not None:
        increase(state, f"queue:{call[0]}", counted)
        increase(state, f"window:{call[0]}|{minute}", counted)


def increase(state: Any, key: str, counted: int) -> None:
    """Count one in the state."""
    counts = state.get(key) or [0] * COUNTED
    counts[counted] += 1
    state.set(key, counts)
    kept[message_context().partition, key] = counts


def sums(kind: str) -> dict[str, list[int]]:
    """Return the counts of a kind, partitions added up."""
    found: dict[str, list[int]] = {}
    for (_, key), counts in kept.items():
        of, _, name = key.partition(":")
        if of == kind:
            earlier = found.get(name, [0] * COUNTED)
            found[name] = [a + b for a, b in zip(earlier, counts, strict=True)]
    return found


def processed(_topic: str, _partition: int, _offset: int) -> None:
    """Tell when the last record has been processed."""
    if report.seen():
        report.done(sums("queue"), sums("window"))


app = Application(
    broker_address=BROKER,
    consumer_group=GROUP,
    state_dir=FOLDER,
    auto_offset_reset="earliest",
    processing_guarantee="at-least-once",
    on_message_processed=processed,
    loglevel="WARNING",
)
topic = app.topic(TOPIC, key_deserializer=OneKey(), value_deserializer="json")
app.dataframe(topic).filter(is_of_a_call).apply(judge, stateful=True)

if __name__ == "__main__":
    app.run()
