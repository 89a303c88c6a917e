"""What the chart's README tells to type works, and what is packaged is what is needed."""

import base64
import gzip
import json
import re
import shlex
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from chart_helm import CHART, program, render, rendered_text

pytestmark = pytest.mark.integration

README = (CHART / "README.md").read_text(encoding="utf-8")
YAML = re.findall(r"^```yaml\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^\$ (.*)$", README, re.MULTILINE)
TABLE = re.findall(r"^\| [^|]+ \| (`auth: .*) \|$", README, re.MULTILINE)


def test_the_values_shown_render() -> None:
    """Each block as it stands, and each way to log in."""
    assert len(YAML) >= 2
    assert len(TABLE) == 4
    for text in YAML:
        render(yaml.safe_load(text))
    for row in TABLE:
        parts = [yaml.safe_load(part) for part in re.findall(r"`(\w+: \{.*?\})`", row)]
        kafka = {name: value for part in parts for name, value in part.items()}
        assert kafka["auth"]["protocol"]
        render({"kafka": kafka})


def test_the_commands_shown_are_ones_that_exist(tmp_path: Path) -> None:
    """Those of Helm render, with the same flags; those of callsla run."""
    (tmp_path / "callsla").symlink_to(CHART)
    (tmp_path / "slo.yaml").write_text("version: 1\npromises: {answer: {target: 7s}}\n")
    ran = [each for each in COMMANDS if _ran(each, tmp_path)]
    assert {each.split()[0] for each in ran} == {"helm", "callsla"}
    assert (tmp_path / "slo-values.yaml").stat().st_size > 100_000


def _ran(command: str, folder: Path) -> bool:
    words = shlex.split(command)
    if words[0] == "callsla":
        target = folder / words[words.index(">") + 1]
        own = Path(sys.executable).with_name("callsla")
        with target.open("wb") as out:
            arguments = words[1 : words.index(">")]
            subprocess.run([str(own), *arguments], check=True, cwd=folder, stdout=out)
        return True
    if words[:2] not in (["helm", "install"], ["helm", "upgrade"]):
        return False
    # What an upgrade reuses, and what only a cluster can do.
    known = ["--set", "kafka.brokers=kafka:9092"] if "--reset-then-reuse-values" in words else []
    left = [
        each
        for each in words[2:]
        if each not in ("--create-namespace", "--reset-then-reuse-values")
    ]
    done = subprocess.run(
        [program("helm"), "template", *left, *known],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return True


def test_the_chart_is_clean_and_small(tmp_path: Path) -> None:
    """`helm lint --strict` finds nothing; no test and no set of values is packaged."""
    helm = program("helm")
    brokers = ("--set", "kafka.brokers=kafka:9092")
    lint = subprocess.run(
        [helm, "lint", "--strict", str(CHART), *brokers],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert lint.returncode == 0, lint.stdout
    assert re.findall(r"^\[(?!INFO)\w+\].*", lint.stdout, re.MULTILINE) == []
    subprocess.run([helm, "package", str(CHART), "-d", str(tmp_path)], check=True)
    (package,) = tmp_path.glob("*.tgz")
    with tarfile.open(package) as chart:
        names = chart.getnames()
    assert not [name for name in names if "/ci/" in name or name.endswith(".test.yaml")]
    assert "callsla/files/slo.yaml" in names
    assert package.stat().st_size < 200_000


def test_a_release_fits_into_a_secret(tmp_path: Path) -> None:
    """Helm keeps chart, values and manifest in one Secret of at most 1 MiB; here the largest."""
    files = [each for each in CHART.rglob("*") if each.is_file() and "ci" not in each.parts]
    encoded = [
        {"name": str(path.relative_to(CHART)), "data": _base64(path.read_bytes())} for path in files
    ]
    values = {f"dashboard-{n}": path.read_text() for n, path in enumerate(files)}
    release: dict[str, Any] = {
        "chart": {"templates": encoded, "files": encoded},
        "config": values,
        "manifest": rendered_text("full"),
    }
    assert len(_base64(gzip.compress(json.dumps(release).encode()))) < 1_048_576 * 0.7


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
