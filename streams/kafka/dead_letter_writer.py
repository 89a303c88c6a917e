"""Writes dead letters to their topic: all of them, or the worker stops."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from streams.kafka.dead_letters import HEADER_PREFIX, DeadLetter
from streams.kafka.errors import OutputError, output_error
from streams.kafka.security import aiokafka_options
from streams.settings import Settings

__all__ = ["DeadLetterWriter"]

log = logging.getLogger(__name__)

MAX_REQUEST_BYTES: Final = 16 * 1_048_576
"""A dead letter is as large as the record it holds; the broker's own limit decides."""
RETRY_SECONDS: Final = 0.5
_OMITTED: Final = (f"{HEADER_PREFIX}value_omitted", b"true")


class DeadLetterWriter:
    """Writes to one topic, at least once, acknowledged by all replicas.

    Its producer is not idempotent: a record that is too large for the topic is refused by the
    broker, and an idempotent producer of aiokafka does not get over the hole this leaves.
    """

    def __init__(self, settings: Settings, bootstrap: str) -> None:
        self.topic = settings.dead_letters_topic
        self._producer = AIOKafkaProducer(
            **{**aiokafka_options(settings), "bootstrap_servers": bootstrap.split(",")},
            client_id=f"{settings.group}-dead-letters",
            acks="all",
            max_request_size=MAX_REQUEST_BYTES,
        )
        self._partitions = 0

    async def start(self) -> None:
        """Connect.

        Raises:
            OutputError: the topic does not exist.
        """
        await self._producer.start()
        try:
            self._partitions = len(await self._producer.partitions_for(self.topic))
        except KafkaError as error:
            raise output_error(self.topic, error) from error

    async def stop(self) -> None:
        """Flush and disconnect."""
        await self._producer.stop()

    async def write(self, letters: Sequence[DeadLetter]) -> None:
        """Write `letters`; returns when all are acknowledged. An outage is waited out.

        Raises:
            OutputError: the topic cannot be written.
        """
        sending = [await self._send(letter) for letter in letters]
        for letter, future in zip(letters, sending, strict=True):
            if future is None or not await self._acknowledged(future):
                await self._insist(letter)

    async def _send(self, letter: DeadLetter, *, value: bool = True) -> Any:
        """Return the future of the record; None: already this client finds it too large."""
        record = letter.record
        headers = [*letter.headers(), *(() if value else (_OMITTED,))]
        try:
            return await self._producer.send(
                self.topic,
                record.value if value else b"",
                record.key,
                partition=letter.partition % self._partitions,
                headers=headers,
            )
        except MessageSizeTooLargeError:
            return None
        except KafkaError as error:
            raise output_error(self.topic, error) from error

    async def _insist(self, letter: DeadLetter) -> None:
        """Write a letter by itself; if it is too large even so, without its value."""
        for value in (True, False):
            future = await self._send(letter, value=value)
            if future is not None and await self._acknowledged(future):
                return
        raise OutputError(f"{self.topic}: its max.message.bytes is too small for any dead letter")

    async def _acknowledged(self, future: Any) -> bool:
        """Return whether the record arrived; False: it was too large, or has to be sent again."""
        try:
            await future
        except MessageSizeTooLargeError:
            return False
        except KafkaError as error:
            if not error.retriable:
                raise output_error(self.topic, error) from error
            log.warning("the dead letters wait for the broker: %s", type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
            return False
        return True
