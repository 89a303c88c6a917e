"""The bank's telephone centre of February 1999 as call records.

A row of the original table is one call, except type TT, which is the bank returning a call. Its
clock shows `H:MM:SS` at UTC+2 without a date of its own, so a time before the call's arrival by
more than half a day is on the next day.
"""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

COLUMNS: Final = (
    *("record", "call_id", "queue", "customer", "offered_at", "answered_at", "ended_at"),
    *("outcome", "answered_by", "attempted_at", "connected_at", "with"),
)
NOT_APPLICABLE: Final = "0:00:00"
_ZONE: Final = timezone(timedelta(hours=2))
_HALF_A_DAY: Final = timedelta(hours=12)

Row = dict[str, str]


def read_table(path: Path) -> list[Row]:
    """Return the rows of the original table."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def as_csv(rows: Iterable[Row]) -> bytes:
    """Return the rows as a `call-records` file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(records(rows))
    return text.getvalue().encode()


def records(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield the call records that the rows of the original table make."""
    for row in rows:
        if row["outcome"] == "PHANTOM":
            continue
        record = _returned_call(row) if row["type"] == "TT" else _call(row)
        if record is not None:
            yield record


def _call(row: Row) -> Row | None:
    offered = _asked_for_a_person(row)
    if offered is None:
        return None
    left = offered + timedelta(seconds=int(row["q_time"]))
    call = {
        "call_id": f"{row['vru+line']}-{row['call_id']}",
        "queue": row["type"],
        "customer": _customer(row),
        "offered_at": offered.isoformat(),
    }
    if row["outcome"] == "HANG":
        return call | {"ended_at": left.isoformat(), "outcome": "abandoned"}
    over = left + timedelta(seconds=int(row["ser_time"]))
    return call | {
        "answered_at": left.isoformat(),
        "ended_at": over.isoformat(),
        "outcome": "answered",
        "answered_by": "human",
    }


def _asked_for_a_person(row: Row) -> datetime | None:
    """When the call was offered; None if it was hung up in the announcement."""
    if _has_queue_entry(row):
        return _moment(row, "q_start")
    return None if row["outcome"] == "HANG" else _moment(row, "vru_exit")


def _has_queue_entry(row: Row) -> bool:
    # 0:00:00 is a real midnight if there was an exit or a wait after it.
    return row["q_start"] != NOT_APPLICABLE or row["q_exit"] != NOT_APPLICABLE


def _returned_call(row: Row) -> Row | None:
    if not _customer(row):
        return None
    callback = {"record": "callback", "customer": _customer(row), "queue": row["type"]}
    if row["outcome"] == "AGENT":
        return callback | {"connected_at": _moment(row, "ser_start").isoformat(), "with": "human"}
    begun = "q_start" if _has_queue_entry(row) else "vru_exit"
    return callback | {"attempted_at": _moment(row, begun).isoformat()}


def _customer(row: Row) -> str:
    return "" if row["customer_id"] == "0" else row["customer_id"]


def _moment(row: Row, column: str) -> datetime:
    arrival = _clock(row, "vru_entry")
    moment = _clock(row, column)
    return moment + timedelta(days=1) if arrival - moment > _HALF_A_DAY else moment


def _clock(row: Row, column: str) -> datetime:
    text = f"19{row['date']} {row[column]}"
    return datetime.strptime(text, "%Y%m%d %H:%M:%S").replace(tzinfo=_ZONE)
