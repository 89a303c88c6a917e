"""Every check, from the broker to the pager, in that order."""

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from streams.doctor.alertmanager import alert_labels, ask_alertmanager
from streams.doctor.configuration import Configuration, read_configuration
from streams.doctor.findings import Finding, not_asked
from streams.doctor.grafana import ask_grafana
from streams.doctor.places import Place
from streams.doctor.prometheus import ask_prometheus, external_labels, rules_there
from streams.doctor.rules import expected_rules
from streams.doctor.worker_page import ask_exposition, ask_worker
from streams.slo import Objective

__all__ = ["ask_beside", "examine"]

_EXAMPLES: Final = {
    "metrics": "http://localhost:9808",
    "prometheus": "http://localhost:9090",
    "alertmanager": "http://localhost:9093",
    "grafana": "http://localhost:3000",
}


def examine(
    config: str | None,
    flags: Mapping[str, str | None],
    environ: Mapping[str, str] = os.environ,
) -> Iterator[Finding]:
    """Yield every finding as soon as it is known.

    `config` is the settings file, `flags` name addresses by part (see `streams.doctor.places`).
    """
    found = read_configuration(config, flags, environ)
    yield from found.findings
    yield from _kafka(found)
    yield from ask_beside(found.objective, found.places)


def _kafka(found: Configuration) -> Iterator[Finding]:
    settings = found.settings
    if settings is None or settings.embedded:
        why = "the settings are wrong" if settings is None else "no broker is named"
        for group in ("broker", "topics", "rights", "events", "workers", "clocks"):
            yield not_asked(f"{group}.all", why)
        return
    # Kafka's clients take half a second to load.
    from streams.doctor.kafka_checks import ask_kafka  # noqa: PLC0415

    yield from ask_kafka(settings, found.objective or Objective())


def ask_beside(objective: Objective | None, found: Mapping[str, Place | None]) -> Iterator[Finding]:
    """Yield what is to be said of everything but Kafka.

    `objective` is None if it is wrong, and so is a place.
    """
    shown: list[str] = []
    metrics, grafana = found.get("metrics"), found.get("grafana")
    if metrics is None:
        yield _absent("metrics", found)
    else:
        yield from _worker(metrics, objective, shown)
    yield from _monitoring(objective, found, frozenset(shown) if shown else None)
    yield from [_absent("grafana", found)] if grafana is None else ask_grafana(grafana)


def _worker(place: Place, objective: Objective | None, shown: list[str]) -> Iterator[Finding]:
    exposed, findings = ask_exposition(place)
    yield from findings
    if exposed is not None:
        shown += exposed.names
        yield from ask_worker(place, objective)


def _monitoring(
    objective: Objective | None, found: Mapping[str, Place | None], shown: frozenset[str] | None
) -> Iterator[Finding]:
    for part in ("prometheus", "alertmanager"):
        place = found.get(part)
        if place is None:
            yield _absent(part, found)
        elif objective is None:
            yield not_asked(f"{part}.all", "there is no valid slo.yaml to compare with")
        elif part == "prometheus":
            yield from ask_prometheus(place, expected_rules(objective), shown)
        else:
            yield from _alertmanager(place, objective, found.get("prometheus"))


def _alertmanager(
    place: Place, objective: Objective, prometheus: Place | None
) -> Iterator[Finding]:
    rules = expected_rules(objective)
    external = {} if prometheus is None else external_labels(prometheus)
    there = [] if prometheus is None else rules_there(prometheus)
    alerts = alert_labels(there or rules, objective.queues, external)
    yield from ask_alertmanager(place, alerts, datetime.now(UTC))


def _absent(part: str, found: Mapping[str, Place | None]) -> Finding:
    if part in found:
        return not_asked(f"{part}.all", "what was said of it is wrong")
    remedy = f"--{part} {_EXAMPLES[part]}, or CALLSLA_{part.upper()}_URL"
    return not_asked(f"{part}.all", "no address was given", remedy)
