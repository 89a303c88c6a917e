"""What every worker says on `/metrics`, asked every 250 ms and kept until the end."""

import http.client
import re
import threading
import time
import zlib
from collections.abc import Iterator
from typing import Final

from crew import Crew, Slot
from msgspec import Struct

__all__ = ["SERIES", "Sample", "Scraper", "series_of"]

EVERY_SECONDS: Final = 0.25
TIMEOUT_SECONDS: Final = 2.0

SERIES: Final = (
    "callcenter_calls_offered_total",
    "callcenter_calls_total",
    "callcenter_answer_promises_total",
    "callcenter_answer_promises_broken_total",
    "callcenter_answer_wait_seconds",
    "callcenter_answers_total",
    "callcenter_callback_promises_opened_total",
    "callcenter_callback_promises_total",
    "callcenter_callback_promises_broken_total",
    "callcenter_callback_promises_settled_total",
    "callcenter_callback_delay_seconds",
    "callcenter_promises_total",
    "callcenter_promises_broken_total",
    "callcenter_corrections_total",
    "callcenter_events_total",
    "callcenter_dead_letters_total",
    "callcenter_boundary_ambiguous_total",
)
"""The totals: what counts and must be exact."""
_LINE: Final = re.compile(r"^(callcenter_\w+)\{(.*)\} (\S+)$")
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')
_SUFFIXES: Final = ("", "_bucket", "_sum", "_count")
_NAMES: Final = frozenset(name + suffix for name in SERIES for suffix in _SUFFIXES)

Key = tuple[str, ...]
"""Name, then `label=value` in the order of the labels' names; without the partition."""


class Sample(Struct):
    """One answer of one worker. `asked` and `at` are monotonic seconds."""

    asked: float
    at: float
    slot: int
    incarnation: int
    packed: bytes

    def partitions(self) -> dict[int, dict[Key, float]]:
        """Return the series of each partition it exports; zeros are left out."""
        return series_of(zlib.decompress(self.packed).decode())


def series_of(text: str) -> dict[int, dict[Key, float]]:
    """Return the totals in an exposition by partition."""
    found: dict[int, dict[Key, float]] = {}
    for name, labels, value in _lines(text):
        partition = int(labels.pop("partition"))
        series = found.setdefault(partition, {})
        if float(value):
            series[name, *(f"{each}={labels[each]}" for each in sorted(labels))] = float(value)
    return found


def _lines(text: str) -> Iterator[tuple[str, dict[str, str], str]]:
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is not None and match[1] in _NAMES:
            yield match[1], dict(_LABEL.findall(match[2])), match[3]


class Scraper:
    """Asks every worker, each from a thread of its own: one that hangs holds up no other."""

    def __init__(self, crew: Crew) -> None:
        self.samples: list[Sample] = []
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._ask_for_ever, args=(slot,), daemon=True)
            for slot in crew.slots
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop asking."""
        self._end.set()
        for thread in self._threads:
            thread.join(TIMEOUT_SECONDS + 1)

    def _ask_for_ever(self, slot: Slot) -> None:
        while not self._end.wait(EVERY_SECONDS):
            sample = ask(slot)
            if sample is not None:
                with self._lock:
                    self.samples.append(sample)


def ask(slot: Slot, timeout: float = TIMEOUT_SECONDS) -> Sample | None:
    """Return what the worker in `slot` says now; None if it says nothing."""
    incarnation, asked = slot.incarnation, time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", slot.port, timeout=timeout)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    if answer.status != 200:
        return None
    kept = "\n".join(line for line in text.splitlines() if line.startswith(SERIES))
    packed = zlib.compress(kept.encode(), 1)
    return Sample(asked, time.monotonic(), slot.number, incarnation, packed)
