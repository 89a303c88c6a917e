"""Bytewax: keyed by call, then by queue; `kept` with recovery snapshots (SQLite), `light` without.

Arguments: mode, broker, topic, records, group, folder.
"""

import copy
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import bytewax.operators as op
import orjson
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main
from peer_job import COUNTED, Call, Report, step

MODE, BROKER, TOPIC, RECORDS, GROUP, FOLDER = sys.argv[1:]
SNAPSHOT_EVERY: Final = timedelta(seconds=10)
"""Bytewax's default."""

Kept = dict[str, list[int]]
"""Counts by minute."""

report = Report(int(RECORDS))
kept: dict[str, Kept] = {}


def decoded(messages: list[Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of calls, each with its call id."""
    report.seen(len(messages))
    events = [orjson.loads(message.value) for message in messages]
    return [(event["call_id"], event) for event in events if event["kind"].startswith("call.")]


class JudgeCall(StatefulBatchLogic):  # type: ignore[misc]
    """The state of one call; what was counted goes on as (queue, (what, minute))."""

    def __init__(self, call: Call | None) -> None:
        self.call = call

    def on_batch(self, values: list[dict[str, Any]]) -> tuple[Iterable[Any], bool]:
        """Take events of the call; the state goes when it has ended."""
        found = []
        for event in values:
            self.call, counted, minute = step(self.call, event)
            if self.call is not None and counted is not None:
                found.append((self.call[0], (counted, minute)))
        return found, self.call is None

    def snapshot(self) -> Call | None:
        """Return what recovery needs."""
        return self.call


class CountQueue(StatefulBatchLogic):  # type: ignore[misc]
    """The counters of one queue, by minute; handed on when the topic has been read."""

    def __init__(self, windows: Kept | None) -> None:
        self.windows = windows or {}

    def on_batch(self, values: list[tuple[int, str]]) -> tuple[Iterable[Any], bool]:
        """Count."""
        for counted, minute in values:
            self.windows.setdefault(minute, [0] * COUNTED)[counted] += 1
        return (), False

    def on_eof(self) -> tuple[Iterable[Any], bool]:
        """Hand on what was counted."""
        return [self.windows], False

    def snapshot(self) -> Kept:
        """Return what recovery needs."""
        return copy.deepcopy(self.windows)


class Collected(StatelessSinkPartition):  # type: ignore[misc]
    """Keeps the counters of each queue."""

    def write_batch(self, items: list[Any]) -> None:
        """Take counters."""
        kept.update(items)


class Collecting(DynamicSink):  # type: ignore[misc]
    """The end of the flow."""

    def build(self, *_: object) -> Collected:
        """Return the one partition there is, whichever is asked for."""
        return Collected()


def flow() -> Dataflow:
    """Return the dataflow; it ends with the topic."""
    made = Dataflow("job")
    source = KafkaSource([BROKER], [TOPIC], tail=False, batch_size=5000)
    events = op.flat_map_batch("decode", op.input("events", made, source), decoded)
    counted = op.stateful_batch("calls", events, JudgeCall)
    plain = op.map("by_queue", counted, lambda pair: pair[1])
    op.output("counts", op.stateful_batch("queues", plain, CountQueue), Collecting())
    return made


def main() -> None:
    """Run to the end of the topic, tell, and wait to be ended."""
    recovery = None
    if MODE == "kept":
        init_db_dir(Path(FOLDER), 1)
        recovery = RecoveryConfig(FOLDER)
    cli_main(flow(), epoch_interval=SNAPSHOT_EVERY, recovery_config=recovery)
    queues: dict[str, list[int]] = {}
    windows: dict[str, list[int]] = {}
    for queue, minutes in kept.items():
        queues[queue] = [sum(column) for column in zip(*minutes.values(), strict=True)]
        windows |= {f"{queue}|{minute}": counts for minute, counts in minutes.items()}
    report.done(queues, windows)
    sys.stdin.read()


if __name__ == "__main__":
    main()
