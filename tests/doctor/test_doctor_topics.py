"""What is said of topics that no single broker can have."""

from streams.doctor.topics import judge_topics
from streams.kafka.permissions import TopicFound
from streams.kafka.topics import TopicState, plan_topics
from streams.settings import Settings

SETTINGS = Settings(broker="h:1", partitions=12)


def states(replicas: int, brokers: int, insync: int) -> dict[str, TopicState]:
    """Return topics that are as they should be but for the replicas."""
    found = {}
    for plan in plan_topics(SETTINGS):
        least = {key: str(number) for key, number in plan.at_least.items()}
        config = {**plan.config, **least, "min.insync.replicas": str(insync)}
        topic = TopicFound(plan.name, 0, 12, replicas, brokers, None)
        found[plan.name] = TopicState(topic, config)
    return found


def test_topics_that_a_lost_broker_would_take_along_are_a_warning() -> None:
    """One for each topic, with what to do."""
    findings = [each for each in judge_topics(SETTINGS, states(1, 3, 1)) if each.status != "ok"]
    assert [(each.check, each.status) for each in findings] == [("topics.replicas", "warning")] * 4
    assert findings[0].reason.endswith("losing one may lose it")
    assert findings[0].remedy == "kafka-reassign-partitions.sh makes it 3"


def test_topics_as_they_should_be_are_well() -> None:
    """On three brokers, with three replicas of which two acknowledge."""
    assert {each.status for each in judge_topics(SETTINGS, states(3, 3, 2))} == {"ok"}
