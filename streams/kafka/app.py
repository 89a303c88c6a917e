"""The Faust app of a worker: its settings, and how its hooks reach the rest."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final, Protocol

import faust
from faust.types import TP

from streams.kafka.assignment import Assignment
from streams.kafka.batch import Batch
from streams.kafka.handing import AsItIs
from streams.kafka.header_names import tolerate_odd_header_names
from streams.kafka.security import faust_credentials
from streams.kafka.transport import SCHEME, Consumer, FetchScheduler
from streams.settings import Settings

__all__ = ["SESSION_SECONDS", "EdgeApp", "Steps", "build_app"]

SESSION_SECONDS: Final = 6
"""The lowest a broker allows by default; Faust's 60 s would sleep through a 10 s promise."""
HEARTBEAT_SECONDS: Final = 0.25
"""A worker learns from the answer to a heartbeat that another one has left."""
METADATA_SECONDS: Final = 10
"""A broker that comes up does not know its topics for a moment. The leader of a group who asks then
assigns nothing to anybody, until it asks again: by default after five minutes."""
QUEUED_FETCHES: Final = 1
"""The next one waits while one is applied: more would only take memory."""


class EdgeApp(faust.App):
    """A Faust app that carries the positions for its consumer."""

    # mode would name loggers after this module, past the level set for Faust's own.
    logger = logging.getLogger("faust.app")
    positions: Assignment

    def _create_directories(self) -> None:
        """Make none: only Faust's tables would need them."""

    @property
    def reader(self) -> Consumer:
        """The consumer, of this package's transport."""
        consumer = self.consumer
        assert isinstance(consumer, Consumer)  # noqa: S101
        return consumer


class Steps(Protocol):
    """What a worker does at the turning points of its app."""

    async def on_events(self, batches: Sequence[Batch]) -> None:
        """Handle what one fetch brought of the events topic."""

    async def on_raw(self, batches: Sequence[Batch]) -> None:
        """Handle what one fetch brought of a raw topic."""

    async def on_revoked(self) -> None:
        """Finish what is owned: the group is about to assign anew."""

    async def on_assigned(self, tps: set[TP]) -> None:
        """Own `tps`; reading begins when this returns."""

    def fail(self, error: BaseException) -> None:
        """Stop the worker because of `error`."""


def build_app(settings: Settings, bootstrap: str, positions: Assignment, steps: Steps) -> EdgeApp:
    """Return the app, ready to start on the running loop."""
    tolerate_odd_header_names()
    urls = [f"{SCHEME}://{server.strip()}" for server in bootstrap.split(",")]
    app = EdgeApp(
        settings.group,
        broker=urls,
        broker_credentials=faust_credentials(settings),
        loop=asyncio.get_running_loop(),
        ConsumerScheduler=FetchScheduler,
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=settings.instance,
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=HEARTBEAT_SECONDS,
        broker_request_timeout=15,
        consumer_metadata_max_age_ms=METADATA_SECONDS * 1000,
        broker_commit_interval=1.0,
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )
    app.positions = positions
    _attach(app, settings, steps)
    app.finalize()
    return app


def _attach(app: EdgeApp, settings: Settings, steps: Steps) -> None:
    _agent(app, settings.events_topic, steps.on_events, steps)
    for topic in settings.raw_topics:
        _agent(app, topic, steps.on_raw, steps)

    async def revoked(*_: Any, **__: Any) -> None:
        await _guarded(steps, steps.on_revoked())

    async def assigned(*_: Any, **__: Any) -> None:
        await _guarded(steps, steps.on_assigned(set(app.reader.assignment())))

    # Faust would keep only weak references.
    app.on_partitions_revoked.connect(revoked, weak=False)
    app.on_rebalance_complete.connect(assigned, weak=False)


def _agent(app: EdgeApp, name: str, handle: Any, steps: Steps) -> None:
    topic = app.topic(name, schema=AsItIs(), maxsize=QUEUED_FETCHES)

    async def read(stream: Any) -> None:
        async for batches in stream:
            await _guarded(steps, handle(batches))

    app.agent(topic, name=f"read-{name}")(read)


async def _guarded(steps: Steps, work: Any) -> None:
    """Stop the worker on any error: Faust would log it, skip the batches and go on."""
    try:
        await work
    except Exception as error:
        steps.fail(error)
