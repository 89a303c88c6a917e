"""Faust as its manual has it: Tables for calls and counters, a tumbling window, changelogs.

Arguments: broker, topic, records, group, folder.
"""

import sys
from datetime import datetime
from typing import Any

import faust
from peer_job import COUNTED, Call, Report, step

BROKER, TOPIC, RECORDS, GROUP, FOLDER = sys.argv[1:]
MINUTE = 60.0


def event_time(event: Any) -> float:
    """Windows go by what the event says."""
    return datetime.fromisoformat(event.value["at"]).timestamp()


app = faust.App(
    GROUP,
    broker=f"kafka://{BROKER}",
    datadir=FOLDER,
    store="memory://",
    value_serializer="json",
    topic_partitions=4,
    topic_replication_factor=1,
    consumer_auto_offset_reset="earliest",
    web_enabled=False,
)
events = app.topic(TOPIC, value_serializer="json")
report = Report(int(RECORDS))
calls = app.Table("calls", partitions=4)
queues = app.Table("queues", default=int, partitions=4)
windows = app.Table("windows", default=int, partitions=4).tumbling(MINUTE).clone(event_time)


@app.agent(events)
async def judge(stream: Any) -> None:
    """Judge the calls, one event at a time."""
    async for event in stream:
        if event["kind"].startswith("call."):
            take(event)
        if report.seen():
            report.done(by_queue(), by_window())


def take(event: dict[str, Any]) -> None:
    """Bring the tables up to date."""
    call_id = event["call_id"]
    before: Call | None = calls.get(call_id)
    call, counted, _ = step(before, event)
    if call is None:
        if before is not None:
            del calls[call_id]
        return
    if call is not before:
        calls[call_id] = call
    if counted is not None:
        queues[f"{call[0]}|{counted}"] += 1
        windows[f"{call[0]}|{counted}"] += 1


def by_queue() -> dict[str, list[int]]:
    """Return the counters in the shape that the harness expects."""
    found: dict[str, list[int]] = {}
    for key, number in queues.items():
        queue, counted = key.split("|")
        found.setdefault(queue, [0] * COUNTED)[int(counted)] = number
    return found


def by_window() -> dict[str, list[int]]:
    """Return the windows in the shape that the harness expects."""
    found: dict[str, list[int]] = {}
    for (key, (begin, _)), number in windows.table.items():
        queue, counted = key.split("|")
        found.setdefault(f"{queue}|{int(begin) // 60}", [0] * COUNTED)[int(counted)] = number
    return found


if __name__ == "__main__":
    app.worker_init()
    faust.Worker(app, loglevel="warning").execute_from_commandline()
