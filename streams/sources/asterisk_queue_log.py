"""Asterisk's queue_log: `epoch|callid|queue|agent|EVENT|data...`, one line an event.

What a line means is in app_queue.c and logger.c; the outbound lines (`OUTDIAL` and its family) are
written by dialplans, `OUTCALL` by the application QueueUpdate.

- Stamps are whole, truncated seconds. A line's event carries that stamp unchanged.
- `ENTERQUEUE` is the arrival. The caller's number stands there alone and is remembered for the
  call's later events; so is the first queue, because a call can pass several queues in one second.
- `ABANDON` is also written when a waiting caller is moved elsewhere. It is held back for a second
  of the log: if the same call enters a queue again, it was a transfer. After a conversation (the
  caller was transferred and gave up in the next queue) it is the end of the call.
- `EXITWITHKEY` is a diversion, or a request for a callback if the key is one of `callback_keys`.
  `EXITEMPTY`, `EXITWITHTIMEOUT` and `WITHDRAW` (another program took the caller out of the queue)
  are diversions.
- `SYSCOMPAT` is a call the system dropped. `AGENTDUMP`, `RINGNOANSWER` and `RINGCANCELED` end
  nothing: the caller waits on.
- A transfer ends the agent's talk and not the call. The log knows what follows only if the call
  enters a queue again; otherwise the end stays unknown.
- A dial of an agent gives one event: `callback.connected` if somebody answered (`talk` seconds
  before the line, which is written at the end), else `callback.attempted` at its begin. A retry by
  another trunk under the same call id belongs to the same dial. Internal numbers are not left out:
  at an internal help desk they are the customers, and elsewhere nothing is owed to them.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias

from streams.events import (
    CallAbandoned,
    CallAnswered,
    CallbackRequested,
    CallDiverted,
    CallEnded,
    CallQueued,
    CallTransferred,
    EndedBy,
    Event,
    Rejected,
    SourceRestarted,
    check_instant,
)
from streams.instants import SECOND
from streams.sources.asterisk_memory import HOLD_SECONDS, Caller, Callers, Held, Line, LineIds
from streams.sources.asterisk_outbound import OUTBOUND_EVENTS, Outbound
from streams.sources.base import MAX_LINE_BYTES, Options, Source, name
from streams.sources.pseudonym import Customer

__all__ = ["AsteriskQueueLog"]

NO_CALL: Final = frozenset({"NONE", "MANAGER", "CLI", "REALTIME"})
"""What stands in place of a call's id when the line is about no call."""
FIELDS: Final = 5
MAX_EPOCH_DIGITS: Final = 12
INTERNAL_DIGITS: Final = 6
"""A transfer's target with more digits may be somebody's number and is left out."""
_UNKNOWN: Final = Customer(None, anonymous=False)


Handler: TypeAlias = Callable[[Line, Caller], Iterable[Event]]
GivenUp: TypeAlias = CallAbandoned | CallEnded


class AsteriskQueueLog(Source):
    """Reads queue_log files, whole or as they are written (`streams.sources.follow`)."""

    format = "asterisk-queue-log"

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self._callers = Callers()
        self._abandonments: Held[GivenUp] = Held(HOLD_SECONDS * SECOND)
        self._outbound = Outbound(self.source, self.options)
        self._ids = LineIds()
        self._handlers: dict[str, Handler] = {
            "ENTERQUEUE": self._entered,
            "CONNECT": self._connected,
            "ABANDON": self._abandoned,
            "EXITWITHKEY": self._pressed_key,
            "COMPLETEAGENT": self._completed,
            "COMPLETECALLER": self._completed,
            "SYSCOMPAT": self._dropped,
            **dict.fromkeys(_EXITS, self._left),
            **dict.fromkeys(_TRANSFERS, self._transferred),
        }

    def read(self, lines: Iterable[bytes]) -> Iterator[Event]:
        for number, raw in enumerate(lines, 1):
            text = raw.strip(b"\r\n\0")
            if not text:
                # Quiet, so what was held back has had its second.
                yield from () if raw else self._release()
                continue
            self.records += 1
            try:
                yield from self._events(text, complete=raw.endswith(b"\n"))
            except Rejected as error:
                self.refuse(number, error)
        yield from self._release()
        yield from self._outbound.give_up()

    def _release(self, at: int | None = None) -> Iterator[Event]:
        """Give out what was held back: all, or what is due at `at`."""
        yield from self._abandonments.release(at)
        yield from self._outbound.release(at)

    def _events(self, text: bytes, *, complete: bool) -> Iterator[Event]:
        if len(text) > MAX_LINE_BYTES:
            message = f"the line is longer than {MAX_LINE_BYTES} bytes"
            raise Rejected("too_long", message)
        fields = _decode(text).split("|")
        if len(fields) < FIELDS or not fields[4]:
            message = "not `epoch|callid|queue|agent|EVENT`"
            raise Rejected("malformed", message)
        at = _instant(fields[0])
        if not complete:
            _refuse_if_cut(fields)
        yield from self._release(at)
        yield from self._of_event(at, fields)

    def _of_event(self, at: int, fields: list[str]) -> Iterable[Event]:
        event, call_id = fields[4], fields[1]
        if event == "QUEUESTART":
            return self._restarted(self._line(at, fields))
        if call_id in NO_CALL:
            return ()
        handler = self._handlers.get(event)
        if handler is None and event[:3] != "OUT":
            return ()
        line = self._line(at, fields)
        caller = self._callers.get(call_id) or Caller(_UNKNOWN, None, 0)
        if handler is None:
            return self._outbound.events(line, caller.customer.id)
        return handler(line, caller)

    def _line(self, at: int, fields: list[str]) -> Line:
        if not fields[1]:
            message = "the line names no call"
            raise Rejected("missing_id", message)
        call_id = name(fields[1], "callid") or ""
        queue = name(_unless_none(fields[2]), "queue")
        written = name(_unless_none(fields[3]), "agent") or ""
        agent = name(self._outbound.without_numbers(written), "agent")
        line_id = self._ids.of(at, call_id, fields[4], f"{queue}|{agent}")
        return Line(at, call_id, queue, agent, fields[4], fields[5:], line_id)

    def _restarted(self, line: Line) -> Iterator[Event]:
        yield from self._release()
        yield from self._outbound.give_up()
        self._callers.clear()
        yield SourceRestarted(id=line.id, at=line.at, source=self.source)

    def _entered(self, line: Line, known: Caller) -> Iterator[Event]:
        if len(line.data) < 2:
            message = "ENTERQUEUE names no caller field"
            raise Rejected("malformed", message)
        moved = self._abandonments.pop(line.call_id)
        if moved:
            yield from (_as_transfer(event, line.queue) for event in moved)
        if line.call_id not in self._callers:
            customer = self.options.pseudonyms.customer(line.data[1])
            known = Caller(customer, line.queue, line.at)
            self._callers.add(line.call_id, known)
        yield CallQueued(**self._common(line, known))

    def _connected(self, line: Line, caller: Caller) -> Iterator[Event]:
        caller.answered = True
        yield CallAnswered(**self._common(line, caller), answered_by="human", agent=line.agent)

    def _abandoned(self, line: Line, caller: Caller) -> Iterable[Event]:
        common = self._common(line, caller)
        event: GivenUp = CallAbandoned(**common)
        if caller.answered:
            event = CallEnded(**common, ended_by="customer", reason="abandoned")
        return self._abandonments.keep(line.call_id, line.at, [event])

    def _left(self, line: Line, caller: Caller) -> Iterator[Event]:
        yield CallDiverted(**self._common(line, caller), reason=_EXITS[line.event])

    def _pressed_key(self, line: Line, caller: Caller) -> Iterator[Event]:
        common = self._common(line, caller)
        if line.data and line.data[0] in self.options.callback_keys:
            yield CallbackRequested(**common, reason="key")
        else:
            yield CallDiverted(**common, reason="key")

    def _transferred(self, line: Line, caller: Caller) -> Iterator[Event]:
        to = line.data[0] if line.event != "ATTENDEDTRANSFER" and line.data else ""
        internal = to if sum(map(str.isdigit, to)) <= INTERNAL_DIGITS else ""
        common = self._common(line, caller)
        yield CallTransferred(
            **common, to=name(internal, "exten"), agent=line.agent, reason=_TRANSFERS[line.event]
        )

    def _completed(self, line: Line, caller: Caller) -> Iterator[Event]:
        ended_by: EndedBy = "agent" if line.event == "COMPLETEAGENT" else "customer"
        yield CallEnded(**self._common(line, caller), ended_by=ended_by, agent=line.agent)

    def _dropped(self, line: Line, caller: Caller) -> Iterator[Event]:
        common = self._common(line, caller)
        yield CallEnded(**common, ended_by="system", agent=line.agent, reason="incompatible")

    def _common(self, line: Line, caller: Caller) -> dict[str, Any]:
        in_first_second = line.at == caller.entered
        return {
            "id": line.id,
            "at": line.at,
            "source": self.source,
            "call_id": line.call_id,
            "queue": caller.queue if in_first_second else line.queue,
            "customer": caller.customer.id,
            "anonymous": caller.customer.anonymous,
        }


_EXITS: Final = {"EXITWITHTIMEOUT": "timeout", "EXITEMPTY": "empty", "WITHDRAW": "withdrawn"}
_TRANSFERS: Final = {
    "BLINDTRANSFER": "blind",
    "ATTENDEDTRANSFER": "attended",
    "TRANSFER": "blind",
}
_KNOWN_EVENTS: Final = (
    *("QUEUESTART", "ENTERQUEUE", "CONNECT", "ABANDON", "EXITWITHKEY", "SYSCOMPAT"),
    *("COMPLETEAGENT", "COMPLETECALLER", *_EXITS, *_TRANSFERS, *OUTBOUND_EVENTS),
)


def _decode(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("utf-8", "backslashreplace")


def _instant(epoch: str) -> int:
    if not (epoch.isascii() and epoch.isdigit() and len(epoch) <= MAX_EPOCH_DIGITS):
        message = "not whole seconds since 1970 - at `epoch`"
        raise Rejected("bad_time", message)
    return check_instant(int(epoch) * SECOND)


def _refuse_if_cut(fields: list[str]) -> None:
    """Refuse a last line without its end that can be seen to be cut off."""
    event, data = fields[4], fields[5:]
    cut = event == "ENTERQUEUE" and len(data) < 3
    if cut or any(known != event and known.startswith(event) for known in _KNOWN_EVENTS):
        message = "the line is cut off"
        raise Rejected("malformed", message)


def _unless_none(text: str) -> str:
    return "" if text == "NONE" else text


def _as_transfer(event: GivenUp, to: str | None) -> CallTransferred:
    """What an abandonment was if the caller enters a queue again at once."""
    return CallTransferred(
        id=event.id,
        at=event.at,
        source=event.source,
        call_id=event.call_id,
        queue=event.queue,
        customer=event.customer,
        anonymous=event.anonymous,
        to=to,
        reason="redirected",
    )
