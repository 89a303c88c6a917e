"""What the tests of the endpoint ask."""

from served import endpoint, exposition, worker

__all__ = ["endpoint", "exposition", "worker"]
