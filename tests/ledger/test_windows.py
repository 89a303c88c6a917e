"""Rolling windows: what lies in them, when it leaves them, and what a correction takes back."""

from typing import Any

import pytest
from feeds import BASE, event, s
from hypothesis import example, given
from hypothesis import strategies as st

from streams.events import Event
from streams.instants import MINUTE, SECOND
from streams.ledger import WINDOWS, Ledger, QueueRules, Rules, Windows, WindowSums

NAMES = ("1m", "5m", "15m", "1h", "1d", "30d")
LENGTHS = dict(zip(NAMES, (60, 300, 900, 3600, 86_400, 30 * 86_400), strict=True))
SLICES = dict(zip(NAMES, (5, 5, 5, 5, 1800, 1800), strict=True))


def _windows(until: float = 0, **rules: Any) -> Windows:
    windows = Windows(Rules(**rules))
    windows.advance(BASE + s(until))
    return windows


def _of(windows: Windows, name: str = "1m", label: str = "sales") -> WindowSums:
    return windows.read()[label, name]


def _kept(windows: Windows, name: str = "1m") -> int:
    return _of(windows, name).classes.get("answer_kept", 0)


def _seconds(name: str) -> tuple[int, int]:
    length, width = WINDOWS[name]
    return length // SECOND, width // SECOND


def test_windows_are_those_the_rules_are_written_for() -> None:
    """1 m to 1 h exact to 5 s, 1 d and 30 d exact to half an hour."""
    assert {name: _seconds(name) for name in WINDOWS} == {
        name: (LENGTHS[name], SLICES[name]) for name in NAMES
    }


@pytest.mark.parametrize("name", NAMES)
def test_what_was_counted_leaves_a_window_when_its_slice_does(name: str) -> None:
    """In the window until a microsecond before its length has passed, then gone."""
    windows = _windows()
    windows.count("sales", "answer_kept", BASE, 1)
    windows.advance(BASE + s(LENGTHS[name]) - 1)
    assert _kept(windows, name) == 1
    windows.advance(BASE + s(LENGTHS[name]))
    assert _kept(windows, name) == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_slice_leaves_at_once(name: str) -> None:
    """The last instant of a slice goes with its first, that of the next slice stays."""
    windows = _windows()
    last = BASE + s(SLICES[name]) - 1
    windows.count("sales", "answer_kept", last, 1)
    windows.count("sales", "answer_kept", last + 1, 1)
    windows.read()
    windows.advance(BASE + s(LENGTHS[name]))
    assert _kept(windows, name) == 1


@pytest.mark.parametrize("name", NAMES)
def test_what_is_older_than_a_window_never_enters_it(name: str) -> None:
    """Told late: counted where it still belongs, and nowhere else."""
    windows = _windows(LENGTHS[name])
    windows.count("sales", "answer_kept", BASE, 1)
    kept = {other: _kept(windows, other) for other in NAMES}
    assert kept == {other: int(LENGTHS[other] > LENGTHS[name]) for other in NAMES}


@pytest.mark.parametrize("step", [5, 7, 60, 1799])
def test_a_window_is_the_sum_of_its_slices_however_often_it_is_read(step: int) -> None:
    """Read at every step or once at the end: the same sums."""
    often, once = _windows(), _windows()
    for at in range(0, 4000, step):
        for windows in (often, once):
            windows.count("sales", "answer_kept", BASE + s(at), 1)
            windows.wait("sales", s(at % 37), BASE + s(at), 1)
            windows.advance(BASE + s(at))
        often.read()
    assert often.read() == once.read()


def test_a_window_never_goes_back() -> None:
    """An earlier end than before changes nothing."""
    windows = _windows(100)
    windows.advance(BASE)
    assert windows.end == BASE + s(100)


def test_a_correction_takes_back_what_was_counted() -> None:
    """One of two is withdrawn; a class without any is not shown."""
    windows = _windows()
    for change in (1, 1, -1):
        windows.count("sales", "answer_kept", BASE, change)
    for change in (1, -1):
        windows.count("sales", "answer_broken", BASE, change)
    assert _of(windows).classes == {"answer_kept": 1}


def test_each_queue_has_windows_of_its_own() -> None:
    """And a queue appears with its first count."""
    windows = _windows()
    windows.count("sales", "answer_kept", BASE, 1)
    windows.read()
    windows.count("help", "answer_broken", BASE, 1)
    read = windows.read()
    assert set(read) == {(queue, name) for queue in ("sales", "help") for name in NAMES}
    assert read["sales", "5m"].classes == {"answer_kept": 1}
    assert read["help", "5m"].classes == {"answer_broken": 1}


def test_bounds_of_waits_have_one_at_the_target_of_the_queue() -> None:
    """Sales promises 15 s: a bound of its own; the default target is a bound already."""
    windows = _windows(queues={"sales": QueueRules(answer_target=15 * SECOND)})
    usual = [1.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0]
    assert windows.bounds("help") == usual
    assert windows.bounds("sales") == sorted([*usual, 15.0])


def test_buckets_of_waits_are_cumulative_and_a_bound_belongs_below() -> None:
    """Waits of 1, 10, 10.001 and 700 s."""
    windows = _windows()
    for wait in (1, 10, 10.001, 700):
        windows.wait("sales", s(wait), BASE, 1)
    sums = _of(windows)
    assert sums.wait_buckets == [1, 1, 2, 3, 3, 3, 3, 3, 3, 4]
    assert (sums.wait_count, sums.wait_sum, sums.wait_max) == (4, 721.001, 700.0)
    assert sums.classes == {}


def test_a_wait_is_taken_back() -> None:
    """Corrected from 3 s to 40 s. The maximum may stay too high, never too low."""
    windows = _windows()
    windows.wait("sales", s(3), BASE, 1)
    windows.wait("sales", s(3), BASE, -1)
    windows.wait("sales", s(40), BASE, 1)
    sums = _of(windows)
    assert (sums.wait_count, sums.wait_sum, sums.wait_max) == (1, 40.0, 40.0)
    assert sums.wait_buckets == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]


def test_a_wait_taken_back_is_no_maximum() -> None:
    """Only what was waited can be the longest wait."""
    windows = _windows()
    windows.wait("sales", s(40), BASE, -1)
    assert _of(windows).wait_max == 0


def test_the_longest_wait_leaves_with_its_slice() -> None:
    """Then the longest of those that stay."""
    windows = _windows()
    for at, wait in ((0, 50), (20, 4), (40, 7), (41, 6)):
        windows.wait("sales", s(wait), BASE + s(at), 1)
        windows.read()
    assert _of(windows).wait_max == 50
    windows.advance(BASE + s(62))
    assert (_of(windows).wait_max, _of(windows, "5m").wait_max) == (7, 50)
    windows.advance(BASE + s(200))
    assert (_of(windows).wait_max, _of(windows, "1h").wait_max) == (0, 50)


def test_the_longest_wait_of_the_coarse_windows_leaves_too() -> None:
    """A day later only what was within the day."""
    windows = _windows()
    for at, wait in ((0, 50), (1, 60), (4000, 7)):
        windows.wait("sales", s(wait), BASE + s(at), 1)
        windows.read()
    assert _of(windows, "1d").wait_max == 60
    windows.advance(BASE + s(86_400 + 100))
    assert (_of(windows, "1d").wait_max, _of(windows, "30d").wait_max) == (7, 60)


def test_a_call_answered_in_target_counts_as_its_parts_do() -> None:
    """The short cut gives what the single counts give."""
    whole, parts = _windows(), _windows()
    for wait in (3, 9, 4):
        whole.answered_in_target("sales", s(wait), BASE)
        for name in ("outcome_answered_in_target", "answer_kept", "promise_kept"):
            parts.count("sales", name, BASE, 1)
        parts.wait("sales", s(wait), BASE, 1)
    assert whole.read() == parts.read()
    assert _of(whole).wait_max == 9


def test_slices_that_left_every_window_are_forgotten() -> None:
    """Memory follows the longest window, not the time the ledger runs."""
    windows = _windows()
    for hour in range(200):
        windows.count("sales", "answer_kept", BASE + s(hour * 3600), 1)
        windows.advance(BASE + s(hour * 3600))
        windows.read()
    queue = windows.queues["sales"]
    assert (len(queue.fine), len(queue.coarse)) == (1, 200)
    windows.advance(BASE + s(31 * 86_400 + 200 * 3600))
    windows.read()
    assert (len(queue.fine), len(queue.coarse)) == (0, 0)


def test_what_nobody_reads_is_folded_all_the_same() -> None:
    """A worker that nobody scrapes does not collect counts for ever."""
    windows = _windows()
    for number in range(5000):
        windows.count("sales", "answer_kept", BASE + s(number * 5), 1)
        windows.advance(BASE + s(number * 5))
    assert len(windows._unfolded) < 1000
    assert _kept(windows, "1d") == 5000


# --- as the ledger counts -----------------------------------------------------------------------


def _told(now: float, *events: Event, ledger: Ledger | None = None) -> Ledger:
    ledger = ledger or Ledger(Rules())
    for one in events:
        ledger.apply(one)
    ledger.advance(BASE + s(now))
    return ledger


def _answer(at: float, call: str = "a") -> Event:
    return event("call.answered", at, call, answered_by="human")


def _offer(at: float, call: str = "a", queue: str | None = "sales") -> Event:
    return event("call.offered", at, call, queue=queue, customer="ann")


def test_verdicts_stand_where_they_were_decided() -> None:
    """Offered at 0 s, broken at 10 s, answered at 40 s: each leaves the minute in its turn."""
    ledger = _told(41, _offer(0), _answer(40))
    seen = {}
    for now in (59, 61, 71, 101):
        ledger.advance(BASE + s(now))
        seen[now] = sorted(_of(ledger.windows).classes)
    assert seen == {
        59: ["answer_broken", "offered", "outcome_answered_late", "promise_broken"],
        61: ["answer_broken", "outcome_answered_late", "promise_broken"],
        71: ["outcome_answered_late"],
        101: [],
    }
    assert _of(ledger.windows, "5m").wait_buckets[4:6] == [0, 1]


def test_a_corrected_verdict_moves_in_the_windows() -> None:
    """Broken at the deadline; the answer at 5 s arrives later."""
    ledger = _told(20, _offer(0))
    assert _of(ledger.windows).classes == {"offered": 1, "answer_broken": 1}
    _told(21, _answer(5), ledger=ledger)
    sums = _of(ledger.windows)
    assert sums.classes == {
        "offered": 1,
        "outcome_answered_in_target": 1,
        "answer_kept": 1,
        "promise_kept": 1,
    }
    assert (sums.wait_count, sums.wait_sum, sums.wait_max) == (1, 5.0, 5.0)


def test_an_earlier_answer_corrects_the_wait() -> None:
    """From 30 s to 20 s: one wait, in the right bucket, once."""
    ledger = _told(31, _offer(0), _answer(30))
    _told(32, _answer(20), ledger=ledger)
    sums = _of(ledger.windows)
    assert (sums.wait_count, sums.wait_sum) == (1, 20.0)
    assert sums.wait_buckets[2:5] == [0, 1, 1]


def test_an_earlier_offer_moves_the_offered_call() -> None:
    """Counted at 30 s, offered at 2 s after all: it leaves the minute earlier."""
    ledger = _told(31, _offer(30), _answer(31))
    _told(31, event("call.queued", 2, "a"), ledger=ledger)
    ledger.advance(BASE + s(70))
    assert "offered" not in _of(ledger.windows).classes
    assert _of(ledger.windows, "5m").classes["offered"] == 1


def test_a_call_of_another_queue_takes_its_counts_along() -> None:
    """Help was named at 1 s, which is told after sales: nothing stays behind."""
    ledger = _told(20, _offer(0, queue=None), event("call.queued", 2, "a", queue="sales"))
    _told(21, _answer(15), ledger=ledger)
    assert _of(ledger.windows).wait_count == 1
    _told(22, event("call.queued", 1, "a", queue="help"), ledger=ledger)
    sales, help_ = _of(ledger.windows), _of(ledger.windows, label="help")
    assert (sales.classes, sales.wait_count, sales.wait_sum) == ({}, 0, 0)
    assert help_.classes == {
        "offered": 1,
        "outcome_answered_late": 1,
        "answer_broken": 1,
        "promise_broken": 1,
    }
    assert (help_.wait_count, help_.wait_sum) == (1, 15.0)


def test_callbacks_stand_where_they_were_settled() -> None:
    """Owed at 20 s, broken an hour later, made good ten minutes after that."""
    ledger = _told(30, _offer(0), event("call.abandoned", 20, "a"))
    assert _of(ledger.windows).classes["opened"] == 1
    made_good = event("callback.connected", 4220, customer="ann", reached="human")
    _told(4221, made_good, ledger=ledger)
    minute, hour = _of(ledger.windows), _of(ledger.windows, "1h")
    assert minute.classes == {"late": 1}
    assert hour.classes == {"late": 1, "callback_broken": 1, "promise_broken": 1}


def test_a_ledger_may_keep_no_windows() -> None:
    """For a replay, which tells of the whole stretch; the totals are the same."""
    ledger = Ledger(Rules(), windows=False)
    _told(2 * MINUTE / SECOND, _offer(0), _answer(5), _offer(1, "b"), ledger=ledger)
    assert ledger.windows.read() == {}
    assert 10.0 in ledger.windows.bounds("sales")
    assert ledger.totals.queues["sales"].truth("outcome", "answered_in_target") == 1


def test_a_call_given_up_takes_no_wait_along() -> None:
    """Waits are those of the answered, in the new queue as in the old."""
    ledger = _told(20, _offer(0, queue=None), event("call.queued", 2, "a", queue="sales"))
    _told(21, event("call.abandoned", 15, "a"), ledger=ledger)
    _told(22, event("call.queued", 1, "a", queue="help"), ledger=ledger)
    assert _of(ledger.windows).wait_count == 0
    assert _of(ledger.windows, label="help").wait_count == 0


_JUMPS = st.sampled_from([1, 4, 5, 60, 299, 900, 1800, 3600, 7200, 86_400, 40 * 86_400])
_STEPS = st.lists(st.one_of(
    st.tuples(st.just("wait"), st.integers(-4000, 400), st.integers(0, 900)),
    st.tuples(st.just("pass"), _JUMPS, st.booleans()),
), max_size=25)  # fmt: skip


def _agree(windows: Windows, waits: list[tuple[int, int]], end: int) -> None:
    for name in NAMES if waits else ():
        length, width = LENGTHS[name], SLICES[name]
        tail = (BASE + s(end - length)) // s(width)
        inside = [wait for at, wait in waits if (BASE + s(at)) // s(width) > tail]
        found = _of(windows, name)
        assert (found.wait_count, found.wait_sum) == (len(inside), sum(inside)), name
        assert found.wait_max == max(inside, default=0), name


@given(_STEPS)
@example([("wait", 0, 3), ("pass", 1, True), ("wait", 399, 9), ("pass", 299, True)])
@example([("wait", 0, 3), ("pass", 1, True), ("wait", 399, 9), ("pass", 60, True)])
def test_a_window_holds_what_lies_in_it(steps: list[Any]) -> None:
    """Whenever it is read, whatever came late or ahead, however long nothing was read."""
    windows, waits, now = _windows(), list[tuple[int, int]](), 0
    for what, number, more in steps:
        if what == "wait":
            windows.wait("sales", s(more), BASE + s(now + number), 1)
            waits.append((now + number, more))
        else:
            now += number
            windows.advance(BASE + s(now))
            if more:
                _agree(windows, waits, now)
    _agree(windows, waits, now)


def test_a_backlog_that_nobody_reads_is_folded_a_queue_at_a_time() -> None:
    """Never all at once, nor is more kept than the most; what is read then is the same."""
    read, unread = _windows(), _windows()
    queues = [f"queue-{number}" for number in range(20)]
    for turn in range(600):
        at = BASE + s(turn * 5)
        for queue in queues:
            for windows in (read, unread):
                windows.wait(queue, s(turn % 90), at, 1)
        unread.advance(at)
        assert len(unread._unfolded) >= len(queues) - 1
        assert sum(map(len, unread._unfolded.values())) <= 4096
        read.advance(at)
        if turn % 10 == 0:
            read.fold()
    assert unread.read() == read.read()


def test_queues_are_folded_one_by_one_as_all_at_once() -> None:
    """Whatever is counted between: what writes a snapshot folds a queue at each step."""
    whole, parts = _windows(), _windows()
    for turn in range(40):
        for windows in (whole, parts):
            for queue in ("sales", "service", f"late-{turn // 10}")[: 1 + turn % 3]:
                windows.wait(queue, s(turn), BASE + s(turn * 7), 1)
            windows.advance(BASE + s(turn * 11))
        whole.fold()
        for label in parts.labels():
            parts.fold_queue(label)
            parts.count("sales", "answer_kept", BASE + s(turn), 1)
            whole.count("sales", "answer_kept", BASE + s(turn), 1)
    assert parts.labels() == whole.labels()
    assert parts.read() == whole.read()
