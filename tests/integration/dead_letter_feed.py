"""Dead letters written as a worker writes them, and their headers as they are in the topic."""

import asyncio
from collections.abc import Iterable
from typing import Any

from confluent_kafka import Message
from records import Raw

from streams.kafka.dead_letter_writer import DeadLetterWriter
from streams.kafka.dead_letters import DeadLetter
from streams.settings import Settings

__all__ = ["headers", "letter", "write"]


def letter(
    record: Raw, partition: int = 0, topic: str = "events", reason: str = "malformed"
) -> DeadLetter:
    """Return a letter about `record` of that place."""
    return DeadLetter(record, topic, partition, "decode", reason, "not JSON")


def write(settings: Settings, rounds: Iterable[list[DeadLetter]]) -> None:
    """Write each round as a worker does, all with one writer."""

    async def run() -> None:
        writer = DeadLetterWriter(settings, settings.broker)
        await writer.start()
        try:
            for letters in rounds:
                await writer.write(letters)
        finally:
            await writer.stop()

    asyncio.run(run())


def headers(message: Message) -> list[tuple[str, bytes | None]]:
    """Return the headers of a record, values that are null included."""
    found: Any = message.headers()
    return list(found or ())
