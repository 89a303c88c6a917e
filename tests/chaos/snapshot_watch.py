"""Wait for a snapshot that is being written, and interfere."""

import threading
from collections.abc import Callable, Sequence

from streams.kafka.ledgerlog.records import Epoch

__all__ = ["SnapshotWatch"]


class SnapshotWatch:
    """Do something once, at the first record of a snapshot; not after nobody waits any longer."""

    def __init__(self, writers: Callable[[], Sequence[str]], do: Callable[[], None]) -> None:
        self._writers, self._do = writers, do
        self._seen = False
        self._over = threading.Event()
        self._lock = threading.Lock()

    def __call__(self, writer: str, epoch: Epoch) -> bool:
        """Look at what begins in the log; True: no need to call again."""
        with self._lock:
            if not self._over.is_set() and epoch.claimed is not None and writer in self._writers():
                self._do()
                self._seen = True
                self._over.set()
            return self._over.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait for it; return whether it came."""
        self._over.wait(seconds)
        with self._lock:
            self._over.set()
            return self._seen
