"""Asking Prometheus: does it scrape the workers, evaluate our rules, and know whom to tell?"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import yaml

from streams.doctor.findings import Finding, not_asked, ok, warning, wrong
from streams.doctor.places import Place
from streams.doctor.rules import Rule, Texts, judge_rules, loaded_rules, used_names
from streams.doctor.web import Web, WebError
from streams.instants import DAY, HOUR, MILLISECOND, MINUTE, SECOND
from streams.metrics.names import METRICS
from streams.slo.durations import brief
from streams.slo.timing import PERIOD

__all__ = [
    "ask_prometheus",
    "external_labels",
    "judge_receivers",
    "judge_retention",
    "judge_series",
    "judge_targets",
    "rules_there",
]

JOB: Final = re.compile(r".*callsla.*")
"""What the alert WorkerDown takes for a job of ours."""
_PRESENT: Final = 'count by (__name__) ({__name__=~"callcenter_.+"})'
_JOBS: Final = "count by (job) (callcenter_build_info)"
_CHUNK: Final = 40
_PART: Final = re.compile(r"(\d+)(ms|[smhdwy])")
_UNITS: Final = {
    "ms": MILLISECOND, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY, "y": 365 * DAY,
}  # fmt: skip
_SOMETIMES: Final = {
    "callcenter_oldest_waiting_timestamp_seconds": "somebody waits",
    "callcenter_callback_next_due_timestamp_seconds": "a callback is owed",
    "callcenter_opening_timestamp_seconds": "slo.yaml names opening hours",
    "callcenter_raw_dead_letters_total": "there are raw topics",
    "callcenter_snapshot_timestamp_seconds": "a snapshot was written",
    "callcenter_heartbeat_timestamp_seconds": "a source sent a heartbeat",
    "callcenter_event_time_seconds": "an event came",
    "callcenter_recovery_seconds": "a partition was taken over",
}
"""Metrics that are exported only while what stands beside them holds."""
_MOMENTS: Final = frozenset(
    {
        "callcenter_oldest_waiting_timestamp_seconds",
        "callcenter_callback_next_due_timestamp_seconds",
    }
)
_ALWAYS: Final = frozenset(
    {
        "callcenter_target_seconds",
        "callcenter_objective_ratio",
        "callcenter_opening_timestamp_seconds",
    }
)
"""Metrics with a label `queue` that need no call."""


def ask_prometheus(
    place: Place, wanted: list[Rule], shown: frozenset[str] | None
) -> Iterator[Finding]:
    """Yield what is to be said of Prometheus at `place`.

    `wanted` are the rules that should be there, `shown` what the worker shows at /metrics (None:
    it was not asked).
    """
    try:
        web = Web(place)
        told = web.json("/api/v1/status/buildinfo")["data"]["version"]
    except WebError as error:
        yield error.finding("prometheus.reach")
        return
    except (LookupError, TypeError):
        reason = f"{place.url} does not answer as Prometheus does"
        yield wrong("prometheus.reach", reason, "correct --prometheus")
        return
    yield ok("prometheus.reach", f"{place.url} answers (Prometheus {told})")
    for check, questions in _QUESTIONS.items():
        try:
            yield from questions(web, wanted, shown)
        except WebError as error:
            yield error.finding(check)
        except (LookupError, TypeError, ValueError, AttributeError):
            reason = f"{place.url} answers in a way that Prometheus does not"
            yield wrong(check, reason, "see that nothing stands between that changes answers")


def external_labels(place: Place) -> dict[str, str]:
    """Return the labels that Prometheus adds to its alerts; none if it does not say."""
    try:
        text = Web(place).json("/api/v1/status/config")["data"]["yaml"]
        labels = (yaml.safe_load(text).get("global") or {}).get("external_labels") or {}
        return {str(name): str(value) for name, value in labels.items()}
    except (WebError, yaml.YAMLError, LookupError, TypeError, AttributeError):
        return {}


def _ask_targets(web: Web, _: Any, __: Any) -> Iterator[Finding]:
    targets = web.json("/api/v1/targets", {"state": "active"})["data"]["activeTargets"]
    jobs = {sample["metric"].get("job", "") for sample in _query(web, _JOBS)}
    yield from judge_targets(targets, jobs)


def _ask_series(web: Web, wanted: list[Rule], shown: frozenset[str] | None) -> Iterator[Finding]:
    present = {sample["metric"]["__name__"] for sample in _query(web, _PRESENT)}
    yield from judge_series(used_names(wanted), present, shown)


def _ask_rules(web: Web, wanted: list[Rule], _: Any) -> Iterator[Finding]:
    there = loaded_rules(web.json("/api/v1/rules"))
    yield from judge_rules(wanted, there, lambda pairs: _same(web, pairs))


def rules_there(place: Place) -> list[Rule]:
    """Return the rules of our groups that are loaded; none if Prometheus does not say."""
    try:
        return loaded_rules(Web(place).json("/api/v1/rules"))
    except (WebError, LookupError, TypeError, AttributeError):
        return []


def _ask_retention(web: Web, _: Any, __: Any) -> Iterator[Finding]:
    told = web.json("/api/v1/status/runtimeinfo")["data"].get("storageRetention", "")
    yield judge_retention(told)


def _ask_receivers(web: Web, _: Any, __: Any) -> Iterator[Finding]:
    data = web.json("/api/v1/alertmanagers")["data"]
    yield judge_receivers([each["url"] for each in data["activeAlertmanagers"]])


_QUESTIONS: Final = {
    "prometheus.targets": _ask_targets,
    "prometheus.series": _ask_series,
    "prometheus.rules": _ask_rules,
    "prometheus.retention": _ask_retention,
    "prometheus.alertmanagers": _ask_receivers,
}


def _query(web: Web, expression: str) -> list[dict[str, Any]]:
    answer = web.json("/api/v1/query", form={"query": expression})
    samples: list[dict[str, Any]] = answer["data"]["result"]
    return samples


def _same(web: Web, pairs: Sequence[Texts]) -> bool:
    """Let Prometheus' own parser write both sides; older than 2.41 it is not asked."""
    for start in range(0, len(pairs), _CHUNK):
        part = pairs[start : start + _CHUNK]
        ours, theirs = (" or ".join(f"({pair[side]})" for pair in part) for side in (0, 1))
        try:
            written = [_written(web, text) for text in (ours, theirs)]
        except WebError as error:
            if error.code == 404:
                return True
            raise
        if written[0] != written[1]:
            return False
    return True


def _written(web: Web, expression: str) -> str:
    return "".join(web.json("/api/v1/format_query", form={"query": expression})["data"].split())


def judge_targets(targets: list[dict[str, Any]], jobs: Iterable[str]) -> Iterator[Finding]:
    """Yield whether workers are scraped; `jobs` are those under which workers show themselves."""
    check = "prometheus.targets"
    for job in sorted(each for each in jobs if not JOB.fullmatch(each)):
        reason = f"workers are scraped as job {job!r}: the alert WorkerDown does not see them"
        yield warning(check, reason, "give the job a name with `callsla` in it")
    ours = [each for each in targets if JOB.fullmatch(each["labels"].get("job", ""))]
    down = [each for each in ours if each["health"] != "up"]
    for target in down:
        why = target["lastError"] or "not scraped yet"
        reason = f"{target['scrapeUrl']} is {target['health']}: {why}"
        yield wrong(check, reason, "start the worker, or correct the scrape configuration")
    if ours and not down:
        yield ok(check, f"{len(ours)} target{'s' * (len(ours) != 1)} of a job of ours, all up")
    elif not ours and not any(jobs):
        remedy = "add a scrape job named callsla (a ServiceMonitor, or scrape_configs)"
        yield wrong(check, "no worker is scraped: no target's job has `callsla` in it", remedy)


def judge_series(
    used: set[str], present: set[str], shown: frozenset[str] | None
) -> Iterator[Finding]:
    """Yield which of the metrics that rules read are not in Prometheus."""
    check, missing = "prometheus.series", used - present
    if not present:
        reason = "Prometheus has no series of a worker: no rule sees anything"
        yield wrong(check, reason, "see prometheus.targets; relabelling may drop them")
        return
    excuses = _excuses(used, present)
    dropped = {name for name in missing if _is_dropped(name, excuses, shown)}
    if dropped:
        reason = f"rules read what Prometheus has not: {', '.join(sorted(dropped))}"
        yield wrong(check, reason, "take out what drops them (metric_relabel_configs)")
        return
    why = {excuses.get(name, "a worker exports them") for name in missing}
    later = f"; the others come only when {', or '.join(sorted(why))}" if missing else ""
    there = f"{len(used) - len(missing)} of {len(used)} metrics that rules read are there"
    yield ok(check, there + later)


def _excuses(used: set[str], present: set[str]) -> dict[str, str]:
    """Return which metrics may be missing, and until when; before any call no queue is known."""
    of_queues = {metric.name for metric in METRICS if "queue" in metric.labels} - _ALWAYS
    if of_queues & present:
        return dict(_SOMETIMES)
    return {**dict.fromkeys(of_queues & used, "a call came"), **_SOMETIMES}


def _is_dropped(name: str, excuses: dict[str, str], shown: frozenset[str] | None) -> bool:
    """What comes and goes may have come since the last scrape, so that it proves nothing."""
    if name in _MOMENTS:
        return False
    return name not in excuses if shown is None else name in shown


def judge_retention(told: str) -> Finding:
    """Return whether Prometheus remembers the whole period of the objective."""
    check, kept = "prometheus.retention", _retention(told)
    if kept is None:
        return not_asked(check, "it does not say how long it keeps series")
    if kept >= PERIOD:
        return ok(check, f"series are kept for {brief(kept)}: the whole period of {brief(PERIOD)}")
    return warning(
        check,
        f"series are kept for {brief(kept)}: the budget of {brief(PERIOD)} looks back no further",
        "start Prometheus with --storage.tsdb.retention.time=35d",
    )


def _retention(told: str) -> int | None:
    """`15d`, `15d or 10GiB` -> microseconds."""
    text = told.partition(" or ")[0].strip()
    if not text or text.endswith("B"):
        return None
    parts = _PART.findall(text)
    if "".join(count + unit for count, unit in parts) != text:
        return None
    return sum(int(count) * _UNITS[unit] for count, unit in parts)


def judge_receivers(urls: Sequence[str]) -> Finding:
    """Return whether Prometheus knows whom to send its alerts to."""
    check = "prometheus.alertmanagers"
    if urls:
        return ok(check, f"alerts are sent to {', '.join(urls)}")
    remedy = "name one in `alerting` of its configuration (or of the Prometheus object)"
    return wrong(check, "it knows no Alertmanager: every alert is lost", remedy)
