"""The coordinator of the consumer group: members, generations, session time-out, commits.

Rebalances are eager, as Faust's are: every member gives up everything and joins again. A member
that was silent for a session is expelled without being told: it hears of it when it asks next.
"""

import asyncio
from enum import Enum
from typing import TYPE_CHECKING, Final

from cluster import Cluster, fulfil

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Answer", "Group", "Joined", "Member"]

SESSION_SECONDS: Final = 6.0
REJOIN_SECONDS: Final = 8.0
WATCH_SECONDS: Final = 0.5

Joined = tuple[int, tuple[int, ...]]
"""A generation and the partitions of one member in it."""


class Answer(Enum):
    """What a heartbeat or a commit is answered."""

    FINE = "fine"
    REBALANCE = "rebalance in progress"
    UNKNOWN = "unknown member"


class Member:
    """A member as the coordinator sees it."""

    def __init__(self, name: str, heard: float) -> None:
        self.name = name
        self.heard = heard
        self.partitions: tuple[int, ...] = ()
        self.waiting: asyncio.Future[Joined] | None = None


class Group:
    """One consumer group over `partitions` partitions."""

    def __init__(self, cluster: Cluster, partitions: int, *, static: bool) -> None:
        self.generation = 0
        self.members: dict[str, Member] = {}
        self.committed: dict[int, int] = {}
        self.checked: Callable[[int, int], None] = lambda *_: None
        self._cluster = cluster
        self._partitions = partitions
        self._static = static
        self._preparing_since: float | None = None
        self._settle_at = 0.0
        cluster.later(WATCH_SECONDS, self._watch)

    def join(self, name: str, instance: str, done: asyncio.Future[Joined]) -> None:
        """Have `name` join; `done` is told when the group has settled."""
        now = self._cluster.loop.now
        before = self._of_instance(instance, name)
        if self._static and before is not None and self._preparing_since is None:
            # A static member that comes back within its session gets what it had.
            del self.members[before.name]
            member = self.members[name] = Member(name, now)
            member.partitions = before.partitions
            self._tell(done, (self.generation, member.partitions))
            return
        if before is not None:
            del self.members[before.name]
        member = self.members.setdefault(name, Member(name, now))
        member.heard = now
        member.waiting = done
        self._prepare()

    def _of_instance(self, instance: str, name: str) -> Member | None:
        if not self._static:
            return None
        found = (m for m in self.members.values() if m.name.split("/")[0] == instance)
        return next((m for m in found if m.name != name), None)

    def leave(self, name: str) -> None:
        """Have `name` leave."""
        if self.members.pop(name, None) is not None:
            self._prepare()

    def heartbeat(self, name: str, generation: int) -> Answer:
        """Note that a member lives."""
        member = self.members.get(name)
        if member is None or (generation != self.generation and member.waiting is None):
            return Answer.UNKNOWN
        member.heard = self._cluster.loop.now
        return Answer.FINE if self._preparing_since is None else Answer.REBALANCE

    def commit(self, name: str, generation: int, offsets: dict[int, int]) -> Answer:
        """Take the offsets of a member of this generation."""
        if name not in self.members or generation != self.generation:
            return Answer.UNKNOWN
        for partition, offset in offsets.items():
            self.checked(partition, offset)
            self.committed[partition] = offset
        return Answer.FINE

    def _prepare(self) -> None:
        now = self._cluster.loop.now
        if self._preparing_since is None:
            self._preparing_since = now
        self._settle_at = now + 0.05
        self._cluster.later(0.06, self._settle)

    def _settle(self) -> None:
        """Begin a new generation once every member has joined, or has had its time."""
        began, now = self._preparing_since, self._cluster.loop.now
        if began is None or now < self._settle_at:
            return
        if now - began > REJOIN_SECONDS:
            self.members = {n: m for n, m in self.members.items() if m.waiting is not None}
        if not self.members or any(m.waiting is None for m in self.members.values()):
            return
        self._preparing_since = None
        self.generation += 1
        self._assign()

    def _assign(self) -> None:
        members = sorted(self.members.values(), key=lambda member: member.name)
        self._cluster.chance.shuffle(members)
        self._cluster.note("generation", f"{self.generation} of {len(members)}")
        for index, member in enumerate(members):
            own = range(index, self._partitions, len(members))
            member.partitions, waiting = tuple(own), member.waiting
            member.waiting = None
            member.heard = self._cluster.loop.now
            if waiting is not None:
                self._tell(waiting, (self.generation, member.partitions))

    def _tell(self, done: asyncio.Future[Joined], joined: Joined) -> None:
        self._cluster.later(self._cluster.quick() + self._cluster.back_in, fulfil, done, joined)

    def _watch(self) -> None:
        """Expel who was silent for a session; while the brokers are away nobody can be heard."""
        now = self._cluster.loop.now
        self._cluster.later(WATCH_SECONDS, self._watch)
        if self._cluster.is_away:
            for member in self.members.values():
                member.heard += WATCH_SECONDS
            return
        # Who waits for the others to join is not expected to be heard of.
        quiet = [m for m in self.members.values() if now - m.heard > SESSION_SECONDS]
        for name in [m.name for m in quiet if m.waiting is None]:
            self._cluster.note("expelled", name)
            self.leave(name)
        self._settle()
