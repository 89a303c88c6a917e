"""What the metrics of a whole worker by queue read: live gauges and the promises in force."""

from collections.abc import Callable, Iterator
from typing import Final

from streams.instants import SECOND
from streams.ledger import DUE_WITHIN, NO_QUEUE
from streams.metrics.names import BY_NAME
from streams.metrics.rows import Number, Rows, Section, seconds
from streams.metrics.view import LiveSums, Sections, View, of_queue, rules_of

__all__ = ["LIVE_FAMILIES"]


def _live(name: str, read: Callable[[LiveSums], Number | None]) -> tuple[str, Sections]:
    rows = Rows(BY_NAME[name], [("", {})])

    def sections(view: View) -> Iterator[Section]:
        for common, sums in view.live:
            value = read(sums)
            if value is not None:
                yield common, rows, [value]

    return name, sections


def _due(name: str) -> tuple[str, Sections]:
    rows = Rows(BY_NAME[name], [("", {"within": str(within)}) for within in DUE_WITHIN])

    def sections(view: View) -> Iterator[Section]:
        for common, sums in view.live:
            yield common, rows, [sums.callbacks_due[within] for within in DUE_WITHIN]

    return name, sections


def _in_force(name: str, answer: str, callback: str, scale: int) -> tuple[str, Sections]:
    rows = Rows(BY_NAME[name], [("", {"promise": "answer"}), ("", {"promise": "callback"})])

    def sections(view: View) -> Iterator[Section]:
        for queue in sorted({NO_QUEUE, *view.queues}):
            rules = rules_of(view.worker.rules, queue)
            values: list[Number] = [getattr(rules, field) / scale for field in (answer, callback)]
            yield of_queue(queue), rows, values

    return name, sections


def _opening(name: str) -> tuple[str, Sections]:
    rows = Rows(BY_NAME[name], [("", {})])

    def sections(view: View) -> Iterator[Section]:
        keeping = view.worker.keeping
        if keeping is None:
            return
        for queue in sorted({NO_QUEUE, *view.queues}):
            at = keeping.opening_at(queue, int(view.worker.at * SECOND))
            if at is not None:
                yield of_queue(queue), rows, [at / SECOND]

    return name, sections


LIVE_FAMILIES: Final[dict[str, Sections]] = dict(
    (
        _live("callcenter_calls_waiting", lambda s: s.waiting),
        _live("callcenter_calls_waiting_beyond_target", lambda s: s.waiting_beyond_target),
        _live(
            "callcenter_oldest_waiting_timestamp_seconds", lambda s: seconds(s.oldest_waiting_at)
        ),
        _live("callcenter_callbacks_open", lambda s: s.callbacks_open),
        _live("callcenter_callbacks_overdue", lambda s: s.callbacks_overdue),
        _due("callcenter_callbacks_due"),
        _live("callcenter_callback_next_due_timestamp_seconds", lambda s: seconds(s.next_due_at)),
        _in_force("callcenter_target_seconds", "answer_target", "callback_target", SECOND),
        _in_force("callcenter_objective_ratio", "answer_objective", "callback_objective", 1),
        _opening("callcenter_opening_timestamp_seconds"),
    )
)
"""The samples of all queues, by metric."""
