"""What changed: the record that everything outside the ledger learns from."""

from typing import Final

from msgspec import Struct

__all__ = ["NONE", "Change"]

NONE: Final = "none"
"""The state of a verdict that was counted and then vanished."""


class Change(Struct, frozen=True, gc=False):
    """One change of one verdict. Instants and durations in microseconds.

    `verdict`, `key` and `revision` together never occur twice, and are the same when the same
    records are processed again; a source that uses a call id again after the call was forgotten
    begins anew. The fields stand in the order of the alphabet, in which the log hashes them.
    """

    at: int
    """event time at which the new state came about"""
    call_id: str | None
    """None for a callback"""
    customer: str | None
    due_at: int | None
    """a callback: when it is due"""
    key: str
    """what the verdict is about: a call's id, or `customer@opened_at` for a callback"""
    queue: str | None
    revision: int
    state: str
    """the new state, `none` if the verdict vanished"""
    verdict: str
    """answer, outcome, opened, callback, late, promise or usefulness"""
    wait: int | None = None
    """an outcome: how long until answered or gone; a callback made: the delay since it was owed"""
    was: str | None = None
    """the state it replaces (a correction), None the first time"""
    was_wait: int | None = None
    """the `wait` of the state it replaces"""
