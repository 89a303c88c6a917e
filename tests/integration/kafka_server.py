"""Real Apache Kafka brokers (KRaft) on free loopback ports, their data in a directory."""

import os
import shutil
import socket
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

__all__ = ["KafkaCluster", "KafkaServer", "free_ports", "kafka_server", "missing"]

REPOSITORY: Final = Path(__file__).parents[2]
START_SECONDS: Final = 180
STOP_SECONDS: Final = 20

PROPERTIES: Final = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={advertised}
listener.security.protocol.map={protocols},CONTROLLER:PLAINTEXT
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
    """One broker; `bootstrap` is its address, the same over restarts.

    `doors` are further listeners by name: where it listens and what it tells its clients to
    connect to, so that something may stand in between. `voters` are the controllers of the
    cluster it belongs to, by node (default: itself alone); `properties` override the common ones.
    """

    def __init__(
        self,
        directory: Path,
        *,
        node: int = 1,
        voters: Mapping[int, int] | None = None,
        doors: Mapping[str, tuple[int, int]] | None = None,
        properties: Mapping[str, str] | None = None,
        cluster: str | None = None,
        heap: str = "768m",
    ) -> None:
        self._directory = directory
        self._heap = heap
        self._port, controller = free_ports(2)
        self.node = node
        self.bootstrap = f"127.0.0.1:{self._port}"
        self._properties = directory / "server.properties"
        self._process: subprocess.Popen[bytes] | None = None
        own = {"PLAINTEXT": (self._port, self._port), **(doors or {})}
        voters = voters or {node: controller}
        text = PROPERTIES.format(
            node=node,
            voters=",".join(f"{each}@127.0.0.1:{port}" for each, port in voters.items()),
            controller=voters[node],
            listeners=_addresses({name: at for name, (at, _) in own.items()}),
            advertised=_addresses({name: told for name, (_, told) in own.items()}),
            protocols=",".join(f"{name}:PLAINTEXT" for name in own),
            data=self.data,
        )
        # Of two lines with one name the last holds.
        further = "".join(f"{name}={value}\n" for name, value in (properties or {}).items())
        self._properties.write_text(text + further)
        self._format(cluster or _cluster_id())

    @property
    def process(self) -> "subprocess.Popen[bytes] | None":
        """The process, once it was started."""
        return self._process

    @property
    def data(self) -> Path:
        """The folder with its logs."""
        return self._directory / "data"

    def _java(self, *arguments: str) -> list[str]:
        return ["java", f"-Xmx{self._heap}", "-cp", f"{libraries()}/*", *arguments]

    def _format(self, cluster: str) -> None:
        command = self._java("kafka.tools.StorageTool", "format", "-t", cluster)
        subprocess.run([*command, "-c", str(self._properties)], check=True, capture_output=True)

    def start(self) -> None:
        """Start the broker and wait until it answers."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start the broker and wait for nothing."""
        log = (self._directory / "server.log").open("ab")
        with closing(log):
            self._process = subprocess.Popen(
                self._java("kafka.Kafka", str(self._properties)), stdout=log, stderr=log
            )

    def wait(self) -> None:
        """Wait until the broker that was launched listens."""
        assert self._process is not None
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


class KafkaCluster:
    """Brokers that are controllers as well; `doors` are those of each broker.

    Leaders move when one dies: three of them, every topic of their own on all three and writable
    while two are there.
    """

    def __init__(
        self, directory: Path, doors: Sequence[Mapping[str, tuple[int, int]]], heap: str = "384m"
    ) -> None:
        number = len(doors)
        voters = dict(enumerate(free_ports(number), start=1))
        properties = _SHARED | {name: str(number) for name in _REPLICATED} if number > 1 else {}
        cluster = _cluster_id()
        self.servers: list[KafkaServer] = []
        for node, own in enumerate(doors, start=1):
            folder = directory / f"node-{node}"
            folder.mkdir()
            server = KafkaServer(
                folder, node=node, voters=voters, doors=own, properties=properties,
                cluster=cluster, heap=heap,
            )  # fmt: skip
            self.servers.append(server)

    @property
    def bootstrap(self) -> str:
        """The addresses of all brokers."""
        return ",".join(server.bootstrap for server in self.servers)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run every broker for the time of the block; their data is worth nothing afterwards."""
        with ExitStack() as stack:
            for server in self.servers:
                # In order, the last ones would wait in vain for a majority.
                stack.callback(server.kill)
                server.launch()
            for server in self.servers:
                server.wait()
            yield


_REPLICATED: Final = (
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "share.coordinator.state.topic.replication.factor",
    "default.replication.factor",
)
_SHARED: Final = {
    "min.insync.replicas": "2",
    # Of a broker that died the others take over sooner than clients lose patience.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "replica.lag.time.max.ms": "3000",
    "unclean.leader.election.enable": "false",
}


@contextmanager
def kafka_server(directory: Path) -> Iterator[KafkaServer]:
    """Run a broker with its data in `directory` for the time of the block."""
    server = KafkaServer(directory)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def free_ports(number: int) -> list[int]:
    """Return ports of the loopback that nobody listens on."""
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports: list[int] = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _cluster_id() -> str:
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")


def _addresses(ports: Mapping[str, int]) -> str:
    return ",".join(f"{name}://127.0.0.1:{port}" for name, port in ports.items())


_free_ports = free_ports


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
