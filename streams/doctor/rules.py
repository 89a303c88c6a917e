"""Are the rules in Prometheus those that follow from this slo.yaml?"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from msgspec import Struct

from streams.doctor.findings import Finding, ok, warning, wrong
from streams.instants import SECOND
from streams.slo import STANDARD, Objective
from streams.slo.durations import parse_duration
from streams.slo.rulesfile import rule_groups

__all__ = [
    "LOAD",
    "Rule",
    "differing",
    "expected_rules",
    "judge_rules",
    "loaded_rules",
    "used_names",
]

LOAD: Final = (
    "callsla slo generate FILE --to FOLDER; name callsla-rules.yaml in rule_files and reload"
)
OURS: Final = "callsla-"
_SHOWN: Final = 5
_METRIC: Final = re.compile(r"(?<![\w:])callcenter_\w+(?![\w:])")

Texts = tuple[str, str]
Same = Callable[[Sequence[Texts]], bool]
"""Whether the first and the second of every pair are one expression."""


class Rule(Struct, frozen=True):
    """One rule. `waits` in seconds; `words` is what an alert says, `fault` why it fails."""

    group: str
    name: str
    is_alert: bool
    expression: str
    waits: float = 0
    severity: str = ""
    words: tuple[str, str] = ("", "")
    labels: dict[str, str] = {}
    file: str = ""
    fault: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What is the same in the rule of another slo.yaml; several may share it, in order."""
        return self.group, self.name


def expected_rules(objective: Objective) -> list[Rule]:
    """Return the rules that follow from `objective`."""
    return [
        _expected(group["name"], rule)
        for group in rule_groups(objective, STANDARD)
        for rule in group["rules"]
    ]


def _expected(group: str, rule: dict[str, Any]) -> Rule:
    if "record" in rule:
        return Rule(group, rule["record"], is_alert=False, expression=rule["expr"])
    notes, labels = rule["annotations"], rule["labels"]
    return Rule(
        group,
        rule["alert"],
        is_alert=True,
        expression=rule["expr"],
        waits=parse_duration(rule["for"]) / SECOND if "for" in rule else 0,
        severity=labels["severity"],
        words=(notes["summary"], notes["description"]),
        labels=labels,
    )


def loaded_rules(answer: Any) -> list[Rule]:
    """Return the rules of our groups in an answer of Prometheus' `/api/v1/rules`.

    Groups that only another version has are ours, too.
    """
    return [
        _loaded(group, rule)
        for group in answer["data"]["groups"]
        if group["name"].startswith(OURS)
        for rule in group["rules"]
    ]


def _loaded(group: dict[str, Any], rule: dict[str, Any]) -> Rule:
    notes, labels = rule.get("annotations") or {}, rule.get("labels") or {}
    return Rule(
        group["name"],
        rule["name"],
        is_alert=rule["type"] == "alerting",
        expression=rule["query"],
        waits=rule.get("duration", 0),
        severity=labels.get("severity", ""),
        words=(notes.get("summary", ""), notes.get("description", "")),
        labels=labels,
        file=group.get("file", ""),
        fault=rule.get("lastError", "") if rule.get("health") == "err" else "",
    )


def used_names(rules: Iterable[Rule]) -> set[str]:
    """Return the exported metrics that `rules` read, recorded ones excepted."""
    return {name for rule in rules for name in _METRIC.findall(rule.expression)}


def judge_rules(wanted: list[Rule], there: list[Rule], same: Same) -> Iterator[Finding]:
    """Yield how the loaded rules differ from those that are `wanted`."""
    check = "prometheus.rules"
    if not there:
        yield wrong(check, f"none of our {len(wanted)} rules is loaded", LOAD)
        return
    findings = [
        *_twice(check, there),
        *_missing(check, wanted, there),
        *_changed(check, _pairs(wanted, there), same),
    ]
    yield from findings
    if not findings:
        yield ok(check, f"all {len(wanted)} rules of this slo.yaml are loaded, and no other")
    yield from _failing(there)


def _twice(check: str, there: list[Rule]) -> Iterator[Finding]:
    files: dict[str, set[str]] = defaultdict(set)
    for rule in there:
        files[rule.group].add(rule.file)
    for group, names in files.items():
        if len(names) > 1:
            reason = f"the group {group} is loaded {len(names)} times: {', '.join(sorted(names))}"
            yield wrong(check, reason, "keep one of the files")


def _missing(check: str, wanted: list[Rule], there: list[Rule]) -> Iterator[Finding]:
    counted, found = (Counter(rule.key for rule in rules) for rules in (wanted, there))
    alerts = {rule.key for rule in (*wanted, *there) if rule.is_alert}
    missing, more = counted - found, found - counted
    records = _names(missing, lambda key: key not in alerts)
    if records:
        yield wrong(check, f"recording rules are missing: {records}", LOAD)
    if quiet := _names(missing, lambda key: key in alerts):
        remedy = f"if that was not meant: {LOAD}"
        yield warning(check, f"alerts are missing: {quiet}", remedy)
    if other := _names(more, lambda _: True):
        yield wrong(check, f"rules of another slo.yaml or version are loaded: {other}", LOAD)


def _names(keys: Iterable[tuple[str, str]], takes: Callable[[tuple[str, str]], bool]) -> str:
    names = sorted({key[1] for key in keys if takes(key)})
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _pairs(wanted: list[Rule], there: list[Rule]) -> list[tuple[Rule, Rule]]:
    """Rules that share a key stand in the same order in both."""
    left: dict[tuple[str, str], list[Rule]] = defaultdict(list)
    for rule in there:
        left[rule.key].append(rule)
    return [(rule, left[rule.key].pop(0)) for rule in wanted if left[rule.key]]


def _changed(check: str, pairs: list[tuple[Rule, Rule]], same: Same) -> Iterator[Finding]:
    differ = {pairs[at][0].key for at in differing(_expressions(pairs), same)}
    differ |= {ours.key for ours, theirs in pairs if ours.words != theirs.words}
    if differ:
        reason = f"rules follow from another slo.yaml or version: {_names(differ, lambda _: True)}"
        yield wrong(check, reason, LOAD)
    overridden = {
        ours.key
        for ours, theirs in pairs
        if (ours.waits, ours.severity) != (theirs.waits, theirs.severity)
    }
    if overridden:
        reason = f"`for` or severity is not as generated: {_names(overridden, lambda _: True)}"
        yield warning(check, reason, f"if that was not meant: {LOAD}")


def _expressions(pairs: list[tuple[Rule, Rule]]) -> list[Texts]:
    return [(ours.expression, theirs.expression) for ours, theirs in pairs]


def differing(pairs: Sequence[Texts], same: Same, first: int = 0) -> Iterator[int]:
    """Yield which of `pairs` differ; `same` is asked about many at once."""
    if not pairs or same(pairs):
        return
    if len(pairs) == 1:
        yield first
        return
    half = len(pairs) // 2
    yield from differing(pairs[:half], same, first)
    yield from differing(pairs[half:], same, first + half)


def _failing(there: list[Rule]) -> Iterator[Finding]:
    failing = [rule for rule in there if rule.fault]
    if failing:
        first = failing[0]
        more = f", and {len(failing) - 1} more" if len(failing) > 1 else ""
        reason = f"the rule {first.name} fails{more}: {first.fault[:200]}"
        yield wrong("prometheus.evaluation", reason, "see Prometheus' page /rules")
    else:
        yield ok("prometheus.evaluation", "no rule fails")
