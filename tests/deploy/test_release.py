"""How a release is made: least rights, pinned steps, one version, signed."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from streams import __version__

ROOT: Final = Path(__file__).parents[2]
WORKFLOWS: Final = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
RELEASE: Final = ROOT / ".github" / "workflows" / "release.yml"


def jobs() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(RELEASE.read_text())["jobs"]
    return found


def test_zizmor_finds_nothing() -> None:
    """At its strictest, without the network."""
    zizmor = Path(sys.executable).with_name("zizmor")
    command = (zizmor, "--offline", "--pedantic", "--no-progress", ROOT / ".github")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned(path: Path) -> None:
    """By the hash of a commit, with its version beside it."""
    for line in re.findall(r"uses: (.+)", path.read_text()):
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_no_rights_but_those_of_its_jobs(path: Path) -> None:
    """What a job does not name it may not do."""
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert job["permissions"]["contents"] in {"read", "write"}
        assert job["timeout-minutes"] <= 90


def test_known_vulnerabilities_are_asked_for_at_each_change_and_release() -> None:
    """Of everything that is locked; who knows them is asked over the network, so no test does."""
    for path in WORKFLOWS:
        steps = [
            s for job in yaml.safe_load(path.read_text())["jobs"].values() for s in job["steps"]
        ]
        assert "make audit" in [step.get("run") for step in steps], path.name


def test_who_publishes_runs_nothing_that_was_installed() -> None:
    """Tests and builds of wheels, with the code of others in them, may write nowhere."""
    rights = {name: set(job["permissions"].items()) for name, job in jobs().items()}
    assert rights["checked"] == rights["wheels"] == {("contents", "read")}
    assert {name for name, each in rights.items() if ("contents", "write") in each} == {"published"}
    for name in ("image", "chart", "published"):
        assert ("id-token", "write") in rights[name]


def test_everything_published_is_signed() -> None:
    """The image and the chart by their digests, the files by their sums."""
    steps = [step for job in jobs().values() for step in job["steps"]]
    runs = "\n".join(step.get("run", "") for step in steps)
    assert 'cosign sign --yes "$IMAGE@$DIGEST"' in runs
    assert "cosign sign-blob --yes --bundle" in runs
    assert "cosign sign --yes" in (ROOT / ".ci" / "release").read_text()
    attested = [step["with"] for step in steps if "actions/attest@" in step.get("uses", "")]
    assert {"subject-digest", "subject-checksums"} <= {name for each in attested for name in each}
    # No expression is pasted into a shell.
    assert "${{" not in runs


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What `.ci/release check` and `notes` read, to be changed."""
    for name in (".ci/release", "streams/_version.py", "deploy/helm/callsla/Chart.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    log = "# Changelog\n\n## [Unreleased]\n\n- not yet\n\n"
    log += f"## [{__version__}] - 2026-12-01\n\n### Added\n\n- this\n\n## [0.0.1]\n\n- that\n"
    (tmp_path / "CHANGELOG.md").write_text(log)
    return tmp_path


def release(folder: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [folder / ".ci" / "release", *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_a_tag_fits_what_it_releases(copy: Path) -> None:
    """Package, chart and changelog agree with it."""
    assert release(copy, "check", f"v{__version__}") == (0, "")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("streams/_version.py", '__version__ = "7.0.0"\n', "streams/_version.py says 7.0.0: set"),
        ("deploy/helm/callsla/Chart.yaml", "version: 7.0.0\n", "Chart.yaml: version is 7.0.0"),
        ("CHANGELOG.md", "## [Unreleased]\n\n- all\n", "CHANGELOG.md has nothing to say of"),
    ],
)
def test_a_tag_that_does_not_fit_is_refused(copy: Path, name: str, text: str, said: str) -> None:
    """In one line that says what to do."""
    (copy / name).write_text(text)
    code, words = release(copy, "check", f"v{__version__}")
    assert code == 2
    assert said in words
    assert words.count("\n") == 1


def test_the_notes_are_the_changelogs(copy: Path) -> None:
    """The section of that version and no other, and where the image is."""
    code, notes = release(copy, "notes", f"v{__version__}", "ghcr.io/a/b@sha256:0")
    assert code == 0
    assert "- this" in notes
    assert "not yet" not in notes
    assert "that" not in notes
    assert "ghcr.io/a/b@sha256:0" in notes


def test_a_released_chart_names_its_own_image_and_home(tmp_path: Path) -> None:
    """In a clone both are placeholders; none of them is left in what is published."""
    chart = tmp_path / "callsla"
    shutil.copytree(ROOT / "deploy/helm/callsla", chart)
    home = "https://example.com/Centre/Watch"
    code, said = release(ROOT, "place", str(chart), "registry.example.com/centre/watch", home)
    assert (code, said) == (0, "")
    image = yaml.safe_load((chart / "values.yaml").read_text())["image"]
    assert (image["registry"], image["repository"]) == ("registry.example.com", "centre/watch")
    told = yaml.safe_load((chart / "Chart.yaml").read_text())
    assert (told["home"], told["sources"]) == (home, [home])
    (listed,) = yaml.safe_load(told["annotations"]["artifacthub.io/images"])
    assert listed["image"] == f"registry.example.com/centre/watch:{__version__}"
    readme = (chart / "README.md").read_text()
    assert "| `image.repository` | `centre/watch` |" in readme
    assert "| `image.registry` | `registry.example.com` |" in readme
    left = [path for path in chart.rglob("*.*") if "callsla/callsla" in path.read_text()]
    assert left == []


def test_the_sums_are_of_all_files(copy: Path) -> None:
    """As `sha256sum --check` reads them."""
    folder = copy / "dist"
    folder.mkdir()
    for name in ("b.whl", "a.tgz"):
        (folder / name).write_text(name)
    assert release(copy, "sums", "dist")[0] == 0
    said = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "a.tgz: OK\nb.whl: OK\n"


def test_the_chart_and_the_package_have_one_version() -> None:
    """Today's as well."""
    chart = yaml.safe_load((ROOT / "deploy/helm/callsla/Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)
