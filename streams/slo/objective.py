"""The objective of a call centre: `slo.yaml`, checked, with every default filled in."""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, field
from msgspec.structs import asdict, replace

from streams.ledger.rules import QueueRules, Rules
from streams.plain_yaml import brief
from streams.slo.calendar import CalendarError, OpeningHours, opening_hours
from streams.slo.document import Document, ObjectiveError, Way, parse_document, read_document
from streams.slo.filling import fill, mapping
from streams.slo.impossible import check
from streams.slo.keys import (
    VERSION,
    Alerts,
    AnswerPromise,
    Calendar,
    CallbackPromise,
    Keys,
    Links,
    Promises,
    Queue,
    QueueUsefulness,
    Time,
    Usefulness,
)

__all__ = ["Objective", "ObjectiveError", "load_slo", "parse_slo"]

_WEIGHT: Final = ("usefulness", "weight")


class Objective(Keys, frozen=True):
    """What a centre promises and when it wants to be called. Durations in microseconds.

    `queues` maps a name or a shell pattern to the promises of those queues, complete: an exact
    name comes before a pattern, of the patterns the first that matches counts, and what a queue
    does not say is as at the top of the file.
    """

    version: int = VERSION
    promises: Promises = Promises()
    usefulness: Usefulness = Usefulness()
    time: Time = Time()
    queues: dict[str, Queue] = field(default_factory=dict)
    calendar: Calendar = Calendar()
    max_queues: Annotated[int, Meta(ge=1, le=100_000)] = 1000
    alerts: Alerts = Alerts()
    severities: dict[str, Literal["critical", "warning", "info"]] = field(default_factory=dict)
    owner: str = ""
    links: Links = Links()

    @property
    def has_calendar(self) -> bool:
        """Whether any queue is ever closed."""
        return any(each.hours for each in self._calendars())

    def hours_of(self, queue: str | None) -> OpeningHours | None:
        """Return the opening hours of `queue` (of no queue: the default ones); None: always."""
        calendar = self.calendar
        if queue is not None:
            patterns = (own for name, own in self.queues.items() if fnmatchcase(queue, name))
            found = self.queues.get(queue) or next(patterns, None)
            calendar = self.calendar if found is None else found.calendar
        return opening_hours(calendar)

    def _calendars(self) -> list[Calendar]:
        return [self.calendar, *(queue.calendar for queue in self.queues.values())]

    def rules(self) -> Rules:
        """Return what the ledger needs to know."""
        promises = self.promises
        time: dict[str, Any] = {name: int(value) for name, value in asdict(self.time).items()}
        return Rules(
            default=_queue_rules(promises.answer, promises.callback, self.usefulness),
            queues={
                name: _queue_rules(queue.answer, queue.callback, queue.usefulness)
                for name, queue in self.queues.items()
            },
            **time,
            max_queues=self.max_queues,
            useless_weight=self.usefulness.weight,
        )


def load_slo(path: str | Path | None = None) -> Objective:
    """Return the objective in the file at `path`, or the default one.

    Raises:
        ObjectiveError: the file is wrong; one line with the place and the remedy.
    """
    return Objective() if path is None else _objective(read_document(path))


def parse_slo(text: str | bytes, name: str = "slo.yaml") -> Objective:
    """Return the objective in `text`; `name` stands in messages.

    Raises:
        ObjectiveError: the text is wrong; one line with the place and the remedy.
    """
    raw = text.encode() if isinstance(text, str) else text
    return _objective(parse_document(raw, name))


def _objective(document: Document) -> Objective:
    values = dict(document.values)
    _check_version(document, values.get("version", VERSION))
    queues = values.pop("queues", None)
    base = fill(document, (), Objective(), values)
    objective = replace(base, queues=_queues(document, base, queues))
    check(objective.promises, objective.time, objective.queues, objective.alerts, document.fault)
    _check_calendars(document, objective)
    return objective


def _check_calendars(document: Document, objective: Objective) -> None:
    ways: list[tuple[Way, Calendar]] = [((), objective.calendar)]
    ways += [(("queues", name), queue.calendar) for name, queue in objective.queues.items()]
    for way, calendar in ways:
        try:
            opening_hours(calendar)
        except CalendarError as error:
            raise document.fault((*way, "calendar", error.key), str(error)) from None


def _check_version(document: Document, version: object) -> None:
    if version != VERSION or isinstance(version, bool):
        text = f"version {brief(version)} is unknown; this callsla reads `version: {VERSION}`"
        raise document.fault(("version",), text)


def _queues(document: Document, base: Objective, values: object) -> dict[str, Queue]:
    if values is None:
        return {}
    default = Queue(
        answer=base.promises.answer,
        callback=base.promises.callback,
        calendar=base.calendar,
        usefulness=QueueUsefulness(
            short_talk=base.usefulness.short_talk, repeat_window=base.usefulness.repeat_window
        ),
    )
    named = mapping(document, ("queues",), values)
    return {name: _queue(document, name, default, keys) for name, keys in named.items()}


def _queue(document: Document, name: str, default: Queue, values: object) -> Queue:
    """A queue may be shaped like the top of the file: `promises: {answer: ...}`."""
    way = ("queues", name)
    keys = dict(mapping(document, way, {} if values is None else values))
    if isinstance(keys.get("usefulness"), dict) and "weight" in keys["usefulness"]:
        text = "the weight is one for the whole centre; set it at the top under `usefulness`"
        raise document.fault((*way, *_WEIGHT), text)
    longer = mapping(document, (*way, "promises"), keys.pop("promises", None) or {})
    for key, value in longer.items():
        if key not in {"answer", "callback"}:
            raise document.unknown_key((*way, "promises", key), ["answer", "callback"])
        if key in keys:
            text = f"given twice, the other is queues.{name}.{key}; keep one of them"
            raise document.fault((*way, "promises", key), text)
        keys[key] = value
    return fill(document, way, default, keys)


def _queue_rules(
    answer: AnswerPromise, callback: CallbackPromise, usefulness: QueueUsefulness
) -> QueueRules:
    return QueueRules(
        answer_target=int(answer.target),
        answer_objective=answer.objective,
        clock_start=answer.clock_start,
        early_abandon=answer.early_abandon,
        unknown_is_human=answer.unknown_is_human,
        callback_target=int(callback.target),
        callback_objective=callback.objective,
        callback_clock=callback.clock,
        unreachable_after=callback.unreachable_after,
        late_horizon=int(callback.late_horizon),
        short_talk=int(usefulness.short_talk),
        repeat_window=int(usefulness.repeat_window),
    )
