"""A real Kubernetes without machines: etcd, API server and controllers on free loopback ports.

Objects are validated, admitted and defaulted, rights are checked, and workloads make their Pods;
no kubelet runs them.
"""

import json
import secrets
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from certificates import Authority
from kafka_server import free_ports
from kube_api import ApiError, KubeApi

__all__ = ["ControlPlane", "control_plane"]

REPOSITORY: Final = Path(__file__).parents[2]
START_SECONDS: Final = 180
STOP_SECONDS: Final = 10
KEPT_OUT: Final = ("node-lifecycle-controller", "cloud-node-lifecycle-controller")
"""Controllers that look after machines, of which there are none."""


def programs() -> Path:
    """Return the folder of Kubernetes' programs: `make cluster` builds them."""
    where = (str(REPOSITORY / ".ci" / "cluster"), "--where")
    done = subprocess.run(where, capture_output=True, text=True, check=True)
    return Path(done.stdout.strip()) / "bin"


class ControlPlane:
    """The running programs; `api` speaks with all rights, `kubeconfig` gives Helm the same."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._client, self._peer, self._port = free_ports(3)
        self._token = secrets.token_urlsafe(24)
        self._certificates()
        self.url = f"https://127.0.0.1:{self._port}"
        self.api = KubeApi(self.url, self._authority.ca, self._token)
        self.kubeconfig = directory / "kubeconfig"
        self.kubeconfig.write_text(json.dumps(self._access()))
        self.kubeconfig.chmod(0o600)

    def with_token(self, token: str) -> KubeApi:
        """Return the API as the owner of `token` has it."""
        return KubeApi(self.url, self._authority.ca, token)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the programs for the time of the block; their data is worth nothing afterwards."""
        found = programs()
        with ExitStack() as stack:
            stack.enter_context(self._program(["etcd", *_flags(self._etcd())]))
            server = [str(found / "kube-apiserver"), *_flags(self._api_server())]
            stack.enter_context(self._program(server))
            self._wait("kube-apiserver", lambda: self.api.get("/readyz") is not None)
            controllers = [str(found / "kube-controller-manager"), *_flags(self._controllers())]
            stack.enter_context(self._program(controllers))
            self._wait("kube-controller-manager", self._looks_after_namespaces)
            yield

    def log(self, program: str) -> str:
        """Return what a program wrote so far."""
        path = self._directory / f"{program}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _looks_after_namespaces(self) -> bool:
        return self.api.get("/api/v1/namespaces/default/serviceaccounts/default") is not None

    def _certificates(self) -> None:
        self._authority = Authority(self._directory, "authority")
        names = "IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc"
        self._certificate, self._key = self._authority.certificate("apiserver", names)
        _, self._signing_key = self._authority.certificate("tokens", "DNS:tokens")
        self._tokens = self._directory / "tokens.csv"
        self._tokens.write_text(f'{self._token},admin,admin,"system:masters"\n')
        self._tokens.chmod(0o600)

    def _access(self) -> dict[str, object]:
        cluster = {"server": self.url, "certificate-authority": str(self._authority.ca)}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "loopback", "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": self._token}}],
            "contexts": [{"name": "it", "context": {"cluster": "loopback", "user": "admin"}}],
            "current-context": "it",
        }

    def _etcd(self) -> dict[str, str]:
        return {
            "data-dir": str(self._directory / "etcd"),
            "listen-client-urls": f"http://127.0.0.1:{self._client}",
            "advertise-client-urls": f"http://127.0.0.1:{self._client}",
            "listen-peer-urls": f"http://127.0.0.1:{self._peer}",
            "initial-advertise-peer-urls": f"http://127.0.0.1:{self._peer}",
            "initial-cluster": f"default=http://127.0.0.1:{self._peer}",
            "unsafe-no-fsync": "true",
        }

    def _api_server(self) -> dict[str, str]:
        return {
            "etcd-servers": f"http://127.0.0.1:{self._client}",
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "endpoint-reconciler-type": "none",
            "secure-port": str(self._port),
            "tls-cert-file": str(self._certificate),
            "tls-private-key-file": str(self._key),
            "service-account-issuer": self.url,
            "service-account-key-file": str(self._signing_key),
            "service-account-signing-key-file": str(self._signing_key),
            "service-cluster-ip-range": "10.0.0.0/24",
            "authorization-mode": "RBAC",
            "token-auth-file": str(self._tokens),
        }

    def _controllers(self) -> dict[str, str]:
        return {
            "kubeconfig": str(self.kubeconfig),
            "authentication-skip-lookup": "true",
            "secure-port": "0",
            "leader-elect": "false",
            "controllers": ",".join(["*", *(f"-{name}" for name in KEPT_OUT)]),
            "root-ca-file": str(self._authority.ca),
            "service-account-private-key-file": str(self._signing_key),
        }

    @contextmanager
    def _program(self, command: list[str]) -> Iterator[None]:
        name = Path(command[0]).name
        with (self._directory / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _wait(self, program: str, is_ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if is_ready():
                    return
            except (OSError, ApiError):
                pass
            if time.monotonic() > deadline:
                raise RuntimeError(f"{program} did not start:\n{self.log(program)[-3000:]}")
            time.sleep(0.1)


def _flags(values: Mapping[str, str]) -> list[str]:
    return [f"--{name}={value}" for name, value in values.items()]


@contextmanager
def control_plane(directory: Path) -> Iterator[ControlPlane]:
    """Run Kubernetes with its data in `directory` for the time of the block."""
    plane = ControlPlane(directory)
    with plane.running():
        yield plane
