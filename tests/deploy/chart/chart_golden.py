"""What each set of values renders, in short: written by `make chart-golden`, read in reviews.

The set `default` as it is, of each other set what differs from it. Long texts are left out:
other tests say what is in them.
"""

import difflib
from pathlib import Path
from typing import Any, Final

import yaml
from chart_helm import SETS, rendered

from streams._version import __version__

__all__ = ["GOLDEN", "golden_files"]

GOLDEN: Final = Path(__file__).parent / "golden"
LONG: Final = 600
COMMON: Final = "default"


def golden_files() -> dict[str, str]:
    """Return the text of every file in `golden/` by its name."""
    whole = {name: _text(rendered(name)) for name in SETS}
    files = {f"{COMMON}.yaml": whole.pop(COMMON)}
    base = files[f"{COMMON}.yaml"].splitlines(keepends=True)
    for name, text in whole.items():
        lines = difflib.unified_diff(base, text.splitlines(keepends=True), COMMON, name, n=1)
        files[f"{name}.diff"] = "".join(lines)
    return files


def _text(objects: list[dict[str, Any]]) -> str:
    ordered = sorted(
        objects, key=lambda each: (_ORDER.get(each["kind"], each["kind"]), each["metadata"]["name"])
    )
    short = [_short(each) for each in ordered]
    text: str = yaml.safe_dump_all(short, sort_keys=True, width=100)
    # A new version is no change of what is rendered.
    return text.replace(__version__, "VERSION")


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _short(each) for name, each in value.items() if name not in _NOISE}
    if isinstance(value, list):
        rules = [each for each in value if isinstance(each, dict) and "expr" in each]
        return "the rules" if rules else [_short(each) for each in value]
    return "a long text" if isinstance(value, str) and len(value) > LONG else value


_NOISE: Final = {"checksum/config"}
_ORDER: Final = {"Deployment": "StatefulSet"}


def main() -> None:
    """Write every file anew and remove what is no longer made."""
    GOLDEN.mkdir(exist_ok=True)
    files = golden_files()
    for path in GOLDEN.iterdir():
        if path.name not in files:
            path.unlink()
    for name, text in files.items():
        (GOLDEN / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
