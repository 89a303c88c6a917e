"""Breaks."""

__all__ = ["prepare"]


def prepare(name: str) -> None:
    """Break."""
