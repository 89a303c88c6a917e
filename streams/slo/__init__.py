"""`slo.yaml`, and the rules, tests, alerts and routes that follow from it."""

from streams.slo.commands import (
    MissingToolError,
    Outcome,
    check_rules,
    explain_slo,
    generate_slo,
    render_all,
    stale_files,
    validate_slo,
)
from streams.slo.exchange import export_slo
from streams.slo.kept import Kept, render_slo
from streams.slo.objective import Objective, ObjectiveError, load_slo, parse_slo
from streams.slo.schema import slo_schema_text
from streams.slo.timing import QUICK, STANDARD, Timing

__all__ = [
    "QUICK",
    "STANDARD",
    "Kept",
    "MissingToolError",
    "Objective",
    "ObjectiveError",
    "Outcome",
    "Timing",
    "check_rules",
    "explain_slo",
    "export_slo",
    "generate_slo",
    "load_slo",
    "parse_slo",
    "render_all",
    "render_slo",
    "slo_schema_text",
    "stale_files",
    "validate_slo",
]
