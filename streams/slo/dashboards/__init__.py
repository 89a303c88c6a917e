"""Grafana dashboards that follow from `slo.yaml` and from the metrics and recordings there are."""

from streams.slo.dashboards.callbacks import callbacks_board
from streams.slo.dashboards.formulas import formulas_board
from streams.slo.dashboards.frame import render
from streams.slo.dashboards.promise import promise_board
from streams.slo.dashboards.queue import queue_board
from streams.slo.dashboards.worker import worker_board
from streams.slo.objective import Objective

__all__ = ["render_dashboards"]

_BOARDS = (promise_board, queue_board, callbacks_board, formulas_board, worker_board)


def render_dashboards(objective: Objective) -> dict[str, str]:
    """Return every dashboard as JSON, by the name of its file."""
    boards = [make(objective) for make in _BOARDS]
    return {f"{board.uid}.json": render(board, objective) for board in boards}
