"""A snapshot: the whole state as bytes, and a ledger that goes on from it."""

import gc
import weakref
from base64 import b64decode

import msgspec
import pytest
from feeds import BASE, event, s

from streams.events import Event
from streams.ledger import Ledger, Rules, SnapshotError, dump, load, state_hash
from streams.ledger.writing import FORMAT, Writing, _sorted_by_steps


def _ledger() -> Ledger:
    """Something of everything: answered, waiting, owed, broken, restarted, attached, an orphan."""
    ledger = Ledger(Rules())
    for one in (
        event("call.offered", 0, "a", queue="sales", customer="ann"),
        event("call.answered", 3, "a", answered_by="human"),
        event("call.offered", 1, "b", queue="sales", customer="bob"),
        event("call.abandoned", 31, "b"),
        event("call.offered", 5, "c"),
        event("call.diverted", 6, "c"),
        event("callback.attempted", 60, "c"),
        event("source.restarted", 90),
        event("source.heartbeat", 95, source="acd"),
        event("call.ended", 96, "orphan"),
    ):
        ledger.apply(one)
    ledger.advance(BASE + s(100))
    ledger.apply(event("call.offered", 101, "d", queue="sales", customer="cat"))
    ledger.apply(event("callback.requested", 102, customer="bob"))
    ledger.drain()
    return ledger


_LATER: list[Event] = [
    event("call.answered", 116, "d", answered_by="human"),
    event("callback.connected", 200, customer="bob", reached="human"),
    event("callback.connected", 201, "c", reached="human"),
    event("call.answered", 2, "b", answered_by="human"),
]


_OF_THE_FIRST_FORMAT = b64decode(
    "3AASAc8ABgokGC2CQM8ABgokGB5AAIanYXBwbGllZAGtY29udHJhZGljdG9yeQCpZHVwbGljYXRlAKdpZ25vcmVk"
    "AKRsYXRlAKZvcnBoYW4AgICAAACQkdwAI6FhzwAGCiQYHkAAwKd1bmtub3duwADAAMKQkMDAwMCQwsLECLAIXcwS"
    "zQN2AM8ABgokGB5AAMDAwADAwADAAMAAAADPAAYKJBi21oCQgJKQkJGhYYDPAAYKJBgtgkCA"
)
"""One call that waits, as a ledger wrote it before its records had a number for each kind."""


def test_a_loaded_ledger_shows_what_the_dumped_one_showed() -> None:
    """Totals, windows, fates, heartbeats."""
    ledger = _ledger()
    copy = load(Rules(), dump(ledger))
    assert copy.windows.read() == ledger.windows.read()
    assert copy.windows.read()["sales", "1h"].wait_max == 3.0
    assert copy.totals.queues == ledger.totals.queues
    assert copy.fates == ledger.fates
    assert copy.heartbeats == ledger.heartbeats
    assert (copy.now, copy.watermark) == (ledger.now, ledger.watermark)
    assert copy.pending_orphans == ledger.pending_orphans == 1


def test_a_loaded_ledger_goes_on_and_lets_go_as_the_dumped_one() -> None:
    """The same changes tick by tick, the windows too."""
    ledger = _ledger()
    copy = load(Rules(), dump(ledger))
    for now in (205, 3700, 4000, 20_000, 100_000, 3_000_000):
        for one in (ledger, copy):
            if now == 205:
                for later in _LATER:
                    one.apply(later)
            one.advance(BASE + s(now))
        assert copy.drain() == ledger.drain()
        assert copy.windows.read() == ledger.windows.read()
        assert copy.live(BASE + s(now)) == ledger.live(BASE + s(now))
        assert state_hash(copy) == state_hash(ledger)


def test_a_loaded_ledger_takes_no_older_events_than_the_dumped_one() -> None:
    """What is late and what is too old does not wait for its next tick."""
    ledger = _ledger()
    ledger.advance(BASE + s(10 * 24 * 3600))
    copy = load(Rules(), dump(ledger))
    oldest = 10 * 24 * 3600 - 3600
    events = [event("call.offered", at, call) for at, call in ((0, "e"), (oldest - 1, "f"))]
    events.append(event("call.offered", oldest, "g"))
    for one in (ledger, copy):
        assert [one.apply(each) for each in events] == ["too_old", "late", "applied"]
    assert dump(copy) == dump(ledger)


def test_a_restart_is_told_in_the_same_order_by_a_loaded_ledger() -> None:
    """Both hold the same calls, each in an order of its own; a tick's hash covers the changes."""
    ledger = Ledger(Rules())
    for call in ("b", "a"):
        ledger.apply(event("call.offered", 0, call, customer=f"of-{call}"))
    ledger.advance(BASE + s(1))
    ledger.drain()
    copy = load(Rules(), dump(ledger))
    restarted = event("source.restarted", 2)
    for one in (ledger, copy):
        one.apply(restarted)
        one.advance(BASE + s(3))
    told = ledger.drain()
    assert [change.call_id for change in told if change.verdict == "outcome"] == ["a", "b"]
    assert copy.drain() == told


def test_the_hash_tells_states_apart() -> None:
    """One more event, or one more tick, is another state."""
    ledger = _ledger()
    hashes = {state_hash(ledger)}
    ledger.advance(BASE + s(101))
    hashes.add(state_hash(ledger))
    ledger.apply(event("call.queued", 102, "d"))
    hashes.add(state_hash(ledger))
    assert len(hashes) == 3


def test_damaged_bytes_are_refused() -> None:
    """Cut short, or nothing like a state."""
    state = dump(_ledger())
    for bad in (b"", b"\xff", state[:-1], state[: len(state) // 2]):
        with pytest.raises(SnapshotError, match="the state cannot be read"):
            load(Rules(), bad)


def _with(way: tuple[int | str, ...], value: object) -> bytes:
    """Return a state with another value at `way`."""
    values = msgspec.msgpack.decode(dump(_ledger()))
    node = values
    for step in way[:-1]:
        node = node[step]
    node[way[-1]] = value
    return msgspec.msgpack.encode(values)


@pytest.mark.parametrize(
    ("way", "value"),
    [
        ((10, 0, 1), "noon"),  # the arrival of a call
        ((10, 0), ["a"]),  # a call with one field
        ((10, 0, 14), [[1]]),  # an end without its who
        ((10, 0, 10), None),  # the answers of a call
        ((11, 0, 2), ["nobody's"]),  # the calls of a customer
        ((13,), [["nobody's"], []]),  # what the next tick will judge
        ((14,), ["nobody's"]),  # the calls without an outcome
        ((15, "sales", 0), [5.0, float("inf")]),  # the bounds of a histogram
        ((15, "sales", 1), [1]),  # its counts
        ((17, "sales", 0), [[]]),  # a slice of time without its number
        ((17, "sales", 2), [[1]]),  # the sum of a window
        ((17, "sales", 4), []),  # where windows end
    ],
)
def test_a_state_that_cannot_be_is_refused(way: tuple[int | str, ...], value: object) -> None:
    """A value of the wrong type, or a call that is spoken of and not there."""
    with pytest.raises(SnapshotError, match="the state cannot be read"):
        load(Rules(), _with(way, value))


def test_text_that_is_none_and_depth_without_end_are_refused() -> None:
    """Neither a decoding error nor a recursion error of Python itself comes through."""
    state = dump(_ledger())
    for bad in (state.replace(b"\xa3bob", b"\xa3b\xffb"), state[:3] + b"\x91" * 100_000):
        assert bad != state
        with pytest.raises(SnapshotError, match="the state cannot be read"):
            load(Rules(), bad)


@pytest.mark.parametrize("number", [1, 99])
def test_another_format_is_refused_with_both_numbers(number: int) -> None:
    """Whoever reads the line knows which side is newer, whatever the rest of it looks like."""
    values = msgspec.msgpack.decode(dump(_ledger()))
    values[0], values[10] = number, [{"id": "a call as another format has it"}]
    refusal = f"the state has format {number}, this version reads {FORMAT}"
    with pytest.raises(SnapshotError, match=refusal):
        load(Rules(), msgspec.msgpack.encode(values))


def test_a_state_of_the_first_format_is_refused_by_its_number() -> None:
    """Bytes that were written then."""
    with pytest.raises(SnapshotError, match=f"format 1, this version reads {FORMAT}"):
        load(Rules(), _OF_THE_FIRST_FORMAT)


@pytest.mark.parametrize("number", [0, 1, 15, 16, 63, 64, 65, 79, 80, 81, 500])
def test_any_number_of_calls_comes_back(number: int) -> None:
    """They are written a few at a time, and a short list otherwise than a long one."""
    ledger = Ledger(Rules())
    for n in range(number):
        ledger.apply(event("call.offered", 0, f"call-{n}", customer=f"of-{n}"))
    ledger.advance(BASE + s(11))
    ledger.drain()
    copy = load(Rules(), dump(ledger))
    assert sorted(copy.book.calls) == sorted(ledger.book.calls)
    assert len(copy.book.callers.by_key) == number
    assert dump(copy) == dump(ledger)


@pytest.mark.parametrize("number", [0, 1, 4096, 4097, 30_000])
def test_keys_are_sorted_some_at_a_time(number: int) -> None:
    """A step for each four thousand, and one less to bring them together, two by two."""
    keys = [f"{each * 7919 % 30_011:x}" for each in range(number)]
    *steps, order = _sorted_by_steps(keys)
    assert order == sorted(keys)
    runs = -(-number // 4096)
    assert steps == [None] * max(0, 2 * runs - 1)


def test_a_snapshot_that_was_written_is_freed_without_the_collector() -> None:
    """It holds a copy of everything the ledger remembers."""
    ledger = _ledger()
    writing = Writing(ledger)
    there = weakref.ref(writing)
    gc.disable()
    try:
        assert writing.finish() == dump(ledger)
        del writing
        assert there() is None
    finally:
        gc.enable()
