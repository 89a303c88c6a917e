"""Fuzz one target led by coverage: `python tests/fuzz/guided.py TARGET -runs=N [-seed=S]`.

Needs atheris, which is no dependency of ours: it wants a compiler and has no wheel for every
Python. What comes after the target is for libFuzzer; a crash leaves a file that
`python tests/fuzz/run.py TARGET --input FILE` reads again.
"""

import sys
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))
with atheris.instrument_imports(include=["streams", "yaml"]):
    from fuzzing import TARGETS

SEEDS = 300


def main() -> None:
    """Begin with inputs of our own making and let coverage lead on from there."""
    target = TARGETS[sys.argv[1]]()
    with TemporaryDirectory(prefix="corpus-") as folder:
        for number in range(SEEDS):
            made = target.make(Random(number))
            Path(folder, str(number)).write_bytes(made)
        arguments = [sys.argv[0], *sys.argv[2:], "-max_len=8192", folder]
        atheris.Setup(arguments, lambda data: _check(target.check, data))
        atheris.Fuzz()


def _check(check, data: bytes) -> None:  # type: ignore[no-untyped-def]
    check(data)


if __name__ == "__main__":
    main()
