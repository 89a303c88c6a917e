"""Events as the ledger takes them: by number of kind, as tuples, and known again by a mark."""

from typing import Any, Final, TypeAlias

from msgspec.structs import astuple

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
    Event,
    SourceHeartbeat,
    SourceRestarted,
)

__all__ = [
    "ABANDONED",
    "ANONYMOUS",
    "ANSWERED",
    "AT",
    "ATTEMPTED",
    "BY",
    "CALL_ID",
    "CANCELLED",
    "CONNECTED",
    "CUSTOMER",
    "DIVERTED",
    "ENDED",
    "HEARTBEAT",
    "KIND",
    "KINDS",
    "MARK",
    "OFFERED",
    "QUEUE",
    "QUEUED",
    "REJECTED",
    "REQUESTED",
    "RESOLVED",
    "RESTARTED",
    "SOURCE",
    "TRANSFERRED",
    "UNSAID",
    "Told",
    "mark",
    "meaning",
    "told",
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

Told: TypeAlias = tuple[Any, ...]
"""What the ledger takes of an event, which is read several times as fast as its attributes.

Number of the kind, mark, `at`, `call_id`, source, queue, customer, anonymous, by whom (who
answered, who ended it or who was reached; empty: it does not say), resolved (1 yes, 0 no, 2: it
does not say).
"""
KIND: Final = 0
MARK: Final = 1
AT: Final = 2
CALL_ID: Final = 3
SOURCE: Final = 4
QUEUE: Final = 5
CUSTOMER: Final = 6
ANONYMOUS: Final = 7
BY: Final = 8
RESOLVED: Final = 9
UNSAID: Final = 2

# Names of the module's own are found faster by compiled code.
_number: Final = int.from_bytes
_astuple: Final = astuple
_PRIME: Final = 3_622_009_729_038_561_437
"""The first prime that the beginning of pi leads to, below 2**62; no pattern of digits fits it."""


def told(event: Event) -> Told:
    """Return what the ledger takes of `event`."""
    # Ends with id, at, source, queue, customer and anonymous; of a call or a callback it begins
    # with `call_id`, and goes on with what its kind has of its own.
    fields: tuple[Any, ...] = _astuple(event)
    kind = KINDS[type(event)]
    by, resolved = "", UNSAID
    if kind in (ANSWERED, ENDED, CONNECTED):
        by = fields[1] or ""
        if kind == ENDED and fields[2] is not None:
            resolved = int(fields[2])
    return (
        kind, mark(fields[-4], fields[-6]), fields[-5],
        fields[0] if kind < RESTARTED else None,
        fields[-4], fields[-3], fields[-2], fields[-1], by, resolved,
    )  # fmt: skip


def mark(source: str, key: str) -> int:
    """Return what makes an event one, its source and its id, as a positive number below 2**62.

    The bytes of both, taken as one number, modulo a prime. It is compared only among the events
    of one call, customer or source. Ids of one source that differ within seven neighbouring
    bytes, as running numbers do, never share a mark; ids that have nothing to do with each other
    do once in `_PRIME` (3.6 * 10**18) comparisons. Not safe against ids made to collide: what
    they hide is an event of the very call that they claim to tell of.
    """
    # The length tells `a` + `bc` from `ab` + `c`.
    named = f"{chr(len(source))}{source}{key}".encode()
    return _number(named, "big") % _PRIME or 1


def meaning(kind: int, by: str) -> str:
    """Return what a callback event means: requested, attempted, conversation or cancelled."""
    if kind == REQUESTED:
        return "requested"
    if kind == CANCELLED:
        return "cancelled"
    return "conversation" if kind == CONNECTED and by == "human" else "attempted"
