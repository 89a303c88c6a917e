"""Raw vendor topics: each record is a line of a vendor's log and becomes canonical events.

At least once: after a restart the last lines may be read again. The events have deterministic
ids, so the ledger drops what it knows. What a format remembers of earlier lines (a call that is
still open) is not kept over a restart.
"""

from collections.abc import Iterable, Iterator, Mapping
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final

from streams.events import Event
from streams.kafka.batch import Batch, Record
from streams.kafka.dead_letters import DeadLetter
from streams.keys import CallKeys
from streams.settings import SettingsError
from streams.sources import FORMATS, Options, Pseudonyms, Source, SourceError

__all__ = ["RawPartition", "check_formats"]

_END: Final = object()
_WITH_HEADER: Final = ("call-records",)
_CANONICAL: Final = "events"


def check_formats(raw_topics: Mapping[str, str]) -> None:
    """Check that every raw topic can be read.

    Raises:
        SettingsError: a format does not exist or cannot be read from a topic, or the key of the
            customers' pseudonyms is missing or wrong.
    """
    for topic, name in raw_topics.items():
        if name not in FORMATS:
            known = ", ".join(FORMATS)
            raise SettingsError(f"raw_topics: {topic}: there is no format {name}: one of {known}")
        if name in _WITH_HEADER:
            raise SettingsError(
                f"raw_topics: {topic}: {name} begins with a header line, which a topic has not"
            )
    if any(name != _CANONICAL for name in raw_topics.values()):
        _check_key()


def _check_key() -> None:
    """A random key would call a customer by another name after each restart."""
    try:
        ephemeral = Pseudonyms.from_environment().ephemeral
    except SourceError as error:
        raise SettingsError(str(error)) from None
    if ephemeral:
        raise SettingsError(
            "raw_topics: customers need a key that stays: set CALLSLA_PSEUDONYM_KEY_FILE"
        )


class RawPartition:
    """Turns the records of one partition of a raw topic into events, in order.

    A source reads an iterator of lines to its end, so it runs in a thread of its own that stops
    when the lines of a batch are used up, and goes on with the next batch.
    """

    def __init__(self, topic: str, partition: int, format_name: str) -> None:
        self.topic = topic
        self.partition = partition
        self.next_offset: int | None = None
        self._keys = CallKeys()
        self._lines: SimpleQueue[Any] = SimpleQueue()
        self._events: SimpleQueue[Any] = SimpleQueue()
        self._current: Record | None = None
        self._refused: list[DeadLetter] = []
        source = FORMATS[format_name](Options(source=topic, on_rejected=self._refuse))
        name = f"raw-{topic}-{partition}"
        Thread(target=self._read, args=(source,), name=name, daemon=True).start()

    def feed(self, batch: Batch) -> tuple[list[tuple[str | None, Event]], list[DeadLetter]]:
        """Return the events that are ready after `batch`, with their keys, and the refused records.

        Raises:
            Exception: whatever the source raised; the partition is then of no more use.
        """
        records = batch.records
        if self.next_offset is not None:
            records = batch.since(self.next_offset).records
        self._lines.put(records)
        events = [(self._keys.key(event), event) for event in self._answers()]
        self.next_offset = batch.next_offset
        refused, self._refused = self._refused, []
        return events, refused

    def close(self) -> None:
        """End the thread; what the source held back is dropped and will be read again."""
        self._lines.put(None)

    def _answers(self) -> Iterator[Event]:
        while True:
            answer = self._events.get()
            if answer is _END:
                return
            if isinstance(answer, BaseException):
                raise answer
            yield answer

    def _read(self, source: Source) -> None:
        try:
            for event in source.read(self._pull()):
                self._events.put(event)
        except _Closed:
            return
        except Exception as error:  # the thread that feeds raises it
            self._events.put(error)

    def _pull(self) -> Iterator[bytes]:
        while True:
            records: Iterable[Record] | None = self._lines.get()
            if records is None:
                raise _Closed
            for record in records:
                self._current = record
                yield (record.value or b"").rstrip(b"\r\n") + b"\n"
            # An empty line: nothing more has come for now, so give out what was held back.
            yield b""
            self._events.put(_END)

    def _refuse(self, _: int, reason: str, detail: str) -> None:
        assert self._current is not None  # noqa: S101
        letter = DeadLetter(self._current, self.topic, self.partition, "normalise", reason, detail)
        self._refused.append(letter)


class _Closed(Exception):  # noqa: N818
    """The partition was given up."""
