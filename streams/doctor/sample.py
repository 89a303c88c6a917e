"""Do the newest records make sense to a worker?"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct, field

from streams.doctor.findings import Finding, ok, warning, wrong
from streams.events import EventDecoder, Rejected
from streams.instants import SECOND
from streams.kafka.batch import Batch
from streams.kafka.normalise import RawPartition
from streams.slo import Objective
from streams.slo.durations import brief

__all__ = ["Sample", "decode_events", "decode_raw", "judge_sample"]

TOLERATED: Final = 0.1
"""Share of records that may be refused before it counts as a fault of the feed."""
_REFUSED: Final = "callsla dlq list says which; correct what writes them"


class Sample(Struct):
    """What became of the records of a sample; times in microseconds since 1970."""

    topic: str
    records: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """by reason, one of `streams.wire.REASONS` or `future`, `old`"""
    unknown_fields: int = 0
    newest: int | None = None
    """the latest time of an event"""
    furthest: int = 0
    """how far ahead of our clock the latest one of those that are too far ahead is"""


def decode_events(topic: str, batches: Iterable[Batch], objective: Objective, now: int) -> Sample:
    """Decode canonical events as a worker does whose clock says `now`."""
    sample, decoder = Sample(topic), EventDecoder()
    for batch in batches:
        for record in batch.records:
            sample.records += 1
            try:
                event = decoder.decode(record.value, record.headers)
            except Rejected as error:
                sample.refused[error.reason] += 1
            else:
                _note_time(sample, event.at, objective, now)
    sample.unknown_fields = decoder.unknown_fields
    return sample


def _note_time(sample: Sample, at: int, objective: Objective, now: int) -> None:
    if at > now + objective.time.max_future:
        sample.refused["future"] += 1
        sample.furthest = max(sample.furthest, at - now)
    elif at < now - objective.time.max_age:
        sample.refused["old"] += 1
    else:
        sample.newest = max(sample.newest or 0, at)


def decode_raw(topic: str, batches: Iterable[Batch], form: str) -> Sample:
    """Read a vendor's records as the normalising agent does.

    It begins in the middle of the log, so that a call under way may give no event: only what is
    refused is judged.
    """
    sample = Sample(topic)
    for batch in batches:
        partition = RawPartition(topic, batch.partition, form)
        try:
            _, refused = partition.feed(batch)
        finally:
            partition.close()
        sample.records += len(batch.records)
        sample.refused.update(letter.reason for letter in refused)
    return sample


def judge_sample(sample: Sample, now: int, *, raw: bool = False) -> Iterator[Finding]:
    """Yield what is to be said of a sample; `now` in microseconds since 1970."""
    check = "events.raw" if raw else "events.sample"
    if not sample.records:
        remedy = "see that the source writes there; callsla simulate can write some"
        yield warning(check, f"{sample.topic} holds no record: nothing could be decoded", remedy)
        return
    refused = sum(sample.refused.values())
    told = f"{sample.records - refused} of the newest {sample.records} records of {sample.topic}"
    if refused:
        yield _refused(check, f"{told} can be used", sample)
    else:
        yield ok(check, f"{told} can be used{_age(sample, now)}")
    if sample.furthest:
        ahead = brief(sample.furthest // SECOND * SECOND)
        remedy = "set the clock of that source by NTP; events of the future are refused"
        yield wrong("events.clock", f"a source's clock is up to {ahead} ahead of ours", remedy)
    if sample.unknown_fields:
        yield warning(
            "events.fields",
            f"{sample.unknown_fields} fields in {sample.records} records are not known and ignored",
            "compare them with schemas/: a misspelt field counts as missing",
        )
    elif not raw:
        yield ok("events.fields", "every field is known")


def _refused(check: str, told: str, sample: Sample) -> Finding:
    reasons = ", ".join(f"{reason} {count}" for reason, count in sample.refused.most_common())
    share = sum(sample.refused.values()) / sample.records
    judged = wrong if share > TOLERATED else warning
    return judged(check, f"{told}; refused: {reasons}", _REFUSED)


def _age(sample: Sample, now: int) -> str:
    if sample.newest is None:
        return ""
    return f"; the newest is {brief(max(now - sample.newest, 0) // SECOND * SECOND)} old"
