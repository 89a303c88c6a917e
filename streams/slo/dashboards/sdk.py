"""Grafana's own types (`grafana-foundation-sdk`), the classic dashboard that every Grafana loads.

Its models, not its builders: a keyword of the wrong type is an error of the type checker either
way, and these say nothing that was not asked for. Of the versions on offer `0.0.x` is the newest
line; `10.1.0` and the like are older ones whose epoch makes installers prefer them.
"""

import warnings

with warnings.catch_warnings():
    # It wishes for the next format, which files in a Grafana before 13 cannot have.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models import (
        bargauge,
        common,
        dashboard,
        heatmap,
        prometheus,
        stat,
        statetimeline,
        table,
        timeseries,
    )

__all__ = [
    "JSONEncoder",
    "bargauge",
    "common",
    "dashboard",
    "heatmap",
    "prometheus",
    "stat",
    "statetimeline",
    "table",
    "timeseries",
]
