"""Every rule on the answer promise, each with the smallest story that shows it.

Stories are told in seconds. `tell` lets the brute-force oracle judge each of them as well.
"""

import pytest
from feeds import event, tell

from streams.events import Event
from streams.instants import HOUR, SECOND

T = 10 * SECOND


def offered(at: float = 0, call: str = "a", queue: str | None = "sales", **more: object) -> Event:
    return event("call.offered", at, call, queue=queue, **more)


def answered(at: float, call: str = "a", by: str = "human", **more: object) -> Event:
    return event("call.answered", at, call, answered_by=by, **more)


def abandoned(at: float, call: str = "a") -> Event:
    return event("call.abandoned", at, call)


# --- start, queue and customer of a call ------------------------------------------------------


def test_facts_decide_not_the_order_of_arrival() -> None:
    """The same facts told backwards give the same verdicts."""
    story = [offered(), event("call.queued", 2, "a"), answered(9), event("call.ended", 60, "a")]
    told = tell(*reversed(story))
    assert (told.outcome(), told.answer(), told.wait()) == ("answered_in_target", "kept", 9)


def test_clock_starts_at_arrival() -> None:
    """`clock_start: arrival`: time before the queue counts."""
    told = tell(offered(0), event("call.queued", 8, "a"), answered(12))
    assert (told.outcome(), told.wait()) == ("answered_late", 12)


def test_clock_starts_at_a_queue_entry_without_an_offer() -> None:
    """A feed that only knows queues starts the clock there."""
    assert tell(event("call.queued", 3, "a"), answered(12)).wait() == 9


def test_clock_starts_at_the_queue_if_the_settings_say_so() -> None:
    """`clock_start: queue`: the earliest queue entry, whatever was before."""
    story = (offered(0), event("call.queued", 8, "a"), event("call.queued", 11, "a"), answered(12))
    told = tell(*story, clock_start="queue")
    assert (told.outcome(), told.wait()) == ("answered_in_target", 4)


def test_clock_starts_at_the_offer_if_there_was_no_queue() -> None:
    """`clock_start: queue` without a queue entry: the offer."""
    assert tell(offered(0), answered(7), clock_start="queue").wait() == 7


def test_an_overflow_does_not_restart_the_clock() -> None:
    """One clock per call: a second queue and a transfer change nothing."""
    told = tell(
        event("call.queued", 0, "a", queue="sales"),
        event("call.transferred", 8, "a", queue="help", to="help"),
        event("call.queued", 8, "a", queue="help"),
        answered(11),
    )
    assert (told.outcome(), told.wait()) == ("answered_late", 11)


def test_call_belongs_to_the_first_queue_named() -> None:
    """The earliest event that names a queue decides, even one told later."""
    told = tell(
        offered(0, queue=None),
        event("call.queued", 5, "a", queue="help"),
        event("call.queued", 3, "a", queue="sales"),
        answered(6),
    )
    assert told.ledger.totals.queues["sales"].truth("outcome", "answered_in_target") == 1


def test_call_belongs_to_the_first_customer_named() -> None:
    """Ann's call stays Ann's, so Bob's callback does not make it good."""
    told = tell(
        offered(0, customer="ann"),
        event("call.diverted", 20, "a", customer="bob"),
        event("callback.connected", 60, customer="bob", reached="human"),
        until=4000,
    )
    assert told.callback() == "broken"


def test_call_without_offer_or_queue_entry_is_an_orphan() -> None:
    """Its events are counted as orphans and it is in no total."""
    told = tell(answered(5), event("call.ended", 20, "a"), until=100_000)
    assert told.ledger.fates["orphan"] == 2
    assert told.count("outcome", "answered_in_target") == 0
    assert told.outcome() == "open"


# --- outcome ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("by", "unknown_is_human", "outcome"),
    [
        ("human", False, "answered_in_target"),
        ("unknown", False, "open"),
        ("unknown", True, "answered_in_target"),
        ("bot", True, "open"),
        ("ivr", True, "open"),
        ("voicemail", True, "open"),
    ],
)
def test_only_a_human_answers(by: str, unknown_is_human: bool, outcome: str) -> None:
    """Unknown counts only if the settings say so; a machine never."""
    told = tell(offered(), answered(5, by=by), unknown_is_human=unknown_is_human)
    assert told.outcome() == outcome


def test_the_earliest_human_answer_counts() -> None:
    """Neither the bot before nor the second agent after it."""
    told = tell(offered(), answered(1, by="bot"), answered(14), answered(6))
    assert told.wait() == 6


@pytest.mark.parametrize(
    ("at", "outcome"),
    [(10, "answered_in_target"), (10.000001, "answered_late")],
)
def test_equality_keeps_the_promise(at: float, outcome: str) -> None:
    """A wait of exactly the target is in target."""
    assert tell(offered(), answered(at)).outcome() == outcome


def test_an_answer_before_the_start_has_waited_nothing() -> None:
    """Two clocks: an answer stamped before the queue entry is an answer at once."""
    told = tell(offered(0), answered(3), event("call.queued", 4, "a"), clock_start="queue")
    assert (told.outcome(), told.wait()) == ("answered_in_target", 0)


def test_an_answer_after_an_abandonment_is_contradictory() -> None:
    """It is counted as such and otherwise without effect."""
    told = tell(offered(), abandoned(12), answered(13))
    assert told.outcome() == "abandoned_late"
    assert told.ledger.fates["contradictory"] == 1


def test_at_the_same_instant_the_answer_wins() -> None:
    """Answered and given up in one second: answered."""
    told = tell(offered(), abandoned(7), answered(7))
    assert told.outcome() == "answered_in_target"
    assert told.ledger.fates["contradictory"] == 0


@pytest.mark.parametrize("kind", ["call.diverted", "call.rejected", "callback.requested"])
def test_an_answer_after_another_way_out_counts(kind: str) -> None:
    """Diverted, rejected or asked for a callback, but a human took the call after all."""
    assert tell(offered(), event(kind, 4, "a"), answered(9)).outcome() == "answered_in_target"


@pytest.mark.parametrize(
    ("kind", "fields", "outcome"),
    [
        ("call.abandoned", {}, "abandoned_in_target"),
        ("call.diverted", {"reason": "timeout"}, "diverted"),
        ("callback.requested", {}, "callback_requested"),
        ("call.rejected", {"reason": "closed"}, "rejected"),
        ("call.ended", {}, "abandoned_in_target"),
        ("call.ended", {"ended_by": "customer"}, "abandoned_in_target"),
        ("call.ended", {"ended_by": "agent"}, "diverted"),
        ("call.ended", {"ended_by": "system"}, "diverted"),
    ],
)
def test_without_an_answer_the_fact_decides(
    kind: str, fields: dict[str, str], outcome: str
) -> None:
    """Each way for a call to end unanswered, and the outcome it has."""
    assert tell(offered(), event(kind, 6, "a", **fields)).outcome() == outcome


@pytest.mark.parametrize("kind", ["call.abandoned", "call.ended"])
@pytest.mark.parametrize(
    ("at", "outcome"), [(10, "abandoned_in_target"), (10.001, "abandoned_late")]
)
def test_abandoned_in_target_or_late(kind: str, at: float, outcome: str) -> None:
    """The target divides those who gave up; equality is in target."""
    assert tell(offered(), event(kind, at, "a")).outcome() == outcome


def test_a_restart_of_its_source_loses_an_open_call() -> None:
    """The switch forgot the call; nobody will ever end it."""
    told = tell(offered(0, source="pbx"), event("source.restarted", 30, source="pbx"))
    assert (told.outcome(), told.wait()) == ("lost", 30)


def test_a_restart_of_another_source_loses_nothing() -> None:
    """Two switches: only the calls of the one that restarted are lost."""
    told = tell(offered(0, source="pbx"), event("source.restarted", 30, source="acd"))
    assert told.outcome() == "open"


def test_a_restart_concerns_only_calls_that_were_open() -> None:
    """Neither the call that had ended nor the one that arrived at that moment or later."""
    told = tell(
        offered(0, "ended"),
        abandoned(5, "ended"),
        event("source.restarted", 30),
        offered(30, "then"),
        offered(31, "later"),
    )
    outcomes = [told.outcome(call) for call in ("ended", "then", "later")]
    assert outcomes == ["abandoned_in_target", "open", "open"]


def test_the_earliest_fact_decides() -> None:
    """Diverted first, given up later: diverted."""
    assert tell(offered(), abandoned(8), event("call.diverted", 6, "a")).outcome() == "diverted"


_SAME_INSTANT = [
    ("call.abandoned", "abandoned_late"),
    ("call.diverted", "diverted"),
    ("callback.requested", "callback_requested"),
    ("call.rejected", "rejected"),
    ("call.ended", "abandoned_late"),
    ("source.restarted", "lost"),
]


@pytest.mark.parametrize("first", range(len(_SAME_INSTANT)))
def test_at_the_same_instant_the_order_of_the_list_decides(first: int) -> None:
    """Of all facts from the n-th on in one instant, the n-th decides."""
    facts = [event(kind, 20, "a") for kind, _ in reversed(_SAME_INSTANT[first:])]
    assert tell(offered(), *facts).outcome() == _SAME_INSTANT[first][1]


def test_a_call_without_answer_or_end_is_lost_after_max_call() -> None:
    """Open until 4 h have passed, lost at that moment."""
    assert tell(offered(), until=4 * 3600 - 0.001).outcome() == "open"
    told = tell(offered(), until=4 * 3600)
    assert (told.outcome(), told.wait()) == ("lost", 4 * 3600)


@pytest.mark.parametrize(("at", "outcome"), [(100, "answered_late"), (100.001, "lost")])
def test_facts_after_max_call_are_without_effect(at: float, outcome: str) -> None:
    """At exactly that moment a fact still counts."""
    assert tell(offered(), answered(at), max_call=100 * SECOND).outcome() == outcome


# --- answer promise -----------------------------------------------------------------------------


def test_an_answer_in_target_keeps_the_promise_at_the_answer() -> None:
    """Kept, decided when answered."""
    told = tell(offered(), answered(4))
    assert (told.answer(), told.decided_at()) == ("kept", 4)


@pytest.mark.parametrize(
    ("early_abandon", "answer"), [("exclude", "excluded"), ("broken", "broken")]
)
def test_giving_up_in_target_is_excluded_or_broken(early_abandon: str, answer: str) -> None:
    """Who gave up before the target is in neither number, unless the settings say broken."""
    told = tell(offered(), abandoned(4), early_abandon=early_abandon)
    assert (told.answer(), told.decided_at()) == (answer, 4)


@pytest.mark.parametrize("kind", ["call.answered", "call.abandoned"])
def test_a_late_end_breaks_the_promise_at_the_deadline(kind: str) -> None:
    """Broken at start + T, not when somebody noticed."""
    fields = {"answered_by": "human"} if kind == "call.answered" else {}
    told = tell(offered(), event(kind, 300, "a", **fields))
    assert (told.answer(), told.decided_at()) == ("broken", 10)


def test_an_open_call_is_broken_at_the_deadline() -> None:
    """The breach is seen while the caller still waits."""
    assert tell(offered(), until=9.999).answer() == "open"
    told = tell(offered(), until=10)
    assert (told.outcome(), told.answer(), told.decided_at()) == ("open", "broken", 10)


@pytest.mark.parametrize("kind", ["call.diverted", "call.rejected", "callback.requested"])
def test_the_promise_is_broken_at_once_when_the_chance_ends(kind: str) -> None:
    """Nothing is left to wait for."""
    told = tell(offered(), event(kind, 4, "a"))
    assert (told.answer(), told.decided_at()) == ("broken", 4)


@pytest.mark.parametrize("kind", ["call.diverted", "call.rejected", "callback.requested"])
def test_a_chance_that_ends_after_the_deadline_was_broken_at_the_deadline(kind: str) -> None:
    """`decided_at` is never later than start + T."""
    assert tell(offered(), event(kind, 40, "a")).decided_at() == 10


def test_a_lost_call_breaks_the_promise_at_once() -> None:
    """A restart of the switch after 4 s ends the chance."""
    told = tell(offered(), event("source.restarted", 4))
    assert (told.answer(), told.decided_at()) == ("broken", 4)


def test_a_later_answer_does_not_mend_a_broken_promise() -> None:
    """Broken at 10 s, answered at 11: still broken."""
    told = tell(offered(), answered(11), until=20)
    assert (told.outcome(), told.answer()) == ("answered_late", "broken")


# --- settings of a queue ------------------------------------------------------------------------


def test_settings_of_a_queue_override_the_target() -> None:
    """Sales promises 20 s, all others 10."""
    told = tell(
        offered(0, "a", "sales"),
        answered(15, "a"),
        offered(0, "b", "help"),
        answered(15, "b"),
        queues={"sales": {"answer_target": 2 * T}},
    )
    assert (told.answer("a"), told.answer("b")) == ("kept", "broken")


def test_settings_of_a_queue_override_the_callback() -> None:
    """Sales calls back within two hours."""
    told = tell(
        offered(0, customer="ann"),
        abandoned(60),
        event("callback.connected", 7000, customer="ann", reached="human"),
        queues={"sales": {"callback_target": 2 * HOUR}},
    )
    assert told.callback() == "kept"


# --- duplicates -----------------------------------------------------------------------------------


def test_two_events_with_one_source_and_id_are_one() -> None:
    """The second is a duplicate, whatever it says; from another source it is another event."""
    told = tell(
        offered(),
        event("call.answered", 5, "a", id="x", source="pbx", answered_by="human"),
        event("call.answered", 5, "a", id="x", source="pbx", answered_by="human"),
        event("call.ended", 60, "a", id="x", source="acd", resolved=True),
    )
    assert told.ledger.fates["duplicate"] == 1
    assert told.usefulness() == "useful"
