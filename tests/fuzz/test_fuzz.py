"""Every target on a few thousand inputs, and that the fuzzer itself finds what is there."""

from contextlib import closing
from random import Random
from typing import Final

import pytest
from fuzzing import TARGETS
from fuzzing.engine import Target, fuzz, made

SEED: Final = 20_260_105
SLOW: Final = {"slo": 500, "settings": 800, "follow": 600, "ledger": 800, "call-records": 1200}
COUNT: Final = 2000


@pytest.mark.parametrize("name", TARGETS)
def test_no_input_does_what_is_not_documented(name: str) -> None:
    """No other exception, nothing slow, and some inputs are read: else nothing was tested."""
    with closing(TARGETS[name]()) as target:
        report = fuzz(target, SEED, 0, SLOW.get(name, COUNT))
    assert [f"{found.what}, input {found.index}" for found in report.findings.values()] == []
    assert report.read > 0


class _Broken(Target):
    """Raises at one byte and never ends at another."""

    name = "broken"

    def __init__(self, data: bytes) -> None:
        self._data = data

    def make(self, random: Random) -> bytes:  # noqa: ARG002 - always the same
        return self._data

    def check(self, data: bytes) -> bool:
        if data[:1] == b"\0":
            raise KeyError(data)
        while data[:1] == b"\xff":
            pass
        return False


def test_a_wrong_exception_and_an_endless_loop_are_found() -> None:
    """Both are told with an input, and the run goes on; equal ones are told once."""
    wrong = fuzz(_Broken(b"\0"), SEED, 5, 3)
    (found,) = wrong.findings.values()
    assert (found.index, found.times, found.data, wrong.inputs) == (5, 3, b"\0", 3)
    slow = fuzz(_Broken(b"\xff"), SEED, 0, 1)
    assert [found.what.partition(" ")[0] for found in slow.findings.values()] == ["SlowInputError"]


@pytest.mark.parametrize("name", TARGETS)
def test_an_input_is_the_same_at_every_making(name: str) -> None:
    """Or a finding could not be looked at again."""
    with closing(TARGETS[name]()) as target, closing(TARGETS[name]()) as another:
        inputs = [made(target, SEED, number) for number in range(50)]
        assert [made(another, SEED, number) for number in (7, 0)] == [inputs[7], inputs[0]]
    assert len(set(inputs)) > 25
