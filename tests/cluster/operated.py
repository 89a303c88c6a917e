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
    """Return what the operator makes of a PodMonitor, in short."""
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    labels = monitor["spec"]["selector"]["matchLabels"]
    wanted = {f"pod_label_{_plain(name)}": value for name, value in labels.items()}
    wanted["pod_container_port_name"] = endpoint["port"]
    keep = [
        {"action": "keep", "source_labels": [f"__meta_kubernetes_{name}"], "regex": value}
        for name, value in wanted.items()
    ]
    job = f"__meta_kubernetes_pod_label_{_plain(monitor['spec']['jobLabel'])}"
    named = [
        {"source_labels": [job], "target_label": "job"},
        {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
        {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
    ]
    metadata = monitor["metadata"]
    return {
        "job_name": f"podMonitor/{metadata['namespace']}/{metadata['name']}/0",
        "scrape_interval": endpoint["interval"],
        "scrape_timeout": endpoint["scrapeTimeout"],
        "metrics_path": endpoint["path"],
        "relabel_configs": [*keep, *named],
        "kubernetes_sd_configs": [
            {
                "role": "pod",
                "kubeconfig_file": str(plane.kubeconfig),
                "namespaces": {"names": monitor["spec"]["namespaceSelector"]["matchNames"]},
            }
        ],
    }


def _plain(label: str) -> str:
    """`app.kubernetes.io/name` -> `app_kubernetes_io_name`."""
    return "".join(each if each.isalnum() else "_" for each in label)
