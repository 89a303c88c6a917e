"""The producers: calls of a small centre as records, with the faults that real feeds have."""

from random import Random
from typing import Any, Final

from cluster import Cluster, Record
from plan import BASE, Plan

from streams.events import EVENT_TYPES, encode
from streams.instants import SECOND

__all__ = ["Feed"]

RECONNECT_SECONDS: Final = 10.0
"""How long after an outage a producer may still hold its buffer back."""

_STORIES: Final = (
    ("call.offered", "call.answered", "call.ended"),
    ("call.offered", "call.queued", "call.answered", "call.ended"),
    ("call.queued", "call.answered", "call.transferred", "call.ended"),
    ("call.queued", "call.abandoned"),
    ("call.offered", "call.queued", "call.abandoned", "call.ended"),
    ("call.queued", "call.diverted"),
    ("call.offered", "call.rejected"),
    ("call.queued", "callback.requested", "call.ended"),
    ("call.queued", "call.abandoned", "callback.attempted", "callback.connected"),
    ("call.queued", "call.abandoned", "callback.cancelled"),
    ("call.queued", "call.abandoned", "call.answered"),
    ("call.offered",),
    ("call.answered", "call.ended"),
)
_POISON: Final = (b"", b"{", b"[]", b'{"id":"x","kind":"call.nothing","at":1}', b"\xff\xfe")


class Feed:
    """Writes the events of one run: `start` schedules all of them."""

    def __init__(self, cluster: Cluster, plan: Plan, chance: Random) -> None:
        self.sent = 0
        self._cluster = cluster
        self._plan = plan
        self._chance = chance

    def start(self) -> None:
        """Schedule every record of the run."""
        for number in range(self._plan.calls):
            self._call(number)
        for _ in range(self._chance.choice((0, 0, 2))):
            at = self._chance.uniform(1, self._plan.busy)
            for partition in range(self._plan.partitions):
                self._event("source.restarted", at, partition, {})

    def _call(self, number: int) -> None:
        chance = self._chance
        who = f"customer{chance.randrange(6)}"
        partition = int(who[-1]) % self._plan.partitions
        at = chance.uniform(0, self._plan.busy)
        names = {"queue": chance.choice(("sales", "help", "claims", None))}
        for kind in chance.choice(_STORIES):
            fields: dict[str, Any] = dict(names)
            if kind.startswith("call.") or kind == "callback.requested":
                fields["call_id"] = f"call{number}"
            fields["customer"] = who
            self._event(kind, at, partition, fields)
            at += chance.choice((0.0, 0.5, 2.0, 4.0, 8.0)) * chance.random()

    def _event(self, kind: str, at: float, partition: int, fields: dict[str, Any]) -> None:
        """Schedule one event that happens at second `at`, once or twice."""
        chance, plan = self._chance, self._plan
        if kind == "call.answered":
            fields["answered_by"] = "human"
        if kind == "callback.connected":
            fields["reached"] = "human"
        self.sent += 1
        instant = BASE + round((at + plan.producer_offset) * SECOND)
        made: Any = EVENT_TYPES[kind]
        value = encode(made(id=f"e{self.sent}", source="pbx", at=instant, **fields))
        for _ in range(2 if chance.random() < plan.duplicates else 1):
            delay = chance.random() * plan.spread
            if chance.random() < plan.late:
                delay += chance.uniform(5, 30)
            self._cluster.later(at + delay, self._produce, partition, value)
        if chance.random() < plan.poison:
            self._cluster.later(at, self._produce, partition, self._poison(at))

    def _poison(self, at: float) -> bytes:
        if self._chance.random() < 0.7:
            return self._chance.choice(_POISON)
        wrong = BASE + round((at + self._chance.choice((500, -200_000))) * SECOND)
        made: Any = EVENT_TYPES["call.offered"]
        return encode(made(id=f"w{self.sent}", source="pbx", at=wrong, call_id=f"w{self.sent}"))

    def _produce(self, partition: int, value: bytes) -> None:
        """Append one record, or keep it in the buffer while the brokers are away."""
        cluster = self._cluster
        stamp = BASE // 1000 + round((cluster.loop.now + self._plan.producer_offset) * 1000)
        if cluster.is_away:
            delay = cluster.back_in + cluster.chance.random() * RECONNECT_SECONDS
            cluster.later(delay, self._append, partition, value, stamp)
        else:
            self._append(partition, value, stamp)

    def _append(self, partition: int, value: bytes, stamp: int) -> None:
        cluster = self._cluster
        events = cluster.events[partition]
        if cluster.chance.random() < self._plan.holes:
            events.end += 1
        record = Record(events.end, stamp, None, value, (), cluster.loop.now)
        events.records.append(record)
        events.end += 1
