"""The one machine of the cluster: runs the Pods that workloads make, as a kubelet would.

It binds them, writes their volumes, runs init containers in order, starts the others, asks the
probes, tells the API server, and ends them within their grace period. A network for each Pod it
has not: they share the loopback, so two Pods cannot serve one port.
"""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from container import Container, Object, files_of
from kube_api import ApiError, KubeApi, path_of

__all__ = ["Node", "RunningPod"]

NAME: Final = "loopback"
EVERY_SECONDS: Final = 0.1
RETRY_SECONDS: Final = 1.0


class RunningPod:
    """One Pod in a thread of its own. `events` are what happened, with the time since its start."""

    def __init__(self, api: KubeApi, pod: Object, directory: Path) -> None:
        self.name: str = pod["metadata"]["name"]
        self.events: list[tuple[float, str]] = []
        self.containers: list[Container] = []
        self._api, self._pod, self._directory = api, pod, directory
        self._began = time.monotonic()
        self._is_ending = threading.Event()
        self._is_ready: bool | None = None
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def said(self) -> str:
        """Return what happened and what its containers wrote."""
        told = [f"{seconds:6.2f} s  {what}" for seconds, what in self.events]
        return "\n".join([*told, *(f"[{c.name}]\n{c.said()}" for c in self.containers)])

    def end(self) -> None:
        """Begin to end it."""
        self._is_ending.set()

    def join(self, seconds: float) -> None:
        """Wait for its end."""
        self._thread.join(seconds)

    def _live(self) -> None:
        try:
            self._prepare()
            self._run()
        except Exception as error:
            self._note(f"failed: {error!r}")
        self._farewell()

    def _note(self, what: str) -> None:
        self.events.append((time.monotonic() - self._began, what))

    @property
    def _path(self) -> str:
        return path_of("v1", "pods", self._pod["metadata"]["namespace"], self.name)

    def _container(self, spec: Object, files: Any) -> Container:
        made = Container(self._api, self._pod, spec, files, self._directory)
        self.containers.append(made)
        return made

    def _prepare(self) -> None:
        target = {"target": {"kind": "Node", "name": NAME}}
        self._api.post(f"{self._path}/binding", {"metadata": {"name": self.name}, **target})
        self._files = files_of(self._api, self._pod, self._directory)
        for spec in self._pod["spec"].get("initContainers", []):
            container = self._container(spec, self._files)
            while (code := container.run()) != 0 and not self._is_ending.wait(RETRY_SECONDS):
                self._note(f"{container.name} ended with {code}: once more")
            self._note(f"{container.name} is done")

    def _run(self) -> None:
        mains = [self._container(spec, self._files) for spec in self._pod["spec"]["containers"]]
        for container in mains:
            container.start()
            self._note(f"{container.name} started")
        while not self._is_ending.wait(EVERY_SECONDS):
            codes = [c.process.poll() for c in mains if c.process is not None]
            if self._pod["spec"]["restartPolicy"] == "Never" and None not in codes:
                self._tell("Succeeded" if not any(codes) else "Failed", mains, is_ready=False)
                self._is_ending.wait()
                return
            self._again(mains)
            self._tell("Running", mains, is_ready=all(map(_is_ready, mains)))

    def _again(self, mains: list[Container]) -> None:
        for container in mains:
            if container.process is not None and (code := container.process.poll()) is not None:
                self._note(f"{container.name} ended with {code}: once more")
                self._is_ending.wait(RETRY_SECONDS)
                container.start()

    def _tell(self, phase: str, mains: list[Container], *, is_ready: bool) -> None:
        if is_ready is self._is_ready and phase == "Running":
            return
        self._is_ready = is_ready
        self._note(f"{phase}{', ready' if is_ready else ''}")
        word = "True" if is_ready else "False"
        conditions = [{"type": kind, "status": word} for kind in ("Ready", "ContainersReady")]
        statuses = [_status(container, ready=is_ready) for container in mains]
        status = {"phase": phase, "conditions": conditions, "containerStatuses": statuses}
        status |= {"podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}]}
        self._api.patch(f"{self._path}/status", {"status": status})

    def _farewell(self) -> None:
        self._is_ending.wait()
        began = time.monotonic()
        for container in self.containers:
            container.stop(self._pod["spec"]["terminationGracePeriodSeconds"])
        self._note(f"ended within {time.monotonic() - began:.2f} s")
        try:
            self._api.delete(self._path, gracePeriodSeconds=0)
        except ApiError as error:
            self._note(f"not deleted: {error}")


def _status(container: Container, *, ready: bool) -> Object:
    code = None if container.process is None else container.process.poll()
    state: Object = {"running": {}} if code is None else {"terminated": {"exitCode": code}}
    image = container.spec["image"]
    told = {"name": container.name, "image": image, "imageID": image, "restartCount": 0}
    return {**told, "ready": ready, "started": True, "state": state}


def _is_ready(container: Container) -> bool:
    """Ask the probe; a container without one is ready."""
    probe = container.spec.get("readinessProbe")
    if probe is None:
        return True
    port = probe["httpGet"]["port"]
    numbers = {each.get("name"): each["containerPort"] for each in container.spec.get("ports", [])}
    connection = http.client.HTTPConnection(
        "127.0.0.1", numbers.get(port, port), timeout=probe["timeoutSeconds"]
    )
    try:
        connection.request("GET", probe["httpGet"]["path"])
        return bool(connection.getresponse().status < http.client.BAD_REQUEST)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class Node:
    """Runs what is bound nowhere yet in one namespace; `pods` are all it ever ran, by UID."""

    def __init__(self, api: KubeApi, namespace: str, directory: Path) -> None:
        self.pods: dict[str, RunningPod] = {}
        self._api, self._namespace, self._directory = api, namespace, directory
        self._end = threading.Event()

    @contextmanager
    def running(self) -> Iterator["Node"]:
        """Be there for the time of the block."""
        self._api.apply(path_of("v1", "nodes", None, NAME), _node())
        thread = threading.Thread(target=self._look_for_ever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._end.set()
            thread.join(10)
            for pod in self.pods.values():
                pod.end()
            for pod in self.pods.values():
                pod.join(40)

    def said(self) -> str:
        """Return what all Pods said."""
        return "\n".join(f"== {pod.name}\n{pod.said()}" for pod in self.pods.values())

    def _look_for_ever(self) -> None:
        while not self._end.wait(EVERY_SECONDS):
            for pod in self._api.items(path_of("v1", "pods", self._namespace)):
                self._look(pod)

    def _look(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        if uid not in self.pods and "nodeName" not in pod["spec"]:
            directory = self._directory / uid
            directory.mkdir(parents=True)
            self.pods[uid] = RunningPod(self._api, pod, directory)
        if uid in self.pods and "deletionTimestamp" in pod["metadata"]:
            self.pods[uid].end()


def _node() -> Object:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NAME}}
