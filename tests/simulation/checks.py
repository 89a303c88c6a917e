"""What must hold in every run. Each check returns what is wrong, one line each; nothing is fine."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from judge import Judged, judge, plain_truths, truths
from plan import BASE
from virtual_loop import Process
from world import World

from streams.instants import SECOND
from streams.kafka.clock import HOLD, OUTAGE, PATIENCE
from streams.kafka.keeper import Keeper

__all__ = ["problems_of"]

MARGIN: Final = 10
"""Microseconds: rounding."""
READ_SECONDS: Final = 5.0
FENCED_SECONDS: Final = 20.0
"""Longer than an append may take until its outcome is unknown."""


def problems_of(world: World) -> list[str]:
    """Return what is wrong with a run that is over."""
    found = list(world.problems)
    if world.plan.tamper == "truncate" and world.cut_at is not None:
        return [*found, *_truncated(world)]
    judged = [
        judge(number, log, events, world.plan.rules)
        for number, (log, events) in enumerate(
            zip(world.cluster.logs, world.cluster.events, strict=True)
        )
    ]
    for number, each in enumerate(judged):
        found += [f"partition {number}: {what}" for what in _of_partition(world, number, each)]
    found += _promises(world, judged)
    return found


def _of_partition(world: World, number: int, judged: Judged) -> Iterator[str]:
    yield from judged.faults
    yield from _exports(world, number, judged)
    yield from _commits(world, number, judged)
    yield from _firing(world, number, judged)
    yield from _truth(world, judged)
    if not world.refusals:
        yield from _progress(world, number, judged)


def _exports(world: World, number: int, judged: Judged) -> Iterator[str]:
    """What is shown is durable, does not go down, and is shown under an epoch in force."""
    known: dict[bytes, list[int]] = defaultdict(list)
    known[judged.nothing].append(0)
    for index, tick in enumerate(judged.ticks, 1):
        known[tick.fingerprint].append(index)
    newest = 0
    stale_since: dict[tuple[Process, int], float] = {}
    starts = [landed for _, landed in judged.epochs]
    for sample in world.samples:
        if sample.partition != number:
            continue
        who = f"{sample.process.name} at {sample.at:.3f}"
        landed = [
            n
            for n in known.get(sample.fingerprint, ())
            if n == 0 or judged.ticks[n - 1].landed <= sample.at
        ]
        if not landed:
            yield f"{who} shows totals (now {_s(sample.exported.now)}) of no durable tick"
            continue
        in_force = judged.epochs[bisect_right(starts, sample.at) - 1]
        if sample.epoch != in_force[0]:
            since = stale_since.setdefault((sample.process, sample.epoch), sample.at)
            if sample.at - since > _patience(world):
                yield f"{who} still shows epoch {sample.epoch}, replaced at {in_force[1]:.3f}"
        elif landed[-1] < newest:
            yield f"{who} goes back from tick {newest} to {landed[-1]}"
        newest = max(newest, landed[0])


def _patience(world: World) -> float:
    plan = world.plan
    away = sum(end - start for start, end in world.cluster.outages)
    return FENCED_SECONDS + plan.tick + away + (60.0 if plan.slow_outputs else 0.0) + 16.0


def _commits(world: World, number: int, judged: Judged) -> Iterator[str]:
    """No offset is committed that no durable tick covers."""
    reached, position = 0, 0
    for at, partition, offset in world.commits:
        if partition != number:
            continue
        while position < len(judged.ticks) and judged.ticks[position].landed <= at:
            reached = judged.ticks[position].to_offset
            position += 1
        if offset > reached:
            yield f"offset {offset} committed at {at:.3f}, durable is {reached}"


def _truth(world: World, judged: Judged) -> Iterator[str]:
    """The counters less their corrections are what a ledger makes of the same facts in order."""
    # Which names get a label of their own depends on the order in which they come.
    by_queue = world.plan.rules.max_queues > 100
    counted = truths(judged.ledger.totals, by_queue=by_queue)
    plain = plain_truths(judged, world.plan.rules, by_queue=by_queue)
    for key in sorted({*counted, *plain}):
        if counted.get(key, 0) != plain.get(key, 0):
            yield f"{'/'.join(key)} is {counted.get(key, 0)}, in truth {plain.get(key, 0)}"


def _progress(world: World, number: int, judged: Judged) -> Iterator[str]:
    """After a time of calm everything has been read, by an owner that shows it."""
    over = world.plan.busy + world.plan.calm
    records = [r for r in world.cluster.events[number].records if r.landed < over - READ_SECONDS]
    end = records[-1].offset + 1 if records else 0
    reached = judged.ticks[-1].to_offset if judged.ticks else 0
    if reached < end:
        yield f"read to {reached} of {end} after {world.plan.calm} s of calm"
    late = [s for s in world.samples if s.partition == number and s.at > over - 2]
    if not late:
        yield "shown by nobody after a time of calm"


def _promises(world: World, judged: list[Judged]) -> Iterator[str]:
    """What subscribers got, repetitions removed, is what the durable ticks brought."""
    expected = {key: value for each in judged for key, value in each.promises.items()}
    written = world.cluster.promises
    # A worker that had no time at its stop leaves them to the next owner; there is none here.
    last = {key for each in judged for key in each.last_promises}
    for key in expected.keys() | written.keys():
        if key not in written and key not in last and not world.refusals:
            yield f"promise event {key} is missing"
        elif key in written and key not in expected:
            yield f"promise event {key} is of no durable tick"
        elif key in written and written[key] != {expected[key]}:
            yield f"promise event {key} was written as something else"
    durable = {(n, offset) for n, each in enumerate(judged) for offset in _covered(each)}
    written_letters = world.cluster.letters
    if not world.refusals:
        due = {(n, offset) for n, each in enumerate(judged) for offset in _covered(each, 2)}
        yield from (f"dead letter {each} is missing" for each in sorted(due - written_letters))
    yield from (f"dead letter {each} is extra" for each in sorted(written_letters - durable))


def _covered(judged: Judged, back: int = 1) -> Iterator[int]:
    """Return the offsets of the dead letters below the last tick (`back` 2: the one before)."""
    reached = judged.ticks[-back].to_offset if len(judged.ticks) >= back else 0
    return (offset for offset in judged.letters if offset < reached)


def _firing(world: World, number: int, judged: Judged) -> Iterator[str]:
    """No deadline fires before the watermark, or the clock of one who has seen all, allows."""
    grace = world.plan.rules.grace
    previous = 0
    for tick in judged.ticks:
        for (to_offset, now), watermark in zip(tick.steps, tick.watermarks, strict=True):
            # Up to here the clock may tell: the next record was not there yet.
            seen = min(world.cluster.events[number].missed_from(to_offset), tick.sent)
            clock = _clock(world, tick.writer, seen)
            hold = _held_from(world, tick.writer, tick.sent, previous)
            if hold is not None:
                clock = min(clock, _clock(world, tick.writer, hold))
            wall = _clock(world, tick.writer, tick.sent)
            allowed = max(previous, min(max(watermark, clock), wall) - grace)
            if now > allowed + MARGIN:
                why = "" if hold is None else f", held since {hold:.3f}"
                yield (
                    f"tick {tick.number} of {tick.writer.name} sent at {tick.sent:.3f} fires up to "
                    f"{_s(now)}, allowed {_s(allowed)} (watermark {_s(watermark)}{why})"
                )
            previous = max(previous, now)


def _clock(world: World, process: Process, at: float) -> int:
    """Return the latest time (microseconds) that the machine of `process` may believe at `at`."""
    began, slot, _ = world.started[process]
    believed = [
        offset
        for since, offset in slot.clock.offsets
        if since <= began or since + PATIENCE / SECOND <= at
    ]
    # A small step is followed at once; of those before it was started the last one counts.
    small = [offset for since, offset in slot.clock.offsets if since <= at]
    near = [o for o in small if abs(o - believed[-1]) <= 1.0]
    return BASE + round((at + max([*believed, *near])) * SECOND)


def _held_from(world: World, process: Process, sent: float, previous: int) -> float | None:
    """Return since when the clock may fire nothing at `sent`, for an outage that is over."""
    for start, end in world.cluster.outages:
        if end - start <= OUTAGE / SECOND + 0.5 or not end <= sent < end + HOLD / SECOND:
            continue
        asked = world.started[process][2].app.asked_at
        # Who asked nothing in that time, because the group assigned anew, cannot know of it.
        first = bisect_right(asked, start)
        if first < len(asked) and asked[first] < end - OUTAGE / SECOND:
            return start
    return None


def _truncated(world: World) -> Iterator[str]:
    """An owner who was told of more than a leader change left shows nothing new."""
    cut_at = world.cut_at or 0.0
    for keeper, expected, exported in world.knowing:
        if _grew_again(world, keeper, expected):
            continue
        for sample in world.samples:
            is_later = sample.keeper is keeper and sample.at > cut_at + 0.2
            if is_later and sample.exported is not exported:
                yield f"{sample.process.name} goes on at {sample.at:.3f} over a shortened log"
                break


def _grew_again(world: World, keeper: Keeper, expected: int) -> bool:
    """Return whether others wrote exactly as much as was lost before the owner wrote again.

    No producer can tell that: he learns it at the next assignment, or when others go on.
    """
    records = world.cluster.logs[0].records
    here = next((s.process for s in world.samples if s.keeper is keeper), None)
    return len(records) > expected and records[expected].writer is here


def _s(instant: int) -> str:
    return f"{(instant - BASE) / SECOND:.3f}"
