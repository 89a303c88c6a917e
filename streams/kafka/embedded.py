"""The embedded broker: the in-memory Kafka cluster inside librdkafka, on the loopback interface.

No installation, nothing on disk. It is a broker for a demo and for tests: it keeps 5 MB a
partition and serves one worker a group.
"""

import ctypes
import ctypes.util
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Final

import confluent_kafka

from streams.kafka.errors import EdgeError

__all__ = ["EMBEDDED", "EmbeddedBroker"]

EMBEDDED: Final = "embedded"
"""The value of the setting `broker` that asks for this broker."""

_PRODUCER: Final = 0
_ERROR_BYTES: Final = 512
_DEFAULT_PARTITIONS: Final = 4


class EmbeddedBroker:
    """A running in-memory cluster of one broker.

    `topics` maps a topic to its number of partitions. Other topics come into being with four
    partitions when a client asks for them.

    Raises:
        EdgeError: the librdkafka of this installation cannot be used.
    """

    def __init__(self, topics: Mapping[str, int] | None = None) -> None:
        self._library = _librdkafka()
        self._handle: int | None = _client(self._library)
        self._cluster: int | None = self._library.rd_kafka_mock_cluster_new(self._handle, 1)
        if not self._cluster:
            self.close()
            raise EdgeError("the embedded broker did not start: set `broker` to a real one")
        # Three seconds of waiting for further members that cannot come.
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        self.bootstrap: str = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        for topic, partitions in (topics or {}).items():
            self.create_topic(topic, partitions)

    def create_topic(self, topic: str, partitions: int = _DEFAULT_PARTITIONS) -> None:
        """Create `topic`; it must not exist yet.

        Raises:
            EdgeError: it exists, or the broker has been closed.
        """
        if self._cluster is None:
            raise EdgeError("the embedded broker is closed")
        name = topic.encode()
        if self._library.rd_kafka_mock_topic_create(self._cluster, name, partitions, 1):
            raise EdgeError(f"the embedded broker did not create the topic {topic}: it exists")

    def close(self) -> None:
        """Stop the broker; everything in it is gone. Closing twice is fine."""
        if self._cluster:
            self._library.rd_kafka_mock_cluster_destroy(self._cluster)
        if self._handle:
            self._library.rd_kafka_destroy(self._handle)
        self._cluster = self._handle = None

    def __enter__(self) -> "EmbeddedBroker":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _client(library: ctypes.CDLL) -> int:
    """Return the librdkafka client that the cluster belongs to; it connects to nothing."""
    conf = library.rd_kafka_conf_new()
    message = ctypes.create_string_buffer(_ERROR_BYTES)
    library.rd_kafka_conf_set(conf, b"log_level", b"0", message, _ERROR_BYTES)
    handle: int | None = library.rd_kafka_new(_PRODUCER, conf, message, _ERROR_BYTES)
    if not handle:
        raise EdgeError(f"the embedded broker did not start: {message.value.decode()}")
    return handle


def _librdkafka() -> ctypes.CDLL:
    """Return the librdkafka that confluent-kafka brought along, with its functions declared."""
    path = _bundled() or ctypes.util.find_library("rdkafka")
    if path is None:
        raise EdgeError(
            "the embedded broker needs the confluent-kafka wheel: "
            "install it with pip, or set `broker` to a real one"
        )
    library = ctypes.CDLL(path)
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def _bundled() -> str | None:
    package = Path(confluent_kafka.__file__).parent
    places = (package.parent / "confluent_kafka.libs", package / ".dylibs")
    found = [path for place in places for path in place.glob("librdkafka*")]
    return str(found[0]) if found else None


_SIGNATURES: Final[dict[str, tuple[object, list[object]]]] = {
    "rd_kafka_conf_new": (ctypes.c_void_p, []),
    "rd_kafka_conf_set": (
        ctypes.c_int,
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t],
    ),
    "rd_kafka_new": (
        ctypes.c_void_p,
        [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t],
    ),
    "rd_kafka_destroy": (None, [ctypes.c_void_p]),
    "rd_kafka_mock_cluster_new": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_int]),
    "rd_kafka_mock_cluster_destroy": (None, [ctypes.c_void_p]),
    "rd_kafka_mock_cluster_bootstraps": (ctypes.c_char_p, [ctypes.c_void_p]),
    "rd_kafka_mock_topic_create": (
        ctypes.c_int,
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int],
    ),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [ctypes.c_void_p, ctypes.c_int32]),
}
