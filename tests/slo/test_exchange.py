"""What other tools are told, what they make of it, and where their number is another than ours."""

from pathlib import Path

import pytest
import yaml
from programs import SHIPPED
from rule_bench import Bench

from streams.cli import main
from streams.slo import export_slo, parse_slo

SLO = "promises: {answer: {objective: 0.8, target: 20s}, whole: {objective: 0.975}}"
METRICS = {
    "answer": "callcenter_answer_promises",
    "callback": "callcenter_callback_promises",
    "whole": "callcenter_promises",
}


def test_openslo_has_a_service_and_three_objectives() -> None:
    """Version 1: occurrences over 30 rolling days, bad over total."""
    service, *slos = yaml.safe_load_all(export_slo(parse_slo(SLO), "openslo"))
    assert service["kind"] == "Service"
    assert [slo["spec"]["objectives"][0]["target"] for slo in slos] == [0.8, 0.95, 0.975]
    for slo, metric in zip(slos, METRICS.values(), strict=True):
        assert slo["apiVersion"] == "openslo/v1"
        assert slo["spec"]["service"] == service["metadata"]["name"]
        ratio = slo["spec"]["indicator"]["spec"]["ratioMetric"]
        for side, suffix in (("bad", "_broken_total"), ("total", "_total")):
            query = ratio[side]["metricSource"]["spec"]["query"]
            assert query == f"sum(max by (partition, queue) ({metric}{suffix}))"


def test_pyrra_and_sloth_have_the_same_objectives() -> None:
    """In percent, each with its own way to name counters."""
    (sloth,) = yaml.safe_load_all(export_slo(parse_slo(SLO), "sloth"))
    assert [slo["objective"] for slo in sloth["slos"]] == [80.0, 95.0, 97.5]
    pyrra = list(yaml.safe_load_all(export_slo(parse_slo(SLO), "pyrra")))
    assert [slo["spec"]["target"] for slo in pyrra] == ["80", "95", "97.5"]
    for slo, metric in zip(pyrra, METRICS.values(), strict=True):
        ratio = slo["spec"]["indicator"]["ratio"]
        assert ratio["errors"]["metric"] == f"{metric}_broken_total"


def _sloth_answer() -> tuple[str, str]:
    (sloth,) = yaml.safe_load_all(export_slo(parse_slo("{}"), "sloth"))
    events = sloth["slos"][0]["sli"]["events"]
    return events["error_query"], events["total_query"]


def _sloth_month(days: int) -> str:
    """What Sloth records for its period: the mean of the ratios of all five minutes."""
    error, total = (query.replace("{{.window}}", "5m") for query in _sloth_answer())
    return f"avg_over_time((({error}) / ({total} > 0))[{days}d:5m])"


OURS = "centre:callcenter_answer_promises_broken:increase30d / centre:callcenter_answer_promises"
OURS += ":increase30d"


def _day(bench: Bench, good: str, bad: str) -> None:
    bench.interval = "5m"
    bench.owned("0x300")
    bench.feed("callcenter_answer_promises_total", good, queue="sales")
    bench.feed("callcenter_answer_promises_broken_total", bad, queue="sales")


@pytest.mark.integration
def test_with_steady_traffic_sloth_and_we_say_the_same(tmp_path: Path) -> None:
    """A day of 10 calls a minute, one in ten broken."""
    bench = Bench(tmp_path)
    _day(bench, "0+50x288", "0+5x288")
    bench.expect(f"round({_sloth_month(1)}, 0.0001)", "1d", 0.1)
    bench.expect(f"round({OURS}, 0.0001)", "1d", 0.1)
    bench.check()


@pytest.mark.integration
def test_with_a_quiet_hour_the_mean_of_ratios_is_wrong_by_nine_times(tmp_path: Path) -> None:
    """Ten hours closed, twelve of 10 calls a minute all good, two of 1 call a minute all bad.

    120 of 7,320 calls are broken, 1.6 %; five minutes of five calls weigh like those of fifty.
    """
    bench = Bench(tmp_path)
    _day(bench, "0x120 50+50x143 7205+5x23", "0x264 5+5x23")
    bench.expect(f"abs({OURS} - {120 / 7320!r}) < bool 1e-9", "1d", 1)
    wrong = f"({_sloth_month(1)} > bool 0.13) * ({_sloth_month(1)} < bool 0.15)"
    bench.expect(wrong, "1d", 1)
    bench.check()


def test_the_command_writes_it_and_tells_stale_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`export`, and `generate --check` with the exit code of a check that found something."""
    assert _code("export", "--format", "sloth") == 0
    assert capsys.readouterr().out == export_slo(parse_slo("{}"), "sloth")
    assert _code("generate", "--check", "--to", str(SHIPPED)) == 0
    assert _code("generate", "--check", "--to", str(tmp_path)) == 3
    assert "callsla-rules.yaml is out of date" in capsys.readouterr().out


def _code(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["slo", *arguments])
    return int(ended.value.code or 0)
