"""Streaming service-level monitoring for call centres."""

from streams._version import __version__

__all__ = ["__version__"]
