"""Sorted events through the ledger, with its clock moved by their event time."""

from collections.abc import Callable
from typing import Final

from streams.collector import uncollected
from streams.events import Event
from streams.instants import MINUTE
from streams.ledger import Change, Ledger, Rules
from streams.ledger.kinds import AT, Told, told
from streams.replay.reading import PROGRESS_EVENTS, Progress
from streams.replay.waits import QueueWaits

__all__ = ["Judged", "judge", "judge_told"]

Watch = Callable[[Change], None]

STRIDE: Final = 10 * MINUTE
"""Verdicts are counted each time event time has moved on by this much, stamped with their own.

They are functions of the facts, so any stride gives the same; a long one judges each call once.
"""


_REFUSED: Final = frozenset({"future", "too_old", "limit"})


class Judged:
    """The ledger after all events, and what it does not keep itself."""

    __slots__ = ("ledger", "left_out", "refused", "until", "waits")

    def __init__(self, ledger: Ledger, until: int | None) -> None:
        self.ledger = ledger
        self.until = until
        """the time, in microseconds, up to which deadlines have fired; None: nothing happened"""
        self.waits: dict[str, QueueWaits] = {}
        self.left_out = 0
        """events later than `until`"""
        self.refused: dict[str, int] = {}
        """events that the ledger refused, by reason"""


def judge(
    events: list[Event],
    rules: Rules,
    until: int | None = None,
    *,
    watch: Watch | None = None,
    progress: Progress | None = None,
) -> Judged:
    """Apply `events`, sorted by event time, and settle what is settled by `until`.

    `until` is in microseconds; None means the time of the last event. Later events are left out.
    `watch` is told every change of a verdict, `progress` every so many events.
    """
    said = [told(event) for event in events]
    return judge_told(said, rules, until, watch=watch, progress=progress)


def judge_told(
    events: list[Told],
    rules: Rules,
    until: int | None = None,
    *,
    watch: Watch | None = None,
    progress: Progress | None = None,
) -> Judged:
    """Judge what a ledger takes of events, like `judge`."""
    last = events[-1][AT] if events else None
    judged = Judged(Ledger(rules, windows=False), last if until is None else until)
    if judged.until is not None:
        with uncollected(for_good=True):
            _apply(judged, events, judged.until, watch, progress)
            judged.ledger.advance(judged.until)
            _collect(judged, watch)
    return judged


def _apply(
    judged: Judged,
    events: list[Told],
    until: int,
    watch: Watch | None,
    progress: Progress | None,
) -> None:
    ledger = judged.ledger
    tick_at = told = 0
    for number, event in enumerate(events):
        at: int = event[AT]
        if at >= tick_at:
            if at > until:
                judged.left_out = len(events) - number
                break
            _tick(judged, at, watch)
            tick_at = min(at + STRIDE, until + 1)
            if progress is not None and number - told >= PROGRESS_EVENTS:
                progress(number - told)
                told = number
        fate = ledger.take(event)
        if fate in _REFUSED:
            judged.refused[fate] = judged.refused.get(fate, 0) + 1


def _tick(judged: Judged, at: int, watch: Watch | None) -> None:
    """Fire the deadlines that every event up to `at` has had its chance to meet."""
    judged.ledger.advance(at - judged.ledger.rules.grace)
    _collect(judged, watch)


def _collect(judged: Judged, watch: Watch | None) -> None:
    ledger = judged.ledger
    for change in ledger.drain():
        if change.verdict == "outcome":
            label = ledger.totals.label(change.queue)
            waits = judged.waits.get(label)
            if waits is None:
                waits = judged.waits[label] = QueueWaits()
            waits.note(change, ledger.rules.of(change.queue).answer_target)
        if watch is not None:
            watch(change)
