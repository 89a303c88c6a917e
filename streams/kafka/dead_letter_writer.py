"""Writes dead letters to their topic: all of them, or the worker stops."""

import asyncio
import logging
from collections.abc import Sequence
from enum import Enum, auto
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
)

from streams.kafka.dead_letters import VALUE_OMITTED, DeadLetter
from streams.kafka.errors import OutputError, UnreachableError, output_error
from streams.kafka.security import aiokafka_options
from streams.settings import Settings

__all__ = ["DeadLetterWriter"]

log = logging.getLogger(__name__)

MAX_REQUEST_BYTES: Final = 16 * 1_048_576
"""A dead letter is as large as the record it holds; the broker's own limit decides."""
REQUEST_TIMEOUT_MS: Final = 15_000
"""How long the client tries by itself; after it we look whether the topic is still there."""
RETRY_SECONDS: Final = 0.5
_OMITTED: Final = (VALUE_OMITTED, b"true")


class _Outcome(Enum):
    WRITTEN = auto()
    TOO_LARGE = auto()
    AGAIN = auto()


class DeadLetterWriter:
    """Writes to one topic, at least once, acknowledged by all replicas.

    Its producer is not idempotent: a record that is too large for the topic is refused by the
    broker, and an idempotent producer of aiokafka does not get over the hole this leaves.
    """

    def __init__(self, settings: Settings, bootstrap: str) -> None:
        self.topic = settings.dead_letters_topic
        self._app = settings.group
        self._bootstrap = bootstrap
        self._producer = AIOKafkaProducer(
            **{**aiokafka_options(settings), "bootstrap_servers": bootstrap.split(",")},
            client_id=f"{settings.group}-dead-letters",
            acks="all",
            max_request_size=MAX_REQUEST_BYTES,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )

    async def start(self) -> None:
        """Connect.

        Raises:
            OutputError: the topic does not exist, or must not be written.
            UnreachableError: no broker answers.
        """
        try:
            await self._producer.start()
            await self._producer.partitions_for(self.topic)
        except KafkaConnectionError:
            await self._producer.stop()
            raise UnreachableError(
                f"no broker answers at {self._bootstrap}: start it, or set `broker`"
            ) from None
        except KafkaError as error:
            await self._producer.stop()
            raise output_error(self.topic, error) from error

    async def stop(self) -> None:
        """Flush and disconnect."""
        await self._producer.stop()

    async def write(self, letters: Sequence[DeadLetter]) -> None:
        """Write `letters`; returns when all are acknowledged. An outage is waited out.

        Raises:
            OutputError: the topic cannot be written, or does not exist any more.
        """
        sending = [await self._send(letter) for letter in letters]
        results = await asyncio.gather(*sending, return_exceptions=True)
        for letter, result in zip(letters, results, strict=True):
            if await self._outcome(result) is not _Outcome.WRITTEN:
                await self._insist(letter)

    async def _send(self, letter: DeadLetter, *, whole: bool = True) -> Any:
        """Return the future of the record; what keeps it from being sent is its result, too."""
        value = letter.record.value if whole else b""
        headers = [*letter.headers(self._app), *(() if whole else (_OMITTED,))]
        try:
            partitions = await self._producer.partitions_for(self.topic)
            partition = letter.partition % len(partitions)
            if letter.record.key is None and value is None:
                return await self._send_bare(partition, headers)
            return await self._producer.send(
                self.topic, value, letter.record.key, partition, headers=headers
            )
        except KafkaError as error:
            failed = asyncio.get_running_loop().create_future()
            failed.set_exception(error)
            return failed

    async def _send_bare(self, partition: int, headers: Sequence[tuple[str, bytes]]) -> Any:
        """Send a record without key and value, which `send` of aiokafka does not take."""
        batch = self._producer.create_batch()
        batch.append(timestamp=None, key=None, value=None, headers=headers)
        return await self._producer.send_batch(batch, self.topic, partition=partition)

    async def _insist(self, letter: DeadLetter) -> None:
        """Write a letter by itself; if it is too large even so, without its value."""
        for whole in (True, False):
            outcome = _Outcome.AGAIN
            while outcome is _Outcome.AGAIN:
                sending = [await self._send(letter, whole=whole)]
                results = await asyncio.gather(*sending, return_exceptions=True)
                outcome = await self._outcome(results[0])
            if outcome is _Outcome.WRITTEN:
                return
        raise OutputError(f"{self.topic}: its max.message.bytes is too small for any dead letter")

    async def _outcome(self, result: Any) -> _Outcome:
        """Return what became of a record; waits a moment before it says `AGAIN`."""
        if isinstance(result, MessageSizeTooLargeError):
            return _Outcome.TOO_LARGE
        if isinstance(result, KafkaError):
            await self._wait_or_give_up(result)
            return _Outcome.AGAIN
        if isinstance(result, BaseException):
            raise result
        return _Outcome.WRITTEN

    async def _wait_or_give_up(self, error: KafkaError) -> None:
        # A time-out is an outage like any other, although aiokafka does not call it retriable.
        if not (error.retriable or isinstance(error, KafkaTimeoutError)):
            raise output_error(self.topic, error) from error
        if await self._gone():
            raise OutputError(
                f"the topic {self.topic} does not exist any more: the worker stops so that "
                "nothing is lost; callsla topics create"
            )
        log.warning("the dead letters wait for the broker: %s", type(error).__name__)
        await asyncio.sleep(RETRY_SECONDS)

    async def _gone(self) -> bool:
        """Return whether the brokers answer and none of them knows the topic."""
        try:
            metadata = await self._producer.client.fetch_all_metadata()
        except KafkaError:
            return False
        return self.topic not in metadata.topics()
