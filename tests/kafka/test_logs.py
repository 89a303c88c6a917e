"""The worker's log."""

import io
import logging
from collections.abc import Iterator

import orjson
import pytest

from streams.kafka.logs import configure_logging
from streams.settings import Settings


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Leave the root logger as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_json_is_one_object_a_line() -> None:
    """Time, level, logger and message; an exception in the same line."""
    stream = io.StringIO()
    configure_logging(Settings(log_format="json"), stream)
    try:
        raise ValueError("x\ny")
    except ValueError:
        logging.getLogger("streams.a").exception("it %s", "broke")
    (line,) = stream.getvalue().splitlines()
    found = orjson.loads(line)
    assert (found["level"], found["logger"], found["message"]) == ("error", "streams.a", "it broke")
    assert found["time"].endswith("Z")
    assert "ValueError" in found["exception"]


def test_text_has_time_level_and_message() -> None:
    """What a person reads on a terminal."""
    stream = io.StringIO()
    configure_logging(Settings(), stream)
    logging.getLogger("streams.a").info("partitions %s", [1, 2])
    time, level, *message = stream.getvalue().split()
    assert (time[-1], level, " ".join(message)) == ("Z", "INFO", "partitions [1, 2]")


def test_the_level_is_kept_and_libraries_tell_only_warnings() -> None:
    """Faust and the Kafka clients talk a lot."""
    stream = io.StringIO()
    configure_logging(Settings(log_level="info"), stream)
    logging.getLogger("streams.a").debug("no")
    logging.getLogger("aiokafka.conn").info("no")
    logging.getLogger("faust.app").warning("yes")
    assert [line.split()[-1] for line in stream.getvalue().splitlines()] == ["yes"]


def test_a_library_repeats_itself_at_most_every_ten_seconds() -> None:
    """While a broker is away aiokafka logs twenty lines a second; we ourselves may repeat."""
    stream = io.StringIO()
    configure_logging(Settings(), stream)
    for number in range(50):
        logging.getLogger("aiokafka.client").error("no connection to %s", number)
        logging.getLogger("streams.a").info("again")
    lines = stream.getvalue().splitlines()
    assert sum("no connection" in line for line in lines) == 1
    assert sum("again" in line for line in lines) == 50


def test_what_logs_in_is_not_told_even_at_debug() -> None:
    """aiokafka logs the requests it sends, kafka-python the bytes and its options."""
    stream = io.StringIO()
    configure_logging(Settings(log_level="debug"), stream)
    logging.getLogger("aiokafka.conn").debug("Request: %s", "SaslAuthenticateRequest_v0(hunter2)")
    logging.getLogger("kafka.net.connection").debug("Send: %s", b"hunter2")
    logging.getLogger("aiokafka.conn").debug("Request: %s", "MetadataRequest_v5()")
    assert "hunter2" not in stream.getvalue()
    assert "MetadataRequest_v5" in stream.getvalue()
