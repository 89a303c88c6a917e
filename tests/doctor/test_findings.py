"""What findings mean together, and the shape of what `--json` prints."""

import pytest

from streams.doctor.findings import (
    GROUPS,
    Finding,
    exit_code,
    not_asked,
    ok,
    report,
    split_line,
    unreachable,
    warning,
    wrong,
)

FINE = ok("topics.exist", "fine")
BETTER = warning("topics.retention", "short", "longer")
BAD = wrong("topics.exist", "missing", "create it")
AWAY = unreachable("grafana.reach", "away", "start it")
SETTINGS = wrong("configuration.settings", "no such file", "name another")


@pytest.mark.parametrize(
    ("findings", "code", "result"),
    [
        ([], 0, "well"),
        ([FINE, BETTER, not_asked("grafana.all", "no address")], 0, "well"),
        ([FINE, BAD], 3, "wrong"),
        ([BAD, AWAY], 4, "unreachable"),
        ([SETTINGS, AWAY, BAD], 2, "misconfigured"),
    ],
)
def test_the_exit_code_tells_what_to_mend_first(
    findings: list[Finding], code: int, result: str
) -> None:
    """Configuration, then what is away, then what is wrong; warnings are none of these."""
    assert exit_code(findings) == code
    assert report("1.0", "2026-01-01T00:00:00Z", findings)["result"] == result


def test_the_report_has_the_shape_that_is_promised() -> None:
    """Others read it: names are added, never changed."""
    assert report("1.0", "2026-01-01T00:00:00Z", [FINE, BAD]) == {
        "callsla": "1.0",
        "asked_at": "2026-01-01T00:00:00Z",
        "result": "wrong",
        "exit_code": 3,
        "counts": {"ok": 1, "warning": 0, "wrong": 1, "unreachable": 0, "not_asked": 0},
        "checks": [
            {
                "group": "topics",
                "check": "topics.exist",
                "status": "ok",
                "reason": "fine",
                "remedy": None,
            },
            {
                "group": "topics",
                "check": "topics.exist",
                "status": "wrong",
                "reason": "missing",
                "remedy": "create it",
            },
        ],
    }


def test_a_finding_belongs_to_its_group() -> None:
    """The name of a check begins with it."""
    assert {each.group for each in (FINE, BETTER, BAD, AWAY, SETTINGS)} <= GROUPS.keys()


@pytest.mark.parametrize(
    ("line", "reason", "remedy"),
    [
        ("no broker answers at h:1: start it", "no broker answers at h:1", "start it"),
        ("it just broke", "it just broke", "see the README"),
    ],
)
def test_a_line_is_split_into_reason_and_remedy(line: str, reason: str, remedy: str) -> None:
    """Errors of the house say what to do behind the last colon."""
    assert split_line(line) == (reason, remedy)
