"""What a user can get wrong about an input, in one line."""

__all__ = ["SourceError"]


class SourceError(ValueError):
    """The input or its settings cannot be used at all; the text says what to do."""
