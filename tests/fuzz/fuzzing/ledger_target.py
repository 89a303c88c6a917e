"""The ledger under every event that decodes, however strange."""

from random import Random
from typing import Any, Final

from fuzzing.engine import Target
from fuzzing.event_targets import EVENTS, FIELD_NAMES
from fuzzing.mutation import mutate
from fuzzing.trees import as_json, spoil
from streams import promise_events
from streams.events import EventDecoder, Rejected
from streams.instants import DAY, HOUR, MINUTE, SECOND
from streams.ledger import Ledger, QueueRules, Rules, figures_by_queue
from streams.ledger.snapshot import load
from streams.ledger.writing import dump

__all__ = ["Ledgers"]

T: Final = 1_767_571_200 * SECOND
_RULES: Final = (
    Rules(),
    Rules(default=QueueRules(callback_clock="breach", clock_start="queue"), max_queues=2),
    Rules(
        default=QueueRules(unknown_is_human=True, early_abandon="broken", unreachable_after=1),
        queues={"s*": QueueRules(answer_target=1, callback_target=SECOND, repeat_window=0)},
        grace=0,
        lateness=0,
        max_call=11 * SECOND,
        max_age=0,
        max_future=0,
    ),
    Rules(lateness=30 * DAY, max_age=400 * DAY, max_call=366 * DAY, max_future=366 * DAY),
)
_SIZES: Final = (0, 0, 1, SECOND, 10 * SECOND, MINUTE, HOUR, 4 * HOUR, DAY, 40 * DAY)


class Ledgers(Target):
    """A story of a few calls: lines of events and, as `+microseconds`, of time that passes.

    The first byte of an input says under which rules.
    """

    name = "ledger"

    def make(self, random: Random) -> bytes:
        lines = [b"%d" % random.randrange(len(_RULES))]
        at = T // 1000
        for number in range(random.choice((2, 5, 10, 16))):
            if random.random() < 0.25:
                passed = random.choice(_SIZES)
                lines.append(b"+%d" % passed)
                at += passed // 1000
            lines.append(_event(random, at, number))
        data = b"\n".join(lines)
        return mutate(random, data) if random.random() < 0.1 else data

    def check(self, data: bytes) -> bool:
        head, _, rest = data.partition(b"\n")
        rules = _RULES[(head[:1] or b"0")[0] % len(_RULES)]
        story = _Story(Ledger(rules))
        for line in rest.split(b"\n"):
            story.tell(line)
        story.tell(b"+%d" % (500 * DAY))
        story.end()
        return story.events > 0


class _Story:
    """A ledger and its twin, who is put down and taken up again at every tick."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._twin = load(ledger.rules, dump(ledger))
        self._decoder = EventDecoder()
        self._now = T
        self.events = 0

    def tell(self, line: bytes) -> None:
        if line[:1] == b"+" and line[1:].isdigit():
            self._advance(min(int(line[1:20]), 500 * DAY))
            return
        try:
            event = self._decoder.decode(line)
        except Rejected:
            return
        self.events += 1
        stamp = self._now if self.events % 2 else 0
        fate = self._ledger.apply(event, stamp)
        assert self._twin.apply(event, stamp) == fate

    def _advance(self, passed: int) -> None:
        self._now += passed
        for ledger in (self._ledger, self._twin):
            ledger.advance(self._now)
        changes = self._ledger.drain()
        assert self._twin.drain() == changes
        for change in changes:
            encoded = promise_events.encode(promise_events.from_change(change, 1))
            promise_events.decode(encoded)
        state = dump(self._ledger)
        assert dump(self._twin) == state
        self._twin = load(self._ledger.rules, state)
        assert dump(self._twin) == state
        self._ledger.live(self._now)

    def end(self) -> None:
        self._ledger.windows.read()
        for figures in figures_by_queue(self._ledger).values():
            _add_up(figures)


def _add_up(figures: dict[str, Any]) -> None:
    """Assert what always holds (DESIGN: `replay --json`)."""
    outcomes, answer, promise = (figures[name] for name in ("outcomes", "answer", "promise"))
    offered = figures["offered"]
    assert offered == sum(outcomes.values())
    assert offered == sum(answer.values())
    assert offered == sum(promise.values())
    callback = dict(figures["callback"])
    opened, late = callback.pop("opened"), callback.pop("late")
    assert opened == sum(callback.values())
    assert late <= callback["broken"]
    assert min(*outcomes.values(), *answer.values(), *promise.values(), *callback.values()) >= 0


def _event(random: Random, at: int, number: int) -> bytes:
    fields = dict(random.choice(EVENTS))
    fields["id"] = f"e{random.choice((number, number, number, 0))}"
    fields["at"] = at + random.choice((0, 0, 250, 1000, 10_000, 10_001, -5000, 60_000, 3_600_000))
    fields["queue"] = random.choice(("sales", "sales", "stock", "__other__", "__none__", None))
    fields["customer"] = random.choice(("k1", "k1", "k2", "\0c1", "c1", None))
    fields["source"] = random.choice(("pbx", "pbx", "crm"))
    if "call_id" in fields:
        fields["call_id"] = random.choice(("c1", "c1", "c2", "c3", "k1", "\0c1"))
    for name in ("resolved", "ended_by", "answered_by", "with", "reason", "to"):
        if name in fields and random.random() < 0.4:
            del fields[name]
    if random.random() < 0.3:
        fields.pop("call_id", None)
    if random.random() < 0.15:
        fields = spoil(random, fields, FIELD_NAMES)
    return as_json(random, fields)
