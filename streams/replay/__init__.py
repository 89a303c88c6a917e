"""Past records, judged in one go: read them all, sort them by event time, apply them."""

from streams.replay.judging import Judged, judge, judge_told
from streams.replay.reading import Input, read, read_told
from streams.replay.report import report
from streams.replay.waits import QueueWaits

__all__ = ["Input", "Judged", "QueueWaits", "judge", "judge_told", "read", "read_told", "report"]
