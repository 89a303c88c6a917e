"""The metrics of the exporter that some rules read."""

import re
from typing import Final

from streams.slo.needed import Groups

__all__ = ["exported_names"]

_EXPORTED: Final = re.compile(r"(?<![:\w])(?:callcenter_\w+|up)(?![:\w])")


def exported_names(groups: Groups) -> set[str]:
    """Return the metrics of the exporter that the rules read."""
    return {
        name
        for group in groups
        for rule in group["rules"]
        for name in _EXPORTED.findall(rule["expr"])
    }
