"""The Alertmanager configuration: who hears of which alert, and what keeps which one quiet."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from streams.instants import HOUR, MINUTE, SECOND
from streams.slo.durations import compact
from streams.slo.objective import ObjectiveError
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

DEFAULT_URL: Final = "http://127.0.0.1:9095/alerts"
TEMPLATES_FILE: Final = "callsla.tmpl"
SEVERITIES: Final = ("critical", "warning", "info")

_WATCHDOG: Final = "watchdog"


@dataclass(frozen=True, slots=True)
class Receivers:
    """Where alerts go: a web hook for all, and Slack beside it if a file holds its address.

    Each address may carry a secret, so it is given by whoever renders the configuration, from a
    file or from the environment.
    """

    url: str = DEFAULT_URL
    watchdog_url: str | None = None
    slack_url_file: str | None = None
    slack_channel: str = "#call-centre"

    def __post_init__(self) -> None:
        for url in (self.url, self.watchdog_url or self.url):
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.netloc:
                message = "the address of the web hook must be a URL such as https://host/path"
                raise ObjectiveError(message)


def render_alertmanager(
    receivers: Receivers | None = None,
    timing: Timing = STANDARD,
    templates_file: str = TEMPLATES_FILE,
) -> str:
    """Return alertmanager.yaml as text, for Alertmanager 0.25 and newer.

    Raises:
        ObjectiveError: an address is no URL.
    """
    receivers = receivers or Receivers()
    config: dict[str, Any] = {
        "route": _route(timing),
        "inhibit_rules": _inhibitions(),
        "receivers": [
            *(_receiver(severity, receivers) for severity in SEVERITIES),
            _hook(_WATCHDOG, receivers.watchdog_url or receivers.url, resolved=False),
        ],
        "templates": [templates_file],
    }
    return HEADER + dump(config)


def _route(timing: Timing) -> dict[str, Any]:
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
            _to("warning", timing, 30 * SECOND, 4 * HOUR),
            _to("info", timing, MINUTE, 12 * HOUR),
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
    return [
        {"source_matchers": ['blind="true"'], "target_matchers": ['promise=~".+"']},
        {
            "source_matchers": ['alertname="BlindNoWorker"'],
            "target_matchers": ['alertname=~"BlindPartition|WorkerDown"'],
        },
        {
            "source_matchers": ['alertname=~"AnswerPromiseFastBurn|CallbackPromiseFastBurn"'],
            "target_matchers": ['alertname="PromiseFastBurn"'],
            "equal": ["queue", "scope"],
        },
        {
            "source_matchers": ['alertname="AnswerPromiseFastBurn"'],
            "target_matchers": ['alertname="AnswerServiceLevelBelowTarget"'],
            "equal": ["queue", "scope"],
        },
    ]


def _receiver(severity: str, receivers: Receivers) -> dict[str, Any]:
    receiver = _hook(severity, receivers.url, resolved=True)
    if receivers.slack_url_file is not None:
        receiver["slack_configs"] = [
            {
                "api_url_file": receivers.slack_url_file,
                "channel": receivers.slack_channel,
                "send_resolved": True,
                "title": '{{ template "callsla.title" . }}',
                "text": '{{ template "callsla.text" . }}',
            }
        ]
    return receiver


def _hook(name: str, url: str, *, resolved: bool) -> dict[str, Any]:
    return {"name": name, "webhook_configs": [{"url": url, "send_resolved": resolved}]}


def render_templates() -> str:
    """Return the message templates `callsla.title` and `callsla.text` for people."""
    return _TEMPLATES


_TEMPLATES: Final = """\
{{/* Generated by `callsla slo generate`. */ -}}
{{ define "callsla.title" -}}
{{ if eq .Status "firing" }}{{ .CommonLabels.severity | toUpper }}{{ else }}RESOLVED{{ end -}}
{{ with .CommonAnnotations.summary }} {{ . }}{{ else }} {{ .GroupLabels.alertname }}{{ end -}}
{{ if gt (len .Alerts) 1 }} ({{ len .Alerts }} alerts){{ end -}}
{{ end }}

{{ define "callsla.text" -}}
{{ range .Alerts.Firing }}{{ .Annotations.description }}
Since {{ .StartsAt.UTC.Format "15:04:05 MST" }}. What to do: {{ .Annotations.runbook_url }}
{{ end -}}
{{ range .Alerts.Resolved }}Over: {{ .Annotations.summary }}, \
from {{ .StartsAt.UTC.Format "15:04:05 MST" }} to {{ .EndsAt.UTC.Format "15:04:05 MST" }}.
{{ end -}}
{{ end }}
"""
