"""How a fact that needs no more than noting is noted on its call."""

from collections.abc import Callable
from typing import Any, Final

from streams.events import (
    CallbackRequested,
    CallDiverted,
    CallEnded,
    CallRejected,
    CallTransferred,
)
from streams.ledger.calls import Call

__all__ = ["NOTE", "earlier"]


def _note_diverted(call: Call, event: CallDiverted) -> None:
    call.diverted = earlier(call.diverted, event.at)
    call.is_contestable = True


def _note_rejected(call: Call, event: CallRejected) -> None:
    call.rejected = earlier(call.rejected, event.at)
    call.is_contestable = True


def _note_requested(call: Call, event: CallbackRequested) -> None:
    call.requested = earlier(call.requested, event.at)
    call.is_contestable = True


def _note_ended(call: Call, event: CallEnded) -> None:
    call.ended(event)


def _note_transferred(call: Call, event: CallTransferred) -> None:
    """Nothing but names: the clock of a call goes on."""


def earlier(known: int | None, at: int) -> int:
    """Return the earlier of a known instant, if there is one, and another."""
    return at if known is None or at < known else known


NOTE: Final[dict[type[Any], Callable[[Call, Any], None]]] = {
    CallDiverted: _note_diverted,
    CallRejected: _note_rejected,
    CallEnded: _note_ended,
    CallTransferred: _note_transferred,
    CallbackRequested: _note_requested,
}
"""How an event of each kind is noted on its call."""
