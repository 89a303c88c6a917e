"""A container of a Pod as a process of this machine: its command, environment and files, no image.

The file system is read-only but for the Pod's volumes, and has of the machine what an image would
bring: the system's libraries, Python and the installed `callsla`. The user is that of the Pod.
"""

import base64
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from kube_api import KubeApi, path_of

__all__ = ["Container", "Object", "PodFiles", "files_of"]

REPOSITORY: Final = Path(__file__).parents[2]
SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc/ssl", "/etc/localtime")

Object = dict[str, Any]


class PodFiles(NamedTuple):
    """What the containers of a Pod share: its volumes by name, and its `/etc/hosts`."""

    volumes: Mapping[str, Path]
    hosts: Path


def files_of(api: KubeApi, pod: Object, directory: Path) -> PodFiles:
    """Write the volumes of `pod` below `directory`, as a kubelet does before it starts it.

    Raises:
        ApiError: one names what is not there.
    """
    volumes = {}
    for volume in pod["spec"].get("volumes", []):
        folder = directory / "volumes" / volume["name"]
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in _contents(api, pod, volume):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        volumes[volume["name"]] = folder
    hosts = directory / "hosts"
    hosts.write_text(_hosts(api, pod))
    return PodFiles(volumes, hosts)


def _contents(api: KubeApi, pod: Object, volume: Object) -> Iterator[tuple[str, bytes]]:
    namespace = pod["metadata"]["namespace"]
    sources = volume.get("projected", {}).get("sources", [volume])
    for source in sources:
        if "serviceAccountToken" in source:
            yield source["serviceAccountToken"]["path"], _token(api, pod, source)
        for kind, name in (("configMap", "name"), ("secret", "secretName")):
            if kind in source:
                called = source[kind].get(name) or source[kind]["name"]
                held = data_of(api, namespace, kind, called)
                yield from _selected(held, source[kind].get("items"))


def _selected(held: Mapping[str, bytes], items: Any) -> Iterator[tuple[str, bytes]]:
    if items is None:
        yield from held.items()
        return
    yield from ((item["path"], held[item["key"]]) for item in items)


def _token(api: KubeApi, pod: Object, source: Object) -> bytes:
    asked = source["serviceAccountToken"]
    account = pod["spec"]["serviceAccountName"]
    accounts = path_of("v1", "serviceaccounts", pod["metadata"]["namespace"], account)
    spec = {"audiences": [asked["audience"]], "expirationSeconds": asked["expirationSeconds"]}
    token: str = api.post(f"{accounts}/token", {"spec": spec})["status"]["token"]
    return token.encode()


def data_of(api: KubeApi, namespace: str, kind: str, name: str) -> dict[str, bytes]:
    """Return what a ConfigMap or a Secret holds."""
    found = api.get(path_of("v1", f"{kind.lower()}s", namespace, name))
    if found is None:
        raise LookupError(f"there is no {kind} {name}")
    held = found.get("data", {})
    if kind == "secret":
        return {key: base64.b64decode(value) for key, value in held.items()}
    return {key: value.encode() for key, value in held.items()}


def _hosts(api: KubeApi, pod: Object) -> str:
    """Return the names of this machine: what the cluster's DNS would say of services, too."""
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    lines = ["127.0.0.1 localhost", f"127.0.0.1 {name}"]
    for service in api.items(path_of("v1", "services", namespace)):
        short = service["metadata"]["name"]
        domains = ("", f".{namespace}", f".{namespace}.svc", f".{namespace}.svc.cluster.local")
        lines += [f"127.0.0.1 {short}{domain}" for domain in domains]
    return "\n".join(lines) + "\n"


class Container:
    """One container, `spec` as it stands in `pod`."""

    def __init__(
        self, api: KubeApi, pod: Object, spec: Object, files: PodFiles, directory: Path
    ) -> None:
        self.name: str = spec["name"]
        self.spec = spec
        self.log = directory / f"{self.name}.log"
        self._environment = _environment(api, pod, spec)
        user = {**pod["spec"].get("securityContext", {}), **spec.get("securityContext", {})}
        self._command = [
            *(
                "bwrap",
                "--die-with-parent",
                "--unshare-user",
                "--unshare-pid",
                "--clearenv",
                "--chdir",
                "/",
            ),
            *("--uid", str(user["runAsUser"]), "--gid", str(user["runAsGroup"])),
            *_file_system(spec, files),
            *(part for pair in self._environment.items() for part in ("--setenv", *pair)),
            *(spec["command"] + spec.get("args", [])),
        ]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=log)

    def run(self) -> int:
        """Run it to its end; return the exit code."""
        self.start()
        assert self.process is not None
        return self.process.wait()

    def stop(self, seconds: float) -> None:
        """End it in order, or after `seconds` at once."""
        if self.process is None or self.process.poll() is not None:
            return
        # The signal is for the process inside: the sandbox itself would just end.
        for child in _children(self.process.pid):
            os.kill(child, 15)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def said(self) -> str:
        """Return what it wrote so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def _children(pid: int) -> list[int]:
    """Return the processes of the program in the sandbox `pid`: its init's children."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [grandchild for child in _listed(path) for grandchild in _listed(_of(child))]


def _of(pid: int) -> Path:
    return Path(f"/proc/{pid}/task/{pid}/children")


def _listed(path: Path) -> list[int]:
    try:
        return [int(each) for each in path.read_text().split()]
    except OSError:
        return []


def _file_system(spec: Object, files: PodFiles) -> Iterator[str]:
    for path in SYSTEM:
        yield from _as_here(path)
    yield from ("--proc", "/proc", "--dev", "/dev", "--ro-bind", str(files.hosts), "/etc/hosts")
    for mount in spec.get("volumeMounts", []):
        how = "--ro-bind" if mount.get("readOnly") else "--bind"
        yield from (how, str(files.volumes[mount["name"]]), mount["mountPath"])
    # After the volumes: this repository may lie where one of them is mounted.
    for path in (sys.base_prefix, str(REPOSITORY)):
        yield from _as_here(path)
    if spec.get("securityContext", {}).get("readOnlyRootFilesystem"):
        yield from ("--remount-ro", "/")


def _as_here(path: str) -> Iterator[str]:
    if Path(path).is_symlink():
        yield from ("--symlink", os.readlink(path), path)
    elif Path(path).exists():
        yield from ("--ro-bind", path, path)


def _environment(api: KubeApi, pod: Object, spec: Object) -> dict[str, str]:
    namespace = pod["metadata"]["namespace"]
    found = {"PATH": f"{REPOSITORY / '.venv' / 'bin'}:/usr/bin:/bin", "HOME": "/"}
    found["HOSTNAME"] = pod["metadata"]["name"]
    for source in spec.get("envFrom", []):
        kind = "secret" if "secretRef" in source else "configMap"
        held = data_of(api, namespace, kind, source[f"{kind}Ref"]["name"])
        found |= {key: value.decode() for key, value in held.items()}
    for each in spec.get("env", []):
        found[each["name"]] = _value(api, pod, each)
    return found


def _value(api: KubeApi, pod: Object, variable: Object) -> str:
    source = variable.get("valueFrom")
    if source is None:
        return str(variable.get("value", ""))
    if "fieldRef" in source:
        fields = {
            "metadata.name": pod["metadata"]["name"],
            "metadata.namespace": pod["metadata"]["namespace"],
            "status.podIP": "127.0.0.1",
        }
        return str(fields[source["fieldRef"]["fieldPath"]])
    kind = "secret" if "secretKeyRef" in source else "configMap"
    key = source[f"{kind}KeyRef"]
    return data_of(api, pod["metadata"]["namespace"], kind, key["name"])[key["key"]].decode()
