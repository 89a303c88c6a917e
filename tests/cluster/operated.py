"""Real Prometheus that does what objects of the Prometheus operator in the cluster say."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml
from control_plane import ControlPlane
from kube_api import path_of

from streams.slo.local_stack import prometheus

__all__ = ["operated_prometheus"]

OPERATOR: Final = "monitoring.coreos.com/v1"
RULES: Final = "rules.yaml"

Object = dict[str, Any]


@contextmanager
def operated_prometheus(plane: ControlPlane, namespace: str, folder: Path) -> Iterator[str]:
    """Run Prometheus with the PodMonitors and PrometheusRules of `namespace`; yield its URL."""
    rules = plane.api.items(path_of(OPERATOR, "prometheusrules", namespace))
    groups = [group for each in rules for group in each["spec"]["groups"]]
    (folder / RULES).write_text(yaml.safe_dump({"groups": groups}))
    monitors = plane.api.items(path_of(OPERATOR, "podmonitors", namespace))
    config = {
        "global": {"evaluation_interval": "15s"},
        "rule_files": [RULES],
        "scrape_configs": [_job(plane, each) for each in monitors],
    }
    with prometheus(folder, yaml.safe_dump(config)) as running:
        yield running.url


def _job(plane: ControlPlane, monitor: Object) -> Object:
    """Return what the operator makes of a PodMonitor, with the Pods that are there now.

    Debian's Prometheus is built without discovery in Kubernetes.
    """
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    labels = monitor["spec"]["selector"]["matchLabels"]
    selector = ",".join(f"{name}={value}" for name, value in labels.items())
    found = [
        _target(pod, endpoint["port"], monitor["spec"]["jobLabel"])
        for namespace in monitor["spec"]["namespaceSelector"]["matchNames"]
        for pod in plane.api.items(path_of("v1", "pods", namespace), labelSelector=selector)
    ]
    metadata = monitor["metadata"]
    return {
        "job_name": f"podMonitor/{metadata['namespace']}/{metadata['name']}/0",
        "scrape_interval": endpoint["interval"],
        "scrape_timeout": endpoint["scrapeTimeout"],
        "metrics_path": endpoint["path"],
        "static_configs": found,
    }


def _target(pod: Object, port: str, job_label: str) -> Object:
    metadata = pod["metadata"]
    (number,) = (
        each["containerPort"]
        for container in pod["spec"]["containers"]
        for each in container.get("ports", [])
        if each["name"] == port
    )
    named = {"namespace": metadata["namespace"], "pod": metadata["name"]}
    labels = {"job": metadata["labels"][job_label], **named}
    return {"targets": [f"{pod['status']['podIP']}:{number}"], "labels": labels}
