"""Runs a rendered Pod's containers as a kubelet would, without one.

Same arguments, same environment, same files: each container has a root file system of its own that
is only read, the volumes where the Pod mounts them, and a numeric user. It shares the network, so
that brokers on loopback are reached.
"""

import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from chart_helm import by_kind
from programs import REPOSITORY, require

__all__ = ["Container", "Machine"]

SYSTEM: Final = (
    "/usr", "/bin", "/lib", "/lib64", "/etc/ssl", "/etc/ld.so.cache", "/etc/nsswitch.conf",
)  # fmt: skip
"""What stands for the image beside Python and callsla; none of it can be written."""

Object = dict[str, Any]


@dataclass
class Container:
    """A running container; `url` is where its first port is."""

    spec: Object
    process: "subprocess.Popen[bytes]"
    pid: int
    log: Path

    @property
    def url(self) -> str:
        """The address of the first port."""
        return f"http://127.0.0.1:{self.spec['ports'][0]['containerPort']}"

    def said(self) -> str:
        """Return what it wrote to stdout and stderr so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def probe(self, name: str) -> tuple[int, str]:
        """Ask once as the kubelet does for the probe `name`; return status and text."""
        asked = self.spec[name]["httpGet"]
        (port,) = [each for each in self.spec["ports"] if each["name"] == asked["port"]]
        url = f"http://127.0.0.1:{port['containerPort']}{asked['path']}"
        try:
            with urllib.request.urlopen(url, timeout=self.spec[name]["timeoutSeconds"]) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    def await_start(self, patience: float) -> float:
        """Probe until the container has started; return how many seconds that took."""
        began = time.monotonic()
        allowed = self.spec["startupProbe"]["periodSeconds"]
        allowed *= self.spec["startupProbe"]["failureThreshold"]
        while self.probe("startupProbe")[0] != 200:
            waited = time.monotonic() - began
            assert self.process.poll() is None, self.said()
            assert waited < min(patience, allowed), (self.probe("startupProbe"), self.said())
            time.sleep(0.1)
        return time.monotonic() - began

    def terminate(self, grace: float) -> int:
        """Send SIGTERM as the kubelet does; return the exit code, given within `grace` seconds."""
        os.kill(self.pid, signal.SIGTERM)
        return self.process.wait(grace)


@dataclass
class Machine:
    """Holds what Pods mount: ConfigMaps of `objects`, and `secrets` by name and key."""

    folder: Path
    objects: list[Object]
    secrets: Mapping[str, Mapping[str, str | bytes]] = field(default_factory=dict)
    tokens: Mapping[str, str] = field(default_factory=dict)
    """audience -> a token of the ServiceAccount"""
    hosts: tuple[str, ...] = ()
    """names that are this machine"""

    @contextmanager
    def running(self, pod: Object, name: str, pod_name: str = "callsla-0") -> Iterator[Container]:
        """Run the container `name` of a Pod's spec for the time of the block."""
        require("bwrap")
        (spec,) = [
            each
            for each in (*pod.get("initContainers", []), *pod["containers"])
            if each["name"] == name
        ]
        log = self.folder / f"{pod_name}-{name}.log"
        told, tell = os.pipe()
        command = ["bwrap", "--info-fd", str(tell), *self._walls(pod, spec, pod_name), "--"]
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*command, *spec["command"], *spec.get("args", [])],
                env=self._environment(spec, pod_name),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                pass_fds=[tell],
            )
        os.close(tell)
        with os.fdopen(told) as info:
            text = info.read()
        assert text, log.read_text(encoding="utf-8")
        try:
            yield Container(spec, process, json.loads(text)["child-pid"], log)
        finally:
            process.kill()
            process.wait()

    def run(self, pod: Object, name: str, seconds: float = 60) -> tuple[int, str]:
        """Run a container to its end; return its exit code and what it said."""
        with self.running(pod, name) as container:
            code = container.process.wait(seconds)
            return code, container.said()

    def written(self) -> list[str]:
        """Return the files that containers left in `/tmp`, the only place where they can."""
        there = self.folder / "tmp"
        return [str(path) for path in there.rglob("*") if path.is_file()]

    def _walls(self, pod: Object, spec: Object, pod_name: str) -> list[str]:
        user, group = pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]
        walls = ["--unshare-user", "--uid", str(user), "--gid", str(group), "--die-with-parent"]
        walls += ["--dev", "/dev", "--proc", "/proc"]
        for path in (*SYSTEM, sys.base_prefix):
            walls += ["--ro-bind-try", path, path]
        hosts = self._file("hosts", f"127.0.0.1 localhost {' '.join(self.hosts)}\n")
        walls += ["--ro-bind", str(hosts), "/etc/hosts"]
        volumes = {each["name"]: each for each in pod["volumes"]}
        for mount in spec["volumeMounts"]:
            kind = "--ro-bind" if mount.get("readOnly") else "--bind"
            source = self._volume(volumes[mount["name"]], pod_name)
            walls += [kind, str(source), mount["mountPath"]]
        # The repository may itself be below /tmp.
        walls += ["--ro-bind", str(REPOSITORY), str(REPOSITORY), "--remount-ro", "/"]
        return [*walls, "--chdir", "/"]

    def _environment(self, spec: Object, pod_name: str) -> dict[str, str]:
        found = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        for each in spec.get("env", []):
            source = each.get("valueFrom", {})
            if "secretKeyRef" in source:
                ref = source["secretKeyRef"]
                found[each["name"]] = str(self.secrets[ref["name"]][ref["key"]])
            elif "fieldRef" in source:
                assert source["fieldRef"] == {"fieldPath": "metadata.name"}
                found[each["name"]] = pod_name
            else:
                found[each["name"]] = each["value"]
        return found

    def _volume(self, volume: Object, pod_name: str) -> Path:
        if "emptyDir" in volume:
            shared: Path = self.folder / volume["name"]
            shared.mkdir(exist_ok=True)
            return shared
        place: Path = self.folder / pod_name / volume["name"]
        place.mkdir(parents=True, exist_ok=True)
        for name, content in self._content(volume).items():
            target = place / name
            target.unlink(missing_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
            target.chmod(volume.get("secret", {}).get("defaultMode", 0o444))
        return place

    def _content(self, volume: Object) -> Mapping[str, str | bytes]:
        if "secret" in volume:
            secret = self.secrets[volume["secret"]["secretName"]]
            return {each["path"]: secret[each["key"]] for each in volume["secret"]["items"]}
        if "projected" in volume:
            (source,) = volume["projected"]["sources"]
            asked = source["serviceAccountToken"]
            return {asked["path"]: self.tokens[asked["audience"]]}
        return self._config_map(volume["configMap"])

    def _config_map(self, asked: Object) -> Mapping[str, str | bytes]:
        found = {each["metadata"]["name"]: each for each in by_kind(self.objects, "ConfigMap")}
        config = found[asked["name"]]
        data = {**config.get("data", {})}
        data |= {
            name: base64.b64decode(text) for name, text in config.get("binaryData", {}).items()
        }
        if "items" not in asked:
            return data
        return {each["path"]: data[each["key"]] for each in asked["items"]}

    def _file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path
