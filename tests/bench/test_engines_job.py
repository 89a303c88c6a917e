"""The brute force that judges the peers, on cases done by hand; a wrong result is refused."""

from typing import Any

import msgspec
import pytest
from engines.job import Result, WrongResultError, check, expected
from engines.topics import prefix

HALF_PAST = 29_540_790
"""The minute of 2026-03-02T10:30Z since 1970."""


def _event(kind: str, at: str, call: str = "c1", **fields: str) -> bytes:
    return msgspec.json.encode({"kind": f"call.{kind}", "at": at, "call_id": call, **fields})


def _offered(at: str, **fields: str) -> bytes:
    return _event("offered", at, queue="sales", **fields)


def _answered(at: str, by: str = "human", **fields: str) -> bytes:
    return _event("answered", at, answered_by=by, **fields)


@pytest.mark.parametrize(
    ("answered", "counted"),
    [
        ("2026-03-02T10:30:08.000Z", [1, 1, 0, 0]),
        ("2026-03-02T10:30:15.250Z", [1, 1, 0, 0]),
        ("2026-03-02T10:30:15.251Z", [1, 0, 1, 0]),
    ],
)
def test_ten_seconds_are_still_in_target(answered: str, counted: list[int]) -> None:
    """Equality keeps; a millisecond more does not."""
    found = expected([[_offered("2026-03-02T10:30:05.250Z"), _answered(answered)]])

    assert found == Result({"sales": counted}, {f"sales|{HALF_PAST}": counted})


def test_a_fact_counts_in_its_own_minute() -> None:
    """The offer in one window, the answer in the next."""
    records = [_offered("2026-03-02T10:30:59Z"), _answered("2026-03-02T10:31:01Z")]

    assert expected([records]).windows == {
        f"sales|{HALF_PAST}": [1, 0, 0, 0],
        f"sales|{HALF_PAST + 1}": [0, 1, 0, 0],
    }


def test_the_first_decision_counts() -> None:
    """A bot decides nothing; what comes after the abandonment neither."""
    records = [
        _offered("2026-03-02T10:30:00Z"),
        _answered("2026-03-02T10:30:01Z", by="bot"),
        _event("queued", "2026-03-02T10:30:02Z", queue="stock"),
        _event("abandoned", "2026-03-02T10:30:03Z"),
        _answered("2026-03-02T10:30:04Z"),
    ]

    assert expected([records]).queues == {"sales": [1, 0, 0, 1]}


def test_what_ends_begins_anew() -> None:
    """Behind `call.ended` an answer belongs to no call, and another offer is another call."""
    records = [
        _offered("2026-03-02T10:30:00Z"),
        _event("ended", "2026-03-02T10:30:05Z"),
        _answered("2026-03-02T10:30:06Z"),
        _offered("2026-03-02T10:30:07Z"),
    ]

    assert expected([records]).queues == {"sales": [2, 0, 0, 0]}


def test_partitions_add_up() -> None:
    """A queue is counted over all of them; what is of no call is left out."""
    heartbeat = b'{"kind":"source.heartbeat","at":"2026-03-02T10:30:00Z","source":"pbx","id":"1"}'
    here = [heartbeat, _offered("2026-03-02T10:30:00Z")]
    there = [heartbeat, _offered("2026-03-02T10:30:00Z", call="c2")]

    assert expected([here, there]).queues == {"sales": [2, 0, 0, 0]}


def test_a_call_in_two_partitions_has_no_order() -> None:
    """Then no engine could be judged, and the topic is wrong."""
    with pytest.raises(ValueError, match="two partitions"):
        expected([[_offered("2026-03-02T10:30:00Z")], [_answered("2026-03-02T10:30:01Z")]])


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (Result({"sales": [2, 1, 0, 0]}, {"sales|1": [1, 1, 0, 0]}), r"sales: \[2, 1, 0, 0\]"),
        (Result({"sales": [1, 1, 0, 0]}, {"sales|2": [1, 1, 0, 0]}), r"sales\|1: None"),
        (Result({"sales": [1, 1, 0, 0], "x": [1, 0, 0, 0]}, {"sales|1": [1, 1, 0, 0]}), "x: "),
        (Result({}, {}), "sales: None"),
    ],
)
def test_a_wrong_result_is_refused(told: Result, said: str) -> None:
    """One call too many, another minute, a queue that is not there, nothing at all."""
    truth = Result({"sales": [1, 1, 0, 0]}, {"sales|1": [1, 1, 0, 0]})

    with pytest.raises(WrongResultError, match=said):
        check(told, truth)


def test_a_right_result_is_taken() -> None:
    """Whatever the order of its keys."""
    counts: dict[str, Any] = {"a": [1, 0, 0, 0], "b": [2, 0, 0, 0]}

    check(Result(dict(reversed(counts.items())), {}), Result(counts, {}))


def test_a_prefix_takes_as_much_of_each_partition() -> None:
    """In order, and never more than there is."""
    records = [[b"1", b"2", b"3", b"4"], [b"a", b"b"]]

    assert prefix(records, 3) == [[b"1", b"2"], [b"a"]]
    assert prefix(records, 100) == records
