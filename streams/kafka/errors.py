"""What can go wrong at the Kafka edge, each with one line that says what to do."""

from typing import Final

__all__ = [
    "EdgeError",
    "LogRefusedError",
    "OutputError",
    "TopicsDifferError",
    "UnreachableError",
    "crash_error",
    "output_error",
    "unreachable",
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


def unreachable(bootstrap: str) -> UnreachableError:
    """Return what the user is told when no broker answers at `bootstrap`."""
    return UnreachableError(f"no broker answers at {bootstrap}: start it, or set `broker`")


def output_error(topic: str, error: Exception) -> OutputError:
    """Return what the user is told when `error` keeps a record from being written to `topic`."""
    reason = type(error).__name__.removesuffix("Error")
    remedy = _REMEDIES.get(reason, "see `callsla topics check`")
    return OutputError(
        f"cannot write to {topic} ({reason}): the worker stops so that nothing is lost; {remedy}"
    )


def crash_error(reason: object) -> EdgeError:
    """Return what the user is told when Faust gave up on its own because of `reason`."""
    name = type(reason).__name__.removesuffix("Error")
    remedy = _REMEDIES.get(name)
    if remedy is not None:
        return EdgeError(f"the broker refuses ({name}): {remedy}")
    return EdgeError(f"the connection to Kafka was given up: {reason or 'no reason given'}")


_REMEDIES: Final = {
    "TopicAuthorizationFailed": "have the worker's user granted READ on the events topic, WRITE on "
    "those of promises and dead letters, and READ, WRITE and DELETE on that of the ledger",
    "GroupAuthorizationFailed": "have the worker's user granted READ on its group",
    "ClusterAuthorizationFailed": "have the worker's user granted WRITE on the topics it writes",
    "SaslAuthenticationFailed": "check the user, the password and sasl_mechanism",
}
"""What to do about an error of aiokafka, by its name: importing them all would be slow."""
