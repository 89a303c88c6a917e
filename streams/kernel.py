"""Which ledger runs: its modules as they are written, or the same ones compiled.

The distribution `callsla-kernel` (deploy/kernel/ in the sources) holds extension modules made by
mypyc. They are put to use where it is installed and was built from the very sources that are here;
`CALLSLA_KERNEL=python` does without them, `CALLSLA_KERNEL=compiled` refuses to do without.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final, Literal, NamedTuple

__all__ = ["KERNEL", "VARIABLE", "Kernel", "choose"]

VARIABLE: Final = "CALLSLA_KERNEL"
_PACKAGE: Final = "callsla_kernel"
_ROOT: Final = Path(__file__).parents[1]


class Kernel(NamedTuple):
    """What was chosen, and why not the other."""

    name: Literal["python", "compiled"]
    reason: str = ""
    """why it is not the compiled one"""
    is_stale: bool = False
    """a compiled one is there, of other sources than these"""
    refusal: str = ""
    """the environment asks for what cannot be had: one line for people"""
    files: Mapping[str, str] = {}
    """the compiled modules and where they are"""

    def __str__(self) -> str:
        return f"{self.name} ({self.reason})" if self.reason else self.name


class _Finder:
    """Finds the compiled modules, before Python's own finders see the written ones."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return where `fullname` is, if it is one of them."""
        file = self._files.get(fullname)
        if file is None:
            return None
        return spec_from_file_location(fullname, file, loader=ExtensionFileLoader(fullname, file))


def choose(wanted: str, root: Path = _ROOT) -> Kernel:
    """Return the kernel to use with the sources below `root`; `wanted` is `VARIABLE`'s value."""
    if wanted == "python":
        return Kernel("python", f"{VARIABLE}=python")
    if wanted not in ("", "compiled"):
        line = f"{VARIABLE}={wanted!r} is none of python, compiled"
        return Kernel("python", refusal=line)
    found = _installed(root)
    if wanted == "compiled" and found.reason:
        line = f"{VARIABLE}=compiled cannot be had: {found.reason}: make venv builds it"
        return found._replace(refusal=line)
    return found


def _installed(root: Path) -> Kernel:
    try:
        package = import_module(_PACKAGE)
    except ImportError:
        return Kernel("python", f"{_PACKAGE.replace('_', '-')} is not installed")
    changed = [name for name, known in package.SOURCES.items() if _hash(root / name) != known]
    if changed:
        return Kernel("python", f"the kernel is older than {changed[0]}", is_stale=True)
    folder = Path(str(package.__file__)).parent
    names = (*package.MODULES, f"{_PACKAGE}__mypyc")
    files = {name: str(folder / (name + EXTENSION_SUFFIXES[0])) for name in names}
    if not all(map(os.path.isfile, files.values())):
        return Kernel("python", "the kernel is one of another Python")
    return Kernel("compiled", files=files)


def _hash(path: Path) -> str:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "missing"


KERNEL: Final = choose(os.environ.get(VARIABLE, ""))
"""What this process uses."""
if KERNEL.files:
    sys.meta_path.insert(0, _Finder(KERNEL.files))
