"""What a check found, and what all findings together mean."""

from collections.abc import Iterable
from typing import Any, Final, Literal

from msgspec import Struct

__all__ = [
    "GROUPS",
    "Finding",
    "Status",
    "exit_code",
    "not_asked",
    "ok",
    "report",
    "split_line",
    "unreachable",
    "warning",
    "wrong",
]

Status = Literal["ok", "warning", "wrong", "unreachable", "not_asked"]

GROUPS: Final = {
    "configuration": "Configuration",
    "broker": "Kafka: the way in",
    "topics": "Kafka: topics",
    "rights": "Kafka: rights",
    "events": "Events",
    "workers": "Workers",
    "clocks": "Clocks",
    "metrics": "Metrics of a worker",
    "prometheus": "Prometheus",
    "alertmanager": "Alertmanager",
    "grafana": "Grafana",
}
"""Every group and its title, in the order from the broker to the pager."""

DONE: Final = 0
MISCONFIGURED: Final = 2
FOUND: Final = 3
UNREACHABLE: Final = 4
_RESULTS: Final = {
    DONE: "well",
    MISCONFIGURED: "misconfigured",
    FOUND: "wrong",
    UNREACHABLE: "unreachable",
}


class Finding(Struct, frozen=True):
    """The answer of one check, named `group.what`; `remedy` is None where nothing is to be done."""

    check: str
    status: Status
    reason: str
    remedy: str | None = None

    @property
    def group(self) -> str:
        """One of `GROUPS`."""
        return self.check.partition(".")[0]


def ok(check: str, reason: str) -> Finding:
    """Return that all is as it should be."""
    return Finding(check, "ok", reason)


def warning(check: str, reason: str, remedy: str) -> Finding:
    """Return that it works, but could be better or could not be judged."""
    return Finding(check, "warning", reason, remedy)


def wrong(check: str, reason: str, remedy: str) -> Finding:
    """Return that something does not work, or counts or alerts would be wrong."""
    return Finding(check, "wrong", reason, remedy)


def unreachable(check: str, reason: str, remedy: str) -> Finding:
    """Return that whoever was asked does not answer."""
    return Finding(check, "unreachable", reason, remedy)


def not_asked(check: str, reason: str, remedy: str | None = None) -> Finding:
    """Return that nobody was asked, so nothing is known."""
    return Finding(check, "not_asked", reason, remedy)


def split_line(line: str) -> tuple[str, str]:
    """Return reason and remedy of a line of the form `what is wrong: what to do`."""
    reason, _, remedy = line.rpartition(": ")
    return (reason, remedy) if reason else (line, "see the README")


def exit_code(findings: Iterable[Finding]) -> int:
    """Return 2 for a wrong configuration, else 4, else 3, else 0; warnings are none.

    What cannot be reached comes before what is wrong: the rest may follow from it.
    """
    bad = [each for each in findings if each.status in {"wrong", "unreachable"}]
    if any(each.group == "configuration" for each in bad):
        return MISCONFIGURED
    if any(each.status == "unreachable" for each in bad):
        return UNREACHABLE
    return FOUND if bad else DONE


def report(version: str, asked_at: str, findings: list[Finding]) -> dict[str, Any]:
    """Return what `--json` prints; names are added to it, never changed.

    `result` is one of `well`, `wrong`, `unreachable`, `misconfigured` and goes with the exit code;
    `counts` has every status. `remedy` may be null.
    """
    counts: dict[Status, int] = dict.fromkeys(
        ("ok", "warning", "wrong", "unreachable", "not_asked"), 0
    )
    for each in findings:
        counts[each.status] += 1
    code = exit_code(findings)
    return {
        "callsla": version,
        "asked_at": asked_at,
        "result": _RESULTS[code],
        "exit_code": code,
        "counts": counts,
        "checks": [
            {
                "group": each.group,
                "check": each.check,
                "status": each.status,
                "reason": each.reason,
                "remedy": each.remedy,
            }
            for each in findings
        ],
    }
