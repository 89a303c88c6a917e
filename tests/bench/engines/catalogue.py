"""Which engines run, how each is set up, and what it keeps."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

from engines.callsla import run_callsla
from engines.contest import Backlog, Contest
from engines.figures import Run
from engines.peers import java_command, python_command, run_peer

__all__ = ["ENGINES", "OURS", "Engine"]


class Engine(NamedTuple):
    """One way to have the job done."""

    title: str
    keeps: str
    """what survives a crash, and what is more or less than the others do"""
    command: Callable[[], list[str]] | None = None
    """builds a peer if need be and returns its command; None: callsla"""
    share: float = 1
    """of the topic: a slow engine takes a prefix"""
    pinned: bool = True
    """to one core"""
    changelogs: Sequence[str] = ()
    """those that it does not find when it has just made them itself"""
    settings: Mapping[str, str] = {}
    """of callsla's worker, that are not the default"""

    def run(self, contest: Contest, backlog: Backlog) -> Run:
        """Go through a backlog once; the result has been checked."""
        if self.command is None:
            return run_callsla(contest, backlog, settings=self.settings)
        command = self.command()
        return run_peer(contest, backlog, command, pinned=self.pinned, changelogs=self.changelogs)


OURS: Final = "callsla"
ENGINES: Final[dict[str, Engine]] = {
    OURS: Engine(
        "callsla worker",
        "the full promise, exact after any crash: a durable tick at most ten times a second, a "
        "snapshot every minute; promise events written",
    ),
    "callsla-snapshots": Engine(
        "callsla worker, a snapshot every 2 s",
        "the same, with as many snapshots in seconds as else in minutes",
        settings={"CALLSLA_SNAPSHOT_SECONDS": "2"},
    ),
    "kafka-streams-eos": Engine(
        "Kafka Streams, exactly once v2",
        "the smaller job; stores in memory, changelogs, a transaction every 100 ms",
        partial(java_command, "kafka_streams", "eos"),
    ),
    "kafka-streams-alo": Engine(
        "Kafka Streams, at least once",
        "the smaller job; stores in memory, changelogs, a commit every 30 s; counts twice after a "
        "crash what came since the last commit",
        partial(java_command, "kafka_streams", "alo"),
    ),
    "kafka-streams-memory": Engine(
        "Kafka Streams, without changelog",
        "the smaller job; nothing survives the process",
        partial(java_command, "kafka_streams", "memory"),
    ),
    "kafka-streams-eos-free": Engine(
        "Kafka Streams, exactly once v2, not pinned",
        "as above, with both cores to share with the broker",
        partial(java_command, "kafka_streams", "eos"),
        pinned=False,
    ),
    "bytewax": Engine(
        "Bytewax",
        "the smaller job; recovery snapshots in SQLite every 10 s (its default)",
        partial(python_command, "bytewax", "bytewax_peer.py", "kept"),
    ),
    "bytewax-light": Engine(
        "Bytewax, without recovery",
        "the smaller job; nothing survives the process",
        partial(python_command, "bytewax", "bytewax_peer.py", "light"),
    ),
    "quix": Engine(
        "Quix Streams",
        "the smaller job; all state in RocksDB with changelogs, a commit every 5 s (its default)",
        partial(python_command, "quix", "quix_peer.py"),
        share=1 / 5,
    ),
    "faust-light": Engine(
        "Faust with plain dicts",
        "the smaller job; nothing survives the process",
        partial(python_command, "faust", "light.py"),
        share=1 / 10,
    ),
    "faust-manual": Engine(
        "Faust as its manual has it",
        "the smaller job; Tables in memory with changelogs, a tumbling window",
        partial(python_command, "faust", "manual.py"),
        share=1 / 40,
        changelogs=("calls", "queues", "windows"),
    ),
}
