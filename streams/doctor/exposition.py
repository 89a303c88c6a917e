"""Is what a worker shows at /metrics what rules and dashboards are made for?"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families

from streams.doctor.findings import Finding, ok, warning, wrong
from streams.metrics.names import METRICS

__all__ = ["Exposed", "judge_exposition", "parse_exposition"]

PREFIX: Final = "callcenter_"
_RATIO: Final = "callcenter_objective_ratio"
"""The one ratio there is: a promise, no measurement, so nobody has to add it up."""
_KNOWN: Final = {metric.family: metric for metric in METRICS}
_SHOWN: Final = 5
_TYPES: Final = {"info": "gauge"}
"""What the older text format makes of a kind."""


class Exposed(Struct, frozen=True):
    """What was parsed: our families, the names of their samples, and the worker's version."""

    families: list[Family]
    names: frozenset[str]
    version: str | None


def parse_exposition(text: str) -> Exposed:
    """Return what `text` (Prometheus' text format 0.0.4) shows.

    Raises:
        ValueError: it is something else.
    """
    families = [
        family for family in text_string_to_metric_families(text) if family.name.startswith(PREFIX)
    ]
    samples = [sample for family in families for sample in family.samples]
    versions = [
        sample.labels.get("version") for sample in samples if sample.name == f"{PREFIX}build_info"
    ]
    names = frozenset(sample.name for sample in samples)
    return Exposed(families, names, versions[0] if versions else None)


def judge_exposition(exposed: Exposed, version: str, lint: str | None) -> Iterator[Finding]:
    """Yield what is to be said; `lint` is what promtool said, None: it is not here."""
    check = "metrics.lint"
    if not exposed.families:
        remedy = "correct --metrics: a worker shows itself there as soon as it has started"
        yield wrong(check, f"no metric begins with {PREFIX}: this is no worker", remedy)
        return
    yield _version(exposed, version)
    faults = [fault for family in exposed.families for fault in _faults(family)]
    if lint:
        faults += [f"promtool: {line}" for line in lint.splitlines()]
    if faults:
        more = "" if len(faults) <= _SHOWN else f"; and {len(faults) - _SHOWN} more"
        remedy = "run a worker and a doctor of one version; callsla metrics has the reference"
        yield wrong(check, "; ".join(faults[:_SHOWN]) + more, remedy)
        return
    by = "our own parser" if lint is None else "promtool and our own parser"
    told = f"{len(exposed.families)} metrics pass {by}: names, kinds, labels, help, no ratio"
    yield ok(check, told)


def _version(exposed: Exposed, version: str) -> Finding:
    check = "metrics.version"
    if exposed.version == version:
        return ok(check, f"the worker is callsla {version}, as we are")
    return warning(
        check,
        f"the worker is callsla {exposed.version}, we are {version}",
        "ask with the worker's version: names and rules may differ",
    )


def _faults(family: Family) -> Iterator[str]:
    name = family.name
    if family.type == "summary" or any("quantile" in each.labels for each in family.samples):
        yield f"{name} has quantiles, which do not add up"
    if name.endswith("_ratio") and name != _RATIO:
        yield f"{name} is a ratio, which does not add up"
    known = _KNOWN.get(name) or _KNOWN.get(name.removesuffix("_info"))
    if known is None:
        yield f"{name} is not known"
        return
    if family.documentation != known.help:
        yield f"{name} has another help text"
    if family.type != _TYPES.get(known.kind, known.kind):
        yield f"{name} is a {family.type}, not a {known.kind}"
    yield from _labels(family, {*known.labels})


def _labels(family: Family, wanted: Iterable[str]) -> Iterator[str]:
    wanted = {*wanted}
    for sample in family.samples:
        if {*sample.labels} - {"le"} != wanted:
            shown = ", ".join(sorted(sample.labels))
            yield f"{family.name} has the labels {shown}"
            return
