"""How callsla's own run is timed: by the ticks that are durable."""

import pytest
from engines import check
from engines.callsla import LedgerTail, worker_settings

from streams.settings import load


def _times(tail: LedgerTail) -> tuple[float | None, float | None, float | None]:
    return tail.told, tail.half, tail.done


def test_half_and_end_are_those_of_all_partitions() -> None:
    """One partition far ahead is neither the half nor the end."""
    tail = LedgerTail("127.0.0.1:1", "ledger", [60, 40])
    try:
        tail.reach(0, 0, 1.0)
        assert _times(tail) == (None, None, None)
        tail.reach(0, 49, 2.0)
        assert _times(tail) == (2.0, None, None)
        tail.reach(1, 10, 3.0)
        assert (_times(tail), tail.half_events) == ((2.0, 3.0, None), 59)
        tail.reach(0, 60, 4.0)
        assert _times(tail) == (2.0, 3.0, None)
        tail.reach(1, 40, 5.0)
        assert _times(tail) == (2.0, 3.0, 5.0)
    finally:
        tail.close()


def test_a_tick_of_a_former_owner_takes_nothing_back() -> None:
    """Progress only grows."""
    tail = LedgerTail("127.0.0.1:1", "ledger", [60])
    try:
        tail.reach(0, 50, 1.0)
        tail.reach(0, 20, 2.0)
        tail.reach(0, 60, 3.0)
        assert tail.done == 3.0
    finally:
        tail.close()


def test_a_worker_gets_what_it_understands() -> None:
    """Every name is a setting; only places differ from the defaults, no limit and no speed."""
    settings = load(environ=worker_settings("127.0.0.1:9092", "events", "r7", 9999))

    assert settings.ledger_topic == "r7.ledger"
    assert settings.dead_letters_topic == "r7.dead_letters"
    plain = load(environ={})
    changed = {
        name
        for name in settings.__struct_fields__
        if getattr(settings, name) != getattr(plain, name)
    }
    assert {name for name in changed if not name.endswith("_topic")} == {
        "broker", "group", "metrics_port",
    }  # fmt: skip


@pytest.mark.parametrize("pairs", ["4", "0"])
def test_too_few_pairs_are_wrong_use(pairs: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 before anything is built."""
    with pytest.raises(SystemExit) as ended:
        check.main(["--base", "HEAD", "--pairs", pairs])

    assert ended.value.code == 2
    assert "at least 5" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("worker", "code", "said"),
    [
        ([1.2, 1.25, 1.15, 1.3, 1.2], 3, "LOST more than 10%"),
        ([1.2, 1.25, 0.9, 1.3, 1.2], 0, "undecided"),
        ([1.0, 1.05, 0.9, 1.0, 1.02], 0, "fine"),
    ],
)
def test_one_cost_that_rose_fails_the_check(
    worker: list[float], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 3, although the other cost is the same."""
    assert check.conclude([{"replay": 1.0, "worker": ratio} for ratio in worker]) == code

    replay, told = capsys.readouterr().out.splitlines()
    assert "1.000 (1.000 to 1.000)" in replay
    assert replay.endswith("fine")
    assert said in told
