"""What `callsla dlq` prints. Nothing that came with a record may steer the terminal."""

import heapq
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

import click
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.instants import MILLISECOND, rfc3339
from streams.kafka.dlq import Identity, Letter
from streams.kafka.dlq_replay import Fate, Replayed

__all__ = [
    "Tale",
    "heads",
    "newest",
    "print_heads",
    "print_json",
    "print_letter",
    "printable",
    "whole",
]

Row = dict[str, Any]

MAX_WIDTH: Final = 160
SHOWN_CHARACTERS: Final = 4096


def heads(letters: Iterable[Letter], replayed: set[Identity]) -> Iterator[Row]:
    """Yield what may be told of each letter: nothing that was in the record itself."""
    for letter in letters:
        yield _head(letter, replayed=letter.identity in replayed)


def _head(letter: Letter, *, replayed: bool) -> Row:
    source, told = letter.source, letter.told
    return {
        "position": str(letter.position),
        "refused_at": _time(letter.refused_at),
        "reason": told.get("reason"),
        "stage": told.get("stage"),
        "message": told.get("message"),
        "topic": source.topic if source else None,
        "partition": source.partition if source else None,
        "offset": source.offset if source else None,
        "timestamp": _time(source.timestamp * MILLISECOND) if source else None,
        "attempt": letter.attempt,
        "origin": str(letter.origin) if letter.origin else None,
        "replayed": replayed,
        "bytes": len(letter.value or b""),
        "value_omitted": letter.omitted,
        "app": told.get("app"),
        "version": told.get("version"),
    }


def _time(instant: int) -> str | None:
    """A record can be stamped with any number; -1 is none."""
    try:
        return rfc3339(instant) if instant >= 0 else None
    except (OverflowError, ValueError):
        return None


def whole(letter: Letter, *, replayed: bool) -> Row:
    """Return the head of `letter` and what was in the record: text as it is, else Base64."""
    headers = [[name, *_text_or_base64(value)] for name, value in letter.headers]
    return {
        **_head(letter, replayed=replayed),
        **dict(zip(("key", "key_base64"), _text_or_base64(letter.key), strict=True)),
        "headers": [{"name": n, "value": text, "value_base64": b} for n, text, b in headers],
        **dict(zip(("value", "value_base64"), _text_or_base64(letter.value), strict=True)),
    }


def _text_or_base64(value: bytes | None) -> tuple[str | None, str | None]:
    if value is None:
        return None, None
    try:
        return value.decode(), None
    except UnicodeDecodeError:
        return None, b64encode(value).decode()


def newest(rows: Iterable[Row], limit: int) -> tuple[list[Row], int]:
    """Return the newest `limit` of `rows`, the newest last, and how many there are in all."""
    number = Counter[str]()

    def counted() -> Iterator[Row]:
        for row in rows:
            number["rows"] += 1
            yield row

    found = heapq.nlargest(limit, counted(), key=_when)
    return sorted(found, key=_when), number["rows"]


def _when(row: Row) -> str:
    return row["refused_at"] or ""


def print_json(rows: Iterable[Row]) -> None:
    """Print one object a line."""
    for row in rows:
        click.echo(orjson.dumps(row))


def print_heads(rows: list[Row]) -> None:
    """Print a table, as wide as the terminal up to 160."""
    if not rows:
        click.echo("no dead letters", err=True)
        return
    console = Console(highlight=False)
    width = min(console.width, MAX_WIDTH) if console.is_terminal else MAX_WIDTH
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("position", "refused", "reason", "from", "try", "state"):
        table.add_column(name, no_wrap=True)
    table.add_column("message", no_wrap=True, overflow="ellipsis", ratio=1)
    for row in rows:
        table.add_row(*(Text(printable(text)) for text in _cells(row)))
    Console(highlight=False, width=width).print(table)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row["position"],
        f"{_when(row)[:19]}Z" if _when(row) else "?",
        row["reason"] or "?",
        _from(row),
        str(row["attempt"]),
        _state(row),
        row["message"] or "",
    )


def _from(row: Row) -> str:
    return f"{row['topic']}/{row['partition']}:{row['offset']}" if row["topic"] else "?"


def _state(row: Row) -> str:
    if row["replayed"]:
        return "replayed"
    return "failed again" if row["attempt"] > 1 else "new"


def print_letter(letter: Letter, *, replayed: bool) -> None:
    """Print what is known of one letter, then the text in it."""
    row = _head(letter, replayed=replayed)
    lines = {
        "position": row["position"],
        "refused": f"{_when(row)} by {row['app']} (callsla {row['version']}) in {row['stage']}",
        "reason": f"{row['reason']}: {row['message']}",
        "from": f"{_from(row)}, written {row['timestamp'] or 'at no known time'}",
        "state": f"{_state(row)}, attempt {row['attempt']}, first at {row['origin']}",
        "key": _shown(letter.key),
    }
    for name, text in lines.items():
        click.echo(f"{name:<9} {printable(text)}")
    for name, value in letter.headers:
        click.echo(f"{'header':<9} {printable(name)}: {_shown(value)}")
    click.echo(f"{'value':<9} {_size(letter)}")
    text, _ = _text_or_base64(letter.value)
    if text:
        click.echo(f"\n{_cut(printable(text, keep=chr(10) + chr(9)))}")


def _size(letter: Letter) -> str:
    if letter.omitted:
        return f"too large for this topic: read it at {letter.source}"
    if letter.value is None:
        return "none"
    binary = _text_or_base64(letter.value)[0] is None
    return f"{len(letter.value):,} bytes" + (", no text: --raw writes them" if binary else "")


def _shown(value: bytes | None) -> str:
    if value is None:
        return "none"
    text, encoded = _text_or_base64(value)
    return _cut(printable(text)) if text is not None else f"base64 {_cut(str(encoded))}"


def _cut(text: str) -> str:
    if len(text) <= SHOWN_CHARACTERS:
        return text
    return f"{text[:SHOWN_CHARACTERS]}... (--raw or --json for all)"


def printable(text: str, keep: str = "") -> str:
    """Return `text` with every character that a terminal might obey written out."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in keep else each.encode("unicode_escape").decode()
        for each in text
    )


class Tale:
    """Tells what a replay does, one line a record, and the sum of it at the end."""

    def __init__(self, *, as_json: bool, dry_run: bool) -> None:
        self._as_json = as_json
        self._dry_run = dry_run
        self._fates: Counter[Fate] = Counter()

    @property
    def impossible(self) -> int:
        """Letters that cannot be replayed whatever the options."""
        return self._fates[Fate.IMPOSSIBLE]

    def tell(self, outcomes: Iterable[Replayed]) -> None:
        """Print `outcomes` as they come in."""
        try:
            for outcome in outcomes:
                self._fates[outcome.fate] += 1
                if self._as_json:
                    print_json([self._row(outcome)])
                else:
                    click.echo(self._line(outcome))
        finally:
            click.echo(self._sum(), err=True)

    def _row(self, outcome: Replayed) -> Row:
        head = _head(outcome.letter, replayed=outcome.fate is Fate.REPLAYED and not self._dry_run)
        names = ("position", "topic", "partition", "reason", "attempt", "origin")
        fate = {"action": str(outcome.fate), "dry_run": self._dry_run, "why": outcome.why or None}
        return {**{name: head[name] for name in names}, **fate}

    def _line(self, outcome: Replayed) -> str:
        head = _head(outcome.letter, replayed=False)
        to = f"{head['topic']}/{head['partition']}"
        words = {
            Fate.REPLAYED: f"would go to {to}" if self._dry_run else f"replayed to {to}",
            Fate.ALREADY_REPLAYED: "left alone: it has been replayed",
            Fate.FAILED_AGAIN: "left alone: it failed again after a replay",
            Fate.IMPOSSIBLE: f"cannot be replayed: {outcome.why}",
        }
        reason = head["reason"] or "?"
        return printable(f"{head['position']:<12} {reason:<12} {words[outcome.fate]}")

    def _sum(self) -> str:
        fates = self._fates
        done = "would be replayed" if self._dry_run else "replayed"
        parts = [f"{fates[Fate.REPLAYED]:,} {done}"]
        if fates[Fate.ALREADY_REPLAYED]:
            parts.append(f"{fates[Fate.ALREADY_REPLAYED]:,} had been before (--force)")
        if fates[Fate.FAILED_AGAIN]:
            parts.append(f"{fates[Fate.FAILED_AGAIN]:,} failed again after a replay (--again)")
        if fates[Fate.IMPOSSIBLE]:
            parts.append(f"{fates[Fate.IMPOSSIBLE]:,} cannot be")
        return ", ".join(parts)
