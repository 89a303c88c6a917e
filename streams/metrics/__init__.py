"""Prometheus metrics of a worker: their names, their exposition, their endpoint."""

from streams.metrics.endpoint import DEFAULT_PORT, Endpoint, EndpointError
from streams.metrics.exposition import Exposition
from streams.metrics.names import BY_NAME, METRICS
from streams.metrics.reference import as_json, as_markdown
from streams.metrics.serving import Serving, serve
from streams.metrics.source import Keeping

__all__ = [
    "BY_NAME",
    "DEFAULT_PORT",
    "METRICS",
    "Endpoint",
    "EndpointError",
    "Exposition",
    "Keeping",
    "Serving",
    "as_json",
    "as_markdown",
    "serve",
]
