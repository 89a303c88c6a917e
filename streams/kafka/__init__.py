"""Kafka in and out: the Faust worker, the embedded broker, topics, producing.

Only the errors are handed on here. Import the rest from its module (`worker`, `embedded`,
`topics`, `produce`): each loads another Kafka client, which takes its time.
"""

from streams.kafka.errors import EdgeError, OutputError, TopicsDifferError, UnreachableError

__all__ = ["EdgeError", "OutputError", "TopicsDifferError", "UnreachableError"]
