"""Is the broker there, does it let us in, are the topics there, and may we use them?

Asked once, before a client starts that would tell less, or try for ever.
"""

import asyncio
import logging
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from aiokafka.errors import KafkaError
from aiokafka.protocol.coordination import FindCoordinatorRequest

from streams.kafka.errors import EdgeError, UnreachableError, unreachable
from streams.kafka.permissions import Needs, TopicFound, TopicsRequest, found_topics, worker_needs
from streams.kafka.refusals import connect, explain, token_refused
from streams.settings import Settings

__all__ = ["ask", "await_topics", "reach", "require_topics"]

_Result = TypeVar("_Result")

log = logging.getLogger(__name__)

AGAIN_SECONDS: Final = 1.0
TELL_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 0.1
_ILLEGAL_SASL_STATE: Final = 34
_GROUP_UNAUTHORIZED: Final = 30
_GROUP: Final = 0


async def require_topics(
    settings: Settings, bootstrap: str, needs: Needs | None = None, group: str | None = None
) -> None:
    """Check that every topic of `settings` is there, as many partitions for ledger as for events.

    `needs`, if given, is what has to be allowed; so is reading as a member of `group`.

    Raises:
        UnreachableError: no broker answers.
        EdgeError: a topic is missing or not as it has to be, or the broker refuses us.
    """
    needs = {**dict.fromkeys(settings.topics, ()), **(needs or {})}
    topics, barred = await ask(settings, bootstrap, needs, group)
    missing = [name for name, found in topics.items() if found.missing]
    if missing:
        raise EdgeError(
            f"the topic {', '.join(missing)} does not exist at {bootstrap}: callsla topics create"
        )
    if barred:
        raise _not_allowed(settings, bootstrap, barred)
    events, ledger = topics[settings.events_topic], topics[settings.ledger_topic]
    if events.partitions != ledger.partitions:
        raise EdgeError(
            f"{ledger.name} has {ledger.partitions} partitions and {events.name} "
            f"{events.partitions}: the numbers have to be equal; callsla topics check"
        )


async def await_topics(settings: Settings, bootstrap: str, stop: asyncio.Event) -> bool:
    """Wait until the broker answers, and check all that a worker needs; False: `stop` was set.

    Raises:
        EdgeError: as `require_topics`, but that no broker answers is waited out.
    """
    waited = 0.0
    while not stop.is_set():
        try:
            await require_topics(settings, bootstrap, worker_needs(settings), settings.group)
        except UnreachableError as error:
            if waited % TELL_SECONDS == 0:
                log.warning("%s (waiting for it)", error)
            waited += AGAIN_SECONDS
            await _pause(stop)
        else:
            if waited:
                log.info("the broker answers")
            return True
    return False


def reach(settings: Settings, bootstrap: str, needs: Needs | None = None) -> dict[str, TopicFound]:
    """Log in and return what is said about the topics of `needs` (None: those of `settings`).

    A missing one is no error here. Blocks; may be called with or without a running event loop.

    Raises:
        UnreachableError: no broker answers.
        EdgeError: the broker refuses us, or something in `needs` is not allowed.
    """
    asked = needs or dict.fromkeys(settings.topics, ())
    topics, barred = _blocking(ask(settings, bootstrap, asked))
    if needs and barred:
        raise _not_allowed(settings, bootstrap, barred)
    return topics


async def ask(
    settings: Settings, bootstrap: str, needs: Needs, group: str | None = None
) -> tuple[dict[str, TopicFound], list[str]]:
    """Return what is said about the topics by the first broker that does, and what is barred.

    Raises:
        UnreachableError: no broker answers.
        EdgeError: every broker that answers refuses us.
    """
    refusals: list[EdgeError] = []
    for server in bootstrap.split(","):
        try:
            return await _ask_one(settings, server.strip(), needs, group)
        except EdgeError as error:
            refusals.append(error)
    told = [each for each in refusals if not isinstance(each, UnreachableError)] or refusals
    raise told[0] if len(refusals) == 1 or told is not refusals else unreachable(bootstrap)


async def _ask_one(
    settings: Settings, server: str, needs: Needs, group: str | None
) -> tuple[dict[str, TopicFound], list[str]]:
    connection = None
    try:
        connection = await connect(settings, server)
        topics = found_topics(await connection.send(TopicsRequest(list(needs))))
        barred = [
            f"{operation} on topic {name}"
            for name, found in topics.items()
            for operation in found.lacks(needs[name])
        ]
        if group is not None and not await _may_join(connection, group):
            barred.append(f"READ on group {group}")
    except (OSError, TimeoutError, KafkaError, ValueError) as error:
        if connection is not None and settings.sasl_mechanism == "OAUTHBEARER":
            raise token_refused(server) from None
        refusal = await explain(settings, server, error)
        # Connections that failed are closed by the loop, in its next rounds.
        await asyncio.sleep(CLOSE_SECONDS)
        raise refusal from None
    finally:
        if connection is not None:
            await connection.close()
    if any(found.error_code == _ILLEGAL_SASL_STATE for found in topics.values()):
        # aiokafka takes the broker's refusal of a token for its consent.
        raise token_refused(server)
    return topics, barred


async def _may_join(connection: Any, group: str) -> bool:
    answer = await connection.send(FindCoordinatorRequest(group, _GROUP))
    return bool(answer.error_code != _GROUP_UNAUTHORIZED)


def _not_allowed(settings: Settings, bootstrap: str, barred: list[str]) -> EdgeError:
    user = settings.sasl_username
    whom = "this client" if user is None else f"the user {user!r}"
    return EdgeError(
        f"{bootstrap} does not allow {whom}: {'; '.join(barred)}: "
        "have it granted (kafka-acls.sh --add)"
    )


async def _pause(stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(AGAIN_SECONDS):
            await stop.wait()
    except TimeoutError:
        return


def _blocking(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run `work` on a loop of its own, in a thread of its own: this one may have a loop."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()
