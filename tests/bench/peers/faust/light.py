"""Faust, light: an agent that keeps its state in plain dicts; nothing survives the process.

Arguments: broker, topic, records, group, folder.
"""

import sys
from typing import Any

import faust
from peer_job import COUNTED, Call, Report, step

BROKER, TOPIC, RECORDS, GROUP, FOLDER = sys.argv[1:]

app = faust.App(
    GROUP,
    broker=f"kafka://{BROKER}",
    datadir=FOLDER,
    store="memory://",
    value_serializer="json",
    topic_replication_factor=1,
    consumer_auto_offset_reset="earliest",
    web_enabled=False,
)
events = app.topic(TOPIC, value_serializer="json")
report = Report(int(RECORDS))
calls: dict[str, Call] = {}
queues: dict[str, list[int]] = {}
windows: dict[str, list[int]] = {}


@app.agent(events)
async def judge(stream: Any) -> None:
    """Judge the calls, one event at a time."""
    async for event in stream:
        if event["kind"].startswith("call."):
            take(event)
        if report.seen():
            report.done(queues, windows)


def take(event: dict[str, Any]) -> None:
    """Bring the dicts up to date."""
    call_id = event["call_id"]
    call, counted, minute = step(calls.get(call_id), event)
    if call is None:
        calls.pop(call_id, None)
        return
    calls[call_id] = call
    if counted is not None:
        queue = call[0]
        queues.setdefault(queue, [0] * COUNTED)[counted] += 1
        windows.setdefault(f"{queue}|{minute}", [0] * COUNTED)[counted] += 1


if __name__ == "__main__":
    app.worker_init()
    faust.Worker(app, loglevel="warning").execute_from_commandline()
