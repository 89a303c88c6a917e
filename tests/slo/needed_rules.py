"""The rules that some alerts depend on, and no others: a month of all of them takes hours."""

import re
from collections.abc import Set
from typing import Any, Final

__all__ = ["exported_names", "needed_rules"]

_RECORDED: Final = re.compile(r"\b(?:queue|centre|partition|partition_queue):[\w:]+")
_EXPORTED: Final = re.compile(r"(?<![:\w])(?:callcenter_\w+|up)(?![:\w])")

Groups = list[dict[str, Any]]


def needed_rules(groups: Groups, alerts: Set[str]) -> Groups:
    """Return `groups` with those alerts, and the recordings that they read, directly or not."""
    rules = [rule for group in groups for rule in group["rules"]]
    wanted = [rule["expr"] for rule in rules if rule.get("alert") in alerts]
    by_record = {rule["record"]: rule["expr"] for rule in rules if "record" in rule}
    needed: set[str] = set()
    while wanted:
        new = set(_RECORDED.findall(wanted.pop())) & set(by_record) - needed
        needed |= new
        wanted += [by_record[name] for name in new]
    kept = [
        {
            **group,
            "rules": [
                rule
                for rule in group["rules"]
                if rule.get("record") in needed or rule.get("alert") in alerts
            ],
        }
        for group in groups
    ]
    return [group for group in kept if group["rules"]]


def exported_names(groups: Groups) -> set[str]:
    """Return the metrics of the exporter that the rules read."""
    return {
        name
        for group in groups
        for rule in group["rules"]
        for name in _EXPORTED.findall(rule["expr"])
    }
