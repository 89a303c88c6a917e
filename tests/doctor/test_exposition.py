"""What is wrong with a page of metrics that is not quite ours."""

import pytest

from streams.doctor.exposition import judge_exposition, parse_exposition
from streams.metrics.names import BY_NAME

WAITING = BY_NAME["callcenter_calls_waiting"]
HEAD = f"# HELP {WAITING.name} {WAITING.help}\n# TYPE {WAITING.name} gauge\n"


def told(text: str, lint: str | None = None) -> str:
    findings = list(judge_exposition(parse_exposition(text), "1.0", lint))
    return "; ".join(f"{each.check} {each.status} {each.reason}" for each in findings)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no metric begins with callcenter_"),
        ("# TYPE up gauge\nup 1\n", "no metric begins with callcenter_"),
        (HEAD + 'callcenter_calls_waiting{team="a"} 1\n', "has the labels team"),
        (HEAD.replace("gauge", "counter") + "", "callcenter_calls_waiting is a counter"),
        (HEAD.replace("now", "then") + 'callcenter_calls_waiting{queue="a"} 1\n', "other help"),
        ("# TYPE callcenter_level_ratio gauge\ncallcenter_level_ratio 1\n", "is a ratio"),
        ("# TYPE callcenter_x summary\ncallcenter_x_sum 1\n", "has quantiles"),
        ("# TYPE callcenter_new gauge\ncallcenter_new 1\n", "callcenter_new is not known"),
    ],
)
def test_each_fault_is_named(text: str, words: str) -> None:
    """By the name of the metric."""
    assert f"wrong {words}" in told(text) or words in told(text), told(text)
    assert "metrics.lint wrong" in told(text)


def test_what_promtool_says_counts_too() -> None:
    """Beside our own parser."""
    fine = HEAD + 'callcenter_calls_waiting{queue="a"} 1\n'
    assert "metrics.lint ok 1 metrics pass our own parser" in told(fine)
    assert "metrics.lint ok 1 metrics pass promtool and our own parser" in told(fine, "")
    assert "metrics.lint wrong promtool: bad name" in told(fine, "bad name\n")


def test_a_worker_of_another_version_is_a_warning() -> None:
    """Its names and rules may differ."""
    info = BY_NAME["callcenter_build_info"]
    labels = ",".join(f'{label}="x"' for label in info.labels if label != "version")
    text = f"# HELP {info.name} {info.help}\n# TYPE {info.name} gauge\n"
    text += f'{info.name}{{version="0.9",{labels}}} 1\n'
    assert "metrics.version warning the worker is callsla 0.9, we are 1.0" in told(text)
    assert "metrics.lint ok" in told(text)
