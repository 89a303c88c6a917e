"""The Alertmanager configuration: who hears of which alert, and what keeps which one quiet."""

from typing import Any, Final

from streams.instants import HOUR, MINUTE, SECOND
from streams.slo.closed import CLOSED, closed_times
from streams.slo.durations import compact
from streams.slo.messages import render_templates
from streams.slo.objective import Objective
from streams.slo.receivers import DEFAULT_URL, Receivers, receiver, web_hook
from streams.slo.rulesfile import HEADER, dump
from streams.slo.timing import STANDARD, Timing

__all__ = [
    "DEFAULT_URL",
    "SEVERITIES",
    "TEMPLATES_FILE",
    "Receivers",
    "render_alertmanager",
    "render_templates",
]

TEMPLATES_FILE: Final = "callsla.tmpl"
SEVERITIES: Final = ("critical", "warning", "info")

_WATCHDOG: Final = "watchdog"


def render_alertmanager(
    receivers: Receivers | None = None,
    timing: Timing = STANDARD,
    templates_file: str = TEMPLATES_FILE,
    objective: Objective | None = None,
) -> str:
    """Return alertmanager.yaml as text, for Alertmanager 0.25 and newer.

    Raises:
        ObjectiveError: an address is no URL.
    """
    receivers = receivers or Receivers()
    closed = closed_times(objective) if objective is not None else []
    config: dict[str, Any] = {
        "route": _route(timing, muted=bool(closed)),
        "inhibit_rules": _inhibitions(),
        "receivers": [
            *(receiver(severity, receivers) for severity in SEVERITIES),
            web_hook(_WATCHDOG, receivers.watchdog_url or receivers.url, resolved=False),
        ],
        "templates": [templates_file],
    }
    if closed:
        config["time_intervals"] = [{"name": CLOSED, "time_intervals": closed}]
    return HEADER + dump(config)


def _route(timing: Timing, *, muted: bool) -> dict[str, Any]:
    """What is no page waits for the hour of opening; promises know the hours themselves."""
    mute = {"mute_time_intervals": [CLOSED]} if muted else {}
    return {
        "receiver": "warning",
        "group_by": ["alertname", "queue"],
        **_times(timing, 10 * SECOND, MINUTE, 4 * HOUR),
        "routes": [
            {
                "matchers": ['alertname="Watchdog"'],
                "receiver": _WATCHDOG,
                **_times(timing, 0, MINUTE, 5 * MINUTE),
            },
            _to("critical", timing, 5 * SECOND, HOUR),
            {**_to("warning", timing, 30 * SECOND, 4 * HOUR), **mute},
            {**_to("info", timing, MINUTE, 12 * HOUR), **mute},
        ],
    }


def _to(severity: str, timing: Timing, wait: int, repeat: int) -> dict[str, Any]:
    return {
        "matchers": [f'severity="{severity}"'],
        "receiver": severity,
        **_times(timing, wait, MINUTE, repeat),
    }


def _times(timing: Timing, wait: int, interval: int, repeat: int) -> dict[str, str]:
    return {
        "group_wait": compact(timing.wait(wait)),
        "group_interval": compact(timing.wait(interval)),
        "repeat_interval": compact(repeat),
    }


def _inhibitions() -> list[dict[str, Any]]:
    """Numbers of a blind pipeline are no news; the same calls are not told of twice."""
    place = ["queue", "scope"]
    return [
        _quiets('blind="true"', 'promise=~".+"'),
        _quiets(
            'alertname="BlindNoWorker"', 'alertname=~"Blind(Partition|NoCalls)|Worker.+|NoEvents"'
        ),
        _quiets('scope="centre"', 'scope="queue"', "alertname", "promise"),
        _quiets('alertname=~".*FastBurn"', 'alertname=~".*SlowBurn"', "promise", *place),
        _quiets(
            'alertname=~"(Answer|Callback)PromiseFastBurn"', 'alertname="PromiseFastBurn"', *place
        ),
        _quiets(
            'alertname=~"(Answer|Callback)PromiseSlowBurn"', 'alertname="PromiseSlowBurn"', *place
        ),
        _quiets(
            'alertname=~"AnswerPromise.*Burn"', 'alertname="AnswerServiceLevelBelowTarget"', *place
        ),
        _quiets(
            'alertname="CallbackBacklogCannotBeCleared"',
            'alertname="CallbacksDueFasterThanMade"',
            *place,
        ),
    ]


def _quiets(source: str, target: str, *equal: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"source_matchers": [source], "target_matchers": [target]}
    return {**rule, "equal": list(equal)} if equal else rule
