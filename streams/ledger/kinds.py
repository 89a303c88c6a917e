"""Events as the ledger takes them: by number of kind, as tuples, and known again by a mark."""

from typing import Any, Final, TypeAlias

from streams.events import (
    CallAbandoned,
    CallAnswered,
    CallbackAttempted,
    CallbackCancelled,
    CallbackConnected,
    CallbackRequested,
    CallDiverted,
    CallEnded,
    CallOffered,
    CallQueued,
    CallRejected,
    CallTransferred,
    SourceHeartbeat,
    SourceRestarted,
)

__all__ = [
    "ABANDONED",
    "ANSWERED",
    "ATTEMPTED",
    "CANCELLED",
    "CONNECTED",
    "DIVERTED",
    "ENDED",
    "HEARTBEAT",
    "KINDS",
    "OFFERED",
    "QUEUED",
    "REJECTED",
    "REQUESTED",
    "RESTARTED",
    "TRANSFERRED",
    "Fields",
    "mark",
    "meaning",
]

# What starts a call, what else happens to it, what is asked of or done for a customer, sources.
OFFERED: Final = 0
QUEUED: Final = 1
ANSWERED: Final = 2
ENDED: Final = 3
TRANSFERRED: Final = 4
ABANDONED: Final = 5
DIVERTED: Final = 6
REJECTED: Final = 7
REQUESTED: Final = 8
ATTEMPTED: Final = 9
CONNECTED: Final = 10
CANCELLED: Final = 11
RESTARTED: Final = 12
HEARTBEAT: Final = 13

KINDS: Final[dict[type[Any], int]] = {
    CallOffered: OFFERED,
    CallQueued: QUEUED,
    CallAnswered: ANSWERED,
    CallEnded: ENDED,
    CallTransferred: TRANSFERRED,
    CallAbandoned: ABANDONED,
    CallDiverted: DIVERTED,
    CallRejected: REJECTED,
    CallbackRequested: REQUESTED,
    CallbackAttempted: ATTEMPTED,
    CallbackConnected: CONNECTED,
    CallbackCancelled: CANCELLED,
    SourceRestarted: RESTARTED,
    SourceHeartbeat: HEARTBEAT,
}

Fields: TypeAlias = tuple[Any, ...]
"""An event as a tuple, which is read several times as fast as its attributes.

It ends with id, at, source, queue, customer and anonymous; of a call or a callback it begins with
`call_id`, and goes on with what its kind has of its own.
"""

# A name of the module's own is found faster by compiled code.
_number: Final = int.from_bytes
_PRIME: Final = 3_622_009_729_038_561_437
"""The first prime that the beginning of pi leads to, below 2**62; no pattern of digits fits it."""


def mark(fields: Fields) -> int:
    """Return what makes an event one, its source and its id, as a positive number below 2**62.

    The bytes of both, taken as one number, modulo a prime. It is compared only among the events
    of one call, customer or source. Ids of one source that differ within seven neighbouring
    bytes, as running numbers do, never share a mark; ids that have nothing to do with each other
    do once in `_PRIME` (3.6 * 10**18) comparisons. Not safe against ids made to collide: what
    they hide is an event of the very call that they claim to tell of.
    """
    source: str = fields[-4]
    key: str = fields[-6]
    # The length tells `a` + `bc` from `ab` + `c`.
    named = f"{chr(len(source))}{source}{key}".encode()
    return _number(named, "big") % _PRIME or 1


def meaning(kind: int, fields: Fields) -> str:
    """Return what a callback event means: requested, attempted, conversation or cancelled."""
    if kind == REQUESTED:
        return "requested"
    if kind == CANCELLED:
        return "cancelled"
    return "conversation" if kind == CONNECTED and fields[1] == "human" else "attempted"
