"""The generated reference: complete, and what the exposition really says."""

import json

from streams.metrics import METRICS, as_json, as_markdown


def test_the_table_has_a_row_for_every_metric() -> None:
    """With name, kind, labels, question, meaning and the number of series."""
    lines = as_markdown().splitlines()
    assert len(lines) == len(METRICS) + 2
    for metric, line in zip(METRICS, lines[2:], strict=True):
        assert line.startswith(f"| `{metric.name}` | {metric.kind} |")
        assert metric.question in line
        assert metric.help in line


def test_every_row_has_as_many_cells_as_the_head() -> None:
    """No help text breaks the table."""
    lines = as_markdown().splitlines()
    assert {line.replace(r"\|", "").count("|") for line in lines} == {7}


def test_the_json_form_says_the_same() -> None:
    """One object a metric, ready for other tools."""
    objects = json.loads(json.dumps(as_json()))
    assert [one["name"] for one in objects] == [metric.name for metric in METRICS]
    histogram = next(one for one in objects if one["name"] == "callcenter_answer_wait_seconds")
    assert histogram["kind"] == "histogram"
    assert histogram["labels"] == ["queue", "partition", "le"]
    assert histogram["unit"] == "seconds"
    assert histogram["series"] == {"count": 15, "per": "queue and partition"}
