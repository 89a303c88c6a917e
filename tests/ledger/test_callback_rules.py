"""Every rule on the callback promise and on the whole promise, each with a story of its own."""

import pytest
from feeds import event, tell

from streams.events import Event
from streams.instants import HOUR, SECOND

OVER = 10_000
"""Seconds into the story: every callback of the first minutes is due."""


def failed(at: float, call: str = "a", customer: str | None = "ann", **more: object) -> list[Event]:
    """A call that gives up at `at` after a minute of waiting."""
    return [
        event("call.offered", at - 60, call, queue="sales", customer=customer, **more),
        event("call.abandoned", at, call),
    ]


def talked(at: float, call: str | None = None, **more: object) -> Event:
    customer = None if call else "ann"
    return event("callback.connected", at, call, reached="human", customer=customer, **more)


def attempted(at: float) -> Event:
    return event("callback.attempted", at, customer="ann")


def rang_again(at: float, call: str = "z", customer: str = "ann") -> list[Event]:
    return [
        event("call.offered", at, call, queue="sales", customer=customer),
        event("call.answered", at, call, answered_by="human"),
    ]


# --- failures ---------------------------------------------------------------------------------


def test_a_call_without_a_human_answer_opens_a_promise() -> None:
    """It opens when the call ends, and nobody had to ask for it."""
    assert tell(*failed(60)).callbacks() == [(60, "open")]


def test_an_answered_call_owes_no_callback() -> None:
    """Not even a late answer."""
    assert tell(*rang_again(0), until=OVER).callbacks() == []


def test_a_request_without_a_call_opens_a_promise() -> None:
    """By web, app or chat."""
    told = tell(event("callback.requested", 5, customer="ann", queue="sales"), until=OVER)
    assert told.callbacks() == [(5, "broken")]


def test_a_request_on_a_call_is_a_fact_of_that_call() -> None:
    """The call had been given up before: one failure, not two."""
    story = [*failed(60), event("callback.requested", 61, "a", customer="ann")]
    assert tell(*story, until=OVER).callbacks() == [(60, "broken")]


def test_a_customer_nobody_named_is_his_call() -> None:
    """Callback events then name the call."""
    told = tell(*failed(60, customer=None), talked(90, call="a"))
    assert told.callback() == "kept"


def test_an_event_that_names_a_call_belongs_to_its_customer() -> None:
    """The callback for Ann's second call makes her first good as well."""
    story = [*failed(60, "a"), *failed(90, "b"), talked(100, call="b")]
    told = tell(*story)
    assert told.callbacks() == [(60, "kept")]
    assert (told.promise("a"), told.promise("b")) == ("kept", "kept")


def test_the_promise_is_due_one_hour_after_the_end_of_the_call() -> None:
    """`callback_clock: call_end`."""
    assert tell(*failed(60), talked(3660)).callback() == "kept"
    assert tell(*failed(60), talked(3660.001)).callback() == "broken"


def test_the_promise_may_count_from_the_breach() -> None:
    """`callback_clock: breach`: from start + T, here 10 s."""
    assert tell(*failed(60), callback_clock="breach").callbacks() == [(10, "open")]
    assert tell(*failed(60), talked(3610), callback_clock="breach").callback() == "kept"
    assert tell(*failed(60), talked(3611), callback_clock="breach").callback() == "broken"


def test_on_the_clock_of_the_breach_a_quick_end_is_its_own_time() -> None:
    """Who gave up after 3 s is owed from then on."""
    story = [event("call.offered", 0, "a"), event("call.abandoned", 3, "a")]
    assert tell(*story, callback_clock="breach").callbacks() == [(3, "open")]


# --- merging ----------------------------------------------------------------------------------


def test_a_failure_merges_into_the_unsettled_promise() -> None:
    """It keeps the due time of the first."""
    story = [*failed(60, "a"), *failed(3000, "b"), talked(3700)]
    assert tell(*story).callbacks() == [(60, "broken")]


@pytest.mark.parametrize(("at", "number"), [(3660, 1), (3660.001, 2)])
def test_a_failure_at_the_due_time_still_merges(at: float, number: int) -> None:
    """`at <= due_at`."""
    assert len(tell(*failed(60, "a"), *failed(at, "b")).callbacks()) == number


def test_after_it_is_settled_the_next_failure_opens_a_new_promise() -> None:
    """Called back, and then let down again."""
    story = [*failed(60, "a"), talked(100), *failed(200, "b")]
    assert tell(*story, until=OVER).callbacks() == [(60, "kept"), (200, "broken")]


def test_a_conversation_comes_before_a_failure_of_the_same_instant() -> None:
    """The failure opens a promise of its own; the conversation lies in both."""
    story = [*failed(60, "a"), talked(200), *failed(200, "b")]
    assert tell(*story, until=OVER).callbacks() == [(60, "kept"), (200, "kept")]


def test_a_cancellation_does_not_settle_before_the_due_time() -> None:
    """The next failure still merges."""
    cancelled = event("callback.cancelled", 100, customer="ann")
    assert tell(*failed(60, "a"), cancelled, *failed(300, "b")).callbacks() == [(60, "open")]


# --- conversations ----------------------------------------------------------------------------


@pytest.mark.parametrize(("reached", "state"), [("human", "kept"), ("voicemail", "broken")])
def test_a_conversation_is_with_a_human(reached: str, state: str) -> None:
    """Voicemail is never "reached"."""
    connected = event("callback.connected", 100, customer="ann", reached=reached)
    assert tell(*failed(60), connected, until=OVER).callback() == state


def test_reached_unknown_is_no_conversation() -> None:
    """Not even where unknown answers count as human: that is said of answers."""
    connected = event("callback.connected", 100, customer="ann", reached="unknown")
    told = tell(*failed(60), connected, until=OVER, unknown_is_human=True)
    assert told.callback() == "broken"


def test_an_answered_call_of_the_same_customer_is_a_recall() -> None:
    """The customer rang; the obligation is met, but not by us."""
    told = tell(*failed(60), *rang_again(300))
    assert (told.callback(), told.promise("a")) == ("kept_by_recall", "kept")


def test_an_answered_call_of_another_customer_is_none() -> None:
    """Bob's call does not help Ann."""
    assert tell(*failed(60), *rang_again(300, customer="bob")).callback() == "open"


def test_the_first_conversation_settles() -> None:
    """Called back before she rang again."""
    assert tell(*failed(60), talked(200), *rang_again(300)).callback() == "kept"
    assert tell(*failed(60), talked(400), *rang_again(300)).callback() == "kept_by_recall"


def test_of_two_conversations_at_one_instant_the_callback_is_first() -> None:
    """The centre gets the benefit."""
    assert tell(*failed(60), *rang_again(300), talked(300)).callback() == "kept"


def test_a_conversation_at_the_opening_counts() -> None:
    """`opened_at <= at`; one before it does not count."""
    assert tell(*failed(60), talked(60)).callback() == "kept"
    assert tell(*failed(60), talked(59), until=OVER).callback() == "broken"


# --- what it is when due ------------------------------------------------------------------------


def test_without_a_conversation_it_is_broken_when_due() -> None:
    """Open until the due time, broken at it."""
    assert tell(*failed(60), until=3659.999).callback() == "open"
    assert tell(*failed(60), until=3660).callback() == "broken"


def test_cancelled() -> None:
    """The customer waived it: outside the ratio."""
    told = tell(*failed(60), event("callback.cancelled", 100, customer="ann"), until=OVER)
    assert (told.callback(), told.promise()) == ("cancelled", "outside")


@pytest.mark.parametrize("at", [59, 3661])
def test_a_cancellation_counts_only_while_the_promise_is_open(at: float) -> None:
    """Neither before it opened nor after it was due."""
    cancelled = event("callback.cancelled", at, customer="ann")
    assert tell(*failed(60), cancelled, until=OVER).callback() == "broken"


def test_a_conversation_outweighs_a_cancellation() -> None:
    """Spoken to in time is kept, whatever was waived."""
    cancelled = event("callback.cancelled", 100, customer="ann")
    assert tell(*failed(60), cancelled, talked(200)).callback() == "kept"


def test_uncallable() -> None:
    """Every failure in it was anonymous: nobody could have called."""
    told = tell(*failed(60, anonymous=True), until=OVER)
    assert (told.callback(), told.promise()) == ("uncallable", "outside")


def test_one_failure_with_a_number_makes_it_callable() -> None:
    """Anonymous first, with a number the second time: broken."""
    story = [*failed(60, "a", anonymous=True), *failed(90, "b")]
    assert tell(*story, until=OVER).callback() == "broken"


@pytest.mark.parametrize(("attempts", "state"), [(2, "broken"), (3, "unreachable")])
def test_unreachable_after_three_attempts(attempts: int, state: str) -> None:
    """Tried often enough in time: outside the ratio."""
    told = tell(*failed(60), *(attempted(100 + n) for n in range(attempts)), until=OVER)
    assert told.callback() == state
    assert told.promise() == ("outside" if state == "unreachable" else "broken")


def test_unreachable_after_is_a_setting() -> None:
    """One attempt may be enough."""
    assert tell(*failed(60), attempted(99), until=OVER, unreachable_after=1).callback() == (
        "unreachable"
    )


@pytest.mark.parametrize(("first", "state"), [(60, "unreachable"), (59, "broken")])
def test_attempts_count_from_the_opening_to_the_due_time(first: float, state: str) -> None:
    """Both ends included; the attempts after it are too late."""
    story = [attempted(first), attempted(200), attempted(3660), attempted(3661)]
    assert tell(*failed(60), *story, until=OVER).callback() == state


def test_voicemail_is_an_attempt() -> None:
    """Two attempts and one voicemail are three."""
    voicemail = event("callback.connected", 300, customer="ann", reached="voicemail")
    told = tell(*failed(60), attempted(100), attempted(200), voicemail, until=OVER)
    assert told.callback() == "unreachable"


def test_cancelled_before_uncallable_before_unreachable() -> None:
    """The order of the list decides where several hold."""
    tries = [attempted(100 + n) for n in range(3)]
    cancelled = event("callback.cancelled", 200, customer="ann")
    hidden = failed(60, anonymous=True)
    assert tell(*hidden, *tries, cancelled, until=OVER).callback() == "cancelled"
    assert tell(*hidden, *tries, until=OVER).callback() == "uncallable"


# --- late ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "late"), [(3661, 1), (3660 + 86_400, 1), (3660 + 86_400.001, 0)])
def test_a_broken_promise_made_good_is_also_late(at: float, late: int) -> None:
    """Broken stays broken; within the horizon it is late as well."""
    told = tell(*failed(60), talked(at))
    assert told.count("callback", "broken") == 1
    assert told.count("late", "late") == late


def test_a_recall_can_be_the_late_conversation() -> None:
    """Nobody called, Ann rang the next morning."""
    told = tell(*failed(60), *rang_again(40_000))
    assert (told.callback(), told.count("late", "late")) == ("broken", 1)


def test_only_a_broken_promise_can_be_late() -> None:
    """An unreachable customer who rings later is not a late callback."""
    story = [*failed(60), *(attempted(100 + n) for n in range(3)), talked(5000)]
    told = tell(*story)
    assert (told.callback(), told.count("late", "late")) == ("unreachable", 0)


# --- whose settings -----------------------------------------------------------------------------


def test_a_promise_has_the_settings_and_the_queue_of_its_first_failure() -> None:
    """Help promises two hours, sales one; the first failure was in help."""
    story = [
        event("call.offered", 0, "h", queue="help", customer="ann"),
        event("call.abandoned", 60, "h"),
        *failed(200, "s"),
        talked(7000),
    ]
    told = tell(*story, queues={"help": {"callback_target": 2 * HOUR}})
    assert told.callbacks() == [(60, "kept")]
    assert told.ledger.totals.queues["help"].truth("callback", "kept") == 1


# --- the whole promise ----------------------------------------------------------------------------


def test_answered_in_target_keeps_the_whole_promise() -> None:
    """No callback needed."""
    assert tell(*rang_again(0)).promise("z") == "kept"


def test_answered_late_breaks_the_whole_promise() -> None:
    """A callback cannot mend it: none is owed."""
    story = [event("call.offered", 0, "a"), event("call.answered", 11, "a", answered_by="human")]
    assert tell(*story).promise() == "broken"


def test_called_back_in_time_keeps_the_whole_promise() -> None:
    """Not answered, but called back within the hour."""
    assert tell(*failed(60), talked(3600)).promise() == "kept"


def test_not_called_back_breaks_the_whole_promise() -> None:
    """Made good late is still broken."""
    assert tell(*failed(60), talked(5000)).promise() == "broken"


def test_the_whole_promise_is_open_while_the_callback_is() -> None:
    """Nothing is decided before the due time."""
    assert tell(*failed(60), until=3000).promise() == "open"


def test_the_whole_promise_is_open_while_the_call_is() -> None:
    """The answer promise is broken, but a callback may still make it good."""
    told = tell(event("call.offered", 0, "a"), until=30)
    assert (told.answer(), told.promise()) == ("broken", "open")


def test_giving_up_early_is_still_owed_a_callback() -> None:
    """Excluded from the answer promise, part of the whole one."""
    story = [event("call.offered", 0, "a", queue="sales"), event("call.abandoned", 2, "a")]
    told = tell(*story, until=OVER)
    assert (told.answer(), told.callback(), told.promise()) == ("excluded", "broken", "broken")


def test_a_later_answer_takes_back_the_callback_that_was_owed() -> None:
    """Diverted, then taken by a human after all: no failure, so no promise."""
    story = [
        event("call.offered", 0, "a"),
        event("call.diverted", 5, "a"),
        event("call.answered", 9, "a", answered_by="human"),
    ]
    told = tell(*story)
    assert (told.callbacks(), told.promise()) == ([], "kept")


def test_a_lost_call_is_owed_a_callback() -> None:
    """Due one hour after max_call."""
    told = tell(event("call.offered", 0, "a"), until=500, max_call=400 * SECOND)
    assert told.callbacks() == [(400, "open")]
