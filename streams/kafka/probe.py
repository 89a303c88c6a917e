"""Is the broker there, and are the topics? Asked once, before a worker starts."""

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from streams.kafka.errors import EdgeError, UnreachableError
from streams.kafka.security import aiokafka_options
from streams.settings import Settings

__all__ = ["require_topics"]


async def require_topics(settings: Settings, bootstrap: str) -> None:
    """Check that every topic a worker reads or writes exists.

    Raises:
        UnreachableError: no broker answers.
        EdgeError: a topic is missing, or the broker refuses us.
    """
    existing = await _existing(settings, bootstrap)
    missing = [name for name in settings.topics if name not in existing]
    if missing:
        raise EdgeError(
            f"the topic {', '.join(missing)} does not exist at {bootstrap}: callsla topics create"
        )


async def _existing(settings: Settings, bootstrap: str) -> set[str]:
    options = {**aiokafka_options(settings), "bootstrap_servers": bootstrap.split(",")}
    client = AIOKafkaClient(**options)
    try:
        await client.bootstrap()
        metadata = await client.fetch_all_metadata()
        return set(metadata.topics())
    except KafkaConnectionError:
        raise UnreachableError(
            f"no broker answers at {bootstrap}: start it, or set `broker`"
        ) from None
    except KafkaError as error:
        reason = str(error) or type(error).__name__
        raise EdgeError(f"the broker at {bootstrap} refuses: {reason}") from None
    finally:
        await client.close()
