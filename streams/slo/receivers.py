"""Where messages go, and in what shape: web hook, mail, Slack, Teams, PagerDuty."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from streams.slo.objective import ObjectiveError

__all__ = ["DEFAULT_URL", "Receivers", "receiver", "web_hook"]

DEFAULT_URL: Final = "http://127.0.0.1:9095/alerts"


@dataclass(frozen=True, slots=True)
class Receivers:
    """Where alerts go: a web hook for all, and mail, Slack, Teams and PagerDuty beside it if given.

    Each address may carry a secret, so it is given by whoever renders the configuration, from a
    file or from the environment. Mail, Slack and Teams get criticals and warnings, PagerDuty
    criticals. Teams asks for Alertmanager 0.28, everything else for 0.25.
    """

    url: str = DEFAULT_URL
    watchdog_url: str | None = None
    slack_url_file: str | None = None
    slack_channel: str = "#call-centre"
    teams_url_file: str | None = None
    pagerduty_key_file: str | None = None
    mail_to: str | None = None
    mail_from: str | None = None
    smarthost: str | None = None
    mail_user: str | None = None
    mail_password_file: str | None = None

    def __post_init__(self) -> None:
        for url in (self.url, self.watchdog_url or self.url):
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.netloc:
                message = "the address of the web hook must be a URL such as https://host/path"
                raise ObjectiveError(message)
        if self.mail_to and not (self.mail_from and self.smarthost):
            message = "mail needs a sender and a server: give mail_from and smarthost (host:port)"
            raise ObjectiveError(message)


def receiver(severity: str, receivers: Receivers) -> dict[str, Any]:
    """Return the receiver of a severity. Infos go to the web hook alone."""
    settings = web_hook(severity, receivers.url, resolved=True)
    if severity != "info" and receivers.slack_url_file is not None:
        settings["slack_configs"] = [_slack(receivers)]
    if severity != "info" and receivers.teams_url_file is not None:
        settings["msteamsv2_configs"] = [_teams(receivers.teams_url_file)]
    if severity != "info" and receivers.mail_to is not None:
        settings["email_configs"] = [_mail(receivers)]
    if severity == "critical" and receivers.pagerduty_key_file is not None:
        settings["pagerduty_configs"] = [_pagerduty(receivers.pagerduty_key_file)]
    return settings


def web_hook(name: str, url: str, *, resolved: bool) -> dict[str, Any]:
    """Return a receiver that sends JSON to `url`; its annotations hold all the words."""
    return {"name": name, "webhook_configs": [{"url": url, "send_resolved": resolved}]}


def _slack(receivers: Receivers) -> dict[str, Any]:
    return {
        "api_url_file": receivers.slack_url_file,
        "channel": receivers.slack_channel,
        "send_resolved": True,
        "color": '{{ if eq .Status "resolved" }}good{{ else if eq .CommonLabels.severity '
        '"critical" }}danger{{ else }}warning{{ end }}',
        "title": _filled("title"),
        "title_link": _filled("link"),
        "text": _filled("text"),
        "fallback": _filled("title"),
        "actions": [
            {"type": "button", "text": "What to do", "url": _filled("runbook")},
            {"type": "button", "text": "Silence", "url": _filled("silence")},
        ],
    }


def _teams(url_file: str) -> dict[str, Any]:
    """A card of title and text, by a workflow's web hook; a link in it can be followed."""
    return {
        "webhook_url_file": url_file,
        "send_resolved": True,
        "title": _filled("title"),
        "text": f"{_filled('text')}\nSilence: {_filled('silence')}",
    }


def _mail(receivers: Receivers) -> dict[str, Any]:
    mail: dict[str, Any] = {
        "to": receivers.mail_to,
        "from": receivers.mail_from,
        "smarthost": receivers.smarthost,
        "send_resolved": True,
        "headers": {"Subject": _filled("title")},
        "html": _filled("html"),
        "text": f"{_filled('text')}\nSilence: {_filled('silence')}\n",
    }
    if receivers.mail_user is not None:
        mail["auth_username"] = receivers.mail_user
        mail["auth_password_file"] = receivers.mail_password_file
    return mail


def _pagerduty(key_file: str) -> dict[str, Any]:
    return {
        "routing_key_file": key_file,
        "send_resolved": True,
        "severity": "{{ .CommonLabels.severity }}",
        "client": "callsla",
        "client_url": _filled("link"),
        "description": _filled("title"),
        "details": {"what": _filled("text"), "silence": _filled("silence")},
        "links": [{"href": _filled("runbook"), "text": "What to do"}],
    }


def _filled(name: str) -> str:
    return f'{{{{ template "callsla.{name}" . }}}}'
