"""The keys of `slo.yaml`, their types and the values they have when left out."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from streams.instants import DAY, HOUR, MINUTE, SECOND
from streams.slo.durations import Duration

__all__ = [
    "VERSION",
    "Alerts",
    "AnswerPromise",
    "Blind",
    "Burn",
    "CallbackPromise",
    "Interval",
    "Keys",
    "Promises",
    "Queue",
    "QueueUsefulness",
    "Time",
    "Usefulness",
    "WholePromise",
]

VERSION: Final = 1

Share = Annotated[float, Meta(gt=0, lt=1, description="a share between 0 and 1, such as 0.90")]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Factor = Annotated[float, Meta(ge=0, le=1_000_000)]
ClockStart = Literal["arrival", "queue"]
EarlyAbandon = Literal["exclude", "broken"]
CallbackClock = Literal["call_end", "breach"]


class Keys(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping of `slo.yaml`."""


class AnswerPromise(Keys, frozen=True):
    """Every call is answered by a human within `target`."""

    target: Duration = Duration(10 * SECOND)
    objective: Share = 0.90
    clock_start: ClockStart = "arrival"
    early_abandon: EarlyAbandon = "exclude"
    unknown_is_human: bool = False


class CallbackPromise(Keys, frozen=True):
    """A customer who was not answered is called back within `target`."""

    target: Duration = Duration(HOUR)
    objective: Share = 0.95
    clock: CallbackClock = "call_end"
    unreachable_after: Count = 3
    late_horizon: Duration = Duration(24 * HOUR)


class WholePromise(Keys, frozen=True):
    """Answered in time, or else called back in time. `objective`: that of the answer if absent."""

    objective: Share | None = None


class Promises(Keys, frozen=True):
    """The promises as they hold wherever a queue says nothing else."""

    answer: AnswerPromise = AnswerPromise()
    callback: CallbackPromise = CallbackPromise()
    whole: WholePromise = WholePromise()


class QueueUsefulness(Keys, frozen=True):
    """What makes an answer useless."""

    short_talk: Duration = Duration(10 * SECOND)
    repeat_window: Duration = Duration(HOUR)


class Usefulness(QueueUsefulness, frozen=True):
    """How heavily a useless answer weighs against a useful one."""

    weight: Factor = 1.0


class Time(Keys, frozen=True):
    """How long the ledger waits for facts, and which times it believes."""

    grace: Duration = Duration(2 * SECOND)
    lateness: Duration = Duration(HOUR)
    max_call: Duration = Duration(4 * HOUR)
    max_future: Duration = Duration(MINUTE)
    max_age: Duration = Duration(7 * DAY)


class Queue(Keys, frozen=True):
    """The promises of the queues of one name or pattern; what is left out is as at the top."""

    answer: AnswerPromise = AnswerPromise()
    callback: CallbackPromise = CallbackPromise()
    usefulness: QueueUsefulness = QueueUsefulness()


class Burn(Keys, frozen=True):
    """When a promise is being broken fast enough to call somebody.

    Both in `window` and in `short`, more than `factor` times what the objective allows, but never
    more than `cap` of all, must be broken, and at least `min_broken` in `window`.
    """

    window: Duration = Duration(5 * MINUTE)
    short: Duration = Duration(MINUTE)
    factor: Factor = 14.4
    cap: Share = 0.5
    min_broken: Count = 10


class Interval(Keys, frozen=True):
    """When the service level of an interval is a matter for a ticket."""

    window: Duration = Duration(30 * MINUTE)
    min_calls: Count = 10


class Blind(Keys, frozen=True):
    """After how long without knowledge the numbers must not be believed."""

    heartbeat: Duration = Duration(2 * MINUTE)
    behind: Duration = Duration(MINUTE)
    silence: Duration = Duration(HOUR)


class Alerts(Keys, frozen=True):
    """When an alert fires."""

    answer: Burn = Burn()
    callback: Burn = Burn(window=Duration(HOUR), short=Duration(30 * MINUTE), min_broken=5)
    whole: Burn = Burn(window=Duration(30 * MINUTE), short=Duration(5 * MINUTE))
    below_target: Interval = Interval()
    blind: Blind = Blind()
