"""A newcomer's path by the clock: from `helm install` to the first correct number of a dashboard.

`make newcomer`. Everything is real but the machines: Kafka, the API server with its controllers,
Helm, Prometheus; the Pod's containers run as processes with the command, environment and files of
the manifest. Not in it: pulling an image, and Grafana, whose query is sent to Prometheus instead.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from control_plane import ControlPlane, control_plane
from custom_resources import define_resources
from helm import Helm
from kafka_server import free_ports, kafka_server
from kube_api import path_of
from node import Node
from operated import operated_prometheus
from webhook import ask

__all__ = ["Times", "walk"]

NAMESPACE: Final = "calls"
RELEASE: Final = "callsla"
CALLS: Final = 30
SECONDS: Final = 240
BOARD, PANEL = "callsla-queue.json", "Offered, last 30 min"
KNOWN: Final = "partition:callcenter_answer_events:max"
"""What the rules go by to tell new counts from old ones."""
CALLSLA: Final = str(Path(sys.executable).with_name("callsla"))


class Times(NamedTuple):
    """Seconds since `helm install` was typed."""

    installed: float
    """Helm is done"""
    started: float
    """the worker's process runs: its topics are made"""
    ready: float
    """it says its numbers are complete"""
    watched: float
    """Prometheus has looked at it once: what comes from here on is new to the rules"""
    called: float
    """the last of the simulated calls is in Kafka"""
    correct: float
    """the dashboard's query returns the number of calls"""


class Walk:
    """One walk through it, with the clock running."""

    def __init__(self, plane: ControlPlane, broker: str, node: Node, folder: Path) -> None:
        self._plane, self._broker, self._node, self._folder = plane, broker, node, folder
        self._began = time.monotonic()
        self._path = path_of("v1", "pods", NAMESPACE)

    def install(self) -> float:
        """Type `helm install`."""
        port, values = free_ports(1)[0], [
            f"kafka.brokers={self._broker}",
            "kafka.topics.replication=1",
            "worker.replicas=1",
            "podMonitor.enabled=true",
            "prometheusRule.enabled=true",
            "dashboards.enabled=true",
        ]  # fmt: skip
        # All Pods share the loopback of this machine.
        values += ["worker.host=127.0.0.1", f"worker.port={port}"]
        settings = [part for value in values for part in ("--set", value)]
        Helm(self._plane.kubeconfig, NAMESPACE).install(RELEASE, *settings)
        return self._now()

    def ready(self) -> tuple[float, float]:
        """Wait for the Pod; return when it was started and when it was ready."""
        self._until(
            "the Pod is ready", lambda: any(map(_is_ready, self._plane.api.items(self._path)))
        )
        (pod,) = self._node.pods.values()
        ready = self._now()
        started = next(at for at, what in pod.events if what == "worker started")
        return ready - (pod.events[-1][0] - started), ready

    def watched(self, prometheus: str) -> float:
        """Wait until Prometheus knows the worker; return when that was."""
        self._until("Prometheus knows the worker", lambda: bool(ask(prometheus, KNOWN)))
        return self._now()

    def call(self) -> tuple[float, int]:
        """Have calls come in; return when the last one was told, and how many there were."""
        target = f"kafka://{self._broker}/callcenter.events"
        simulate = ("simulate", "--centre", "demo", "--live", "--calls", str(CALLS))
        subprocess.run([CALLSLA, *simulate, "--to", target], check=True, capture_output=True)
        return self._now(), CALLS

    def correct(self, prometheus: str, offered: int) -> float:
        """Ask what the dashboard in the cluster asks until that is the truth."""
        query = self._query()
        said: list[Any] = []

        def is_true() -> bool:
            said[:] = ask(prometheus, query)
            return bool(said) and float(said[0]["value"][1]) == offered

        self._until(f"the query says {offered}", is_true, lambda: f"{said}\n{self._node.said()}")
        return self._now()

    def _query(self) -> str:
        """Return the panel's query as Grafana sends it for all queues."""
        for held in self._plane.api.items(path_of("v1", "configmaps", NAMESPACE)):
            if BOARD in held.get("data", {}):
                panels = json.loads(held["data"][BOARD])["panels"]
                (panel,) = (each for each in panels if each["title"] == PANEL)
                return re.sub(r"\$\w+", ".*", panel["targets"][0]["expr"])
        raise LookupError(f"no ConfigMap holds {BOARD}")

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _until(
        self, what: str, is_so: Callable[[], bool], why: Callable[[], str] | None = None
    ) -> None:
        deadline = time.monotonic() + SECONDS
        while not is_so():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{what}: not so\n{(why or self._node.said)()}")
            time.sleep(0.2)


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def walk(plane: ControlPlane, folder: Path) -> Times:
    """Walk it once on a control plane that runs, in a namespace of its own.

    Raises:
        RuntimeError: it does not lead there; the text says where it ended.
    """
    with _prepared(plane, folder) as (broker, node, stack):
        walked = Walk(plane, broker, node, folder)
        installed = walked.install()
        started, ready = walked.ready()
        prometheus = stack.enter_context(operated_prometheus(plane, NAMESPACE, folder))
        watched = walked.watched(prometheus)
        called, offered = walked.call()
        correct = walked.correct(prometheus, offered)
        return Times(installed, started, ready, watched, called, correct)


@contextmanager
def _prepared(plane: ControlPlane, folder: Path) -> Iterator[tuple[str, Node, ExitStack]]:
    """What the newcomer has already: Kafka, a namespace, a machine."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    plane.api.post("/api/v1/namespaces", {"metadata": {"name": NAMESPACE, "labels": labels}})
    with ExitStack() as stack:
        (folder / "kafka").mkdir()
        kafka = stack.enter_context(kafka_server(folder / "kafka"))
        node = stack.enter_context(Node(plane.api, NAMESPACE, folder / "pods").running())
        yield kafka.bootstrap, node, stack
        plane.api.delete(f"/api/v1/namespaces/{NAMESPACE}")


def main() -> None:
    """Walk once and say how long each step took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with control_plane(folder) as plane:
            define_resources(plane.api)
            times = walk(plane, folder)
    for step, seconds in times._asdict().items():
        print(f"{seconds:6.1f} s  {step}")


if __name__ == "__main__":
    main()
