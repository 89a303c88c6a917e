"""`callsla slo values`: what the Helm chart is given for an objective."""

from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from streams._version import __version__
from streams.slo import ObjectiveError, load_slo, render_all
from streams.slo.alertmanager import Receivers
from streams.slo.chart_values import chart_values
from streams.slo.dashboard_files import generate_dashboards

TEXT = "version: 1\npromises:\n  answer: {target: 5s}   # stricter\n"


def written(folder: Path, text: str | bytes) -> str:
    path = folder / "slo.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def test_the_values_hold_the_text_and_all_that_follows_from_it(tmp_path: Path) -> None:
    """The text with its comments, and what the other commands generate, word for word."""
    path = written(tmp_path, TEXT)
    values = yaml.safe_load(chart_values(path))
    files = render_all(load_slo(path))
    assert values == {
        "slo": TEXT,
        "generated": {
            "of": sha256(TEXT.strip().encode()).hexdigest(),
            "by": __version__,
            "rules": files["callsla-rules.yaml"],
            "alertmanager": files["alertmanager.yaml"],
            "templates": files["callsla.tmpl"],
            "dashboards": generate_dashboards(path),
        },
    }


def test_receivers_are_in_the_routes(tmp_path: Path) -> None:
    """As `callsla slo generate` takes them."""
    receivers = Receivers(url="https://pager.example/alerts")
    values = yaml.safe_load(chart_values(written(tmp_path, TEXT), receivers))
    assert "https://pager.example/alerts" in values["generated"]["alertmanager"]


def test_dashboards_can_be_left_out(tmp_path: Path) -> None:
    """Where Grafana's types are not installed, as in the image; the rest is the same."""
    path = written(tmp_path, TEXT)
    whole = yaml.safe_load(chart_values(path))
    del whole["generated"]["dashboards"]
    assert yaml.safe_load(chart_values(path, with_dashboards=False)) == whole


@pytest.mark.parametrize("text", ["", "\n", "# nothing yet\n"])
def test_an_empty_file_promises_what_is_promised_by_default(tmp_path: Path, text: str) -> None:
    """An empty value would be taken for none."""
    path = written(tmp_path, text)
    values = yaml.safe_load(chart_values(path))
    assert values["slo"].strip()
    assert yaml.safe_load(values["slo"]) in (None, {"version": 1})
    assert values["generated"]["rules"] == render_all(load_slo())["callsla-rules.yaml"]


@pytest.mark.parametrize("text", ["a: 1\r\n", "\ufeffversion: 1\n", "x" * 10])
def test_what_is_no_objective_is_told(tmp_path: Path, text: str) -> None:
    """As everywhere, in one line; odd line ends and marks of Windows are no fault of the chart."""
    path = written(tmp_path, text)
    if text.startswith("\ufeff"):
        assert yaml.safe_load(chart_values(path))["slo"] == "version: 1\n"
        return
    with pytest.raises(ObjectiveError):
        chart_values(path)


def test_another_encoding_is_told(tmp_path: Path) -> None:
    """YAML may be UTF-16; a value of a chart may not."""
    path = written(tmp_path, "version: 1\n".encode("utf-16"))
    with pytest.raises(ObjectiveError, match=r"not UTF-8 text; save it as UTF-8$"):
        chart_values(path)
