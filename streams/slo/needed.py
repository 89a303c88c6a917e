"""The rules that alerts or recordings depend on: PromQL reads nothing but what it names."""

import re
from collections.abc import Iterator, Set
from typing import Any, Final

__all__ = ["Groups", "needed_rules", "read_by"]

Groups = list[dict[str, Any]]

_RECORDED: Final = re.compile(r"\b(?:queue|centre|partition|partition_queue):[\w:]+")
_FIRING: Final = re.compile(r'\bALERTS\{alertname="(\w+)"')


def needed_rules(groups: Groups, names: Set[str], *, words: bool = True) -> Groups:
    """Return `groups` with the rules of these names, and those that they read, directly or not.

    Without `words` what only the words of alerts read is left out.
    """
    rules = [rule for group in groups for rule in group["rules"]]
    texts: dict[str, list[str]] = {}
    for rule in rules:
        texts.setdefault(_name(rule), []).extend(_texts(rule, words=words))
    needed: set[str] = set()
    wanted = set(names)
    while wanted:
        needed |= wanted
        read = {name for each in wanted for text in texts[each] for name in read_by(text)}
        wanted = read & set(texts) - needed
    kept = [
        {**group, "rules": [rule for rule in group["rules"] if _name(rule) in needed]}
        for group in groups
    ]
    return [group for group in kept if group["rules"]]


def _name(rule: dict[str, Any]) -> str:
    return str(rule.get("record") or rule["alert"])


def _texts(rule: dict[str, Any], *, words: bool) -> list[str]:
    said = [*rule.get("annotations", {}).values(), *rule.get("labels", {}).values()]
    return [rule["expr"], *(said if words else ())]


def read_by(text: str) -> Iterator[str]:
    """Return the recordings that `text` names, and the alerts whose state it reads."""
    yield from _RECORDED.findall(text)
    yield from _FIRING.findall(text)
