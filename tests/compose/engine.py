"""Runs the services of a compose file as they stand, where there is no container engine.

Each has what its container would have: its command, its environment, its mounts, its health check,
no rights, and a file system that it can write to in its volumes alone. The programs are those of
this machine.
All share one network, which is cut off from everything else, and know each other by name.
`python engine.py` runs the outage, sandboxed.
"""

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

__all__ = ["COMPOSE", "Engine", "sandboxed", "services"]

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final = ROOT / "deploy" / "compose" / "compose.yaml"
SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib64")
OWN: Final = {"prometheus", "alertmanager", "grafana", "kafka", "callsla", "hosts", "resolv.conf"}
"""What containers bring along under /etc."""
PATIENCE: Final = 300
"""Seconds that a part may take to start on a machine that is busy with other things."""
LIBRARIES: Final = os.environ.get("CALLSLA_KAFKA_LIBS", str(ROOT / ".cache/kafka/libs"))

KAFKA: Final = f"""
set -e
export CLASSPATH={shlex.quote(f"{LIBRARIES}/*")} JAVA_TOOL_OPTIONS=-Xmx512m
mkdir /tmp/none
touch /tmp/server.properties /tmp/log4j2.yaml /tmp/tools-log4j2.yaml
java kafka.docker.KafkaDockerWrapper setup --default-configs-dir /tmp \\
    --mounted-configs-dir /tmp/none --final-configs-dir /opt/kafka/config
cat /opt/kafka/config/server.properties
exec java kafka.Kafka /opt/kafka/config/server.properties
"""
"""What the image does: its own program makes the properties of the environment, and formats."""


def services() -> dict[str, dict[str, Any]]:
    """Return the services by name."""
    with COMPOSE.open(encoding="utf-8") as file:
        found: dict[str, dict[str, Any]] = yaml.safe_load(file)["services"]
    return found


def sandboxed(*command: str) -> list[str]:
    """Return a command in a network of its own, whose processes all end with it."""
    return [
        "bwrap", "--dev-bind", "/", "/", "--proc", "/proc", "--unshare-net", "--unshare-pid",
        "--die-with-parent", "--", *command,
    ]  # fmt: skip


class Engine:
    """Starts services in the order of their dependencies; `folder` holds volumes and logs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._services = services()
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._hosts = folder / "hosts"
        self._hosts.write_text(f"127.0.0.1 localhost {' '.join(self._services)}\n")

    def log(self, name: str) -> str:
        """Return what a service has said."""
        return (self._folder / f"{name}.log").read_text(errors="replace")

    @contextmanager
    def up(self, *names: str) -> Iterator[None]:
        """Run services and what they depend on."""
        with ExitStack() as stack:
            stack.callback(self._down)
            for name in names:
                self._start(name)
            yield

    def _start(self, name: str) -> None:
        if name in self._running:
            return
        service = self._services[name]
        conditions = {
            "service_healthy": self.wait_for_health,
            "service_completed_successfully": self.finish,
        }
        for needed, how in service.get("depends_on", {}).items():
            self._start(needed)
            conditions[how["condition"]](needed)
        with (self._folder / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(
                self._confined(service, _command(service)), stdout=log, stderr=log
            )

    def wait_for_health(self, name: str) -> None:
        """Ask its health check until it is content."""
        service = self._services[name]
        kind, *test = service["healthcheck"]["test"]
        assert kind == "CMD"
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self._running[name].poll() is None:
            if subprocess.run(
                self._confined(service, test), capture_output=True, check=False
            ).returncode == 0:  # fmt: skip
                return
            time.sleep(0.5)
        raise AssertionError(f"{name} is not healthy:\n{self.log(name)[-3000:]}")

    def finish(self, name: str) -> None:
        """Wait until a service has done its work."""
        code = self._running[name].wait(PATIENCE)
        assert code == 0, f"{name} ended with {code}:\n{self.log(name)[-3000:]}"

    def wait_for_words(self, name: str, words: str, seconds: float = 60) -> float:
        """Wait until a service has said `words`; return the seconds that took."""
        begun = time.monotonic()
        while (waited := time.monotonic() - begun) < seconds:
            if words in self.log(name):
                return waited
            time.sleep(0.5)
        raise AssertionError(f"{name} has not said {words!r}:\n{self.log(name)[-3000:]}")

    def _down(self) -> None:
        for process in reversed(self._running.values()):
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _confined(self, service: Mapping[str, Any], command: list[str]) -> list[str]:
        user, _, group = service.get("user", "1000:1000").partition(":")
        parts = ["bwrap", "--tmpfs", "/", "--proc", "/proc", "--dev", "/dev"]
        parts += self._mounts(service) + self._system()
        parts += ["--remount-ro", "/"] if service["read_only"] else []
        parts += [
            "--unshare-user",
            "--uid",
            user,
            "--gid",
            group,
            "--cap-drop",
            "ALL",
            "--clearenv",
        ]
        path = f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"
        for name, value in {"PATH": path, **service.get("environment", {})}.items():
            parts += ["--setenv", name, value]
        return [*parts, "--chdir", "/", "--die-with-parent", "--", *command]

    def _system(self) -> list[str]:
        parts = [part for path in SYSTEM for part in ("--ro-bind", path, path)]
        for path in sorted(Path("/etc").iterdir()):
            if path.name not in OWN and path.exists():
                parts += ["--ro-bind", str(path), str(path)]
        for path in (Path(sys.base_prefix), ROOT, Path(LIBRARIES)):
            parts += ["--ro-bind", str(path), str(path)]
        return [*parts, "--ro-bind", str(self._hosts), "/etc/hosts"]

    def _mounts(self, service: Mapping[str, Any]) -> list[str]:
        parts = [
            part
            for mount in service.get("tmpfs", [])
            for part in ("--tmpfs", mount.partition(":")[0])
        ]
        for volume in service.get("volumes", []):
            source, target, *how = volume.split(":")
            if source.startswith("."):
                assert how == ["ro"], volume
                parts += ["--ro-bind", str((COMPOSE.parent / source).resolve()), target]
            else:
                folder = self._folder / source
                folder.mkdir(exist_ok=True)
                parts += ["--bind", str(folder), target]
        return parts


def _command(service: Mapping[str, Any]) -> list[str]:
    image = service["image"].partition(":")[0]
    command = list(service.get("command", []))
    own = {
        "callsla": service.get("entrypoint", ["callsla"]),
        "apache/kafka": ["bash", "-c", KAFKA],
        "prom/prometheus": ["prometheus"],
        "prom/alertmanager": ["prometheus-alertmanager"],
    }
    return [*own[image], *command]


def main() -> None:
    """Run everything until the alert of the outage has been told."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="compose-") as name:
        engine = Engine(Path(name))
        with engine.up("prometheus", "alertmanager", "told", "worker", "centre", "outage"):
            print(f"all are up after {time.monotonic() - begun:.0f} s", flush=True)
            waited = engine.wait_for_words("told", "north-support", 360)
            print(engine.log("told"))
            print(f"told {waited:.0f} s after the profile `outage` was up")


if __name__ == "__main__":
    main()
