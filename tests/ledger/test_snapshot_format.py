"""Snapshots that lie in logs are read for as long as their number says so.

`python tests/ledger/test_snapshot_format.py` writes the file of a new format; those of formats that
are still read stay.
"""

import gzip
from pathlib import Path
from typing import Final

import msgspec

from streams.ledger import Ledger, Rules
from streams.ledger.calls import Call
from streams.ledger.customers import Customer
from streams.ledger.snapshot import load
from streams.ledger.writing import FORMAT, dump
from streams.simulate import Centre, small_centre

KEPT: Final = Path(__file__).with_name("snapshots")
FILE: Final = KEPT / f"format-{FORMAT}.msgpack.gz"


def _state() -> bytes:
    """Return a state with calls, callbacks and facts in every stage."""
    ledger = Ledger(Rules())
    for event in Centre(small_centre(), seed=11).events(300):
        ledger.apply(event, event.at)
        ledger.advance(event.at - 5_000_000)
    return dump(ledger)


def test_a_snapshot_of_this_format_is_read_and_written_as_it_was() -> None:
    """Whoever changes what a snapshot holds raises its number, or fails here.

    A worker of another version takes over from what is written: with one number for two shapes it
    would refuse the log as damaged, or read it wrongly.
    """
    written = gzip.decompress(FILE.read_bytes())
    assert msgspec.msgpack.decode(written)[0] == FORMAT
    again = dump(load(Rules(), written))
    assert again == written, f"the shape of a snapshot has changed: raise FORMAT above {FORMAT}"


def test_what_is_kept_is_a_state_with_something_in_it() -> None:
    """Or the test above would compare nothing."""
    ledger = load(Rules(), gzip.decompress(FILE.read_bytes()))
    book, totals = ledger.book, ledger.totals.queues.values()
    assert book.calls
    assert any(isinstance(one, Customer) and one.promises for one in book.callers.by_key.values())
    assert any(isinstance(one, Call) for one in book.callers.by_key.values())
    assert sum(queue.counts["offered", "offered"] for queue in totals) == 300
    assert sum(queue.counts["callback", "kept"] for queue in totals) > 0


if __name__ == "__main__":
    KEPT.mkdir(exist_ok=True)
    FILE.write_bytes(gzip.compress(_state(), mtime=0))
