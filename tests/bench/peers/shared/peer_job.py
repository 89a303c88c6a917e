"""The job of the peers in Python; `tests/bench/engines/job.py` says what it is.

Only the standard library: each peer has an environment of its own and brings its own decoder.
"""

import json
import sys
import time
from datetime import datetime
from typing import Any, Final

__all__ = ["ABANDONED", "COUNTED", "IN_TARGET", "LATE", "OFFERED", "Call", "Report", "step"]

COUNTED: Final = 4
OFFERED, IN_TARGET, LATE, ABANDONED = range(COUNTED)
TARGET: Final = 10.0
BEGINS: Final = ("call.offered", "call.queued")

Call = list[Any]
"""Queue, start (seconds since 1970), whether it is decided: as JSON has it."""
Step = tuple[Call | None, int | None, str]
"""The call afterwards (None: there is none), what was counted if anything, and the minute."""


def step(call: Call | None, event: dict[str, Any]) -> Step:
    """Return what an event makes of the call that it names."""
    kind = event["kind"]
    if kind in BEGINS:
        if call is not None:
            return call, None, ""
        at = _seconds(event)
        return [event["queue"], at, False], OFFERED, _minute(at)
    if kind == "call.ended" or call is None:
        return None, None, ""
    if not call[2] and kind == "call.answered" and event["answered_by"] == "human":
        at = _seconds(event)
        waited = round(at - call[1], 3)
        return [call[0], call[1], True], IN_TARGET if waited <= TARGET else LATE, _minute(at)
    if not call[2] and kind == "call.abandoned":
        return [call[0], call[1], True], ABANDONED, _minute(_seconds(event))
    return call, None, ""


def _seconds(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["at"]).timestamp()


def _minute(at: float) -> str:
    return str(int(at) // 60)


class Report:
    """Tells the harness on stdout: the first record, the half of them, the end with the result."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._half = total // 2
        self._seen = 0

    def seen(self, records: int = 1) -> bool:
        """Count records that have been processed; True: they were the last ones."""
        before = self._seen
        self._seen += records
        if before == 0:
            self._tell("first", None)
        if before < self._half <= self._seen:
            self._tell("half", None)
        return before < self._total <= self._seen

    def done(self, queues: dict[str, list[int]], windows: dict[str, list[int]]) -> None:
        """Hand over what was counted."""
        self._tell("done", {"queues": queues, "windows": windows})

    def _tell(self, what: str, result: Any) -> None:
        line = json.dumps({"what": what, "at": time.time(), "result": result})
        # Faust takes sys.stdout for its log.
        assert sys.__stdout__ is not None
        sys.__stdout__.write(line.replace('{"what": ', '{"what":', 1) + "\n")
        sys.__stdout__.flush()
