"""A real Apache Kafka broker (KRaft, one node) on free loopback ports, its data in a directory."""

import os
import shutil
import socket
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

__all__ = ["KafkaServer", "kafka_server", "missing"]

REPOSITORY: Final = Path(__file__).parents[2]
START_SECONDS: Final = 60
STOP_SECONDS: Final = 20

PROPERTIES: Final = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
num.partitions=4
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.segment.bytes=67108864
"""


def libraries() -> Path:
    """Return the folder of Kafka's jars."""
    return Path(os.environ.get("CALLSLA_KAFKA_LIBS", REPOSITORY / ".cache" / "kafka" / "libs"))


def missing() -> str | None:
    """Return what a broker lacks on this machine and how to get it; None: nothing."""
    if shutil.which("java") is None:
        return "java is missing: install a Java runtime, 17 or newer"
    if not list(libraries().glob("kafka_2.13-*.jar")):
        return "Kafka's jars are missing: make parts"
    return None


class KafkaServer:
    """One broker; `bootstrap` is its address, the same over restarts."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port, controller = _free_ports(2)
        self.bootstrap = f"127.0.0.1:{self._port}"
        self._properties = directory / "server.properties"
        text = PROPERTIES.format(broker=self._port, controller=controller, data=directory / "data")
        self._properties.write_text(text)
        self._process: subprocess.Popen[bytes] | None = None
        self._format()

    def _java(self, *arguments: str) -> list[str]:
        return ["java", "-Xmx768m", "-cp", f"{libraries()}/*", *arguments]

    def _format(self) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
        command = self._java("kafka.tools.StorageTool", "format", "-t", cluster)
        subprocess.run([*command, "-c", str(self._properties)], check=True, capture_output=True)

    def start(self) -> None:
        """Start the broker and wait until it answers."""
        log = (self._directory / "server.log").open("ab")
        with closing(log):
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._properties)), stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while not _listens(self._port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Kafka did not start:\n{self.log()[-2000:]}")
            time.sleep(0.1)

    def log(self) -> str:
        """Return what the broker wrote so far."""
        return (self._directory / "server.log").read_text(errors="replace")

    def kill(self) -> None:
        """End the broker without a farewell, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End the broker in order."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


@contextmanager
def kafka_server(directory: Path) -> Iterator[KafkaServer]:
    """Run a broker with its data in `directory` for the time of the block."""
    server = KafkaServer(directory)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports: list[int] = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
