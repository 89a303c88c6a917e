"""Every rule on usefulness, each with a story of its own."""

import pytest
from feeds import event, tell

from streams.events import Event
from streams.instants import SECOND
from streams.ledger import Ledger, Rules


def spoke(
    seconds: float, customer: str | None = "ann", queue: str = "sales", **end: object
) -> list[Event]:
    """A call answered after 2 s and ended `seconds` later."""
    return [
        event("call.offered", 0, "a", queue=queue, customer=customer),
        event("call.answered", 2, "a", answered_by="human"),
        event("call.ended", 2 + seconds, "a", **end),
    ]


def rings(at: float, call: str = "b", customer: str = "ann") -> Event:
    return event("call.offered", at, call, customer=customer)


@pytest.mark.parametrize(("resolved", "verdict"), [(True, "useful"), (False, "useless")])
def test_resolved_decides_if_given(resolved: bool, verdict: str) -> None:
    """Against a short talk, and against a repeated call."""
    story = spoke(3, ended_by="agent", resolved=resolved)
    assert tell(*story, rings(60)).usefulness() == verdict


@pytest.mark.parametrize(("seconds", "verdict"), [(9.999, "useless"), (10, "useful")])
def test_a_short_talk_ended_by_the_agent_is_useless(seconds: float, verdict: str) -> None:
    """Shorter than ten seconds; ten are enough."""
    assert tell(*spoke(seconds, ended_by="agent"), until=8000).usefulness() == verdict


@pytest.mark.parametrize("ended_by", ["customer", "system", None])
def test_a_short_talk_ended_by_others_is_not(ended_by: str | None) -> None:
    """A customer who hangs up soon may have got what was needed."""
    assert tell(*spoke(3, ended_by=ended_by), until=8000).usefulness() == "useful"


@pytest.mark.parametrize(
    ("again", "verdict"), [(100, "useless"), (3700, "useless"), (3700.001, "useful")]
)
def test_another_call_of_the_customer_within_the_window_is_useless(
    again: float, verdict: str
) -> None:
    """Ended at 100 s; whoever rings again within an hour was not helped."""
    assert tell(*spoke(98), rings(again), until=8000).usefulness() == verdict


def test_a_call_during_the_talk_is_no_repetition() -> None:
    """It was offered before the end."""
    assert tell(*spoke(98), rings(99), until=8000).usefulness() == "useful"


def test_a_call_of_another_customer_is_no_repetition() -> None:
    """Bob rings after Ann."""
    assert tell(*spoke(98), rings(200, customer="bob"), until=8000).usefulness() == "useful"


def test_useful_when_the_window_has_passed() -> None:
    """Open before that: the customer may still ring again."""
    assert tell(*spoke(98), until=3699.999).usefulness() == "open"
    assert tell(*spoke(98), until=3700).usefulness() == "useful"


def test_unknown_without_a_customer() -> None:
    """Nobody can tell whether the same person rang again."""
    assert tell(*spoke(98, customer=None)).usefulness() == "unknown"


def test_a_short_talk_is_useless_without_a_customer_too() -> None:
    """No name is needed for that."""
    assert tell(*spoke(3, customer=None, ended_by="agent")).usefulness() == "useless"


def test_unknown_when_no_end_came_within_max_call() -> None:
    """Open until then."""
    story = spoke(98)[:2]
    assert tell(*story, until=399, max_call=400 * SECOND).usefulness() == "open"
    assert tell(*story, until=400, max_call=400 * SECOND).usefulness() == "unknown"


def test_a_call_that_nobody_answered_has_no_usefulness() -> None:
    """It is judged per human answer."""
    story = [event("call.offered", 0, "a"), event("call.abandoned", 5, "a")]
    assert tell(*story, until=8000).usefulness() == "open"


def test_a_late_answer_is_judged_as_well() -> None:
    """Usefulness is not speed."""
    story = [
        event("call.offered", 0, "a", customer="ann"),
        event("call.answered", 60, "a", answered_by="human"),
        event("call.ended", 300, "a", resolved=True),
    ]
    told = tell(*story)
    assert (told.answer(), told.usefulness()) == ("broken", "useful")


def test_an_end_before_the_answer_is_not_the_end_of_the_talk() -> None:
    """The earliest end that is not before the human answer counts."""
    early = event("call.ended", 1, "a", resolved=False)
    assert tell(*spoke(98, resolved=True), early).usefulness() == "useful"


def test_settings_of_a_queue_override_usefulness() -> None:
    """Help takes thirty seconds for a short talk."""
    own = {"help": {"short_talk": 30 * SECOND}}
    assert tell(*spoke(20, queue="help", ended_by="agent"), queues=own).usefulness() == "useless"


def test_a_repetition_is_remembered_as_long_as_the_answer() -> None:
    """Its promise is settled for good, but a call that never ended keeps the answer in mind."""
    story = [
        event("call.queued", 0, "open", customer="ann"),
        event("call.answered", 14, "open", answered_by="human"),
        event("call.queued", 797, "a"),
        event("call.answered", 797, "a", customer="ann", answered_by="human"),
        event("call.ended", 826, "a", ended_by="agent"),
        event("call.offered", 2268, "b", customer="ann", anonymous=True),
        event("call.abandoned", 2298, "b"),
        event("source.heartbeat", 8312),
        event("source.heartbeat", 11895),
        event("call.queued", 12505, "c", customer="ann"),
    ]
    ledger = Ledger(Rules())
    for one in story:
        ledger.advance(one.at - 2 * SECOND)
        ledger.apply(one)
    ledger.advance(story[-1].at)
    assert ledger.totals.of("__none__").truth("usefulness", "useless") == 1
