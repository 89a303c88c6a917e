"""The keys of `slo.yaml`, their types and the values they have when left out."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from streams.instants import DAY, HOUR, MINUTE, SECOND
from streams.slo.durations import Duration

__all__ = [
    "VERSION",
    "Alerts",
    "AnswerPromise",
    "Backlog",
    "Blind",
    "Budget",
    "Burn",
    "Calendar",
    "CallbackPromise",
    "Health",
    "Interval",
    "Keys",
    "Links",
    "Promises",
    "Queue",
    "QueueUsefulness",
    "SlowBurn",
    "SlowBurns",
    "Time",
    "Useful",
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


class Calendar(Keys, frozen=True):
    """When the centre is open; always, if no `hours` are given.

    `hours` maps days (`mon-fri`) to local times (`08:00-18:00`, or a list of such); `holidays` are
    dates, or `12-25` for every year. In closed hours nobody is called; verdicts do not change.
    """

    time_zone: str = "UTC"
    hours: dict[str, str | list[str]] = {}
    holidays: tuple[str, ...] = ()


class Queue(Keys, frozen=True):
    """The promises of the queues of one name or pattern; what is left out is as at the top."""

    answer: AnswerPromise = AnswerPromise()
    callback: CallbackPromise = CallbackPromise()
    usefulness: QueueUsefulness = QueueUsefulness()
    calendar: Calendar = Calendar()


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
    """After how long without knowledge the numbers must not be believed.

    No call in `no_calls` is blindness if a week before at least `usual_calls` came in that time.
    """

    heartbeat: Duration = Duration(2 * MINUTE)
    behind: Duration = Duration(MINUTE)
    silence: Duration = Duration(HOUR)
    no_calls: Duration = Duration(30 * MINUTE)
    usual_calls: Count = 20


class SlowBurn(Burn, frozen=True):
    """When a promise has been broken a little too often for so long that it is a ticket."""

    window: Duration = Duration(6 * HOUR)
    short: Duration = Duration(30 * MINUTE)
    factor: Factor = 1.5
    min_broken: Count = 20


class SlowBurns(Keys, frozen=True):
    """The slow burn of each promise."""

    answer: SlowBurn = SlowBurn()
    callback: SlowBurn = SlowBurn(min_broken=10)
    whole: SlowBurn = SlowBurn()


class Backlog(Keys, frozen=True):
    """How many callbacks must be due before it matters how fast they are made."""

    min_due: Count = 10


class Budget(Keys, frozen=True):
    """When what the objective allows in 30 days is spent or nearly spent.

    At least `min_broken` in the window, and gone within `gone_within` at the rate of the last day.
    """

    min_broken: Count = 20
    gone_within: Duration = Duration(3 * DAY)


class Useful(Keys, frozen=True):
    """The share of useful answers of a day may be lower than that of 30 days by `drop`."""

    drop: Share = 0.10
    min_answers: Count = 50


class Health(Keys, frozen=True):
    """When a worker needs a look: refused records in 15 minutes, age of its snapshots."""

    refused: Count = 10
    snapshot: Duration = Duration(30 * MINUTE)


class Links(Keys, frozen=True):
    """Where alerts point to: the address of the runbooks, of Grafana, without a slash behind."""

    runbooks: str = "deploy/runbooks.md"
    dashboards: str = ""


class Alerts(Keys, frozen=True):
    """When an alert fires."""

    answer: Burn = Burn()
    callback: Burn = Burn(window=Duration(HOUR), short=Duration(30 * MINUTE), min_broken=5)
    whole: Burn = Burn(window=Duration(30 * MINUTE), short=Duration(5 * MINUTE))
    slow: SlowBurns = SlowBurns()
    below_target: Interval = Interval()
    longest_wait: Duration = Duration(10 * MINUTE)
    backlog: Backlog = Backlog()
    budget: Budget = Budget()
    useful: Useful = Useful()
    blind: Blind = Blind()
    health: Health = Health()
