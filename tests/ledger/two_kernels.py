"""The same ledger twice, each in a process of its own: as it is written, and compiled."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from streams.events import encode
from streams.kernel import VARIABLE, choose
from streams.ledger import Rules

__all__ = ["CHILD", "TwoKernels", "run_with", "two_kernels"]

CHILD: Final = Path(__file__).with_name("told_ledger.py")
NAMES: Final = ("python", "compiled")


def run_with(kernel: str, *command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with `command` and that kernel; `python`, `compiled` or empty for whichever."""
    environment = {**os.environ, VARIABLE: kernel}
    return subprocess.run(
        [sys.executable, *command],
        env=environment, cwd=cwd, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


class _Child:
    """One of the two."""

    def __init__(self, kernel: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, CHILD],
            env={**os.environ, VARIABLE: kernel},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, history: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{history}\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told

    def stop(self) -> None:
        self._process.communicate(timeout=10)


class TwoKernels:
    """Tells both the same history."""

    def __init__(self) -> None:
        self._children = [_Child(name) for name in NAMES]

    def stop(self) -> None:
        """End both."""
        for child in self._children:
            child.stop()

    def tell(self, rules: Rules, steps: Iterable[Any]) -> list[dict[str, Any]]:
        """Return what both make of `steps`, events or bytes or ticks; python first."""
        history = {"rules": msgspec.to_builtins(rules), "steps": [_as_text(one) for one in steps]}
        line = json.dumps(history)
        for child in self._children:
            child.ask(line)
        return [child.answer() for child in self._children]


@contextmanager
def two_kernels() -> Iterator[TwoKernels]:
    """Both kernels; where there is no compiled one the test is skipped, which CI does not take."""
    found = choose("")
    if found.name != "compiled":
        pytest.skip(f"there is no compiled kernel: {found.reason}: make venv builds it")
    both = TwoKernels()
    try:
        yield both
    finally:
        both.stop()


def _as_text(step: Any) -> str | int:
    if isinstance(step, int | str):
        return step
    return encode(step).decode()
