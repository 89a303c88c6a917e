"""Promise events: made from a real ledger's changes, the same at every replay."""

from typing import get_args

import msgspec
import pytest

from streams.events import CallAbandoned, CallAnswered, CallOffered, Event
from streams.instants import SECOND, rfc3339
from streams.ledger import VERDICTS, Change, Ledger, Rules
from streams.promise_events import (
    PromiseEvent,
    State,
    Verdict,
    decode,
    encode,
    from_change,
    record_key,
)

START = 1_795_461_801_000_000
EVENTS: list[Event] = [
    CallOffered(id="1", at=START, call_id="a", customer="k", queue="sales"),
    CallOffered(id="2", at=START, call_id="b", queue="sales"),
    CallAnswered(id="3", at=START + 3 * SECOND, call_id="b", answered_by="human"),
    CallAbandoned(id="4", at=START + 30 * SECOND, call_id="a"),
]


def _changes() -> list[Change]:
    ledger = Ledger(Rules())
    for event in EVENTS:
        ledger.apply(event)
    ledger.advance(START + 7200 * SECOND)
    return ledger.drain()


def test_a_broken_promise_is_told_with_its_time_and_reason() -> None:
    """One call in time, one customer lost and not called back."""
    told = {event.id: event for event in map(from_change, _changes())}
    broken = [event for event in told.values() if event.state == "broken"]
    assert {event.verdict for event in broken} == {"answer", "callback", "promise"}
    (answer,) = [event for event in broken if event.verdict == "answer"]
    assert (answer.call_id, answer.at) == ("a", rfc3339(START + 10 * SECOND))
    (callback,) = [event for event in broken if event.verdict == "callback"]
    assert callback.due_at == callback.at == rfc3339(START + 3630 * SECOND)
    (answered,) = [event for event in told.values() if event.state == "answered_in_target"]
    assert answered.wait_seconds == 3.0


def test_the_same_records_give_the_same_bytes() -> None:
    """A consumer may drop by `id` what it has seen, whoever sent it again."""
    first, second = ([encode(from_change(change)) for change in _changes()] for _ in range(2))
    assert first == second
    identities = [decode(value).id for value in first]
    assert len(set(identities)) == len(identities) > 5


def test_the_epoch_is_not_part_of_the_id() -> None:
    """The same change told by a new owner is still the same change."""
    change = _changes()[0]
    early, late = from_change(change, epoch=3), from_change(change, epoch=9)
    assert early.id == late.id
    assert (early.epoch, late.epoch) == (3, 9)


def test_a_promise_event_comes_back_from_its_bytes() -> None:
    """Every change of the ledger, strictly typed."""
    for change in _changes():
        event = from_change(change, epoch=1)
        assert decode(encode(event)) == event


def test_what_is_absent_is_left_out() -> None:
    """No nulls on the wire."""
    assert all(b"null" not in encode(from_change(change)) for change in _changes())


def test_a_consumer_ignores_fields_of_a_newer_version() -> None:
    """Fields may be added at any time."""
    value = encode(from_change(_changes()[0]))
    assert decode(value[:-1] + b',"mood":"good"}') == decode(value)


@pytest.mark.parametrize("value", [b"", b"{}", b'{"kind":"promise.changed"}', b"[]"])
def test_what_is_no_promise_event_is_refused(value: bytes) -> None:
    """With msgspec's own error."""
    with pytest.raises(msgspec.MsgspecError):
        decode(value)


def test_all_about_one_customer_has_one_key() -> None:
    """Else the call."""
    keys = {event.verdict: record_key(event) for event in map(from_change, _changes())}
    assert keys["callback"] == keys["opened"] == b"k"
    by_call = [from_change(change) for change in _changes() if change.call_id == "b"]
    assert {record_key(event) for event in by_call} == {b"b"}


def test_the_callback_of_an_unknown_customer_follows_its_call() -> None:
    """Without a customer the key names the call, so both meet in one partition."""
    event = PromiseEvent(
        id="callback/c@5/1", verdict="callback", state="kept", at="", key="c@5", revision=1
    )
    assert record_key(event) == b"c"


def test_every_verdict_and_state_of_the_ledger_can_be_told() -> None:
    """`offered` is no verdict; `none` is a withdrawn one."""
    told = {name: states for name, states in VERDICTS.items() if name != "offered"}
    assert set(get_args(Verdict)) == set(told)
    assert set(get_args(State)) == {"none"}.union(*told.values())


@pytest.mark.parametrize(
    "value",
    [
        b'{"kind":"promise.changed","id":"\xff"}',
        b'{"kind":"promise.changed","x":' + b"[" * 100_000,
        b"\xff\xfe",
        b"[]",
        b"",
    ],
)
def test_what_is_no_promise_event_raises_one_kind_of_error(value: bytes) -> None:
    """Text that is no UTF-8 and nesting without end are malformed like anything else."""
    with pytest.raises(msgspec.MsgspecError):
        decode(value)
