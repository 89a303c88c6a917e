"""What a rolling window shows."""

from msgspec import Struct, field

__all__ = ["WindowSums"]


class WindowSums(Struct):
    """What happened within one window of one queue."""

    classes: dict[str, int] = field(default_factory=dict)
    """how many of each class: `offered`, `answer_kept`, `outcome_diverted`, ..."""
    wait_sum: float = 0.0
    """seconds waited by those answered"""
    wait_count: int = 0
    wait_max: float = 0.0
    wait_buckets: list[int] = field(default_factory=list)
    """cumulative counts of waits up to each bound and, last, of all"""
