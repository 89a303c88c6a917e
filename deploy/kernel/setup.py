"""Compiles the ledger and what is between it and the bytes of an event: by mypyc, some of it in C.

The extension modules keep their names (`streams.ledger.calls`) and lie in a package of their own,
where only `streams.kernel` finds them. With them goes the hash of every source they depend on.
"""

import ast
import shutil
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from runpy import run_path

from mypyc.build import mypycify
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "callsla_kernel"
LEDGER = (
    "by_source", "callbacks", "callers", "calls", "course", "customers", "deadlines", "due",
    "intake", "judging", "kinds", "ledger", "live", "ordered", "owed", "packing", "register",
    "restoring", "retention", "settle", "slices", "tally", "terms", "totals", "usefulness",
    "waiting", "windows",
)  # fmt: skip
"""Without what msgspec makes classes of, which stays as it is."""
REPLAY = ("judging", "reading", "waits")
MODULES = (
    "streams.instants",
    "streams.decoding",
    *(f"streams.ledger.{name}" for name in LEDGER),
    *(f"streams.replay.{name}" for name in REPLAY),
)
IN_C = (
    "streams.ledger.counts", "streams.packed_changes", "streams.plain_events",
    "streams.plain_records", "streams.promise_records",
)  # fmt: skip
"""Modules that are not compiled from their source: what is in C lies beside it."""
DIRECT = ("-fno-semantic-interposition", "-fno-plt")
"""Functions call each other and those of Python without asking where they are, a tenth faster."""
HEADERS = (
    "streams/change_fields.h", "streams/crc32c.h", "streams/record_batches.h",
    "streams/record_view.h",
)  # fmt: skip


class FlatExtensions(build_ext):
    """Puts each extension module into the package, under its whole name."""

    def get_ext_fullpath(self, ext_name: str) -> str:
        """Return where the extension module `ext_name` goes."""
        return str(Path(self.build_lib, PACKAGE, ext_name + EXTENSION_SUFFIXES[0]))


def extensions(folder: Path) -> list[Extension]:
    """Return what is to be compiled, translated to C in `folder`."""
    options = ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent"]
    options += [f"--cache-dir={folder / 'cache'}", f"--python-executable={sys.executable}"]
    paths = [str(file_of(module)) for module in MODULES]
    compiled: list[Extension] = mypycify(
        [*options, *paths],
        opt_level="3",
        debug_level="0",
        group_name=PACKAGE,
        target_dir=str(folder / "c"),
    )
    for extension in compiled:
        extension.extra_compile_args += DIRECT
    for name in HEADERS:
        shutil.copy(ROOT / name, folder)
    for module in IN_C:
        copy = shutil.copy(file_of(module).with_suffix(".c"), folder)
        # Debugging information would name the folder: two builds would differ.
        compiled.append(Extension(module, [str(copy)], extra_compile_args=["-O3", "-g0", *DIRECT]))
    return compiled


def file_of(module: str) -> Path:
    """Return the source of `module`."""
    plain = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    return plain if plain.is_file() else plain.with_suffix("") / "__init__.py"


def sources() -> dict[str, str]:
    """Return the hash of every source that the compiled code depends on.

    A constant of another module is compiled in, so what is imported belongs to it, and what that
    imports.
    """
    known: dict[str, str] = {}
    waiting = [*MODULES, *IN_C]
    while waiting:
        module = waiting.pop()
        path = file_of(module)
        name = path.relative_to(ROOT).as_posix()
        if name not in known:
            text = path.read_bytes()
            known[name] = sha256(text).hexdigest()
            waiting += imported(text)
    in_c = (file_of(module).with_suffix(".c") for module in IN_C)
    for path in (*in_c, *(ROOT / name for name in HEADERS)):
        known[path.relative_to(ROOT).as_posix()] = sha256(path.read_bytes()).hexdigest()
    return dict(sorted(known.items()))


def imported(text: bytes) -> Iterator[str]:
    """Yield the modules of `streams` that a source imports."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "streams":
            yield str(node.module)
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if file_of(name).is_file():
                    yield name


def write_package(folder: Path) -> None:
    """Write what says of which modules and sources the extension modules are."""
    folder.mkdir()
    lines = [
        '"""The ledger of callsla, compiled: `streams.kernel` puts it to use."""',
        f"MODULES = {(*MODULES, *IN_C)!r}",
        f"SOURCES = {sources()!r}",
    ]
    (folder / "__init__.py").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Build in a temporary folder, and leave nothing here."""
    version = run_path(str(file_of("streams._version")))["__version__"]
    # setuptools takes paths below its own folder only.
    with tempfile.TemporaryDirectory(prefix="build-", dir=".") as name:
        folder = Path(Path(name).name)
        write_package(folder / PACKAGE)
        (folder / "info").mkdir()
        # Other commands only ask what it is called.
        compiles = not {"bdist_wheel", "build_ext"}.isdisjoint(sys.argv)
        setup(
            version=version,
            packages=[PACKAGE],
            package_dir={PACKAGE: str(folder / PACKAGE)},
            ext_modules=extensions(folder) if compiles else [],
            cmdclass={"build_ext": FlatExtensions},
            options={
                "build": {"build_base": str(folder / "build")},
                "egg_info": {"egg_base": str(folder / "info")},
            },
        )


main()
