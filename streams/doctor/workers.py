"""Is somebody watching the calls: a group that keeps up, a log that grows, clocks that agree?"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from streams.doctor.findings import Finding, not_asked, ok, warning, wrong
from streams.doctor.kafka_edge import Arrival, GroupState
from streams.instants import SECOND
from streams.kafka.batch import Batch
from streams.kafka.ledgerlog.records import LogDamagedError, NewerFormatError, Tick, decode
from streams.settings import Settings

__all__ = ["LogTail", "judge_clock", "judge_group", "judge_log", "judge_ticks", "read_log"]

CLOCK_MATTERS: Final = SECOND
"""A difference of clocks below this is none."""
_FEW: Final = 5


class LogTail(Struct, frozen=True):
    """What the newest records of one partition of the ledger's log are."""

    partition: int
    records: int
    ticks: int
    fault: str | None = None
    newer: bool = False


def read_log(batches: Iterable[Batch]) -> list[LogTail]:
    """Decode the newest records of the ledger's log."""
    return [_tail(batch) for batch in batches]


def _tail(batch: Batch) -> LogTail:
    ticks = 0
    for record in batch.records:
        try:
            ticks += isinstance(decode(record.value), Tick)
        except LogDamagedError as error:
            fault = f"offset {record.offset}: {error}"
            newer = isinstance(error, NewerFormatError)
            return LogTail(batch.partition, len(batch.records), ticks, fault, newer)
    return LogTail(batch.partition, len(batch.records), ticks)


def judge_group(settings: Settings, group: GroupState) -> Iterator[Finding]:
    """Yield whether workers are there, and whether they keep up."""
    check, name = "workers.group", settings.group
    if not group.members:
        reason = f"no worker is a member of the group {name} (it is {group.state.lower()})"
        yield wrong(check, reason, "start one: callsla worker")
    else:
        workers = f"{group.members} worker{'s' * (group.members != 1)}"
        yield ok(check, f"{workers} in the group {name} ({group.state.lower()})")
    behind = {number: lag for number, lag in group.lag.items() if lag > settings.ready_lag}
    total = sum(group.lag.values())
    if behind:
        worst = max(behind, key=lambda number: behind[number])
        reason = (
            f"{len(behind)} of {len(group.lag)} partitions are more than {settings.ready_lag:,} "
            f"records behind (partition {worst}: {behind[worst]:,})"
        )
        remedy = "start more workers, up to one a partition, or see why they stand still"
        yield wrong("workers.lag", reason, remedy)
    else:
        yield ok("workers.lag", f"{total:,} records in all are not yet committed")


def judge_log(tails: list[LogTail]) -> Iterator[Finding]:
    """Yield whether the ledger's log can be read."""
    check = "workers.log"
    for tail in (each for each in tails if each.fault):
        reason = f"the log of partition {tail.partition} cannot be read: {tail.fault}"
        remedy = "run the newer version" if tail.newer else "callsla ledger audit says more"
        yield wrong(check, reason, remedy)
    empty = [each.partition for each in tails if not each.records]
    if len(empty) == len(tails):
        yield warning(check, "the ledger's log is empty: no worker has run yet", "callsla worker")
    elif empty:
        reason = f"the log of partition {_shown(empty)} is empty: no worker had it yet"
        yield warning(check, reason, "see workers.group")
    elif not any(each.fault for each in tails):
        records = sum(each.records for each in tails)
        yield ok(check, f"the newest {records:,} records of the ledger's log can be read")


def judge_ticks(ledger: Mapping[int, Arrival | None], seconds: float) -> Finding:
    """Return whether every partition's log grew while it was watched for `seconds`."""
    check = "workers.ticks"
    silent = [number for number, arrival in sorted(ledger.items()) if arrival is None]
    if not silent:
        return ok(check, f"each of {len(ledger)} partitions was ticked while we watched")
    every = len(silent) == len(ledger)
    whose = "deadlines" if every else f"the deadlines of partition {_shown(silent)}"
    return wrong(
        check,
        f"nobody decides {whose}: no tick within {seconds:g} s",
        "start a worker, or see what its log and /-/ready say",
    )


def judge_clock(whose: str, check: str, arrivals: Iterable[Arrival | None], grace: int) -> Finding:
    """Return how far the clock of `whose` is from ours, as far as that can be known.

    A record was stamped by its writer, and written between our question for the end of its log and
    its arrival here: so both ends of that time bound the difference. `grace` in microseconds.
    """
    found = [each for each in arrivals if each is not None]
    if not found:
        return not_asked(check, f"{whose} wrote nothing while we watched: its clock is not known")
    spans = [(each.stamped - each.arrived, each.stamped - each.asked) for each in found]
    # Of several writers the one whose clock is off most; if none is, the closest look at one.
    least, most = max(spans, key=lambda span: (_distance(*span), span[0] - span[1]))
    far = _distance(least, most)
    between = (
        f"between {least / SECOND:+.1f} and {most / SECOND:+.1f} s from the clock of this machine"
    )
    if far <= CLOCK_MATTERS:
        return ok(check, f"the clock of {whose} is {between}")
    judged = wrong if far > grace else warning
    return judged(
        check,
        f"the clock of {whose} is {between}: one of the two is wrong",
        "let both follow a time server (chronyc tracking says whether they do)",
    )


def _distance(least: int, most: int) -> int:
    """Return how far apart two clocks are at least: zero if they may be the same."""
    return max(0, least, -most)


def _shown(numbers: list[int]) -> str:
    more = "" if len(numbers) <= _FEW else f" and {len(numbers) - _FEW} more"
    return ", ".join(str(number) for number in numbers[:_FEW]) + more
