"""From records to the ledger: what Kafka stamped them with, whatever that is."""

from typing import NamedTuple

import pytest
from feeds import BASE

from streams.events import CallOffered, encode
from streams.ledger import Ledger, Rules
from streams.ledger.intake import NEVER, Intake


class _Stamped(NamedTuple):
    timestamp: int
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


_EVENT = encode(CallOffered(id="o", at=BASE, call_id="a"))


@pytest.mark.parametrize(("stamp", "newest", "refused"), [
    (BASE // 1000, BASE, 0),
    (BASE // 1000 - 60_001, BASE - 60_001_000, 1),
    (BASE, BASE * 1000, 0),
    (BASE * 1000, NEVER // 1000 * 1000, 0),
    ((1 << 63) - 1, NEVER // 1000 * 1000, 0),
    (0, 0, 0),
    (-1, 0, 0),
    (-(1 << 63), 0, 0),
])  # fmt: skip
def test_a_producer_may_stamp_a_record_with_anything(stamp: int, newest: int, refused: int) -> None:
    """Micro- or nanoseconds where milliseconds belong, nothing, or what fits into eight bytes.

    What is more than a minute ahead of a stamp is refused; without a stamp nothing is.
    """
    intake, ledger = Intake(), Ledger(Rules())
    assert intake.take(ledger, [_Stamped(stamp, _EVENT)], 0, NEVER, None, 0) == 1
    assert (intake.newest_record, len(intake.refused)) == (newest, refused)
