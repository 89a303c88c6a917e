"""What `callsla slo` does, as functions: they return text and never print or exit."""

import tempfile
from pathlib import Path
from typing import Final

from streams.slo.alertmanager import (
    TEMPLATES_FILE,
    Receivers,
    render_alertmanager,
    render_templates,
)
from streams.slo.explain import explain
from streams.slo.objective import Objective, load_slo
from streams.slo.period_cases import render_period_tests
from streams.slo.promtool import MissingToolError, Outcome, run_tool, try_alerts
from streams.slo.rulesfile import render_rules
from streams.slo.ruletests import RULES_FILE, render_tests
from streams.slo.timing import STANDARD, Timing

__all__ = [
    "ALERTMANAGER_FILE",
    "TESTS_FILE",
    "MissingToolError",
    "Outcome",
    "check_rules",
    "explain_slo",
    "generate_slo",
    "render_all",
    "stale_files",
    "validate_slo",
]

TESTS_FILE: Final = "callsla-rules.test.yaml"
PERIOD_TESTS_FILE: Final = "callsla-period.test.yaml"
ALERTMANAGER_FILE: Final = "alertmanager.yaml"


def validate_slo(path: str | Path | None) -> str:
    """Return one line that says what the file at `path` holds.

    Raises:
        ObjectiveError: the file is wrong (exit code 2).
    """
    objective = load_slo(path)
    queues = len(objective.queues)
    own = f", {queues} queue{'' if queues == 1 else 's'} of their own" if queues else ""
    return f"{path or 'the default objective'}: valid, version {objective.version}{own}\n"


def explain_slo(path: str | Path | None) -> str:
    """Return the objective in words.

    Raises:
        ObjectiveError: the file is wrong or asks for an alert that could never fire.
    """
    return explain(load_slo(path))


def generate_slo(
    path: str | Path | None, receivers: Receivers | None = None, timing: Timing = STANDARD
) -> dict[str, str]:
    """Return every generated file by its name.

    Raises:
        ObjectiveError: the file or an address is wrong.
    """
    return render_all(load_slo(path), receivers, timing)


def render_all(
    objective: Objective, receivers: Receivers | None = None, timing: Timing = STANDARD
) -> dict[str, str]:
    """Return every file that follows from `objective`, by its name."""
    return {
        RULES_FILE: render_rules(objective, timing),
        TESTS_FILE: render_tests(objective, timing),
        PERIOD_TESTS_FILE: render_period_tests(objective, timing, RULES_FILE),
        ALERTMANAGER_FILE: render_alertmanager(receivers, timing, objective=objective),
        TEMPLATES_FILE: render_templates(),
    }


def stale_files(files: dict[str, str], folder: Path) -> list[str]:
    """Return the names of those `files` whose text in `folder` is another, or that are missing."""
    return [
        name
        for name, text in files.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]


def check_rules(path: str | Path | None) -> Outcome:
    """Generate rules and tests of the objective and let Prometheus' own tools judge them.

    Raises:
        ObjectiveError: the file is wrong.
        MissingToolError: promtool or amtool is not installed.
    """
    files = generate_slo(path)
    with tempfile.TemporaryDirectory(prefix="callsla-") as name_of_folder:
        folder = Path(name_of_folder)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        lint = ("promtool", "check", "rules", "--lint=all", "--lint-fatal", RULES_FILE)
        outcomes = [
            run_tool(lint, folder),
            try_alerts(files[RULES_FILE], files[TESTS_FILE], folder),
            try_alerts(files[RULES_FILE], files[PERIOD_TESTS_FILE], folder),
            run_tool(("amtool", "check-config", ALERTMANAGER_FILE), folder),
        ]
    text = "".join(outcome.text for outcome in outcomes)
    return Outcome(text, all(outcome.passed for outcome in outcomes))
