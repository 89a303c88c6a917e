"""The whole chain in one terminal: broker, simulator, worker, alerts, and a live view of it."""

from streams.demo.run import Options, run_demo

__all__ = ["Options", "run_demo"]
