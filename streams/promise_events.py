"""Promise events: what becomes of each promise, one Kafka record a change of a verdict.

This is what a dialler, a CRM or a data warehouse subscribes to (`callcenter.promises`).
"""

from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias, cast

import msgspec
from msgspec import Meta, Struct

from streams.instants import SECOND, rfc3339

if TYPE_CHECKING:
    from streams.ledger import Change

__all__ = ["KIND", "PromiseEvent", "decode", "encode", "from_change", "record", "record_key"]

KIND: Final = "promise.changed"

WireTime: TypeAlias = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Verdict: TypeAlias = Literal[
    "answer", "outcome", "opened", "callback", "late", "promise", "usefulness"
]
State: TypeAlias = Literal[
    "none",
    # outcome
    "answered_in_target",
    "answered_late",
    "abandoned_in_target",
    "abandoned_late",
    "diverted",
    "callback_requested",
    "rejected",
    "lost",
    # answer
    "kept",
    "broken",
    "excluded",
    # opened, callback, late
    "opened",
    "kept_by_recall",
    "unreachable",
    "uncallable",
    "cancelled",
    "late",
    # promise
    "outside",
    # usefulness
    "useful",
    "useless",
    "unknown",
]


class PromiseEvent(
    Struct,
    kw_only=True,
    frozen=True,
    gc=False,
    omit_defaults=True,
    tag_field="kind",
    tag=KIND,
):
    """One change of one verdict.

    Delivered at least once: the same `id` is the same change, so drop what you have seen. Of two
    changes with one `verdict` and `key` the one with the higher `revision` holds.
    """

    id: Annotated[str, Meta(description="`verdict/key/revision`: the same text, the same change")]
    verdict: Annotated[Verdict, Meta(description="Which judgement changed")]
    state: Annotated[State, Meta(description="What it is now; `none`: withdrawn")]
    at: Annotated[WireTime, Meta(description="Event time at which this state came about")]
    key: Annotated[str, Meta(description="The call, or `customer@opened_at` of a callback")]
    revision: Annotated[int, Meta(ge=1, description="Grows with every change of one key")]
    was: Annotated[State | None, Meta(description="The state this one corrects")] = None
    queue: Annotated[str | None, Meta(description="The queue of the call or first failure")] = None
    call_id: Annotated[str | None, Meta(description="Absent if it is about a callback")] = None
    customer: Annotated[str | None, Meta(description="Pseudonym, never a number")] = None
    wait_seconds: Annotated[
        float | None,
        Meta(description="Outcome: until answered or gone. Callback: since it was owed"),
    ] = None
    was_wait_seconds: Annotated[
        float | None, Meta(description="The `wait_seconds` of the state this one corrects")
    ] = None
    due_at: Annotated[WireTime | None, Meta(description="When the callback is or was due")] = None
    epoch: Annotated[
        int | None, Meta(description="Which ownership of the partition wrote this; grows")
    ] = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(PromiseEvent).decode


def from_change(change: "Change", epoch: int | None = None) -> PromiseEvent:
    """Return the promise event of a ledger's `change`; its id is the same at every replay."""
    return PromiseEvent(
        id=f"{change.verdict}/{change.key}/{change.revision}",
        verdict=cast("Verdict", change.verdict),
        state=cast("State", change.state),
        was=cast("State | None", change.was),
        at=rfc3339(change.at),
        key=change.key,
        revision=change.revision,
        queue=change.queue,
        call_id=change.call_id,
        customer=change.customer,
        wait_seconds=_seconds(change.wait),
        was_wait_seconds=_seconds(change.was_wait),
        due_at=None if change.due_at is None else rfc3339(change.due_at),
        epoch=epoch,
    )


def _seconds(duration: int | None) -> float | None:
    return None if duration is None else duration / SECOND


def record_key(event: PromiseEvent) -> bytes:
    """Return the Kafka key: all about one customer (else one call) meets in one partition."""
    about = event.customer or event.call_id or event.key.rpartition("@")[0] or event.key
    return about.encode()


def record(change: "Change", epoch: int) -> tuple[bytes, bytes]:
    """Return key and value of the record that tells of `change`."""
    event = from_change(change, epoch)
    return record_key(event), encode(event)


def encode(event: PromiseEvent) -> bytes:
    """Return `event` as one JSON object."""
    return _encode(event)


def decode(value: bytes) -> PromiseEvent:
    """Return the promise event in `value`; fields of a newer version are ignored.

    Raises:
        msgspec.MsgspecError: not a promise event.
    """
    try:
        return _decode(value)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(f"JSON is malformed: {error}") from None
