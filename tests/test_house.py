"""The house is easy to read and carries nothing of the machine it was built on."""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
MAX_MODULE_LINES: Final = 400
MAX_FUNCTION_LINES: Final = 40
LEDGER_MAY_IMPORT: Final = {
    *sys.stdlib_module_names,
    "msgspec",
    "mypy_extensions",  # for the compiler alone
    "streams.events",
    "streams.instants",
    "streams.ledger",
    "streams.plain_events",
}

FOLDERS: Final = (
    "streams", "tests", "schemas", "deploy", "docs", "requirements", ".ci", ".github",
)  # fmt: skip
TEXT: Final = {".py", ".md", ".txt", ".toml", ".yaml", ".yml", ".json", ".xml", ".tpl", ".tmpl", ""}
# In pieces, or this file would find itself.
HOSTS: Final = [
    ".".join(name)
    for name in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("repo", "maven", "apache", "org"),
        ("repo1", "maven", "org"),
        ("registry", "npmjs", "org"),
        ("proxy", "golang", "org"),
        ("deb", "debian", "org"),
    )
]
MACHINE: Final = re.compile(r"(?<![\w./$}-])/(?:root|home/\w+|Users/\w+|work|mnt)/")


def _modules() -> list[Path]:
    folders = (ROOT / name for name in ("streams", "deploy", "tests"))
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def _texts() -> list[Path]:
    folders = [ROOT / name for name in FOLDERS]
    inside = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    top = [path for path in ROOT.iterdir() if path.is_file()]
    return [path for path in (*inside, *top) if path.suffix in TEXT and _is_kept(path)]


def _is_kept(path: Path) -> bool:
    parts = set(path.relative_to(ROOT).parts)
    return not parts & {"__pycache__", ".hypothesis", ".git", "node_modules"}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{_name(path)}: a relative import"
            yield node.module or ""


def test_no_module_is_long() -> None:
    """One subject each, some 400 lines at most."""
    lengths = {_name(path): len(path.read_text().splitlines()) for path in _modules()}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_MODULE_LINES} == {}


def test_no_function_needs_scrolling() -> None:
    """Forty lines with its docstring are a screen; most have ten."""
    functions = ((_name(path), *each) for path in _modules() for each in _functions(path))
    assert [each for each in functions if each[2] > MAX_FUNCTION_LINES] == []


def test_no_two_files_of_tests_have_one_name() -> None:
    """The folders of tests are no packages: pytest would take one for the other."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, times in names.items() if times > 1] == []


def test_the_ledger_stands_alone() -> None:
    """It imports the standard library, msgspec, the events and the instants; no I/O, no clock."""
    for path in (ROOT / "streams" / "ledger").rglob("*.py"):
        for name in _imports(path):
            known = {name, name.partition(".")[0], ".".join(name.split(".")[:2])}
            assert known & LEDGER_MAY_IMPORT, f"{_name(path)} imports {name}"


@pytest.mark.parametrize("name", ["time", "random", "socket", "asyncio", "threading", "os", "io"])
def test_the_ledger_has_no_clock_chance_or_output(name: str) -> None:
    """Of the standard library, too, only what is a pure function."""
    for path in (ROOT / "streams" / "ledger").rglob("*.py"):
        assert name not in set(_imports(path)), f"{_name(path)} imports {name}"


@pytest.mark.parametrize("name", ["build", "kernel", "runtime", "sbom", "dev"])
def test_a_lock_pins_every_requirement_by_hash(name: str) -> None:
    """`pip install --require-hashes` takes it as it is."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if not entry.startswith("#")]
    assert entries
    for entry in entries:
        assert re.match(r"[\w.-]+==[\w.+!-]+ \\\n", entry), entry
        assert "--hash=sha256:" in entry, entry


def test_a_lock_names_no_host() -> None:
    """Where the files come from is the business of whoever installs them."""
    for path in (ROOT / "requirements").glob("*.txt"):
        assert not re.search(r"https?://|index-url|find-links|trusted-host", path.read_text())


def test_nothing_names_a_package_registry() -> None:
    """Every client finds its registry in its own configuration."""
    for path in _texts():
        text = path.read_text(encoding="utf-8", errors="replace")
        assert not [host for host in HOSTS if host in text], _name(path)


def test_nothing_names_a_folder_of_one_machine() -> None:
    """A path that only exists where the software was written helps nobody."""
    for path in _texts():
        found = MACHINE.search(path.read_text(encoding="utf-8", errors="replace"))
        assert found is None, f"{_name(path)}: {found}"
