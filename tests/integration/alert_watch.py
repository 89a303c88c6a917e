"""What tests of alerts share: a month to remember, everything running, and what is told."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from programs import run
from webhook import Inbox, Told, until

from streams.events import CallbackConnected
from streams.slo import parse_slo
from streams.slo.alertmanager import (
    TEMPLATES_FILE,
    Receivers,
    render_alertmanager,
    render_templates,
)
from streams.slo.local_stack import LocalStack, alertmanager, prometheus, prometheus_config
from streams.slo.rulesfile import render_rules
from streams.slo.ruletests import RULES_FILE
from streams.slo.timing import Timing

__all__ = ["called_back", "remember_four_weeks", "told", "watched"]


def called_back(call: str, now: int) -> CallbackConnected:
    """The customer of `call` is reached at `now` (microseconds)."""
    customer = f"customer-{call}"
    return CallbackConnected(
        id=f"{call}/3", at=now, call_id=call, customer=customer, reached="human"
    )


def remember_four_weeks(folder: Path, hourly: Mapping[str, Mapping[str, int]]) -> None:
    """Have Prometheus remember of each hour a value by metric and labels, as PromQL has them."""
    now = int(time.time()) // 3600 * 3600
    lines = []
    for name, counts in hourly.items():
        lines.append(f"# TYPE {name} gauge")
        for labels, count in counts.items():
            hours = range(now - 28 * 24 * 3600, now, 3600)
            lines += [f"{name}{{{labels}}} {count} {at}" for at in hours]
    (folder / "history.txt").write_text("\n".join([*lines, "# EOF", ""]), encoding="utf-8")
    made = ("tsdb", "create-blocks-from", "openmetrics", "--quiet", "history.txt", "prometheus")
    code, said = run("promtool", *made, cwd=folder)
    assert code == 0, said


def watched(
    stack: ExitStack, folder: Path, slo: str, timing: Timing, worker: str, received: Inbox
) -> LocalStack:
    """Run Prometheus and Alertmanager with what follows from `slo`; messages go to `received`."""
    receivers = Receivers(url=received.url)
    (folder / TEMPLATES_FILE).write_text(render_templates(), encoding="utf-8")
    (folder / RULES_FILE).write_text(render_rules(parse_slo(slo), timing), encoding="utf-8")
    alerts = stack.enter_context(alertmanager(folder, render_alertmanager(receivers, timing)))
    config = prometheus_config([worker], alerts.address, timing)
    running = LocalStack(stack.enter_context(prometheus(folder, config)).url, alerts.url)
    until(lambda: received.told("Watchdog"), "the watchdog arrives")
    return running


def told(received: Inbox, name: str, severity: str) -> Told:
    """Wait until the alert `name` is told; return its first message."""
    found = until(lambda: received.told(name), f"{name} is told", 90)[0]
    assert found.labels["severity"] == severity
    return found
