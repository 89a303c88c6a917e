"""How a snapshot writes what a ledger remembers: one row each, without names."""

from msgspec import Struct

__all__ = ["CallRow", "CountedRow", "CustomerRow", "FactRow"]


class CallRow(Struct, array_like=True, gc=False, frozen=True):
    """A call; as `streams.ledger.calls.Call` has it."""

    id: str
    arrival: int
    queued: int
    source: str
    queue: str | None
    queue_at: int
    customer: str | None
    customer_at: int
    anonymous: bool
    human_answers: tuple[int, ...]
    unknown_answers: tuple[int, ...]
    abandoned: int
    diverted: int
    requested: int
    rejected: int
    ends: tuple[tuple[int, str, int], ...]
    is_contestable: bool
    marks: tuple[int, int, int, int]
    more_marks: bytes
    pending: int
    last_at: int
    held_by: str | None
    label: str | None
    outcome: str | None
    outcome_at: int
    waited: int
    answer: str | None
    answer_at: int
    promise: str | None
    promise_at: int
    usefulness: str | None
    usefulness_at: int
    contradicted: int
    revision: int
    wake: int


class FactRow(Struct, array_like=True, gc=False, frozen=True):
    """A callback event."""

    at: int
    what: str
    fingerprint: int
    queue: str | None
    anonymous: bool
    source: str


class CountedRow(Struct, array_like=True, gc=False, frozen=True):
    """A callback promise, as it is owed and as it was counted."""

    opened_at: int
    due_at: int
    queue: str | None
    calls: tuple[str, ...]
    requests: tuple[int, ...]
    late_until: int
    owed_state: str | None
    settled_at: int
    made_good_at: int
    ordinal: int
    label: str
    state: str | None
    state_at: int
    late: str | None
    late_at: int


class CustomerRow(Struct, array_like=True, gc=False, frozen=True):
    """A customer; calls by their ids."""

    id: str
    name: str | None
    calls: tuple[str, ...]
    facts: tuple[FactRow, ...]
    promises: tuple[CountedRow, ...]
    troubled: bool
    revision: int
    wake: int
