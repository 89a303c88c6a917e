"""The collector stands aside for a while, and afterwards finds what there is to find."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from streams.collector import uncollected


class _Knot:
    """Refers to itself: only the collector frees it."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture(autouse=True)
def _collecting() -> Iterator[None]:
    assert gc.isenabled()
    yield
    gc.unfreeze()
    gc.enable()


def _knot() -> "weakref.ref[_Knot]":
    return weakref.ref(_Knot())


def test_nothing_is_collected_meanwhile() -> None:
    """However much is made."""
    with uncollected():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_stays_off_for_who_had_switched_it_off() -> None:
    """One inside another, for instance."""
    with uncollected():
        with uncollected(for_good=True):
            pass
        assert not gc.isenabled()


def test_it_is_on_again_after_an_error() -> None:
    """A state that cannot be read must not leave a worker without a collector."""
    with pytest.raises(KeyError), uncollected():
        raise KeyError
    assert gc.isenabled()


def test_garbage_is_found_afterwards() -> None:
    """A worker loads partitions all its life: each time it would keep a little more."""
    gc.disable()
    before = _knot()
    gc.enable()
    with uncollected():
        meanwhile = _knot()
    gc.collect()
    assert (before(), meanwhile()) == (None, None)


def test_what_is_kept_for_good_is_not_looked_at() -> None:
    """A replay holds millions of events, and ends."""
    with uncollected(for_good=True):
        meanwhile = _knot()
    gc.collect()
    assert meanwhile() is not None
