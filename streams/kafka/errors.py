"""What can go wrong at the Kafka edge, each with one line that says what to do."""

__all__ = [
    "EdgeError",
    "LogRefusedError",
    "OutputError",
    "TopicsDifferError",
    "UnreachableError",
    "output_error",
]


class EdgeError(Exception):
    """A fault of the Kafka edge; the text is one line for the user."""


class UnreachableError(EdgeError):
    """No broker answers at the configured address (exit code 4)."""


class TopicsDifferError(EdgeError):
    """Topics are missing or not as they should be (exit code 3)."""


class LogRefusedError(EdgeError):
    """Going on would lose counts that were shown, and nobody accepted that (exit code 1)."""

    def __init__(self, topic: str, partition: int, why: str) -> None:
        super().__init__(
            f"{topic}, partition {partition}: {why}; counts would be lost: restore the topic, or "
            "start once with --accept-loss to go on with what can still be rebuilt"
        )


class OutputError(EdgeError):
    """Promise events or dead letters cannot be written; going on would lose them (exit code 1)."""


def output_error(topic: str, error: Exception) -> OutputError:
    """Return what the user is told when `error` keeps a record from being written to `topic`."""
    reason = type(error).__name__.removesuffix("Error")
    return OutputError(
        f"cannot write to {topic} ({reason}): the worker stops so that nothing is lost; "
        "see `callsla topics check`"
    )
