"""Streaming service-level monitoring for call centres."""

from streams._version import __version__
from streams.kernel import KERNEL

__all__ = ["KERNEL", "__version__"]
