"""Alerts about what cannot be seen: each fires when it should and keeps silent otherwise."""

from pathlib import Path
from typing import Any

import pytest
from rule_bench import Bench

pytestmark = pytest.mark.integration


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def blind(name: str, summary: str, words: str) -> dict[str, Any]:
    return told(name, summary, words, severity="critical", blind="true")


def told(name: str, summary: str, words: str, **labels: str) -> dict[str, Any]:
    return {
        "exp_labels": {"app": "callsla", **labels},
        "exp_annotations": {
            "summary": summary,
            "description": words,
            "runbook_url": f"deploy/runbooks.md#{name.lower()}",
        },
    }


def test_a_partition_without_owner_is_blind(bench: Bench) -> None:
    """Two partitions move to nobody: told after half a minute, with their number."""
    bench.owned("0x40")
    bench.owned("0x8 _x40", partition="1")
    bench.owned("0x8 _x40", partition="2")
    bench.look("BlindPartition", "2m")
    gone = blind(
        "BlindPartition",
        "Some calls are not watched by any worker",
        "2 partitions that used to be watched belong to no worker now. The numbers of their calls "
        "stand still.",
    )
    bench.look("BlindPartition", "8m30s", gone)
    bench.check()


def test_a_partition_that_moves_is_not_blind(bench: Bench) -> None:
    """Another worker owns it: nothing to tell."""
    bench.owned("0x8 _x40")
    bench.owned("_x8 0x40", instance="b")
    bench.look("BlindPartition", "8m30s")
    bench.check()


@pytest.mark.parametrize(
    ("decided", "lag", "fires"),
    [
        ("0x40", "0x40", True),
        ("0+15x40", "0x40", False),
        ("_x40", "9x40", True),
        ("_x40", "0x40", False),
    ],
    ids=[
        "verdicts stand still",
        "verdicts follow the clock",
        "lag and old events",
        "quiet, no lag",
    ],
)
def test_numbers_that_lag_behind_are_blind(
    bench: Bench, decided: str, lag: str, fires: bool
) -> None:
    """Behind is told by the time decided up to; without that by old events that wait on Kafka."""
    start = "1000" + decided if decided[0] != "_" else decided
    values = {"10000x40": "1x40", "10000+15x40": "1+15x40"}.get(start, start)
    bench.feed("callcenter_tick_decided_timestamp_seconds", values)
    bench.feed("callcenter_event_time_seconds", "1x40")
    bench.feed("callcenter_consumer_lag_events", lag)
    behind = blind(
        "BlindBehind",
        "The numbers lag behind the calls",
        "The numbers show the centre as it was 4m 59s ago; more than 1 min is too late for a "
        "promise of seconds.",
    )
    bench.look("BlindBehind", "5m", *([behind] if fires else []))
    bench.check()


@pytest.mark.parametrize(
    ("values", "fires"),
    [("1+15x8 121x40", True), ("1+15x60", False), ("0x60", False), ("_x60", False)],
    ids=["heartbeats stop", "heartbeats come", "none yet", "source sends none"],
)
def test_heartbeats_that_stop_are_blind(bench: Bench, values: str, fires: bool) -> None:
    """A source that has sent heartbeats and stops is told; one that never sends any is not."""
    bench.feed("callcenter_heartbeat_timestamp_seconds", values)
    gone = blind(
        "BlindHeartbeat",
        "No heartbeat comes through from the call system",
        "The last heartbeat of a source came through 2m 59s ago; it is due at least every 2 min. "
        "The feed is broken: no news is not good news.",
    )
    bench.look("BlindHeartbeat", "4m")
    bench.look("BlindHeartbeat", "5m", *([gone] if fires else []))
    bench.check()


def test_a_worker_that_is_down_is_told_by_name(bench: Bench) -> None:
    """`up` of our job is 0 for a minute; other jobs are not our business."""
    bench.series += [
        {"series": 'up{job="callsla",instance="a:9808"}', "values": "1x4 0x20"},
        {"series": 'up{job="callsla",instance="b:9808"}', "values": "1x24"},
        {"series": 'up{job="node",instance="c:9100"}', "values": "0x24"},
    ]
    down = told(
        "WorkerDown",
        "A worker does not answer its scrapes",
        "The worker a:9808 does not answer. Others take over its calls; if none does, a Blind "
        "alert says so.",
        severity="warning",
        job="callsla",
        instance="a:9808",
    )
    bench.look("WorkerDown", "2m")
    bench.look("WorkerDown", "2m30s", down)
    bench.check()


def test_a_long_silence_is_told_as_such(bench: Bench) -> None:
    """Over an hour without any event; with a fresh one in any partition nothing is told."""
    bench.interval = "1m"
    bench.feed("callcenter_event_time_seconds", "60+60x5 360x80")
    bench.feed("callcenter_event_time_seconds", "60x80", partition="1")
    silent = told(
        "NoEvents",
        "No call events for a long time",
        "The newest event is 1h 1m 0s old. Either nobody calls, or the feed is dead; heartbeats "
        "would tell which.",
        severity="warning",
    )
    bench.look("NoEvents", "1h6m")
    bench.look("NoEvents", "1h7m", silent)
    bench.check()


def test_the_watchdog_always_fires(bench: Bench) -> None:
    """Even when nothing at all is scraped."""
    always = told(
        "Watchdog",
        "The alarm chain works",
        "This alert always fires. If it stops arriving, alerts about calls cannot arrive either.",
        severity="info",
    )
    bench.look("Watchdog", "0s", always)
    bench.look("Watchdog", "1m", always)
    bench.check()
