"""One call: the facts about it, and what follows from them.

Every verdict is a function of the facts (which event happened at which time) and of `now`;
the order in which the facts arrived never matters.
"""

from typing import Final

from streams.ledger import kinds
from streams.ledger.changes import NONE
from streams.ledger.compiled import mypyc_attr, u8
from streams.ledger.course import AT_ARRIVAL, Course, Odd, earliest
from streams.ledger.deadlines import NOWHERE, Waiter
from streams.ledger.terms import Terms
from streams.ledger.totals import NO_QUEUE

__all__ = ["ALONE", "AMONG", "ANSWERED", "APART", "FREE", "NAMELESS", "OVER", "Call"]

NAMELESS: Final = "\0"
"""Begins the key of a call that stands for its nameless customer."""

# By whom a call is held.
FREE: Final = 0
"""nobody"""
ALONE: Final = 1
"""nobody: it is all that is known of its customer, and stands for him"""
OVER: Final = 2
"""the same, and `wake` is when the customer may be forgotten"""
AMONG: Final = 3
"""the customer whom it names"""
APART: Final = 4
"""one of its own, because it names none or one who has too many calls"""

ANSWERED: Final = frozenset({"answered_in_target", "answered_late"})


@mypyc_attr(acyclic=True)
class Call(Waiter):
    """The facts of one call, instants in microseconds, the earliest of each kind.

    What only calls have that were answered, given up or otherwise told of is in `course`; until
    then what follows from few facts stands for it. An instant of 0 has not come.
    """

    __slots__ = (
        "anonymous", "arrival", "breached_at", "course", "customer", "hold", "is_contestable",
        "is_open", "is_placed", "is_touched", "is_waiting", "mark_1", "mark_2", "queue", "queued",
        "source",
    )  # fmt: skip

    def __init__(self, key: str, mark: int) -> None:
        self.id = key
        self.wake = 0
        self.stands = NOWHERE
        self.arrival = 0
        """when it reached the centre: its earliest offer or queue entry; 0: an orphan so far"""
        self.queued = 0
        self.source = ""
        """of the event of its arrival; an orphan's: of the event that came first"""
        self.queue: str | None = None
        self.customer: str | None = None
        self.mark_1 = mark
        """of an event it was told, 0: none; the later ones are in its course"""
        self.mark_2 = 0
        self.course: Course | None = None
        self.breached_at = 0
        """without a course: when the answer promise was counted as broken"""
        self.hold: u8 = FREE
        """by whom it is held"""
        self.is_placed = False
        """without a course: it is counted under the name of its queue"""
        self.anonymous = False
        self.is_touched = self.is_waiting = False
        """to be judged at the next tick; counted among those who wait (`Waiting`)"""
        self.is_open = False
        """it was judged, and has no outcome"""
        self.is_contestable = False
        """something other than an end became known since it was judged"""

    def followed(self) -> Course:
        """Return its course, or one that says what is so without one."""
        course = self.course
        return Course(self.last_at, self.label, self.breached_at) if course is None else course

    def follow(self) -> Course:
        """Return its course, from now on there."""
        course = self.course
        if course is None:
            course = self.course = self.followed()
        return course

    @property
    def odd(self) -> Odd | None:
        """What few calls have."""
        return None if self.course is None else self.course.odd

    @property
    def last_at(self) -> int:
        """The instant of the last of its events."""
        if self.course is not None:
            return self.course.last_at
        arrival, queued = self.arrival, self.queued
        return queued if queued > arrival else arrival  # noqa: FURB136 - faster than max()

    @property
    def queue_at(self) -> int:
        """The instant of the event that named its queue."""
        if self.course is not None:
            odd = self.course.odd
            if odd is not None and odd.queue_at != AT_ARRIVAL:
                return odd.queue_at
        return 0 if self.queue is None else self.arrival

    @property
    def customer_at(self) -> int:
        """The instant of the event that named its customer."""
        if self.course is not None:
            odd = self.course.odd
            if odd is not None and odd.customer_at != AT_ARRIVAL:
                return odd.customer_at
        return 0 if self.customer is None else self.arrival

    @property
    def pending(self) -> int:
        """Events that wait for the offer, without which they are orphans."""
        odd = self.odd
        return 0 if odd is None else odd.pending

    def release(self) -> int:
        """Return how many of its events waited for the offer; none does any more."""
        odd = self.odd
        if odd is None:
            return 0
        pending, odd.pending = odd.pending, 0
        return pending

    @property
    def abandoned(self) -> int:
        """When the caller gave up."""
        return 0 if self.course is None else self.course.abandoned

    @property
    def has_ended(self) -> bool:
        """It has an end."""
        return self.course is not None and self.course.end is not None

    @property
    def label(self) -> str | None:
        """The queue label under which the verdicts are counted."""
        if self.course is not None:
            return self.course.label
        return _label_of(self.queue) if self.is_placed else None

    @label.setter
    def label(self, label: str | None) -> None:
        if self.course is None and label == _label_of(self.queue):
            self.is_placed = True
        else:
            self.follow().label = label

    @property
    def outcome(self) -> str | None:
        """What it came to, as counted."""
        return None if self.course is None else self.course.outcome

    @property
    def outcome_at(self) -> int:
        """When it came to that."""
        return 0 if self.course is None else self.course.outcome_at

    @property
    def answer(self) -> str | None:
        """The answer promise, as counted."""
        if self.course is not None:
            return self.course.answer
        return "broken" if self.breached_at else None

    @property
    def answer_at(self) -> int:
        """When that was decided."""
        return self.breached_at if self.course is None else self.course.answer_at

    @property
    def promise(self) -> str | None:
        """The whole promise, as counted."""
        return None if self.course is None else self.course.promise

    @property
    def promise_at(self) -> int:
        """When that was decided."""
        return 0 if self.course is None else self.course.promise_at

    @property
    def usefulness(self) -> str | None:
        """Of what use the answer was, as counted."""
        return None if self.course is None else self.course.usefulness

    @property
    def usefulness_at(self) -> int:
        """When that was decided."""
        return 0 if self.course is None else self.course.usefulness_at

    @property
    def held_by(self) -> str | None:
        """The key of the customer who has it."""
        if self.hold == FREE:
            return None
        return NAMELESS + self.id if self.hold == APART else self.customer

    def start(self, terms: Terms) -> int:
        """When the clock started; 0: an orphan so far."""
        if self.queued and terms.by_queue:
            return self.queued
        return self.arrival

    def entered(self, at: int) -> None:
        """Note a queue entry; it has still to be noted as an arrival."""
        if not self.queued or at < self.queued:
            last = self.last_at
            self.queued = at
            self.is_contestable = True
            self.happened(last)

    def arrived(self, at: int, source: str) -> None:
        """Note an offer or a queue entry; the earliest tells whose call it is."""
        if not self.arrival or at < self.arrival:
            self._came_at(at)
            self.source = source
            self.is_contestable = True
        elif at == self.arrival and source < self.source:
            self.source = source
            self.is_contestable = True

    def _came_at(self, at: int) -> None:
        if self.course is None and not self.arrival:
            self.arrival = at  # nothing was told of it yet
            return
        queue_at, customer_at, last = self.queue_at, self.customer_at, self.last_at
        self.arrival = at
        if self.queue_at != queue_at:
            self.follow().odds().queue_at = queue_at
        if self.customer_at != customer_at:
            self.follow().odds().customer_at = customer_at
        self.happened(last)

    def happened(self, at: int) -> None:
        """Note that there was an event at that instant."""
        course = self.course
        if course is not None:
            if at > course.last_at:  # noqa: PLR1730 - twice as fast as max()
                course.last_at = at
        elif at > self.arrival and at > self.queued:
            self.follow().last_at = at

    def named_queue(self, at: int, queue: str) -> None:
        """Note a queue; the first event that names one decides."""
        known = self.queue
        if known is None or at < self.queue_at or (at == self.queue_at and queue < known):
            if self.is_placed:
                self.follow()  # under the label of before
            self.queue = queue
            if self.queue_at != at:
                self.follow().odds().queue_at = at
            self.is_contestable = True

    def named_customer(self, at: int, customer: str) -> None:
        """Note a customer; the first event that names one decides."""
        known = self.customer
        if known is None or at < self.customer_at or (at == self.customer_at and customer < known):
            self.customer = customer
            if self.customer_at != at:
                self.follow().odds().customer_at = at

    def answered(self, at: int, by: str) -> bool:
        """Note an answer; False if it was nobody's who could be human."""
        if by == "human":
            self.follow().answered(at)
        elif by == "unknown":
            odd = self.follow().odds()
            odd.unknown_answers = earliest(odd.unknown_answers, at)
        else:
            return False
        self.is_contestable = True
        return True

    def left(self, kind: int, at: int) -> None:
        """Note an event of `kind` that ends a call unanswered."""
        if kind == kinds.ABANDONED:
            course = self.follow()
            course.abandoned = _earlier(course.abandoned, at)
        else:
            self._left_oddly(self.follow().odds(), kind, at)
        self.is_contestable = True

    def _left_oddly(self, odd: Odd, kind: int, at: int) -> None:
        if kind == kinds.DIVERTED:
            odd.diverted = _earlier(odd.diverted, at)
        elif kind == kinds.REJECTED:
            odd.rejected = _earlier(odd.rejected, at)
        else:
            odd.requested = _earlier(odd.requested, at)

    def is_news(self, mark: int) -> bool:
        """Remember the event of `mark`; False if it was known; of very many some are given up."""
        if mark in (self.mark_1, self.mark_2):
            return False
        if self.mark_2:
            return self.follow().is_news(mark)
        self.mark_2 = mark
        return True

    def answers(self, terms: Terms) -> tuple[int, ...]:
        """All answers that count as human, earliest first."""
        course = self.course
        if course is None:
            return ()
        odd = course.odd
        if odd is not None and odd.unknown_answers and terms.unknown_is_human:
            return tuple(sorted((*course.human_answers, *odd.unknown_answers)))
        return course.human_answers

    def first_answer(self, terms: Terms) -> int:
        """When the first answer was that counts as human; 0: there is none."""
        course = self.course
        if course is None:
            return 0
        odd = course.odd
        if odd is not None and odd.unknown_answers and terms.unknown_is_human:
            return _earlier(course.answered_at, odd.unknown_answers[0])
        return course.answered_at

    def new_contradictions(self, terms: Terms) -> int:
        """Return how many more answers than before are known to be later than an abandonment."""
        abandoned = self.abandoned
        found = sum(at > abandoned for at in self.answers(terms)) if abandoned else 0
        odd = self.odd
        before = 0 if odd is None else odd.contradicted
        if found == before or not abandoned:
            return 0
        self.follow().odds().contradicted = found
        return found - before

    def count_answer(self, state: str, at: int) -> None:
        """Have the answer promise counted as `state`; before others are told of that."""
        if self.course is None and state == "broken" and not self.breached_at:
            self.breached_at = at
            return
        course = self.follow()
        course.answer, course.answer_at = state, at

    def revise(self) -> int:
        """Return the number of a change of a verdict, which was counted."""
        course = self.course
        if course is None:
            return 1  # its breach
        course.revision += 1
        return course.revision

    def may_be_lost(self, at: int) -> bool:
        """Return whether a restart of its source at `at` may be what ended it.

        By what was judged: facts that came since have it judged again anyway.
        """
        if not self.arrival:
            return True
        if self.outcome in ANSWERED or self.arrival >= at:
            return False
        return self.outcome is None or self.outcome == NONE or at < self.outcome_at

    def failed_at(self, terms: Terms) -> int:
        """When a call without human answer became a failure, on the callback's clock."""
        if terms.by_breach:
            return min(self.start(terms) + terms.answer_target, self.outcome_at)
        return self.outcome_at


def _earlier(known: int, at: int) -> int:
    """Return the earlier of a known instant (0: there is none) and another."""
    return known if 0 < known < at else at


def _label_of(queue: str | None) -> str:
    return NO_QUEUE if queue is None else queue
