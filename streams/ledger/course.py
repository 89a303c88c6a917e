"""What became of a call: nothing yet of those that wait, so they are small."""

from typing import Final, TypeAlias

from streams.ledger.compiled import mypyc_attr

__all__ = ["AT_ARRIVAL", "MAX_REPEATS", "NO_WAIT", "Course", "End", "Odd", "earliest"]

MAX_REPEATS: Final = 8
"""How many answers or ends of one call are remembered: the earliest ones decide."""
_MARKED: Final = 8
_MAX_MARKS: Final = 60 * _MARKED
NO_WAIT: Final = -1
"""Stands for the wait of a call that is not over."""
AT_ARRIVAL: Final = -1
"""Stands for the instant of the arrival."""

_End: TypeAlias = tuple[int, str, int]


@mypyc_attr(acyclic=True)
class End:
    """One `call.ended`; of several the smallest `order` decides."""

    __slots__ = ("at", "ended_by", "resolved")

    def __init__(self, at: int, ended_by: str, resolved: int) -> None:
        self.at = at
        self.ended_by = ended_by
        """empty if the source did not say"""
        self.resolved = resolved
        """1 yes, 0 no, 2 the source did not say"""

    def order(self) -> _End:
        """Return everything it says, the instant first."""
        return self.at, self.ended_by, self.resolved


@mypyc_attr(acyclic=True)
class Odd:
    """What there is to tell of few calls."""

    __slots__ = (
        "contradicted", "customer_at", "diverted", "more_marks", "pending", "queue_at",
        "rejected", "requested", "unknown_answers",
    )  # fmt: skip

    def __init__(self) -> None:
        self.unknown_answers: tuple[int, ...] = ()
        self.diverted = self.requested = self.rejected = 0
        self.more_marks = b""
        self.pending = self.contradicted = 0
        """events that wait for the offer, without which they are orphans"""
        self.queue_at = self.customer_at = AT_ARRIVAL
        """of the event that named it"""

    def values(self) -> tuple[object, ...]:
        """Return all of it."""
        return (
            self.unknown_answers, self.diverted, self.requested, self.rejected, self.more_marks,
            self.pending, self.contradicted, self.queue_at, self.customer_at,
        )  # fmt: skip

    def is_news(self, mark: int) -> bool:
        """Remember the event of `mark`; False if it was known; of very many some are given up."""
        known, marked = self.more_marks, mark.to_bytes(_MARKED, "big")
        if known.find(marked) >= 0:
            return False
        self.more_marks = (known + marked)[-_MAX_MARKS:]
        return True


@mypyc_attr(acyclic=True)
class Course:
    """What happened to a call that came, and the verdicts on it.

    An instant of 0 has not come. A verdict is None before it is counted for the first time,
    `none` if it vanished again. Few calls have a second answer or end: the first is kept by
    itself, because the collector looks at each tuple.
    """

    __slots__ = (
        "abandoned", "answer", "answer_at", "answered_at", "end", "label", "last_at", "mark_3",
        "mark_4", "more_answers", "more_ends", "odd", "outcome", "outcome_at", "promise",
        "promise_at", "revision", "usefulness", "usefulness_at", "waited",
    )  # fmt: skip

    def __init__(self, last_at: int, label: str | None, breached_at: int) -> None:
        self.last_at = last_at
        """of all its events"""
        self.label = label
        """the queue label under which the verdicts are counted"""
        self.answered_at = 0
        """by a human, for the first time"""
        self.more_answers: tuple[int, ...] = ()
        self.end: End | None = None
        """the first of its ends"""
        self.more_ends: tuple[End, ...] = ()
        self.abandoned = self.mark_3 = self.mark_4 = 0
        self.odd: Odd | None = None
        self.outcome: str | None = None
        self.waited = NO_WAIT
        """from the start until answered or gone, microseconds"""
        self.answer: str | None = "broken" if breached_at else None
        self.answer_at = breached_at
        self.promise: str | None = None
        self.usefulness: str | None = None
        self.outcome_at = self.promise_at = self.usefulness_at = 0
        self.revision = 1 if breached_at else 0

    def odds(self) -> Odd:
        """Return what few have, from now on there."""
        odd = self.odd
        if odd is None:
            odd = self.odd = Odd()
        return odd

    def is_news(self, mark: int) -> bool:
        """Remember the third or a later event by its `mark`; False if it was known."""
        if mark in (self.mark_3, self.mark_4):
            return False
        if not self.mark_3:
            self.mark_3 = mark
        elif not self.mark_4:
            self.mark_4 = mark
        else:
            return self.odds().is_news(mark)
        return True

    @property
    def human_answers(self) -> tuple[int, ...]:
        """The answers of humans, the earliest first."""
        return (self.answered_at, *self.more_answers) if self.answered_at else ()

    @property
    def ends(self) -> tuple[End, ...]:
        """Its ends in their order."""
        return () if self.end is None else (self.end, *self.more_ends)

    def answered(self, at: int) -> None:
        """Note the answer of a human."""
        if self.answered_at:
            self.keep_answers(earliest(self.human_answers, at))
        else:
            self.answered_at = at

    def keep_answers(self, instants: tuple[int, ...]) -> None:
        """Have these be the answers of humans, the earliest first."""
        if instants:
            self.answered_at, self.more_answers = instants[0], instants[1:]

    def ended(self, at: int, by: str, resolved: int) -> None:
        """Note an end; `resolved` is 1 yes, 0 no, 2 nobody said."""
        end = End(at, by, resolved)
        if self.end is None:
            self.end = end
        else:
            self.keep_ends(sorted((*self.ends, end), key=End.order)[:MAX_REPEATS])

    def keep_ends(self, ends: list[End]) -> None:
        """Have these be the ends, in their order."""
        if ends:
            self.end, self.more_ends = ends[0], tuple(ends[1:])

    def end_between(self, first: int, last: int) -> End | None:
        """Return the first of the ends from `first` to `last`; None: there is none."""
        end = self.end
        if end is None or first <= end.at <= last:
            return end
        for later in self.more_ends:
            if first <= later.at <= last:
                return later
        return None

    def values(self) -> tuple[object, ...]:
        """Return all of it."""
        return (
            self.last_at, self.label, self.human_answers, [end.order() for end in self.ends],
            self.abandoned, self.mark_3, self.mark_4, self.outcome, self.outcome_at, self.waited,
            self.answer, self.answer_at, self.promise, self.promise_at, self.usefulness,
            self.usefulness_at, self.revision, None if self.odd is None else self.odd.values(),
        )  # fmt: skip


def earliest(instants: tuple[int, ...], at: int) -> tuple[int, ...]:
    """Return the first of `instants` and `at`, in order."""
    return tuple(sorted((*instants, at))[:MAX_REPEATS]) if instants else (at,)
