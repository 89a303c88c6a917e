"""How many of something are remembered of each source."""

__all__ = ["BySource"]


class BySource:
    """Counts that say nothing of a source that has none."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.total = 0

    def of(self, source: str) -> int:
        """Return how many there are of `source`."""
        return self.counts.get(source, 0)

    def add(self, source: str) -> None:
        """Count one more of `source`."""
        self.total += 1
        self.counts[source] = self.counts.get(source, 0) + 1

    def remove(self, source: str) -> None:
        """Count one less of `source`."""
        self.total -= 1
        left = self.counts[source] - 1
        if left:
            self.counts[source] = left
        else:
            del self.counts[source]

    def is_full(self, source: str, most_of_one: int, most: int) -> bool:
        """Return whether one more of `source` would be too many, of it or in all."""
        return self.of(source) >= most_of_one or self.total >= most
