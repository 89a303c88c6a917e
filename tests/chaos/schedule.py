"""What a seed does: which cluster, which stream, and which faults when."""

from collections.abc import Callable
from random import Random
from typing import Final, TypeAlias

from msgspec import Struct
from releases import TODAY

__all__ = ["SLOTS", "THEMES", "Fault", "Plan", "plan_of", "upgrade_from"]

SLOTS: Final = 3
"""How many workers there can be."""
FIRST: Final = 7.0
"""Seconds before the first fault: the workers own their partitions and have ticked."""


class Fault(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that goes wrong `at` seconds after the stream began, for `seconds`."""

    at: float
    kind: str
    slot: int = 0
    """of the worker it happens to"""
    node: int = 0
    """of the broker it happens to; 0: all of them"""
    seconds: float = 0.0
    what: str = ""
    """a topic, a number of seconds, or a release"""

    def __str__(self) -> str:
        parts = [f"{self.at:5.1f} s  {self.kind:<17}"]
        parts += [f"worker {self.slot}"] if self.kind not in _OF_BROKERS else []
        parts += [f"broker {self.node}"] if self.node else []
        parts += [self.what] if self.what else []
        parts += [f"for {self.seconds:.1f} s"] if self.seconds else []
        return "  ".join(parts)


_OF_BROKERS: Final = (
    "stop broker", "kill broker", "disk full", "kill leader", "elect", "read only", "too small",
    "quota",
)  # fmt: skip


class Plan(Struct, frozen=True, kw_only=True):
    """One run, wholly determined by its seed."""

    seed: int
    theme: str
    seconds: float
    """of the stream"""
    brokers: int
    partitions: int
    workers: int
    """at the beginning"""
    is_static: bool
    """whether workers keep their place in the group over a restart"""
    calls_per_second: int
    feed: tuple[str, ...]
    """what is wrong with the stream"""
    faults: tuple[Fault, ...]
    release: str = TODAY
    """of the workers at the beginning"""

    def describe(self) -> str:
        """Return the schedule, one fault a line."""
        head = (
            f"seed {self.seed}: {self.theme}; {self.brokers} broker(s), {self.workers} worker(s) "
            f"at first{', static' if self.is_static else ''}, {self.partitions} partitions, "
            f"{self.calls_per_second} calls/s for {self.seconds:.0f} s; stream: "
            f"{', '.join(self.feed) or 'clean'}"
        )
        return "\n".join([head, *(f"  {fault}" for fault in self.faults)])


_Maker: TypeAlias = Callable[[Random, float], list[Fault]]


def _at(rng: Random, seconds: float, share: float) -> float:
    """Return a moment about a `share` of the way through the time of faults."""
    return round(FIRST + (seconds - FIRST - 4) * share + rng.uniform(-1.0, 1.0), 2)


def _kill(rng: Random, at: float, slot: int | None = None, kind: str = "kill") -> Fault:
    slot = rng.randrange(2) if slot is None else slot
    what = f"{rng.uniform(0.02, 1.5):.2f} s into it" if kind == "kill in rebalance" else ""
    return Fault(at=at, kind=kind, slot=slot, seconds=round(rng.uniform(0.2, 9.0), 1), what=what)


def _pause(rng: Random, at: float, slot: int | None = None) -> Fault:
    slot = rng.randrange(2) if slot is None else slot
    return Fault(at=at, kind="pause", slot=slot, seconds=round(rng.uniform(7.5, 11.0), 1))


def _crash(rng: Random, t: float) -> list[Fault]:
    return [
        _kill(rng, _at(rng, t, 0.0), 0),
        _kill(rng, _at(rng, t, 0.3), 1, "kill in snapshot"),
        _kill(rng, _at(rng, t, 0.65), 0, "kill in rebalance"),
        _kill(rng, _at(rng, t, 0.95), 1),
    ]


def _zombie(rng: Random, t: float) -> list[Fault]:
    return [
        _pause(rng, _at(rng, t, 0.0), 0),
        Fault(at=_at(rng, t, 0.4), kind="pause in snapshot", slot=1, seconds=8.5),
        _pause(rng, _at(rng, t, 0.75), 0),
        _kill(rng, _at(rng, t, 0.9), 1),
    ]


def _network(rng: Random, t: float) -> list[Fault]:
    return [
        Fault(at=_at(rng, t, 0.0), kind="swallow", slot=0, seconds=round(rng.uniform(3, 12), 1)),
        Fault(at=_at(rng, t, 0.35), kind="cut", slot=1, seconds=round(rng.uniform(1, 9), 1)),
        Fault(at=_at(rng, t, 0.55), kind="delay", slot=0, seconds=8.0, what="1.5"),
        Fault(at=_at(rng, t, 0.85), kind="cut", slot=0, seconds=round(rng.uniform(1, 3), 1)),
        Fault(at=_at(rng, t, 0.9), kind="swallow", slot=1, seconds=round(rng.uniform(2, 5), 1)),
    ]


def _full(rng: Random, t: float) -> list[Fault]:
    topics = ["ledger", "promises", "dead-letters"]
    rng.shuffle(topics)
    return [
        Fault(at=_at(rng, t, 0.0), kind="read only", what="ledger", seconds=4.0),
        Fault(at=_at(rng, t, 0.25), kind="read only", what=topics[0], seconds=14.0),
        Fault(at=_at(rng, t, 0.6), kind="too small", what=topics[1], seconds=4.0),
        Fault(at=_at(rng, t, 0.75), kind="quota", what="2000", seconds=4.0),
        Fault(at=_at(rng, t, 0.95), kind="disk full", node=1, seconds=2.0),
    ]


def _leaders(rng: Random, t: float) -> list[Fault]:
    return [
        Fault(at=_at(rng, t, 0.0), kind="kill leader", seconds=round(rng.uniform(3, 8), 1)),
        Fault(at=_at(rng, t, 0.4), kind="elect"),
        _kill(rng, _at(rng, t, 0.5), 0),
        Fault(at=_at(rng, t, 0.6), kind="kill leader", seconds=round(rng.uniform(3, 6), 1)),
        Fault(at=_at(rng, t, 0.9), kind="cut", slot=1, node=rng.randint(1, 3), seconds=4.0),
        Fault(at=_at(rng, t, 1.0), kind="elect"),
    ]


def _scale(rng: Random, t: float) -> list[Fault]:
    return [
        Fault(at=_at(rng, t, 0.0), kind="start", slot=1),
        Fault(at=_at(rng, t, 0.05), kind="start", slot=2),
        Fault(at=_at(rng, t, 0.35), kind="stop", slot=rng.randrange(2)),
        Fault(at=_at(rng, t, 0.6), kind="hand over", slot=2),
        Fault(at=_at(rng, t, 0.8), kind="hand over", slot=2),
        _kill(rng, _at(rng, t, 0.95), 2, "kill in rebalance"),
    ]


def _broker(rng: Random, t: float) -> list[Fault]:
    return [
        Fault(at=_at(rng, t, 0.0), kind="stop broker", node=1, seconds=0.5),
        _kill(rng, _at(rng, t, 0.25)),
        Fault(at=_at(rng, t, 0.45), kind="kill broker", node=1, seconds=round(rng.uniform(0, 6))),
        Fault(at=_at(rng, t, 0.9), kind="kill broker", node=1),
    ]


def _clock(rng: Random, t: float) -> list[Fault]:
    ahead, back = ("3600", "-3600") if rng.random() < 0.5 else ("-3600", "3600")
    return [
        Fault(at=_at(rng, t, 0.0), kind="clock", slot=0, what=ahead, seconds=10.0),
        Fault(at=_at(rng, t, 0.35), kind="clock", slot=1, what=back, seconds=12.0),
        Fault(at=_at(rng, t, 0.5), kind="hand over", slot=0),
        Fault(at=_at(rng, t, 0.8), kind="clock", slot=0, what=back, seconds=6.0),
        Fault(at=_at(rng, t, 0.85), kind="pause", slot=0, seconds=7.5),
    ]


def _snapshots(rng: Random, t: float) -> list[Fault]:
    kinds = ["kill in snapshot", "pause in snapshot", "kill in snapshot", "kill in snapshot"]
    rng.shuffle(kinds)
    return [
        Fault(at=_at(rng, t, n * 0.28), kind=kind, slot=n % 2, seconds=8.0 if kind[0] == "p" else 1)
        for n, kind in enumerate(kinds)
    ]


def _mixed(rng: Random, t: float) -> list[Fault]:
    choices = [
        fault
        for make in (_crash, _zombie, _network, _full, _scale, _broker, _clock)
        for fault in make(rng, t)
    ]
    return rng.sample(choices, 7)


THEMES: Final[dict[str, _Maker]] = {
    "crash": _crash,
    "zombie": _zombie,
    "network": _network,
    "leaders": _leaders,
    "full": _full,
    "scale": _scale,
    "broker": _broker,
    "clock": _clock,
    "snapshots": _snapshots,
    "mixed": _mixed,
}
FEED: Final = ("duplicate", "disorder", "late", "lost", "restart", "skew", "poison", "buffer")


def plan_of(seed: int, seconds: float = 45.0) -> Plan:
    """Return what `seed` does; seeds 1 to 10 have a theme each, and so on."""
    rng = Random(f"chaos {seed}")
    theme = list(THEMES)[(seed - 1) % len(THEMES)]
    faults = THEMES[theme](rng, seconds)
    if theme not in ("leaders", "mixed"):
        faults.append(rng.choice([_kill, _pause])(rng, _at(rng, seconds, rng.random())))
    return Plan(
        seed=seed,
        theme=theme,
        seconds=seconds,
        brokers=3 if theme == "leaders" else 1,
        partitions=rng.randint(4, 6),
        workers=1 if theme == "scale" else 2,
        is_static=rng.random() < 0.4,
        calls_per_second=rng.choice((250, 400)),
        feed=tuple(sorted(rng.sample(FEED, 5))),
        faults=tuple(sorted(faults, key=lambda fault: fault.at)),
    )


def upgrade_from(release: str, seed: int, seconds: float = 45.0) -> Plan:
    """Return a run in which workers of `release` are exchanged for today's, and back, and again.

    One at a time, as a rolling update does: each of the two releases takes over from the other
    after a farewell and after a crash, and both work side by side in between.
    """
    rng = Random(f"upgrade {seed}")
    steps = [
        ("release", 1, TODAY, 0.0),
        ("release after a crash", 0, TODAY, 0.5),
        ("release", 0, release, 0.0),
        ("release after a crash", 1, release, 0.5),
        ("release", 0, TODAY, 0.0),
    ]
    return Plan(
        seed=seed,
        theme="upgrade",
        seconds=seconds,
        brokers=1,
        partitions=4,
        workers=2,
        is_static=True,
        calls_per_second=250,
        feed=tuple(sorted(rng.sample(FEED, 5))),
        faults=tuple(
            Fault(at=_at(rng, seconds, n / len(steps)), kind=kind, slot=slot, what=to, seconds=lull)
            for n, (kind, slot, to, lull) in enumerate(steps)
        ),
        release=release,
    )
