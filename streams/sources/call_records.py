"""Call records: CSV with a header, one row a call or a callback.

Delimiter comma, semicolon or tab (told from the header); columns in any order, most optional;
quotes as usual, but no line breaks inside them, so that a stray quote spoils one row only. Files
one after the other may each have a header of their own; under a later one that cannot be used every
row is refused until the next.

Rows of a call (`record` is `call`, or empty, or there is no such column):

    call_id       what the call is called; required
    queue         where it came in
    customer      a pseudonym or any id (a number beginning with `+` is made a pseudonym)
    phone         instead of `customer`: a number, which is made a pseudonym
    anonymous     true if nobody could ever call back
    offered_at    arrival at the centre          one of these two is required
    queued_at     entry into the queue
    answered_at   when somebody or something picked up
    ended_at      when the call was over
    outcome       answered abandoned diverted rejected lost callback_requested
    answered_by   human bot ivr voicemail unknown (empty: human if there is an `agent`)
    ended_by      customer agent system
    resolved      true or false
    agent, source

Without an `outcome` a call that was answered is `answered`, one that was ended by the agent or the
system is `diverted`, one that ended is `abandoned`, and any other is still open. `lost` means that
the end was never recorded: such a call is lost when it has lasted too long.

Rows of a callback (`record` is `callback`) name the customer as above or the `call_id`, and one or
more of `requested_at`, `attempted_at`, `connected_at` (who was reached says `with`: human voicemail
unknown) and `cancelled_at`. A row is one dial: with `connected_at`, `attempted_at` adds nothing.

Times are RFC 3339 with a zone, or epoch seconds or milliseconds. A local time without a zone is
refused unless `Options.timezone` says where; of the hour a clock lives twice, the first counts.
"""

import csv
from collections.abc import Iterable, Iterator
from typing import Any, Final

from streams.events import (
    CallAbandoned,
    CallAnswered,
    CallbackAttempted,
    CallbackCancelled,
    CallbackConnected,
    CallbackRequested,
    CallDiverted,
    CallEnded,
    CallOffered,
    CallQueued,
    CallRejected,
    Event,
    Rejected,
)
from streams.instants import MILLISECOND
from streams.sources.base import MAX_LINE_BYTES, Options, Source, event_id, name
from streams.sources.errors import SourceError
from streams.sources.pseudonym import Customer, looks_like_number
from streams.sources.times import TimeReader

__all__ = ["COLUMNS", "OUTCOMES", "CallRecords"]

OUTCOMES: Final = (
    "answered",
    "abandoned",
    "diverted",
    "rejected",
    "lost",
    "callback_requested",
)
_ANSWERED_BY: Final = ("human", "bot", "ivr", "voicemail", "unknown")
_ENDED_BY: Final = ("customer", "agent", "system")
_REACHED: Final = ("human", "voicemail", "unknown")
_ARRIVAL: Final = ("offered_at", "queued_at")
_CALLBACKS: Final[dict[str, type[Any]]] = {
    "requested_at": CallbackRequested,
    "attempted_at": CallbackAttempted,
    "connected_at": CallbackConnected,
    "cancelled_at": CallbackCancelled,
}
_ENDS: Final[dict[str, type[Any]]] = {
    "abandoned": CallAbandoned,
    "diverted": CallDiverted,
    "rejected": CallRejected,
    "callback_requested": CallbackRequested,
}
_DELIMITERS: Final = (",", ";", "\t")
COLUMNS: Final = (
    *("record", "call_id", "queue", "customer", "phone", "anonymous"),
    *(*_ARRIVAL, "answered_at", "ended_at", "outcome", "answered_by", "ended_by", "resolved"),
    *("agent", "source", *_CALLBACKS, "with"),
)
_TRUTHS: Final = {
    **dict.fromkeys(("true", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "no", "n", "0"), False),
}


class CallRecords(Source):
    """Reads call records from CSV."""

    format = "call-records"

    def __init__(self, options: Options | None = None) -> None:
        super().__init__(options)
        self._unknown = 0
        self._times = TimeReader(self.options.timezone)

    @property
    def unknown_fields(self) -> int:
        """Columns (of every header read) that mean nothing here."""
        return self._unknown

    def read(self, lines: Iterable[bytes]) -> Iterator[Event]:
        table: _Table | None = None
        for number, raw in enumerate(lines, 1):
            text = raw.strip(b"\r\n\0")
            if not text.strip(b" ,;\t"):
                continue
            if table is None:
                table = self._table(text)
                continue
            try:
                if table.is_header(text):
                    table = self._later_table(text, table)
                    continue
                self.records += 1
                events = self._events(table.row(text))
            except Rejected as error:
                self.refuse(number, error)
                continue
            yield from events

    def _table(self, text: bytes) -> "_Table":
        table = _Table(text)
        self._unknown += len(set(table.columns) - set(COLUMNS))
        return table

    def _later_table(self, text: bytes, before: "_Table") -> "_Table":
        """Return the table under a header that is not the first line.

        Raises:
            Rejected: it cannot be used, and `before` must not be from here on.
        """
        try:
            return self._table(text)
        except SourceError:
            before.refuse_rows()
            self.records += 1
            message = "a header that cannot be used: a column twice, or a quote without its end"
            raise Rejected("malformed", message) from None

    def _events(self, row: dict[str, str]) -> list[Event]:
        """Return all events of a row; a row with a fault in it gives none."""
        record = _choice(row, "record", ("call", "callback")) or "call"
        return list(self._callback(row) if record == "callback" else self._call(row))

    def _call(self, row: dict[str, str]) -> Iterator[Event]:
        if "call_id" not in row:
            message = "the row names no call - at `call_id`"
            raise Rejected("missing_id", message)
        if not any(column in row for column in _ARRIVAL):
            message = "the row has neither offered_at nor queued_at"
            raise Rejected("malformed", message)
        common = self._common(row)
        if "offered_at" in row:
            yield self._event(CallOffered, row, "offered_at", common)
        if "queued_at" in row:
            yield self._event(CallQueued, row, "queued_at", common)
        if "answered_at" in row:
            who = {"answered_by": _answered_by(row), "agent": row.get("agent")}
            yield self._event(CallAnswered, row, "answered_at", {**common, **who})
        yield from self._end(row, common)

    def _end(self, row: dict[str, str], common: dict[str, Any]) -> Iterator[Event]:
        outcome = _choice(row, "outcome", OUTCOMES) or _outcome_of(row)
        if outcome == "answered":
            yield from self._after_answer(row, common)
        elif outcome in _ENDS:
            column = "ended_at"
            if outcome == "rejected" and column not in row:
                column = next(arrival for arrival in _ARRIVAL if arrival in row)
            yield self._event(_ENDS[outcome], row, column, common)

    def _after_answer(self, row: dict[str, str], common: dict[str, Any]) -> Iterator[Event]:
        if "answered_at" not in row:
            raise _no_time("answered_at")
        if "ended_at" in row:
            how = {
                "ended_by": _choice(row, "ended_by", _ENDED_BY),
                "resolved": _truth(row, "resolved"),
                "agent": row.get("agent"),
            }
            yield self._event(CallEnded, row, "ended_at", {**common, **how})

    def _callback(self, row: dict[str, str]) -> Iterator[Event]:
        times = [column for column in _CALLBACKS if column in row]
        if not times:
            message = f"the callback has no time; it needs one of {', '.join(_CALLBACKS)}"
            raise Rejected("malformed", message)
        if "connected_at" in times and "attempted_at" in times:
            times.remove("attempted_at")
        for common in self._customers(row, times[0]):
            for column in times:
                more = self._more_of_callback(row, column)
                yield self._event(_CALLBACKS[column], row, column, {**common, **more})

    def _more_of_callback(self, row: dict[str, str], column: str) -> dict[str, Any]:
        if column == "connected_at":
            reached = _choice(row, "with", _REACHED) or "unknown"
            return {"reached": reached, "agent": row.get("agent")}
        return {"agent": row.get("agent")} if column == "attempted_at" else {}

    def _customers(self, row: dict[str, str], column: str) -> Iterator[dict[str, Any]]:
        """Yield what a callback's events have in common: once for every pseudonym in use."""
        common = self._common(row)
        if common["customer"] is None and common["call_id"] is None:
            message = "the callback names neither customer nor call_id"
            raise Rejected("missing_id", message)
        yield common
        number = _number(row)
        if number is not None:
            at = self._times.read(row[column], column)
            for customer in self.options.pseudonyms.former(number, at):
                yield {**common, "customer": customer, "call_id": None}

    def _common(self, row: dict[str, str]) -> dict[str, Any]:
        customer = self._customer(row)
        for column in ("call_id", "queue", "agent", "source"):
            name(row.get(column, ""), column)
        return {
            "source": row.get("source", self.source),
            "call_id": row.get("call_id"),
            "queue": row.get("queue"),
            "customer": customer.id,
            "anonymous": customer.anonymous,
        }

    def _customer(self, row: dict[str, str]) -> Customer:
        anonymous = _truth(row, "anonymous") or False
        number = _number(row)
        if number is not None:
            customer = self.options.pseudonyms.customer(number)
            return Customer(customer.id, anonymous or customer.anonymous)
        return Customer(name(row.get("customer", ""), "customer"), anonymous)

    def _event(
        self, kind: type[Any], row: dict[str, str], column: str, fields: dict[str, Any]
    ) -> Event:
        if column not in row:
            raise _no_time(column)
        at = self._times.read(row[column], column)
        whose = fields["call_id"] or fields["customer"]
        # The time is part of the id: two rows of one call are two facts, the same row twice is one.
        event: Event = kind(**fields, at=at, id=event_id(whose, kind.kind, at // MILLISECOND))
        return event


class _Table:
    """The header of a file: its delimiter and columns, and how a row under it is read.

    Raises:
        SourceError: no header, or one without the columns that are needed.
    """

    def __init__(self, text: bytes) -> None:
        line = _decode(text)
        self._usable = True
        self.delimiter = max(_DELIMITERS, key=line.count)
        try:
            self.columns = [cell.lower() for cell in self._cells(line)]
        except csv.Error:
            self.columns = []
        if missing := _missing(self.columns):
            message = (
                f"call-records: the first line must name the columns, and {missing} is not there"
                f" (known columns: {' '.join(COLUMNS)})"
            )
            raise SourceError(message)
        twice = [column for column in COLUMNS if self.columns.count(column) > 1]
        if twice:
            message = f"call-records: the column {twice[0]} is there twice; keep one"
            raise SourceError(message)

    def is_header(self, text: bytes) -> bool:
        """Whether a later line names columns again: the header of the next file."""
        if b"_at" not in text.lower():
            return False
        cells = _decode(text).lower().replace('"', "")
        return any(
            not _missing([cell.strip() for cell in cells.split(delimiter)])
            for delimiter in _DELIMITERS
        )

    def refuse_rows(self) -> None:
        """Refuse every row from here on: they belong to another header."""
        self._usable = False

    def row(self, text: bytes) -> dict[str, str]:
        """Return the cells that are not empty, by column.

        Raises:
            Rejected: not as many cells as columns, a quote without its end, or an unusable header.
        """
        if not self._usable:
            message = "a row under a header that cannot be used"
            raise Rejected("malformed", message)
        if len(text) > MAX_LINE_BYTES:
            message = f"the row is longer than {MAX_LINE_BYTES} bytes"
            raise Rejected("too_long", message)
        try:
            cells = self._cells(_decode(text))
        except csv.Error:
            message = "not CSV: a quote without its end, or a cell of over 128 KiB"
            raise Rejected("malformed", message) from None
        if len(cells) != len(self.columns):
            message = f"{len(cells)} cells under {len(self.columns)} columns"
            raise Rejected("malformed", message)
        return {column: cell for column, cell in zip(self.columns, cells, strict=True) if cell}

    def _cells(self, line: str) -> list[str]:
        rows = csv.reader((line,), delimiter=self.delimiter, strict=True)
        return [cell.strip() for cell in next(rows, [])]


def _missing(columns: list[str]) -> str | None:
    """Return what a header lacks, in words; None if it will do."""
    if "record" not in columns and "call_id" not in columns:
        return "call_id"
    if not any(column in columns for column in (*_ARRIVAL, *_CALLBACKS)):
        return "offered_at or queued_at"
    return None


def _decode(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("utf-8", "backslashreplace")


def _choice(row: dict[str, str], column: str, allowed: tuple[str, ...]) -> str | None:
    value = row.get(column, "").lower()
    if value and value not in allowed:
        message = f"none of {', '.join(allowed)} - at `{column}`"
        raise Rejected("malformed", message)
    return value or None


def _truth(row: dict[str, str], column: str) -> bool | None:
    value = row.get(column, "").lower()
    if value and value not in _TRUTHS:
        message = f"neither true nor false - at `{column}`"
        raise Rejected("malformed", message)
    return _TRUTHS.get(value)


def _answered_by(row: dict[str, str]) -> str:
    return _choice(row, "answered_by", _ANSWERED_BY) or ("human" if "agent" in row else "unknown")


def _outcome_of(row: dict[str, str]) -> str | None:
    if "answered_at" in row:
        return "answered"
    if "ended_at" not in row:
        return None
    by_centre = _choice(row, "ended_by", _ENDED_BY) in ("agent", "system")
    return "diverted" if by_centre else "abandoned"


def _number(row: dict[str, str]) -> str | None:
    """Return what is to be made a pseudonym; None if `customer` is one already, or nothing is."""
    customer = row.get("customer")
    if customer is not None:
        return customer if looks_like_number(customer) else None
    return row.get("phone")


def _no_time(column: str) -> Rejected:
    return Rejected("malformed", f"the outcome needs a time - at `{column}`")
