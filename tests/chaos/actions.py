"""Faults, done to real processes, connections and topics, and undone again."""

import resource
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from confluent_kafka import ElectionType
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from crew import Crew, Slot
from kafka_server import KafkaCluster, KafkaServer, libraries
from proxy import Proxies
from releases import release
from schedule import Fault
from snapshot_watch import SnapshotWatch
from topic_tail import LogTail

__all__ = ["Actions"]

SNAPSHOT_PATIENCE: Final = 9.0
FULL_AFTER_BYTES: Final = 1_000


class Actions:
    """Does the faults of a plan at their time, each in a thread of its own."""

    def __init__(
        self, crew: Crew, cluster: KafkaCluster, proxies: Proxies, tail: LogTail, group: str
    ) -> None:
        self.notes: list[str] = []
        """what happened that the plan could not know"""
        self.hand_overs: list[float] = []
        """seconds from SIGTERM to the end of the process"""
        self._crew, self._cluster, self._proxies, self._tail = crew, cluster, proxies, tail
        self._group = group
        self._admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
        self._threads: list[threading.Thread] = []
        self._began = 0.0
        self._do: Mapping[str, Callable[[Fault], None]] = {
            "kill": self._kill,
            "kill in snapshot": self._kill_in_snapshot,
            "kill in rebalance": self._kill_in_rebalance,
            "pause": self._pause,
            "pause in snapshot": self._pause_in_snapshot,
            "start": lambda fault: self._slot(fault).start(),
            "stop": self._stop,
            "hand over": self._hand_over,
            "release": self._release,
            "release after a crash": self._release_after_crash,
            "cut": self._line,
            "swallow": self._line,
            "delay": self._line,
            "clock": self._clock,
            "stop broker": self._broker,
            "kill broker": self._broker,
            "kill leader": self._kill_leader,
            "disk full": self._disk_full,
            "elect": self._elect,
            "read only": self._topic,
            "too small": self._topic,
            "quota": self._quota,
        }

    def start(self, faults: tuple[Fault, ...]) -> None:
        """Begin now."""
        self._began = time.monotonic()
        for fault in faults:
            thread = threading.Thread(target=self._later, args=(fault,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def finish(self) -> None:
        """Wait until every fault is over."""
        for thread in self._threads:
            thread.join(120)
        if any(thread.is_alive() for thread in self._threads):
            self.note("a fault is not over")
        if not self._crew.live:
            self._crew.slots[0].start()

    def note(self, text: str) -> None:
        """Remember what happened, with the time."""
        self.notes.append(f"{time.monotonic() - self._began:.1f} s: {text}")

    def _later(self, fault: Fault) -> None:
        time.sleep(fault.at)
        try:
            self._do[fault.kind](fault)
        except Exception as error:
            self.note(f"{fault.kind} failed: {error!r}")

    def _slot(self, fault: Fault) -> Slot:
        return self._crew.slots[fault.slot]

    def _kill(self, fault: Fault) -> None:
        self._slot(fault).kill(fault.seconds)

    def _pause(self, fault: Fault) -> None:
        slot = self._slot(fault)
        slot.signal(signal.SIGSTOP)
        time.sleep(fault.seconds)
        slot.signal(signal.SIGCONT)

    def _kill_in_snapshot(self, fault: Fault) -> None:
        self._at_snapshot(self._slot(fault), lambda: self._slot(fault).kill(fault.seconds))

    def _pause_in_snapshot(self, fault: Fault) -> None:
        slot = self._slot(fault)
        if self._at_snapshot(slot, lambda: slot.signal(signal.SIGSTOP)):
            time.sleep(fault.seconds)
            slot.signal(signal.SIGCONT)

    def _at_snapshot(self, slot: Slot, do: Callable[[], None]) -> bool:
        """Do something as soon as the first record of a snapshot of the worker is in the log.

        Its way to the broker is slow meanwhile, or the snapshot would be complete before.
        """
        watch = SnapshotWatch(lambda: _names(slot), do)
        self._proxies.become(slot.number, "delay", delay=0.1)
        self._tail.on_epoch(watch)
        found = watch.wait(SNAPSHOT_PATIENCE)
        self._proxies.become(slot.number, "pass")
        if not found:
            self.note(f"worker {slot.number} made no snapshot")
        return found

    def _kill_in_rebalance(self, fault: Fault) -> None:
        """Have another worker leave, and kill this one while the group assigns anew."""
        others = [slot for slot in self._crew.live if slot.number != fault.slot]
        if others:
            threading.Thread(target=self._hand_over_of, args=(others[0],), daemon=True).start()
        time.sleep(float(fault.what.split()[0]))
        self._kill(fault)

    def _stop(self, fault: Fault) -> None:
        seconds = self._slot(fault).stop()
        if seconds is not None:
            self.hand_overs.append(round(seconds, 2))

    def _hand_over(self, fault: Fault) -> None:
        self._hand_over_of(self._slot(fault))

    def _hand_over_of(self, slot: Slot) -> None:
        seconds = slot.stop()
        slot.start()
        if seconds is not None:
            self.hand_overs.append(round(seconds, 2))

    def _release(self, fault: Fault) -> None:
        self._slot(fault).release = release(fault.what)
        self._hand_over(fault)

    def _release_after_crash(self, fault: Fault) -> None:
        self._slot(fault).release = release(fault.what)
        self._kill(fault)

    def _line(self, fault: Fault) -> None:
        mode: Any = fault.kind
        node = fault.node or None
        self._proxies.become(fault.slot, mode, node, delay=float(fault.what or 0))
        time.sleep(fault.seconds)
        self._proxies.become(fault.slot, "pass", node)

    def _clock(self, fault: Fault) -> None:
        slot = self._slot(fault)
        slot.set_clock(float(fault.what))
        time.sleep(fault.seconds)
        slot.set_clock(0)

    def _broker(self, fault: Fault) -> None:
        server = self._cluster.servers[fault.node - 1]
        if fault.kind == "stop broker":
            server.stop()
        else:
            server.kill()
        self._again(server, fault.seconds)

    def _again(self, server: KafkaServer, seconds: float) -> None:
        time.sleep(seconds)
        server.start()

    def _kill_leader(self, fault: Fault) -> None:
        """Kill the broker that leads the first partition of the log."""
        topic = self._ledger
        leader = self._admin.list_topics(topic, timeout=10).topics[topic].partitions[0].leader
        self.note(f"broker {leader} leads partition 0 of the log")
        server = next(each for each in self._cluster.servers if each.node == leader)
        server.kill()
        self._again(server, fault.seconds)

    @property
    def _ledger(self) -> str:
        return "callcenter.ledger"

    def _elect(self, _: Fault) -> None:
        self._admin.elect_leaders(ElectionType.PREFERRED, None).result(20)

    def _disk_full(self, fault: Fault) -> None:
        """Let no file of the broker grow: it gives up as on a full disk, and starts with room."""
        server = self._cluster.servers[fault.node - 1]
        assert server.process is not None
        largest = max(path.stat().st_size for path in _segments(server.data, self._ledger))
        limit = largest + FULL_AFTER_BYTES
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (limit, limit))
        try:
            code = server.process.wait(15)
            self.note(f"broker {fault.node} gave up on a full disk ({code})")
        except subprocess.TimeoutExpired:
            self.note(f"broker {fault.node} did not give up on a full disk")
            server.kill()
        self._again(server, fault.seconds)

    def _topic(self, fault: Fault) -> None:
        name, value = (
            ("min.insync.replicas", str(len(self._cluster.servers) + 1))
            if fault.kind == "read only"
            else ("max.message.bytes", "80")
        )
        topic = f"callcenter.{fault.what}"
        before = {"min.insync.replicas": None, "max.message.bytes": _LIMITS.get(fault.what)}[name]
        self._configure(topic, name, value)
        time.sleep(fault.seconds)
        self._configure(topic, name, before)

    def _configure(self, topic: str, name: str, value: str | None) -> None:
        kind = AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET
        entry = ConfigEntry(name, value or "", incremental_operation=kind)
        resource_ = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        for future in self._admin.incremental_alter_configs([resource_]).values():
            future.result(20)

    def _quota(self, fault: Fault) -> None:
        """Throttle the producers of the workers."""
        clients = [f"{self._group}-{name}" for name in ("ledger", "promises")]
        for client in clients:
            self._alter_quota(client, "--add-config", f"producer_byte_rate={fault.what}")
        time.sleep(fault.seconds)
        for client in clients:
            self._alter_quota(client, "--delete-config", "producer_byte_rate")

    def _alter_quota(self, client: str, *change: str) -> None:
        command = ["java", "-Xmx128m", "-cp", f"{libraries()}/*", "kafka.admin.ConfigCommand"]
        where = ["--bootstrap-server", self._cluster.bootstrap, "--alter"]
        what = ["--entity-type", "clients", "--entity-name", client, *change]
        done = subprocess.run(
            [*command, *where, *what], capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode != 0:
            self.note(f"no quota: {(done.stderr or done.stdout).strip()[-200:]}")


_LIMITS: Final = {"dead-letters": str(4 * 1_048_576)}
"""What a topic allows a record, where it is not the default."""


def _names(slot: Slot) -> tuple[str, ...]:
    """Return the names under which the worker of a slot may write."""
    return f"worker-{slot.number}", f"{socket.gethostname()}-{slot.pid}"


def _segments(data: Path, topic: str) -> list[Path]:
    return list(data.glob(f"{topic}-*/*.log"))
