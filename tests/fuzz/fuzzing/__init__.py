"""What reads bytes from outside, each as a target of a fuzzer.

For every one of them: only the documented exceptions, no input that takes long or much memory,
what is read can be written and is then the same, and a bad record never costs its neighbours.
"""

from typing import Final

from fuzzing.config_targets import KeyFiles, Objectives, SettingsFiles
from fuzzing.engine import Target
from fuzzing.event_targets import CloudEvents, PlainEvents, Promises
from fuzzing.follow_target import Followed
from fuzzing.ledger_target import Ledgers
from fuzzing.log_targets import LogHistories, LogRecords, Snapshots
from fuzzing.source_targets import CallTables, EventLines, QueueLogs

__all__ = ["TARGETS"]

_ALL: Final[tuple[type[Target], ...]] = (
    PlainEvents,
    CloudEvents,
    Promises,
    QueueLogs,
    CallTables,
    EventLines,
    Followed,
    Ledgers,
    LogRecords,
    LogHistories,
    Snapshots,
    Objectives,
    SettingsFiles,
    KeyFiles,
)
TARGETS: Final[dict[str, type[Target]]] = {target.name: target for target in _ALL}
"""Every target by its name."""
