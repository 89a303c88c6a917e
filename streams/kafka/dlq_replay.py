"""Writing dead letters back to where they came from.

A replayed record has the key, the value and the headers it had, goes to the partition it came
from (what is about one customer stays together even if the topic has grown since) and carries
`__callsla.replay.count` and `__callsla.replay.origin`. Its event ids are the same, so a ledger
that knows the event drops it. Its timestamp is the time of the replay: Kafka gets it now, and a
record refused as `future` with its first timestamp would be refused for ever.

Records are acknowledged first and noted as replayed then, `CHUNK` at a time. Whoever kills the
process in between replays those few once more the next time.
"""

import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Final, NamedTuple

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from streams.kafka.dead_letters import ORIGIN_HEADER, REPLAYS_HEADER
from streams.kafka.dlq import DeadLetterTopic, Identity, Letter, encode_mark
from streams.kafka.errors import EdgeError, UnreachableError
from streams.kafka.security import kafka_python_options
from streams.kafka.topics import translated
from streams.settings import Settings

__all__ = ["CHUNK", "Fate", "Replayed", "Replayer", "replay_record"]

CHUNK: Final = 100
MAX_REQUEST_BYTES: Final = 16 * 1_048_576
DELIVERY_MS: Final = 30_000

Headers = list[tuple[str, bytes]]


class Fate(StrEnum):
    """What became of a letter."""

    REPLAYED = "replayed"
    ALREADY_REPLAYED = "already_replayed"
    FAILED_AGAIN = "failed_again"
    IMPOSSIBLE = "impossible"


class Replayed(NamedTuple):
    """A letter and its fate; `why` says why it is impossible."""

    letter: Letter
    fate: Fate
    why: str = ""


class Replayer:
    """Replays letters, each once.

    `again` includes records that failed after a replay, `force` those that have been replayed;
    with `dry_run` nothing is written. At most `limit` records are replayed.
    """

    def __init__(
        self,
        settings: Settings,
        topic: DeadLetterTopic,
        *,
        again: bool = False,
        force: bool = False,
        dry_run: bool = False,
        limit: int | None = None,
    ) -> None:
        self._settings = settings
        self._topic = topic
        self._again, self._force, self._dry_run = again, force, dry_run
        self._left = limit
        self._destinations = {settings.events_topic, *settings.raw_topics}
        self._partitions: dict[str, set[int]] = {}
        self._done: set[Identity] = topic.replayed()
        self._chosen: set[Identity] = set()

    def run(self, letters: Iterable[Letter]) -> Iterator[Replayed]:
        """Yield what became of each of `letters`; a replayed one when that has been noted.

        Raises:
            UnreachableError: the broker does not answer any more.
            EdgeError: a topic cannot be written.
        """
        with self._writer() as write:
            chunk: list[Letter] = []
            for letter in letters:
                if self._left == 0:
                    break
                judged = self._judge(letter)
                if judged.fate is not Fate.REPLAYED:
                    yield judged
                    continue
                if chunk and (len(chunk) == CHUNK or _elsewhere(chunk[0], letter)):
                    yield from write(chunk)
                    chunk = []
                chunk.append(letter)
                self._left = None if self._left is None else self._left - 1
            yield from write(chunk)

    def _judge(self, letter: Letter) -> Replayed:
        """Return what is to become of `letter` if nothing goes wrong."""
        why = self._obstacle(letter)
        if why is not None:
            return Replayed(letter, Fate.IMPOSSIBLE, why)
        # The second letter about a refusal that was written twice is left out even by force.
        known = letter.identity in self._chosen
        if known or (letter.identity in self._done and not self._force):
            return Replayed(letter, Fate.ALREADY_REPLAYED)
        if letter.attempt > 1 and not self._again:
            return Replayed(letter, Fate.FAILED_AGAIN)
        self._chosen.add(letter.identity)
        return Replayed(letter, Fate.REPLAYED)

    def _obstacle(self, letter: Letter) -> str | None:
        if letter.source is None:
            return "its headers do not say where it came from: no worker wrote it"
        topic, partition, *_ = letter.source
        if letter.omitted:
            return f"its value was too large for {self._topic.name}; it is at {letter.source}"
        if topic not in self._destinations:
            return f"{topic} is neither the events topic nor a raw topic of these settings"
        if topic not in self._partitions:
            self._partitions[topic] = self._topic.partitions_of(topic)
        if partition not in self._partitions[topic]:
            return f"{topic} has no partition {partition} any more"
        return None

    @contextmanager
    def _writer(self) -> Iterator[Callable[[list[Letter]], list[Replayed]]]:
        if self._dry_run:
            yield lambda chunk: [Replayed(letter, Fate.REPLAYED) for letter in chunk]
            return
        with translated(self._settings):
            producer = KafkaProducer(**_options(self._settings))
            try:
                yield lambda chunk: _write(producer, self._topic.name, chunk)
            finally:
                producer.close(timeout=DELIVERY_MS / 1000)


def replay_record(letter: Letter) -> tuple[bytes | None, bytes | None, Headers]:
    """Return key, value and headers of the record that replays `letter`.

    kafka-python writes no record without key and value, and no header without a value: what is
    null there becomes empty, which to every reader of ours is the same.
    """
    value = b"" if letter.key is None and letter.value is None else letter.value
    headers = [(name, value or b"") for name, value in letter.own_headers]
    ours = [
        (REPLAYS_HEADER, str(letter.attempt).encode()),
        (ORIGIN_HEADER, str(letter.origin).encode()),
    ]
    return letter.key, value, [*headers, *ours]


def _elsewhere(one: Letter, other: Letter) -> bool:
    """The mark is written to the partition of its letters."""
    return one.position.partition != other.position.partition


def _options(settings: Settings) -> dict[str, Any]:
    return {
        **kafka_python_options(settings),
        "client_id": f"{settings.group}-dlq",
        "acks": "all",
        # A record that is too large leaves a hole, which an idempotent producer does not survive.
        "enable_idempotence": False,
        "max_in_flight_requests_per_connection": 1,
        "max_request_size": MAX_REQUEST_BYTES,
        "request_timeout_ms": 10_000,
        "delivery_timeout_ms": DELIVERY_MS,
        "max_block_ms": 20_000,
        "bootstrap_timeout_ms": 10_000,
    }


def _write(producer: Any, topic: str, chunk: list[Letter]) -> list[Replayed]:
    """Write `chunk` and note what was acknowledged, whatever happens meanwhile."""
    if not chunk:
        return []
    with _uninterrupted():
        errors = _send(producer, chunk)
        for number, error in enumerate(errors):
            if isinstance(error, MessageSizeTooLargeError):
                # Its neighbours of the same request were refused with it.
                (errors[number],) = _send(producer, [chunk[number]])
        done = [letter for letter, error in zip(chunk, errors, strict=True) if error is None]
        if done:
            _mark(producer, topic, done)
    return [_told(letter, error) for letter, error in zip(chunk, errors, strict=True)]


def _send(producer: Any, letters: list[Letter]) -> list[Exception | None]:
    """Return for each of `letters` what kept its record from being written."""
    futures: list[Any] = []
    for letter in letters:
        assert letter.source is not None  # noqa: S101
        key, value, headers = replay_record(letter)
        place = {"topic": letter.source.topic, "partition": letter.source.partition}
        try:
            futures.append(producer.send(key=key, value=value, headers=headers, **place))
        except KafkaError as error:
            futures.append(error)
    return [_error_of(future) for future in futures]


def _error_of(sent: Any) -> Exception | None:
    try:
        if isinstance(sent, KafkaError):
            raise sent
        sent.get(timeout=2 * DELIVERY_MS / 1000)
    except KafkaError as error:
        found: Exception = error
        return found
    return None


def _mark(producer: Any, topic: str, letters: list[Letter]) -> None:
    value, headers = encode_mark(letter.identity for letter in letters)
    partition = letters[0].position.partition
    future = producer.send(topic, value=value, headers=headers, partition=partition)
    error = _error_of(future)
    if error is not None:
        raise EdgeError(
            f"{len(letters)} records were replayed but cannot be noted in {topic} "
            f"({type(error).__name__}): the next replay would write them once more"
        )


def _told(letter: Letter, error: Exception | None) -> Replayed:
    """Return what became of `letter`; an error that concerns all of them is raised."""
    if error is None:
        return Replayed(letter, Fate.REPLAYED)
    topic = letter.source.topic if letter.source else ""
    if isinstance(error, MessageSizeTooLargeError):
        return Replayed(
            letter, Fate.IMPOSSIBLE, f"with its new headers it is too large for {topic}"
        )
    if isinstance(error, KafkaTimeoutError) or getattr(error, "retriable", False):
        raise UnreachableError(
            f"{topic} does not take records now ({type(error).__name__}); what was replayed is "
            "noted: start again later"
        )
    raise EdgeError(f"cannot write to {topic} ({type(error).__name__})")


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let a Ctrl-C or SIGTERM wait until the end of the block."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: Counter[int] = Counter()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {n: signal.signal(n, lambda n, _: caught.update([n])) for n in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for each in caught:
        signal.raise_signal(each)
