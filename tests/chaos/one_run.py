"""A seed from its beginning to its verdict."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from actions import Actions
from cast import Cast, cast_of, rules
from compare import (
    compare_dead_letters,
    compare_metrics,
    compare_promises,
    compare_with_oracle,
    false_breaches,
)
from independent import PartitionTruth, rebuilt
from live_feed import LiveFeed
from msgspec import Struct, field
from observed import observe
from schedule import Plan
from scraping import Sample, Scraper, ask
from topic_tail import Stored, TailError, read_topic, topic_ends

from streams.instants import SECOND
from streams.kafka.ledgerlog.records import Tick, decode

__all__ = ["Result", "run_plan"]

START_SECONDS: Final = 60.0
QUIET_SECONDS: Final = 120.0
SHOWN: Final = 20
AFTER: Final = 5 * SECOND
"""How far beyond the end of the stream every partition's clock has to come."""


class Result(Struct):
    """What a run found. `problems` are why it failed; the rest describes it."""

    seed: int
    theme: str
    problems: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def run_plan(plan: Plan, directory: Path, mutation: str | None = None) -> Result:
    """Do what `plan` says with everything in `directory`."""
    print(plan.describe(), flush=True)
    result = Result(plan.seed, plan.theme)
    began = time.monotonic()
    with cast_of(plan, directory, mutation) as cast:
        try:
            _Run(plan, cast, result).play()
        except TailError as error:
            result.problems.append(str(error))
    result.figures["seconds"] = round(time.monotonic() - began)
    return result


class _Run:
    def __init__(self, plan: Plan, cast: Cast, result: Result) -> None:
        self._plan, self._cast, self._result = plan, cast, result
        self._rules = rules()
        self._source_ends: Mapping[int, int] = {}
        self._actions = Actions(
            cast.crew, cast.cluster, cast.proxies, cast.tail, cast.settings.group
        )

    def play(self) -> None:
        """Start, let it go wrong, come to rest, compare."""
        crew = self._cast.crew
        for slot in crew.slots[: self._plan.workers]:
            slot.start()
        self._wait("the workers did not start", START_SECONDS, lambda: self._ticked(0))
        scraper = Scraper(crew)
        feed = self._feed()
        self._actions.start(self._plan.faults)
        feed.finish()
        end = time.time_ns() // 1000
        self._actions.finish()
        settings = self._cast.settings
        self._source_ends = topic_ends(settings.broker, settings.events_topic)
        self._result.problems += feed.errors
        self._wait("no rest", QUIET_SECONDS, lambda: self._ticked(end + AFTER))
        last = [sample for slot in crew.live if (sample := ask(slot, 10)) is not None]
        ended = [seconds for slot in crew.live if (seconds := slot.stop()) is not None]
        self._actions.hand_overs += [round(seconds, 2) for seconds in ended]
        scraper.close()
        self._compare(scraper.samples, last)
        self._describe()

    def _feed(self) -> LiveFeed:
        settings, plan = self._cast.settings, self._plan
        feed = LiveFeed(
            settings.broker, settings.events_topic, seed=plan.seed, seconds=plan.seconds,
            calls=plan.calls_per_second, faults=plan.feed,
        )  # fmt: skip
        feed.start()
        return feed

    def _wait(self, what: str, seconds: float, is_so: Any) -> None:
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                ticks = {n: self._last_tick(n) for n in self._cast.tail.records}
                raise TailError(f"{what}: after {seconds:.0f} s the last ticks are {ticks}")
            time.sleep(0.3)

    def _last_tick(self, partition: int) -> Tick | None:
        for _, value in reversed(self._cast.tail.records[partition]):
            record = decode(value)
            if isinstance(record, Tick):
                return record
        return None

    def _ticked(self, now: int) -> bool:
        """Return whether each partition has a tick at `now` or later, and covers the source."""
        ends = self._source_ends
        for partition in self._cast.tail.records:
            tick = self._last_tick(partition)
            if tick is None or tick.steps[-1][1] < now:
                return False
            if tick.steps[-1][0] < ends.get(partition, 0):
                return False
        return True

    def _compare(self, samples: list[Sample], last: list[Sample]) -> None:
        settings, tail, result = self._cast.settings, self._cast.tail, self._result
        self._drain()
        source = read_topic(settings.broker, settings.events_topic)
        truths = {
            number: rebuilt(number, records, source[number], self._rules)
            for number, records in tail.records.items()
        }
        for truth in truths.values():
            result.problems += [f"partition {truth.partition}: {each}" for each in truth.faults]
            result.problems += compare_with_oracle(truth, self._rules)
            result.problems += false_breaches(truth, self._rules)
        ends = {number: len(records) for number, records in source.items()}
        result.problems += compare_metrics(truths, last, ends)
        promises = read_topic(settings.broker, settings.promises_topic)
        result.problems += compare_promises(truths, [m for each in promises.values() for m in each])
        letters = read_topic(settings.broker, settings.dead_letters_topic)
        found = [m for each in letters.values() for m in each]
        result.problems += compare_dead_letters(truths, found)
        self._observe(samples, truths)
        self._count(truths, source, promises)

    def _drain(self) -> None:
        """Read the log to its end, which comes no later than the workers."""
        tail = self._cast.tail
        ends = tail.ends()
        self._wait("the log has no end", 30, lambda: tail.next_offsets() == ends)
        tail.close()
        self._result.problems += [f"the log lost a record: {each}" for each in tail.missed]

    def _observe(self, samples: list[Sample], truths: Mapping[int, PartitionTruth]) -> None:
        found = observe(samples, truths)
        self._result.problems += found.violations
        self._result.figures |= {
            "samples": found.samples,
            "partitions exported": found.exported,
            "take-overs": found.take_overs,
            "stale": found.stale,
            "dips": found.dips,
        }

    def _count(
        self,
        truths: Mapping[int, PartitionTruth],
        source: Mapping[int, list[Stored]],
        promises: Mapping[int, list[Stored]],
    ) -> None:
        all_of_them = list(truths.values())
        queues = [queue for t in all_of_them for queue in t.ledger.totals.queues.values()]
        changes = sum(len(truth.changes) for truth in all_of_them)
        self._result.figures |= {
            "events": sum(len(records) for records in source.values()),
            "ticks": sum(len(truth.ticks) - 1 for truth in all_of_them),
            "epochs": sum(e.claimed is None for t in all_of_them for e in t.epochs),
            "snapshots": sum(truth.snapshots for truth in all_of_them),
            "torn": sum(truth.torn for truth in all_of_them),
            "ignored": sum(truth.ignored for truth in all_of_them),
            "calls": sum(queue.counts["offered", "offered"] for queue in queues),
            "broken": sum(queue.counts["answer", "broken"] for queue in queues),
            "corrections": sum(sum(queue.corrections.values()) for queue in queues),
            "late": sum(truth.ledger.fates["late"] for truth in all_of_them),
            "dead letters": sum(len(truth.dead_letters) for truth in all_of_them),
            "promise events": changes,
            "repeated": sum(map(len, promises.values())) - changes,
        }

    def _describe(self) -> None:
        self._result.notes = [*self._actions.notes]
        for slot in self._cast.crew.slots:
            self._result.notes += slot.exits
        self._result.figures["hand-overs"] = self._actions.hand_overs
