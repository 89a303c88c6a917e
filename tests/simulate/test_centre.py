"""What a simulated centre reports could have happened."""

from collections import Counter, defaultdict
from itertools import islice, pairwise

import pytest
from msgspec.structs import replace

from streams.events import (
    EVENT_TYPES,
    CallAbandoned,
    CallAnswered,
    CallbackAttempted,
    CallbackConnected,
    CallbackEvent,
    CallbackRequested,
    CallDiverted,
    CallEnded,
    CallEvent,
    CallOffered,
    CallQueued,
    CallRejected,
    CallTransferred,
    EventDecoder,
    SourceHeartbeat,
    encode,
)
from streams.instants import HOUR, MINUTE, SECOND
from streams.simulate import (
    Centre,
    CentreConfig,
    Delivery,
    Outage,
    QueueConfig,
    SourceConfig,
    inject,
    small_centre,
)

Happened = list[tuple[int, CallEvent]]


@pytest.fixture(scope="module")
def calls(recorded: list[Delivery]) -> dict[str, Happened]:
    """What happened to each call, and when."""
    happened: dict[str, Happened] = defaultdict(list)
    for at, _, event in recorded:
        if isinstance(event, CallEvent):
            happened[event.call_id].append((at, event))
    return happened


def test_every_kind_of_event_appears(recorded: list[Delivery]) -> None:
    """With the restarts of a faulty feed, all kinds of the schema are there."""
    assert {d.event.kind for d in inject(recorded, ["restart"], 1)} == set(EVENT_TYPES)


def test_every_event_is_canonical(recorded: list[Delivery]) -> None:
    """Each one survives being written and read."""
    decoder = EventDecoder()
    assert all(decoder.decode(encode(event)) == event for _, _, event in recorded)
    assert decoder.unknown_fields == 0


def test_ids_are_unique_within_a_source(recorded: list[Delivery]) -> None:
    """No two events of an undisturbed feed are the same one."""
    assert len({(event.source, event.id) for _, _, event in recorded}) == len(recorded)


def test_as_many_calls_as_asked_for(calls: dict[str, Happened]) -> None:
    """Redials included."""
    assert len(calls) == 6000


def test_deliveries_come_in_order_and_events_in_event_time_order() -> None:
    """Events of a source with whole seconds are stamped earlier than they happened."""
    centre = Centre(small_centre(), 4)
    deliveries = list(islice(centre.deliveries(), 4000))
    assert all(before.at <= after.at for before, after in pairwise(deliveries))
    events = list(islice(centre.events(), 4000))
    assert all(before.at <= after.at for before, after in pairwise(events))
    assert any(a.event.at > b.event.at for a, b in pairwise(deliveries))


def test_a_source_stamps_in_its_resolution(recorded: list[Delivery]) -> None:
    """One source in milliseconds, one in whole seconds, both never ahead of what happened."""
    for at, _, event in recorded:
        resolution = SECOND if event.source == "pbx-south" else SECOND // 1000
        assert event.at == at - at % resolution


def test_a_call_begins_with_its_offer_and_has_one_queue_entry_before_a_human(
    calls: dict[str, Happened],
) -> None:
    """No answer before the offer, no human before the queue."""
    for happened in calls.values():
        assert isinstance(happened[0][1], CallOffered)
        assert sum(isinstance(event, CallOffered) for _, event in happened) == 1
        queued = False
        for _, event in happened:
            queued = queued or isinstance(event, CallQueued)
            if isinstance(event, CallAnswered) and event.answered_by == "human":
                assert queued


def test_a_call_ends_once_and_nothing_follows(calls: dict[str, Happened]) -> None:
    """The last event is the end; without one the source reports none for a call given up."""
    for happened in calls.values():
        *earlier, (_, last) = happened
        assert not any(isinstance(event, CallEnded) for _, event in earlier)
        if not isinstance(last, CallEnded):
            assert isinstance(last, CallAbandoned | CallRejected)
            assert last.source == "pbx-south"


def test_a_call_that_was_given_up_is_not_answered_afterwards(calls: dict[str, Happened]) -> None:
    """After an abandonment, rejection or diversion no human picks up."""
    gone = (CallAbandoned, CallRejected, CallDiverted)
    for happened in calls.values():
        left = False
        for _, event in happened:
            left = left or isinstance(event, gone)
            assert not (left and isinstance(event, CallAnswered) and event.answered_by == "human")


def test_an_agent_is_never_on_two_calls_at_once(recorded: list[Delivery]) -> None:
    """From the answer to the end or the transfer he belongs to one call."""
    talking: dict[str, str] = {}
    conversations = 0
    for _, _, event in recorded:
        if isinstance(event, CallAnswered) and event.agent is not None:
            assert event.agent not in talking
            talking[event.agent] = event.call_id
            conversations += 1
        elif isinstance(event, CallEnded | CallTransferred) and event.agent is not None:
            assert talking.pop(event.agent) == event.call_id
    assert conversations > 4000
    assert not talking


def test_a_customer_is_never_in_two_calls_at_once(calls: dict[str, Happened]) -> None:
    """Whoever is on the phone does not ring again."""
    spans = defaultdict(list)
    for happened in calls.values():
        customer = happened[0][1].customer
        if customer is not None:
            spans[customer].append((happened[0][0], happened[-1][0]))
    assert max(map(len, spans.values())) > 2
    for stays in spans.values():
        assert all(before[1] <= after[0] for before, after in pairwise(sorted(stays)))


def test_callbacks_are_dialled_before_they_connect(recorded: list[Delivery]) -> None:
    """At most three attempts to a customer, each with one result, none to a withheld number."""
    dialling: dict[str | None, str | None] = {}
    connected = 0
    for _, _, event in recorded:
        if isinstance(event, CallbackAttempted):
            dialling[event.agent] = event.call_id
        elif isinstance(event, CallbackConnected):
            assert dialling.pop(event.agent) == event.call_id
            connected += 1
        if isinstance(event, CallbackEvent):
            assert event.customer is not None or event.call_id is not None
            assert not event.anonymous or isinstance(event, CallbackRequested)
    assert connected > 50


def test_callbacks_are_given_up_after_three_attempts(recorded: list[Delivery]) -> None:
    """The desk's list has an end: nobody is dialled more than three times for one call."""
    attempts = Counter(
        event.call_id
        for _, _, event in recorded
        if isinstance(event, CallbackAttempted) and event.call_id is not None
    )
    assert set(attempts.values()) == {1, 2, 3}


def test_outcomes_vary(recorded: list[Delivery]) -> None:
    """Every way a call can go is taken by some."""
    events = [event for _, _, event in recorded]
    answered = {event.answered_by for event in events if isinstance(event, CallAnswered)}
    assert answered == {"human", "bot", "ivr", "voicemail"}
    ended = [event for event in events if isinstance(event, CallEnded)]
    assert {event.ended_by for event in ended} == {"customer", "agent", "system"}
    assert {event.resolved for event in ended} == {True, False, None}
    assert {event.to for event in events if isinstance(event, CallDiverted)} == {"bot", "voicemail"}
    connected = {event.reached for event in events if isinstance(event, CallbackConnected)}
    assert connected == {"human", "voicemail"}
    assert {event.anonymous for event in events if isinstance(event, CallOffered)} == {True, False}
    web = [e for e in events if isinstance(e, CallbackRequested) and e.call_id is None]
    assert web
    assert all(event.customer is not None for event in web)


def test_calls_are_rejected_when_closed_and_when_full() -> None:
    """A queue outside its hours, and one whose line is full, refuse calls."""
    queues = (
        QueueConfig(name="day", source="pbx-north", share=1, agents=3, opens=12, closes=13),
        QueueConfig(name="tight", source="pbx-north", share=1, agents=1, max_waiting=2),
    )
    config = replace(small_centre(calls_per_hour=400), queues=queues)
    events = Centre(config, 1).events(300)
    reasons = Counter((e.queue, e.reason) for e in events if isinstance(e, CallRejected))
    assert set(reasons) == {("day", "closed"), ("tight", "full")}


def test_heartbeats_every_ten_seconds(recorded: list[Delivery]) -> None:
    """Each source shows that it lives; the last beat comes with the end of the run."""
    for source in ("pbx-north", "pbx-south"):
        beats = [
            at
            for at, _, event in recorded
            if isinstance(event, SourceHeartbeat) and event.source == source
        ]
        assert {after - before for before, after in pairwise(beats[:-1])} == {10 * SECOND}
        assert beats[-1] == recorded[-1].at


def answers_in(recorded: list[Delivery], queue: str, begin: int, end: int) -> int:
    return sum(
        begin <= at < end and isinstance(event, CallAnswered) and event.answered_by == "human"
        for at, _, event in recorded
        if event.queue == queue
    )


def test_agents_are_gone_in_an_outage_and_come_back(
    busy_centre: CentreConfig, recorded: list[Delivery]
) -> None:
    """In ten minutes without its agents the queue is served only by the few who help out."""
    begin = busy_centre.start + 20 * MINUTE
    during = answers_in(recorded, "queue-01", begin, begin + 10 * MINUTE)
    before = answers_in(recorded, "queue-01", begin - 10 * MINUTE, begin)
    after = answers_in(recorded, "queue-01", begin + 10 * MINUTE, begin + 20 * MINUTE)
    assert before > 100
    assert during < before / 5
    assert after > 100


def test_all_events_of_a_call_share_a_key_and_source_events_have_none(
    recorded: list[Delivery],
) -> None:
    """The customer if known, else the call."""
    keys: dict[str, str | None] = {}
    for _, key, event in recorded:
        if isinstance(event, CallOffered):
            assert key == (event.customer or event.call_id)
            keys[event.call_id] = key
        elif isinstance(event, CallEvent):
            assert key == keys[event.call_id]
        elif isinstance(event, CallbackEvent):
            assert key == (event.customer or keys[str(event.call_id)])
        else:
            assert key is None


def test_a_centre_without_a_number_of_calls_does_not_end() -> None:
    """It goes on over nights and days."""
    centre = Centre(small_centre(), 1)
    *_, last = islice(centre.events(), 60_000)
    assert last.at - centre.config.start > 48 * HOUR


def test_scaling_leaves_what_callers_feel_alone() -> None:
    """Conversations and delays shrink; patience, ringing and limits of waiting do not."""
    whole, scaled = small_centre(), small_centre().scaled(talk=0.5, delays=1 / 60)
    assert scaled.queues[0].talk_median == whole.queues[0].talk_median // 2
    assert scaled.desk.target == MINUTE
    assert scaled.desk.lead == (3 * SECOND, 15 * SECOND)
    assert scaled.callers.redial_median == 27 * SECOND
    assert scaled.handling.ring == whole.handling.ring
    assert scaled.callers.patience_scale == whole.callers.patience_scale
    assert scaled.queues[0].max_wait == whole.queues[0].max_wait


NORTH = SourceConfig(name="n")
SALES = QueueConfig(name="sales", source="n", share=1)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"queues": ()}, "at least one queue"),
        ({"queues": (SALES, SALES)}, "a name of its own"),
        ({"queues": (replace(SALES, source="x"),)}, "no source named 'x'"),
        ({"queues": (replace(SALES, overflow_to="y"),)}, "no queue named 'y'"),
        ({"queues": (replace(SALES, share=0.0),)}, "above 0"),
        ({"outages": (Outage(queue="z", begins=0, lasts=1),)}, "no queue named 'z'"),
        ({"calls_per_hour": 0.0}, "above 0"),
        ({"profile": (0.0,) * 24}, "24 weights"),
    ],
)
def test_a_centre_that_cannot_exist_is_refused(wrong: dict[str, object], why: str) -> None:
    """One clear line says what is wrong."""
    fields = {"sources": (NORTH,), "queues": (SALES,), "start": 0, "calls_per_hour": 60.0, **wrong}
    with pytest.raises(ValueError, match=why):
        CentreConfig(**fields)  # type: ignore[arg-type]
