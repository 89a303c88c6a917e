"""A whole chain for the doctor: Kafka, a worker, Prometheus, Alertmanager, and calls that come in.

Rules are the shipped ones (`STANDARD`), for that is what the doctor compares with.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from kafka_server import free_ports
from msgspec.structs import replace
from secured_settings import command, environment
from webhook import active_alerts, inbox, until

from streams.doctor import Finding, examine
from streams.events import CallAnswered, CallEnded, CallOffered, Event, SourceHeartbeat
from streams.instants import SECOND
from streams.kafka.produce import EventProducer
from streams.settings import Settings
from streams.slo import QUICK, load_slo
from streams.slo.alertmanager import Receivers, render_alertmanager
from streams.slo.commands import render_all
from streams.slo.local_stack import alertmanager, prometheus, prometheus_config

__all__ = ["Chain", "calls", "chain", "examined", "monitoring_of", "said", "stands"]

KEPT: Final = "--storage.tsdb.retention.time=40d"


@dataclass
class Chain:
    """Where everything listens."""

    settings: Settings
    worker: str
    prometheus: str
    alertmanager: str
    flags: dict[str, str]


def examined(
    settings: Settings, flags: Mapping[str, str | None] | None = None, **more: str
) -> list[Finding]:
    """Return what the doctor finds; `more` is set in its environment."""
    return list(examine(None, flags or {}, {**environment(settings), **more}))


def said(findings: list[Finding], check: str) -> list[tuple[str, str]]:
    """Return status and reason of every finding of `check`."""
    return [(each.status, each.reason) for each in findings if each.check == check]


def stands(findings: list[Finding], check: str, status: str, words: str) -> Finding:
    """Return the finding of `check` with that status and those words; it names a remedy."""
    found = [e for e in findings if e.check == check and e.status == status and words in e.reason]
    assert len(found) == 1, said(findings, check)
    assert status == "ok" or found[0].remedy, found[0]
    assert "\n" not in found[0].reason
    return found[0]


@contextmanager
def calls(settings: Settings) -> Iterator[None]:
    """Have a call come in every 0.2 s, with a heartbeat, until the end of the block."""
    producer, end = EventProducer(settings, settings.broker), threading.Event()

    def run() -> None:
        number = 0
        while not end.wait(0.2):
            number += 1
            for event in _call(f"call-{number}"):
                producer.send(getattr(event, "call_id", None), event)
            producer.poll()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
        producer.flush()


def _call(call: str) -> list[Event]:
    at = time.time_ns() // 1000
    common: dict[str, Any] = {"source": "pbx", "call_id": call}
    return [
        SourceHeartbeat(id=f"{call}-0", at=at, source="pbx"),
        CallOffered(id=f"{call}-1", at=at - SECOND, queue="sales", **common),
        CallAnswered(id=f"{call}-2", at=at - SECOND // 2, answered_by="human", **common),
        CallEnded(id=f"{call}-3", at=at, resolved=True, **common),
    ]


@contextmanager
def chain(settings: Settings, folder: Path) -> Iterator[Chain]:
    """Run everything beside Kafka; it is healthy when the block begins."""
    (port,) = free_ports(1)
    settings = replace(settings, metrics_port=port)
    files = render_all(load_slo(settings.slo_file))
    with ExitStack() as stack:
        stack.enter_context(command(settings, folder / "worker.log", "worker"))
        stack.enter_context(calls(settings))
        received = stack.enter_context(inbox())
        routes = render_alertmanager(Receivers(url=received.url))
        (folder / "callsla.tmpl").write_text(files["callsla.tmpl"])
        alerts = stack.enter_context(alertmanager(folder, routes))
        address = f"http://127.0.0.1:{port}"
        metrics = stack.enter_context(
            monitoring_of(
                folder, files["callsla-rules.yaml"], f"127.0.0.1:{port}", alerts.address, KEPT
            )
        )
        until(lambda: ("Watchdog", "") in active_alerts(alerts.url), "the watchdog arrives")
        flags = {"metrics": address, "prometheus": metrics, "alertmanager": alerts.url}
        yield Chain(settings, address, metrics, alerts.url, flags)


@contextmanager
def monitoring_of(
    folder: Path,
    rules: str,
    worker: str | None,
    alerts: str | None,
    *arguments: str,
    change: Callable[[dict[str, Any]], None] = lambda _: None,
) -> Iterator[str]:
    """Run Prometheus with `rules`, scraping `worker`; yields its address.

    `change` may alter its configuration.
    """
    (folder / "callsla-rules.yaml").write_text(rules)
    config = yaml.safe_load(prometheus_config([worker] if worker else [], alerts, QUICK))
    change(config)
    with prometheus(folder, yaml.safe_dump(config), *arguments) as running:
        yield running.url
