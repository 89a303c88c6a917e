"""The key of an event decides its partition."""

import time

from streams.events import (
    CallAnswered,
    CallbackAttempted,
    CallbackConnected,
    CallEnded,
    CallOffered,
    SourceHeartbeat,
    SourceRestarted,
)
from streams.keys import CallKeys

NOON = 1_772_452_800_000_000


def offered(call: str, customer: str | None = None) -> CallOffered:
    return CallOffered(id=f"o-{call}", at=NOON, call_id=call, customer=customer)


def ended(call: str, customer: str | None = None) -> CallEnded:
    return CallEnded(id=f"e-{call}", at=NOON, call_id=call, customer=customer)


def test_later_events_of_a_call_follow_its_customer() -> None:
    """An end that no longer names the customer goes where the offer went."""
    keys = CallKeys()
    assert keys.key(offered("c1", "k1:ann")) == "k1:ann"
    assert keys.key(CallAnswered(id="a", at=NOON, call_id="c1")) == "k1:ann"
    assert keys.key(ended("c1")) == "k1:ann"


def test_a_call_without_a_customer_has_its_own_key() -> None:
    """No customer: the call id."""
    keys = CallKeys()
    assert keys.key(offered("c1")) == "c1"
    assert keys.key(ended("c1")) == "c1"


def test_the_first_event_decides_for_good() -> None:
    """A customer who becomes known later, or another one, does not move the call."""
    keys = CallKeys()
    assert keys.key(offered("c1")) == "c1"
    assert keys.key(ended("c1", "k1:ann")) == "c1"
    assert keys.key(offered("c2", "k1:bob")) == "k1:bob"
    assert keys.key(ended("c2", "k1:ann")) == "k1:bob"


def test_a_callback_goes_to_its_customer_else_where_its_call_went() -> None:
    """It has to meet the failed call whose promise it keeps."""
    keys = CallKeys()
    keys.key(offered("c1", "k1:ann"))
    attempt = CallbackAttempted(id="b1", at=NOON, call_id="c1")
    assert keys.key(attempt) == "k1:ann"
    connected = CallbackConnected(id="b2", at=NOON, call_id="c1", customer="k1:bob")
    assert keys.key(connected) == "k1:bob"
    assert keys.key(CallbackAttempted(id="b3", at=NOON, call_id="unseen")) == "unseen"


def test_events_of_a_source_go_everywhere() -> None:
    """Every partition has to know that a source lives, and that it restarted."""
    keys = CallKeys()
    assert keys.key(SourceHeartbeat(id="h", at=NOON)) is None
    assert keys.key(SourceRestarted(id="r", at=NOON)) is None


def test_memory_is_bounded_and_forgets_the_oldest_call() -> None:
    """More calls than the capacity: only the newest are remembered."""
    keys = CallKeys(capacity=2)
    for call in ("c1", "c2", "c3"):
        keys.key(offered(call, f"k1:{call}"))
    assert len(keys) == 2
    assert keys.key(ended("c3")) == "k1:c3"
    assert keys.key(ended("c2")) == "k1:c2"
    assert keys.key(ended("c1")) == "c1"


def test_to_forget_costs_the_same_however_many_are_remembered() -> None:
    """A centre that has been running for a day is no slower than in its first hours."""
    keys = CallKeys(capacity=22_000)

    def seconds(first: int) -> float:
        began = time.process_time()
        for number in range(first, first + 22_000):
            keys._call_key(str(number), None)
        return time.process_time() - began

    filling = seconds(0)
    assert min(seconds(22_000), seconds(44_000)) < 5 * filling
