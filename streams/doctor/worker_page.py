"""Asking a worker: is it ready, what does it show, and which promise does it keep?"""

import shutil
import subprocess
from collections.abc import Iterator
from typing import Final

from streams._version import __version__
from streams.doctor.exposition import Exposed, judge_exposition, parse_exposition
from streams.doctor.findings import Finding, not_asked, ok, wrong
from streams.doctor.places import Place
from streams.doctor.web import Web, WebError
from streams.slo import Objective, render_slo

__all__ = ["ask_exposition", "ask_worker", "judge_slo"]

LINT_SECONDS: Final = 30.0
_UNREADY: Final = 503


def ask_exposition(place: Place) -> tuple[Exposed | None, list[Finding]]:
    """Return what the worker at `place` shows at /metrics, and what is to be said of it."""
    url = place.url.removesuffix("/metrics")
    try:
        text = _web(place).text("/metrics")
    except WebError as error:
        return None, [error.finding("metrics.reach")]
    try:
        exposed = parse_exposition(text)
    except ValueError:
        reason = f"{url}/metrics is not in Prometheus' text format"
        return None, [wrong("metrics.lint", reason, "correct --metrics")]
    reached = ok("metrics.reach", f"{url}/metrics answers with {len(text):,} bytes")
    return exposed, [reached, *judge_exposition(exposed, __version__, _lint(text))]


def _lint(text: str) -> str | None:
    promtool = shutil.which("promtool")
    if promtool is None:
        return None
    done = subprocess.run(  # noqa: S603
        [promtool, "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
        timeout=LINT_SECONDS,
        check=False,
    )
    return done.stdout + done.stderr if done.returncode else ""


def ask_worker(place: Place, objective: Objective | None) -> Iterator[Finding]:
    """Yield whether the worker at `place` is ready and keeps `objective` (None: it is wrong)."""
    web = _web(place)
    try:
        yield ok("metrics.ready", f"the worker says: {web.text('/-/ready').strip()}")
    except WebError as error:
        yield _unready(error)
    try:
        yield judge_slo(web.text("/slo"), objective)
    except WebError as error:
        yield error.finding("metrics.slo")


def _unready(error: WebError) -> Finding:
    check = "metrics.ready"
    if error.code != _UNREADY:
        return error.finding(check)
    reason = f"the worker is not ready: {error.body.strip()[:200]}"
    return wrong(check, reason, "wait while it catches up; else see its log")


def judge_slo(kept: str, objective: Objective | None) -> Finding:
    """Return whether what a worker keeps, the text at /slo, is `objective`."""
    check = "metrics.slo"
    if objective is None:
        return not_asked(check, "there is no objective to compare with")
    ours = render_slo(objective).splitlines()
    theirs = kept.splitlines()
    if theirs == ours:
        return ok(check, "the worker keeps the same slo.yaml")
    line = next((line.strip() for line in theirs if line not in ours), "a line is missing")
    reason = f"the worker keeps another slo.yaml (it has `{line[:80]}`)"
    return wrong(check, reason, "name the worker's file as slo_file here, or restart the worker")


def _web(place: Place) -> Web:
    url = place.url.removesuffix("/metrics")
    return Web(Place(place.part, url, place.access))
