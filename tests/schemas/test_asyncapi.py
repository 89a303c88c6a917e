"""The AsyncAPI document: all topics, all messages, no loose ends."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from validators import SCHEMAS

from streams.events import EVENT_TYPES, REASONS
from streams.kafka.topics import plan_topics
from streams.settings import Settings

DOCUMENT: dict[str, Any] = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text())


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def test_every_topic_is_described_as_it_is_created() -> None:
    """Name, partitions and configuration are those of `callsla topics create`."""
    described = {channel["address"]: channel for channel in DOCUMENT["channels"].values()}
    plans = plan_topics(Settings())
    assert set(described) == {plan.name for plan in plans}
    for plan in plans:
        binding = described[plan.name]["bindings"]["kafka"]
        assert binding["partitions"] == plan.partitions
        assert set(binding["topicConfiguration"]) == set(plan.config)


def test_every_kind_is_a_message_of_the_events() -> None:
    """And so are both modes of CloudEvents."""
    messages = DOCUMENT["channels"]["events"]["messages"]
    names = {DOCUMENT["components"]["messages"][name]["name"] for name in messages}
    assert names == {*EVENT_TYPES, "cloudevent-structured", "cloudevent-binary"}


@pytest.mark.parametrize("reference", sorted(set(_references(DOCUMENT))))
def test_every_reference_leads_somewhere(reference: str) -> None:
    """Inside the document or to a file beside it."""
    if not reference.startswith("#/"):
        assert (SCHEMAS / reference).is_file()
        return
    node = DOCUMENT
    for part in reference[2:].split("/"):
        node = node[part]
    assert node


def test_every_message_says_how_it_is_keyed() -> None:
    """The key decides the partition, and with it whether the counts are right."""
    for message in DOCUMENT["components"]["messages"].values():
        assert message["bindings"]["kafka"]["key"]["description"]
    for kind in EVENT_TYPES:
        (message,) = [m for m in DOCUMENT["components"]["messages"].values() if m["name"] == kind]
        assert message["examples"][0]["payload"]["kind"] == kind


def test_the_reasons_of_dead_letters_are_listed() -> None:
    """What an operator may have to filter for."""
    headers = DOCUMENT["components"]["messages"]["deadLetter"]["headers"]["properties"]
    (reason,) = [schema for name, schema in headers.items() if name.endswith(".reason")]
    assert reason["enum"] == list(REASONS)
