"""Asking Grafana, by its documented HTTP API: would somebody who looks see anything?"""

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from streams.doctor.findings import Finding, ok, warning, wrong
from streams.doctor.places import Place
from streams.doctor.web import Web, WebError

__all__ = ["DASHBOARDS", "ask_grafana", "judge_dashboards"]

DASHBOARDS: Final = tuple(
    f"callsla-{name}" for name in ("callbacks", "formulas", "promise", "queue", "worker")
)
"""The uids of the dashboards in the chart's `files/`."""
TAG: Final = "callsla"
_SEEN: Final = "count(callcenter_build_info)"


def ask_grafana(place: Place) -> Iterator[Finding]:
    """Yield what is to be said of Grafana at `place`."""
    try:
        web = Web(place)
        health = web.json("/api/health")
        version, database = health["version"], health["database"]
    except WebError as error:
        yield error.finding("grafana.reach")
        return
    except (LookupError, TypeError):
        reason = f"{place.url} does not answer as Grafana does"
        yield wrong("grafana.reach", reason, "correct --grafana")
        return
    if database == "ok":
        yield ok("grafana.reach", f"{place.url} answers (Grafana {version})")
    else:
        yield wrong("grafana.reach", f"its database is {database}", "see Grafana's log")
    for check, questions in _QUESTIONS.items():
        try:
            yield from questions(web)
        except WebError as error:
            yield error.finding(check)
        except (LookupError, TypeError, AttributeError):
            reason = f"{place.url} answers in a way that Grafana does not"
            yield wrong(check, reason, "see that nothing stands between that changes answers")


def _ask_datasource(web: Web) -> Iterator[Finding]:
    check, uids = "grafana.datasource", [web.place.uid] if web.place.uid else _prometheus_uids(web)
    if not uids:
        reason = "there is no data source of the type prometheus"
        yield wrong(check, reason, "add Prometheus as a data source")
        return
    for uid in uids:
        yield from _ask_one(web, check, uid)


def _prometheus_uids(web: Web) -> list[str]:
    """The default one if it is a Prometheus, else all of that type."""
    sources = [each for each in web.json("/api/datasources") if each["type"] == "prometheus"]
    default = [each["uid"] for each in sources if each.get("isDefault")]
    return default or [each["uid"] for each in sources]


def _ask_one(web: Web, check: str, uid: str) -> Iterator[Finding]:
    shown = quote(uid, safe="")
    try:
        health = web.json(f"/api/datasources/uid/{shown}/health")
        status, message = health["status"], health.get("message", "")
    except WebError as error:
        if error.code != 404:
            # Of a data source that does not work Grafana says so with an error of HTTP.
            yield error.finding(check) if error.code in {0, 401, 403} else _ill(check, uid, "")
            return
        reason, remedy = f"there is no data source {uid}", "correct CALLSLA_GRAFANA_DATASOURCE"
        yield wrong(check, reason, remedy)
        return
    if status != "OK":
        yield _ill(check, uid, message)
        return
    path = f"/api/datasources/proxy/uid/{shown}/api/v1/query"
    found = web.json(path, {"query": _SEEN})["data"]["result"]
    if found:
        yield ok(check, f"the data source {uid} works and sees {found[0]['value'][1]} workers")
        return
    reason = f"the data source {uid} works, but sees no worker: dashboards stay empty"
    yield wrong(check, reason, "let it point to the Prometheus that scrapes the workers")


def _ill(check: str, uid: str, message: str) -> Finding:
    told = f": {message[:200]}" if message else ""
    remedy = "correct its URL: it is asked from where Grafana runs"
    return wrong(check, f"the data source {uid} does not work{told}", remedy)


def _ask_dashboards(web: Web) -> Iterator[Finding]:
    query = {"type": "dash-db", "tag": TAG, "limit": 5000}
    yield judge_dashboards({each["uid"] for each in web.json("/api/search", query)})


_QUESTIONS: Final = {"grafana.datasource": _ask_datasource, "grafana.dashboards": _ask_dashboards}


def judge_dashboards(there: set[str]) -> Finding:
    """Return whether our dashboards are there."""
    check, missing = "grafana.dashboards", [uid for uid in DASHBOARDS if uid not in there]
    if not missing:
        return ok(check, f"all {len(DASHBOARDS)} dashboards are there")
    remedy = "provision deploy/helm/callsla/files/dashboards (the token sees only what it may)"
    if len(missing) == len(DASHBOARDS):
        return wrong(check, "none of our dashboards is there", remedy)
    return warning(check, f"dashboards are missing: {', '.join(missing)}", remedy)
