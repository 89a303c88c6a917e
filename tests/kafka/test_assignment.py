"""Owned partitions over rebalances."""

from faust.types import TP
from records import TOPIC, Raw, batch, records

from streams.events import CallOffered, Event
from streams.instants import SECOND
from streams.kafka.assignment import UNTICKED_LIMIT, Assignment
from streams.kafka.batch import Fresh
from streams.ledger import Rules

BASE = 1_772_445_600 * SECOND


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = BASE

    def __call__(self) -> int:
        return self.now


def calls(number: int, first: int = 0) -> list[Event]:
    return [CallOffered(id=f"o{n}", at=BASE, call_id=f"c{n}") for n in range(first, first + number)]


def assigned(*numbers: int, end: int = 0, committed: int | None = None) -> Assignment:
    one = Assignment(TOPIC, Rules(), Clock())
    bounds = dict.fromkeys(numbers, (0, end))
    one.take(numbers, bounds, dict.fromkeys(numbers, committed))
    return one


def test_a_new_partition_is_read_from_its_first_record() -> None:
    """Whatever was committed: the ledger has to be rebuilt."""
    one = Assignment(TOPIC, Rules(), Clock())
    one.take([2], {2: (40, 90)}, {2: 70})
    assert one.seek_targets() == {TP(TOPIC, 2): 40}
    assert one.committable() == {}


def test_a_partition_that_comes_back_goes_on_where_it_was() -> None:
    """Every join of a worker takes all partitions away for a moment."""
    one = assigned(0, 1)
    assert one.apply(batch(records(calls(5)))) is None
    one.revoke([0, 1])
    assert one.seek_targets() == {}
    assert one.unknown([0, 1, 2]) == [2]
    one.take([0, 2], {2: (0, 0)}, {2: None})
    assert one.seek_targets() == {TP(TOPIC, 0): 5, TP(TOPIC, 2): 0}


def test_a_partition_that_went_elsewhere_begins_anew() -> None:
    """Its state is not kept beyond the rebalance that took it away."""
    one = assigned(0, 1)
    assert one.apply(batch(records(calls(5)))) is None
    one.revoke([0, 1])
    one.take([1], {}, {})
    assert one.unknown([0]) == [0]


def test_a_batch_of_a_foreign_partition_is_dropped() -> None:
    """It may come late, after the partition was given up."""
    one = assigned(0)
    one.revoke([0])
    assert one.apply(batch(records(calls(5)))) is None
    assert one.tick({}) == []


def test_missing_records_are_asked_for() -> None:
    """The answer is the offset to read again from."""
    one = assigned(0)
    assert one.apply(batch(records(calls(5), first=10))) == 0


def test_only_settled_stretches_are_committed_and_shown() -> None:
    """The offset of the group follows the outputs."""
    one = assigned(0, end=5)
    assert one.apply(batch(records(calls(3)))) is None
    stretches = one.tick({TP(TOPIC, 0): Fresh(BASE, 5)})
    assert (one.committable(), one.shown) == ({}, {})
    one.settle(stretches)
    assert one.committable() == {TP(TOPIC, 0): 3}
    assert one.shown == {}, "not read to its end yet"
    assert one.apply(batch(records(calls(2, 3), first=3))) is None
    one.settle(one.tick({TP(TOPIC, 0): Fresh(BASE, 5)}))
    assert list(one.shown) == [0]
    assert one.committable() == {TP(TOPIC, 0): 5}


def test_a_stretch_of_a_partition_given_up_meanwhile_is_forgotten() -> None:
    """Its next owner writes those outputs again."""
    one = assigned(0)
    assert one.apply(batch(records(calls(3)))) is None
    stretches = one.tick({})
    one.revoke([0])
    one.settle(stretches)
    assert one.committable() == {}


def test_a_commit_beyond_the_end_is_of_another_topic() -> None:
    """Of a topic that was deleted and made again nothing has been written yet."""
    one = assigned(0, end=3, committed=1000)
    assert one.apply(batch([Raw(0, b"{")])) is None
    assert len(one.tick({})[0].dead_letters) == 1


def test_reading_pauses_while_too_many_outputs_wait() -> None:
    """Memory is bounded though the broker may take no outputs for a while."""
    one = assigned(0)
    rows = records(calls(1))
    assert one.apply(batch(rows, next_offset=UNTICKED_LIMIT + 1)) is None
    assert one.crowded
    one.tick({})
    assert not one.crowded
