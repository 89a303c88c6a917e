"""Records of promise events are the same bytes, with an event between or without."""

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from streams.instants import EARLIEST, LATEST
from streams.ledger import Change
from streams.promise_events import State, Verdict, encode, from_change, record_key
from streams.promise_records import promise_record

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
_INSTANTS = st.integers(EARLIEST, LATEST - 1)
_WAITS = st.none() | st.integers(0, 10**11)
_CHANGES = st.builds(
    Change,
    at=_INSTANTS,
    call_id=st.none() | _TEXTS,
    customer=st.none() | _TEXTS,
    due_at=st.none() | _INSTANTS,
    key=_TEXTS | st.builds("{}@{}".format, _TEXTS, _INSTANTS),
    queue=st.none() | _TEXTS,
    revision=st.integers(1, 2**40),
    state=st.sampled_from(get_args(State)),
    verdict=st.sampled_from(get_args(Verdict)),
    wait=_WAITS,
    was=st.none() | st.sampled_from(get_args(State)),
    was_wait=_WAITS,
)


@given(st.lists(st.sampled_from([0, 1, 2]) | _CHANGES, max_size=8), st.integers(0, 2**40))
def test_any_change_gives_the_bytes_of_its_promise_event(
    told: list[Change | int], epoch: int
) -> None:
    """Also when several are about one call: a number stands for a change told before."""
    changes = [one for one in told if isinstance(one, Change)]
    for one in told:
        change = changes[one % len(changes)] if isinstance(one, int) and changes else one
        if isinstance(change, Change):
            event = from_change(change, epoch)
            assert promise_record(change, epoch) == (record_key(event), encode(event))


def test_an_unusual_text_is_written_as_json_has_it() -> None:
    """Quotes, control characters, other alphabets."""
    text = 'a"b\\c\n\x7f\u2028ü/'
    change = Change(EARLIEST, text, text, None, text, text, 1, "kept", "answer", wait=1)
    event = from_change(change, 3)
    assert promise_record(change, 3) == (record_key(event), encode(event))
