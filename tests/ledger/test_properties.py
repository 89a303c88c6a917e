"""What holds for every centre: the ledger against the oracle, in any order, however batched."""

from typing import Any

from centres import centres, rule_settings, soups
from feeds import agree, fed
from hypothesis import given
from hypothesis import strategies as st
from oracle import judge

from streams.events import Event
from streams.instants import SECOND

Settings = dict[str, Any]

_untils = st.sampled_from((0, 1, 5, 10, 30, 60, 61, 90, 600, 4000)).map(lambda n: n * SECOND)


def _last(events: list[Event]) -> int:
    return max(event.at for event in events)


@given(st.one_of(soups(), centres()), rule_settings(), _untils)
def test_in_order_the_ledger_finds_what_the_oracle_finds(
    events: list[Event], settings: Settings, more: int
) -> None:
    """Fed in order of time, every verdict of every queue is the brute-force one."""
    until = _last(events) + more
    agree(fed(events, settings, until), judge(events, settings, until))
