"""What we may do with topics, by the broker's own word: the metadata of a topic can say.

The request is version 8 of Kafka's `Metadata` (KIP-430); aiokafka knows it up to version 5.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String
from msgspec import Struct

from streams.settings import Settings

__all__ = [
    "DELETE",
    "READ",
    "WRITE",
    "Needs",
    "TopicFound",
    "TopicsRequest",
    "found_topics",
    "worker_needs",
]

READ: Final = "READ"
WRITE: Final = "WRITE"
DELETE: Final = "DELETE"
_BITS: Final = {READ: 1 << 3, WRITE: 1 << 4, DELETE: 1 << 6}
"""`AclOperation` of Kafka: its code is the number of the bit."""
_UNTOLD: Final = -(1 << 31)
_MISSING: Final = 3
_UNAUTHORIZED: Final = 29
_REPLICAS: Final = 4
"""The place of the replicas in what `_Answer` says of a partition."""

Needs = Mapping[str, tuple[str, ...]]
"""Topic -> what is to be done with it."""


def worker_needs(settings: Settings) -> Needs:
    """Return what a worker does with each of its topics; with its group it does `READ`."""
    needs: dict[str, tuple[str, ...]] = {
        settings.events_topic: (READ, WRITE) if settings.raw_topics else (READ,),
        settings.promises_topic: (WRITE,),
        settings.dead_letters_topic: (WRITE,),
        # Trimming deletes records.
        settings.ledger_topic: (READ, WRITE, DELETE),
    }
    return needs | dict.fromkeys(settings.raw_topics, (READ,))


class TopicFound(Struct, frozen=True):
    """What the broker says of a topic; `operations` is None when it does not say.

    `replicas` is that of the partition which has the fewest, `brokers` how many there are in all.
    """

    name: str
    error_code: int
    partitions: int
    replicas: int
    brokers: int
    operations: int | None

    @property
    def missing(self) -> bool:
        """Whether there is no such topic."""
        return self.error_code == _MISSING

    @property
    def hidden(self) -> bool:
        """Whether we may not even see it."""
        return self.error_code == _UNAUTHORIZED

    def lacks(self, needed: tuple[str, ...]) -> list[str]:
        """Return which of the operations `needed` are not allowed."""
        if self.hidden:
            return list(needed) or ["DESCRIBE"]
        allowed = self.operations
        return [] if allowed is None else [each for each in needed if not allowed & _BITS[each]]


class _Answer(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            Array(
                ("node_id", Int32),
                ("host", String("utf-8")),
                ("port", Int32),
                ("rack", String("utf-8")),
            ),
        ),
        ("cluster_id", String("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", String("utf-8")),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("operations", Int32),
            ),
        ),
        ("cluster_operations", Int32),
    )


class _Question(RequestStruct):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        ("topics", Array(String("utf-8"))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_operations", Boolean),
        ("include_topic_operations", Boolean),
    )


class TopicsRequest(Request[_Question]):  # type: ignore[misc]
    """Asks for topics by name, and makes none of them."""

    API_KEY: ClassVar[int] = 3

    def __init__(self, topics: list[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: Any) -> Any:
        """Return the request as it goes over the wire."""
        return request_struct_class(self._topics, False, False, True)


def found_topics(answer: Any) -> dict[str, TopicFound]:
    """Return what the answer to a `TopicsRequest` says, by topic."""
    return {topic[1]: _found(topic, len(answer.brokers)) for topic in answer.topics}


def _found(topic: Any, brokers: int) -> TopicFound:
    error_code, name, _, partitions, bits = topic
    return TopicFound(
        name,
        error_code,
        len(partitions),
        min((len(each[_REPLICAS]) for each in partitions), default=0),
        brokers,
        None if bits == _UNTOLD else bits,
    )
