"""Which engines run, how each is set up, and what it keeps."""

from collections.abc import Callable
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
    share: float
    """of the topic: a slow engine takes a prefix"""
    run: Callable[[Contest, Backlog], Run]


def _callsla(**settings: str) -> Callable[[Contest, Backlog], Run]:
    return lambda contest, backlog: run_callsla(contest, backlog, settings=settings)


def _java(peer: str, mode: str, *, pinned: bool = True) -> Callable[[Contest, Backlog], Run]:
    def run(contest: Contest, backlog: Backlog) -> Run:
        return run_peer(contest, backlog, java_command(peer, mode), pinned=pinned)

    return run


def _python(peer: str, *modes: str) -> Callable[[Contest, Backlog], Run]:
    return lambda contest, backlog: run_peer(contest, backlog, python_command(peer, *modes))


OURS: Final = "callsla"
ENGINES: Final[dict[str, Engine]] = {
    OURS: Engine(
        "callsla worker",
        "the full promise; exact, ticks durable four times a second",
        1,
        _callsla(),
    ),
    "kafka-streams-eos": Engine(
        "Kafka Streams, exactly once v2",
        "the smaller job; stores in memory, changelogs, a transaction every 100 ms",
        1,
        _java("kafka_streams", "eos"),
    ),
    "kafka-streams-alo": Engine(
        "Kafka Streams, at least once",
        "the smaller job; stores in memory, changelogs, commits every 30 s",
        1,
        _java("kafka_streams", "alo"),
    ),
}
