"""Everything that takes part in a run: brokers, proxies, workers, readers."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from crew import Crew, Slot
from kafka_server import KafkaCluster, free_ports
from live_feed import CALLBACK_SECONDS
from msgspec import Struct
from proxy import Proxies
from releases import release
from schedule import SLOTS, Plan
from topic_tail import LogTail

from streams.kafka.topics import create_topics
from streams.ledger import Rules
from streams.settings import Settings
from streams.slo import parse_slo

__all__ = ["SLO", "Cast", "cast_of", "rules"]

SLO: Final = f"""
promises:
  answer: {{target: 10s}}
  callback: {{target: {CALLBACK_SECONDS}s, late_horizon: 2m}}
usefulness: {{short_talk: 2s, repeat_window: 15s}}
time: {{grace: 2s, lateness: 1h, max_call: 40s, max_future: 1m, max_age: 7d}}
"""
SNAPSHOT_SECONDS: Final = 5


def rules() -> Rules:
    """Return the promise as all workers of a run are told it."""
    return parse_slo(SLO).rules()


class Cast(Struct):
    """The parts of one run."""

    settings: Settings
    """of the harness itself, which goes past the proxies"""
    cluster: KafkaCluster
    proxies: Proxies
    crew: Crew
    tail: LogTail


@contextmanager
def cast_of(plan: Plan, directory: Path, mutation: str | None = None) -> Iterator[Cast]:
    """Start the brokers and their readers; the workers wait to be started."""
    ports = iter(free_ports(2 * plan.brokers * SLOTS))
    doors = {
        node: {slot: (next(ports), next(ports)) for slot in range(SLOTS)}
        for node in range(1, plan.brokers + 1)
    }
    with ExitStack() as stack:
        named = [{f"DOOR{slot}": door for slot, door in own.items()} for own in doors.values()]
        cluster = KafkaCluster(directory, named, heap="384m")
        stack.enter_context(cluster.running())
        settings = Settings(
            broker=cluster.bootstrap, partitions=plan.partitions, replication=plan.brokers
        )
        create_topics(settings)
        proxies = Proxies(
            {(s, node): (told, at) for node, own in doors.items() for s, (at, told) in own.items()}
        )
        stack.callback(proxies.close)
        tail = LogTail(cluster.bootstrap, settings.ledger_topic)
        stack.callback(tail.close)
        slots = [
            Slot(
                each,
                directory,
                _environment(plan, each, doors, directory, mutation),
                release(plan.release),
            )
            for each in range(SLOTS)
        ]
        crew = Crew(slots)
        stack.callback(crew.close)
        yield Cast(settings, cluster, proxies, crew, tail)


def _environment(
    plan: Plan,
    slot: int,
    doors: dict[int, dict[int, tuple[int, int]]],
    directory: Path,
    mutation: str | None,
) -> dict[str, str]:
    slo = directory / "slo.yaml"
    slo.write_text(SLO)
    told = [own[slot][1] for own in doors.values()]
    return {
        "CALLSLA_BROKER": ",".join(f"127.0.0.1:{port}" for port in told),
        "CALLSLA_SLO_FILE": str(slo),
        "CALLSLA_SNAPSHOT_SECONDS": str(SNAPSHOT_SECONDS),
        **({"CALLSLA_INSTANCE": f"worker-{slot}"} if plan.is_static else {}),
        **({"CHAOS_MUTATION": mutation} if mutation else {}),
    }
