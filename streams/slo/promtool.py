"""Prometheus' own tools judge what is generated.

promtool evaluates all rules of a file at each step of each test, some four hundred for the one
alert that a test looks at. Here each alert is tried with the rules that it and its words read, and
as many alerts at once as there are cores.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from streams.slo.needed import needed_rules
from streams.slo.rulesfile import dump

__all__ = ["MissingToolError", "Outcome", "run_tool", "try_alerts"]

TIME_LIMIT: Final = 300.0
"""Seconds after which a tool is given up."""


class MissingToolError(RuntimeError):
    """A program that is needed is not installed; the text says which and how to get it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check said; `passed` is false if it found something (exit code 3)."""

    text: str
    passed: bool


def try_alerts(rules: str, tests: str, folder: Path) -> Outcome:
    """Play the texts of a rules file and of its tests alert by alert; files go into `folder`.

    Raises:
        MissingToolError: promtool is not installed.
    """
    names = [*_write_parts(rules, tests, folder)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        played = pool.map(lambda name: run_tool(("promtool", "test", "rules", name), folder), names)
        outcomes = [*played]
    text = "".join(outcome.text for outcome in outcomes)
    return Outcome(text, bool(outcomes) and all(outcome.passed for outcome in outcomes))


def run_tool(command: tuple[str, ...], folder: Path) -> Outcome:
    """Run a tool in `folder` to its end.

    Raises:
        MissingToolError: it is not installed.
    """
    tool = shutil.which(command[0])
    if tool is None:
        package = "prometheus" if command[0] == "promtool" else "prometheus-alertmanager"
        message = f"{command[0]} is not installed; get it with: apt-get install {package}"
        raise MissingToolError(message)
    try:
        done = subprocess.run(  # noqa: S603
            [tool, *command[1:]],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        said = f"{' '.join(command)}: not done within {TIME_LIMIT:g} s: give it more of a processor"
        return Outcome(f"{said}\n", passed=False)
    return Outcome(done.stdout + done.stderr, done.returncode == 0)


def _write_parts(rules: str, tests: str, folder: Path) -> Iterator[str]:
    """Write the tests of each alert and the rules it depends on; return the names of the tests."""
    groups, document = yaml.safe_load(rules)["groups"], yaml.safe_load(tests)
    of_alert: dict[str, list[Any]] = {}
    for test in document["tests"]:
        (alert,) = {look["alertname"] for look in test["alert_rule_test"]}
        of_alert.setdefault(alert, []).append(test)
    for alert, some in of_alert.items():
        name = f"{alert}.rules.yaml"
        (folder / name).write_text(dump({"groups": needed_rules(groups, {alert})}), "utf-8")
        part = {**document, "rule_files": [name], "tests": some}
        (folder / f"{alert}.test.yaml").write_text(dump(part), "utf-8")
        yield f"{alert}.test.yaml"
