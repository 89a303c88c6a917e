"""What happens in one run: everything is drawn from the seed before it begins.

Each kind of fault is either on or off in a seed, so that some runs are full of one kind and have
none of another: faults that are always mixed hide one another.
"""

from random import Random
from typing import Final, NamedTuple

from msgspec import Struct, field

from streams.instants import DAY, HOUR, SECOND
from streams.ledger import QueueRules, Rules

__all__ = ["BASE", "Action", "Plan", "draw_plan"]

BASE: Final = 1_767_571_200 * SECOND
"""2026-01-05T00:00:00Z: the instant (microseconds) at which every run begins."""


class Action(NamedTuple):
    """A fault at a moment: `at` and `lasting` in seconds of virtual time."""

    at: float
    kind: str
    worker: int
    lasting: float = 0.0
    number: int = 0


class Plan(Struct, kw_only=True):
    """One run. Durations in seconds unless they belong to the rules (microseconds)."""

    seed: int
    partitions: int
    workers: int
    busy: float
    """how long calls come and faults happen"""
    calm: float
    """how long everything has afterwards to come right"""
    tick: float
    snapshot: float
    chunk_bytes: int
    rules: Rules
    static: bool
    calls: int
    spread: float
    """how late a record may be behind its event"""
    producer_offset: float
    duplicates: float
    poison: float
    late: float
    holes: float
    lost_acknowledgements: float = 0.0
    late_appends: float = 0.0
    never_appended: float = 0.0
    slow_appends: float = 0.0
    failed_outputs: float = 0.0
    slow_outputs: float = 0.0
    stale_batches: float = 0.0
    slow_fetches: float = 0.0
    trim_refused: bool = False
    skew: tuple[float, ...] = ()
    """by which the clock of each worker is wrong"""
    tamper: str | None = None
    """what is done to the log or the source that an owner has to refuse"""
    actions: list[Action] = field(default_factory=list)


TAMPERS: Final = ("truncate", "overtake", "damage", "hole")


def draw_plan(seed: int) -> Plan:
    """Return what happens in run `seed`."""
    chance = Random(f"plan {seed}")
    plan = _setting(seed, chance)
    _faults(plan, chance)
    _actions(plan, chance)
    return plan


def _setting(seed: int, chance: Random) -> Plan:
    tick = chance.choice((0.25, 0.5, 1.0, 1.0, 2.0))
    busy = chance.uniform(10, 20) if tick < 0.5 else chance.uniform(15, 45)
    workers = chance.choice((1, 2, 2, 3))
    return Plan(
        seed=seed,
        partitions=chance.choice((1, 1, 2, 2, 3)),
        workers=workers,
        busy=busy,
        calm=26.0,
        tick=tick,
        snapshot=chance.choice((3.0, 8.0, 20.0)),
        chunk_bytes=chance.choice((1_000, 4_000, 500_000)),
        rules=_rules(chance),
        static=_on(chance, 0.2),
        calls=chance.randint(5, 40),
        spread=chance.choice((0.2, 1.5, 6.0)),
        producer_offset=chance.choice((0.0, 0.0, 0.0, -3.0, 5.0, 50.0)),
        duplicates=chance.choice((0.0, 0.05, 0.2)),
        poison=chance.choice((0.0, 0.0, 0.05, 0.15)),
        late=chance.choice((0.0, 0.0, 0.0, 0.1)),
        holes=chance.choice((0.0, 0.0, 0.1)),
        skew=tuple(chance.uniform(-0.3, 0.3) for _ in range(workers)),
    )


def _rules(chance: Random) -> Rules:
    queue = QueueRules(
        answer_target=chance.choice((3, 5, 10)) * SECOND,
        callback_target=chance.choice((10, 20)) * SECOND,
        late_horizon=20 * SECOND,
        repeat_window=10 * SECOND,
        short_talk=2 * SECOND,
    )
    return Rules(
        default=queue,
        lateness=chance.choice((15 * SECOND, 60 * SECOND, HOUR)),
        max_call=30 * SECOND,
        max_future=60 * SECOND,
        max_age=DAY,
        max_queues=chance.choice((2, 1000)),
    )


def _on(chance: Random, share: float) -> bool:
    return chance.random() < share


def _faults(plan: Plan, chance: Random) -> None:
    rates = (0.01, 0.03, 0.1)
    for name, share in (
        ("lost_acknowledgements", 0.3),
        ("late_appends", 0.3),
        ("never_appended", 0.2),
        ("slow_appends", 0.4),
        ("failed_outputs", 0.2),
        ("slow_outputs", 0.3),
        ("stale_batches", 0.4),
        ("slow_fetches", 0.5),
    ):
        if _on(chance, share):
            setattr(plan, name, chance.choice(rates))
    plan.trim_refused = _on(chance, 0.15)
    if _on(chance, 0.12):
        plan.tamper = chance.choice(TAMPERS)


def _actions(plan: Plan, chance: Random) -> None:
    actions: list[Action] = []

    def add(kind: str, share: float, most: int, longest: float = 0.0, number: int = 0) -> None:
        for _ in range(chance.randint(1, most) if _on(chance, share) else 0):
            at = chance.uniform(1, plan.busy)
            lasting = chance.uniform(0.1, longest) if longest else 0.0
            worker = chance.randrange(plan.workers)
            actions.append(Action(at, kind, worker, lasting, chance.randint(0, number)))

    add("crash", 0.6, 4, 3.0, 30)
    add("pause", 0.4, 2, 4.0)
    add("pause", 0.4, 2, 16.0)
    add("stop", 0.35, 2, 2.0)
    add("outage", 0.3, 1, 9.0)
    add("cut", 0.3, 2, 14.0)
    add("step", 0.15, 2, 0.0, 3)
    if plan.tamper is not None:
        at = chance.uniform(0.3, 0.9) * plan.busy
        actions.append(Action(at, plan.tamper, 0, 0.0, chance.randint(1, 4)))
    plan.actions = sorted(actions)
