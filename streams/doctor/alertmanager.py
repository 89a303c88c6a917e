"""Asking Alertmanager: would each of our alerts reach a human, and does anything arrive?"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import yaml
from prometheus_client.parser import text_string_to_metric_families

from streams.doctor.findings import Finding, not_asked, ok, warning, wrong
from streams.doctor.places import Place
from streams.doctor.routes import Matcher, RoutesError, receivers_of, tells_somebody
from streams.doctor.rules import Rule
from streams.doctor.web import Web, WebError

__all__ = [
    "alert_labels",
    "ask_alertmanager",
    "judge_notifications",
    "judge_routes",
    "judge_silences",
    "judge_watchdog",
]

WATCHDOG: Final = "Watchdog"
FRESH: Final = timedelta(minutes=5)
"""Prometheus tells a firing alert anew every minute or so."""
QUEUE: Final = "any"
_ATTEMPTS: Final = "alertmanager_notification_requests"
_SHOWN: Final = 5
_HOWS: Final = {(True, False): "=", (False, False): "!=", (True, True): "=~", (False, True): "!~"}

Alerts = list[dict[str, str]]


def alert_labels(
    wanted: Iterable[Rule], queues: Iterable[str], external: Mapping[str, str]
) -> Alerts:
    """Return the labels of every alert there can be: of each queue with a name in slo.yaml, too.

    `external` are those that Prometheus adds to all it sends.
    """
    names = [*(each for each in queues if not set(each) & set("*?[")), QUEUE]
    return [
        {**external, **rule.labels, "alertname": rule.name, **of}
        for rule in wanted
        if rule.is_alert
        for of in _places(rule, names)
    ]


def _places(rule: Rule, queues: list[str]) -> list[dict[str, str]]:
    return [{"queue": name} for name in queues] if rule.labels.get("scope") == "queue" else [{}]


def ask_alertmanager(place: Place, alerts: Alerts, now: datetime) -> Iterator[Finding]:
    """Yield what is to be said of Alertmanager at `place` and of `alerts` there."""
    try:
        web = Web(place)
        status = web.json("/api/v2/status")
        version, text = status["versionInfo"]["version"], status["config"]["original"]
    except WebError as error:
        yield error.finding("alertmanager.reach")
        return
    except (LookupError, TypeError):
        reason = f"{place.url} does not answer as Alertmanager does"
        yield wrong("alertmanager.reach", reason, "correct --alertmanager")
        return
    yield ok("alertmanager.reach", f"{place.url} answers (Alertmanager {version})")
    yield from _routes(text, alerts)
    yield from _arriving(web, alerts, now)
    yield _sent(web)


def _routes(text: str, alerts: Alerts) -> Iterator[Finding]:
    check = "alertmanager.routes"
    try:
        yield from judge_routes(yaml.safe_load(text), alerts)
    except (RoutesError, yaml.YAMLError, LookupError, TypeError, AttributeError) as error:
        reason = f"the loaded routes cannot be followed: {' '.join(str(error).split())[:200]}"
        remedy = "ask amtool config routes test for each alert"
        yield warning(check, reason, remedy)


def _arriving(web: Web, alerts: Alerts, now: datetime) -> Iterator[Finding]:
    try:
        told = web.json("/api/v2/alerts", {"filter": f'alertname="{WATCHDOG}"'})
        silences = web.json("/api/v2/silences")
        yield judge_watchdog(told, now)
        yield judge_silences(silences, alerts)
    except WebError as error:
        yield error.finding("alertmanager.watchdog")
    except (LookupError, TypeError, ValueError, AttributeError):
        reason = f"{web.place.url} answers in a way that Alertmanager does not"
        remedy = "see that nothing stands between that changes answers"
        yield wrong("alertmanager.watchdog", reason, remedy)


def _sent(web: Web) -> Finding:
    check = "alertmanager.notifications"
    try:
        return judge_notifications(web.text("/metrics"))
    except (WebError, ValueError):
        return not_asked(check, f"{web.place.url}/metrics does not say what was sent")


def judge_notifications(text: str) -> Finding:
    """Return whether messages get out, by Alertmanager's own metrics: its attempts so far."""
    check = "alertmanager.notifications"
    sent, failed = (_attempts(text, f"{_ATTEMPTS}{kind}") for kind in ("", "_failed"))
    if not any(sent.values()):
        return not_asked(check, "nothing was sent yet, so nobody knows whether it would arrive")
    shown = ", ".join(
        f"{way} {failed.get(way, 0):g} of {number:g}" for way, number in sent.items() if number
    )
    lost = [way for way, number in sent.items() if number and failed.get(way, 0) >= number]
    remedy = "see Alertmanager's log for the reason; correct that receiver"
    if lost:
        return wrong(check, f"every attempt to send by {', '.join(lost)} failed ({shown})", remedy)
    if any(failed.values()):
        return warning(check, f"attempts to send have failed since it started ({shown})", remedy)
    return ok(check, f"{sum(sent.values()):g} messages were sent, none failed")


def _attempts(text: str, name: str) -> dict[str, float]:
    return {
        sample.labels["integration"]: sample.value
        for family in text_string_to_metric_families(text)
        if family.name == name
        for sample in family.samples
    }


def judge_routes(config: Mapping[str, Any], alerts: Alerts) -> Iterator[Finding]:
    """Yield which alerts of ours end where nobody is told; walked by `streams.doctor.routes`.

    Raises:
        RoutesError: the tree holds something that we do not understand.
    """
    check = "alertmanager.routes"
    quiet: dict[str, set[str]] = {}
    used: set[str] = set()
    for labels in alerts:
        receivers = receivers_of(config, labels)
        telling = [each for each in receivers if tells_somebody(config, each)]
        used.update(telling)
        if not telling:
            quiet.setdefault(", ".join(receivers), set()).add(labels["alertname"])
    for receiver, names in sorted(quiet.items()):
        shown = ", ".join(sorted(names)[:_SHOWN])
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        reason = f"{shown}{more} would go to the receiver {receiver!r}, which tells nobody"
        yield wrong(check, reason, "give it a *_configs entry, or route them to one that has some")
    if not quiet:
        names = {labels["alertname"] for labels in alerts}
        told = f"each of {len(names)} alerts goes to a receiver that tells somebody"
        yield ok(check, f"{told} ({', '.join(sorted(used))})")


def judge_watchdog(told: list[dict[str, Any]], now: datetime) -> Finding:
    """Return whether the alert that fires always has arrived lately."""
    check = "alertmanager.watchdog"
    remedy = "see prometheus.alertmanagers, and Prometheus' page /alerts"
    if not told:
        return wrong(check, f"{WATCHDOG} does not arrive: nor would any other alert", remedy)
    newest = max(datetime.fromisoformat(each["updatedAt"]).astimezone(UTC) for each in told)
    if now - newest > FRESH:
        minutes = int((now - newest).total_seconds() // 60)
        return wrong(check, f"{WATCHDOG} last arrived {minutes} min ago: nothing comes now", remedy)
    if all(each["status"]["state"] == "suppressed" for each in told):
        remedy = "take away the silence or the inhibition: its absence is an alarm elsewhere"
        return warning(check, f"{WATCHDOG} arrives but is suppressed", remedy)
    return ok(check, f"{WATCHDOG} arrives: alerts get through from Prometheus to here")


def judge_silences(silences: list[dict[str, Any]], alerts: Alerts) -> Finding:
    """Return which alerts of ours are silenced now."""
    check = "alertmanager.silences"
    active = [each for each in silences if each["status"]["state"] == "active"]
    by: dict[str, set[str]] = {}
    for silence in active:
        conditions = [_condition(each) for each in silence["matchers"]]
        for labels in alerts:
            if all(condition.takes(labels) for condition in conditions):
                by.setdefault(labels["alertname"], set()).add(silence["endsAt"])
    if not by:
        return ok(check, "no alert of ours is silenced")
    shown = ", ".join(sorted(by)[:_SHOWN])
    more = f" and {len(by) - _SHOWN} more" if len(by) > _SHOWN else ""
    until = max(end for ends in by.values() for end in ends)
    return warning(check, f"silenced, at the longest until {until}: {shown}{more}",
                   "amtool silence expire, if that was not meant")  # fmt: skip


def _condition(told: Mapping[str, Any]) -> Matcher:
    how = _HOWS[told.get("isEqual", True), told["isRegex"]]
    return Matcher(told["name"], how, told["value"])
