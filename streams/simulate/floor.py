"""What happens to a call from its arrival to its end."""

from collections.abc import Callable
from operator import itemgetter
from random import Random
from typing import Final, TypeAlias

from streams import events as ev
from streams.instants import SECOND
from streams.simulate.agenda import Agenda
from streams.simulate.agents import Agent, Staff
from streams.simulate.callbacks import CallbackDesk
from streams.simulate.config import CentreConfig
from streams.simulate.customers import Callers
from streams.simulate.draws import Patience, between, exponential, lognormal
from streams.simulate.queues import Call, Stage
from streams.simulate.recorder import Recorder

__all__ = ["Floor"]

_Ringing: TypeAlias = tuple[Call, Agent, int]
_Talking: TypeAlias = tuple[Call, Agent]
_WayOut: TypeAlias = Callable[[Call], None]
_Leaving: TypeAlias = tuple[Call, int, _WayOut]

_LOOK_AGAIN: Final = 3 * SECOND


class Floor:
    """The centre's calls and the agents who take them; `open_calls` have not ended yet."""

    def __init__(
        self,
        agenda: Agenda,
        config: CentreConfig,
        rng: Random,
        *,
        recorder: Recorder,
        callers: Callers,
        desk: CallbackDesk,
    ) -> None:
        self._agenda = agenda
        self._callers_like = config.callers
        self._agents_like = config.handling
        self._rng = rng
        self._recorder = recorder
        self._callers = callers
        self._desk = desk
        self._patience = Patience(config.callers.patience_scale)
        self.staff = Staff(agenda, rng, self._find_work, self._put_back)
        self.open_calls = 0

    # --- arrival

    def arrive(self, call: Call) -> None:
        """Take in a call: refuse it, let a machine answer it, or let it queue."""
        self.open_calls += 1
        call.customer.on_the_phone = True
        self._report(ev.CallOffered, call, **_caller(call))
        queue = call.queue
        if not queue.is_open(self._agenda.now):
            self._reject(call, "closed")
        elif queue.waiting >= queue.config.max_waiting:
            self._reject(call, "full")
        else:
            self._greet(call)

    def _greet(self, call: Call) -> None:
        like, who = self._callers_like, self._rng.random()
        delay = between(self._rng, like.announcement)
        if who < like.ivr:
            self._agenda.after(delay, self._menu, call)
        elif who < like.ivr + like.bot:
            self._agenda.after(delay, self._bot, call)
        else:
            self._agenda.after(delay, self._enter_queue, call)

    def _reject(self, call: Call, reason: str) -> None:
        self._report(ev.CallRejected, call, reason=reason)
        self._end_unserved(call, "system", hangup=call.source.reports_hangup)

    def _menu(self, call: Call) -> None:
        self._report(ev.CallAnswered, call, answered_by="ivr")
        talk = between(self._rng, self._callers_like.ivr_talk)
        self._agenda.after(talk, self._enter_queue, call)

    def _bot(self, call: Call) -> None:
        self._report(ev.CallAnswered, call, answered_by="bot")
        contained = self._rng.random() < self._callers_like.bot_contains
        talk = between(self._rng, self._callers_like.bot_talk)
        self._agenda.after(talk, self._contain if contained else self._enter_queue, call)

    def _contain(self, call: Call) -> None:
        """The bot keeps the caller to itself."""
        self._report(ev.CallDiverted, call, to="bot", reason="contained")
        self._end_unserved(call, "system")

    # --- waiting

    def _enter_queue(self, call: Call) -> None:
        call.gives_up_at = self._agenda.now + self._patience.draw(self._rng)
        self._queue(call)

    def _queue(self, call: Call) -> None:
        call.queued_at = self._agenda.now
        self._report(ev.CallQueued, call, **_caller(call))
        self._plan_leaving(call)
        self._ring_or_wait(call)

    def _ring_or_wait(self, call: Call) -> None:
        agent = next(iter(call.queue.idle), None)
        if agent is not None:
            self._ring(call, agent)
        else:
            call.queue.join(call)

    def _plan_leaving(self, call: Call) -> None:
        """Plan the first way in which the call would leave the queue unanswered."""
        now, limits = self._agenda.now, call.queue.config
        leaves: list[tuple[int, _WayOut]] = [
            (call.gives_up_at, self._abandon),
            (now + limits.max_wait, self._to_voicemail),
        ]
        if call.queue.overflow is not None and not call.overflowed:
            leaves.append((now + limits.overflow_after, self._to_overflow))
        if not call.answered and self._rng.random() < self._callers_like.callback_key:
            leaves.append((now + self._callers_like.callback_key_after, self._to_callback))
        at, way = min(leaves, key=itemgetter(0))
        self._agenda.at(at, self._leave, (call, call.turn, way))

    def _leave(self, leaving: _Leaving) -> None:
        call, turn, way = leaving
        if call.turn != turn:
            return
        if call.stage is Stage.RINGING and way != self._abandon:
            self._agenda.after(_LOOK_AGAIN, self._leave, leaving)
            return
        call.turn += 1
        if call.stage is Stage.WAITING:
            call.queue.leave(call)
        way(call)

    def _abandon(self, call: Call) -> None:
        agent = call.agent
        self._report(ev.CallAbandoned, call, **_caller(call))
        self._end_unserved(call, "customer", hangup=call.source.reports_hangup)
        if agent is not None:
            self.staff.release(agent)

    def _to_voicemail(self, call: Call) -> None:
        self._report(ev.CallDiverted, call, to="voicemail", reason="timeout")
        self._report(ev.CallAnswered, call, answered_by="voicemail")
        self._end_unserved(call, "customer")

    def _to_overflow(self, call: Call) -> None:
        if call.queue.overflow is not None:
            call.overflowed = True
            call.queue = call.queue.overflow
        self._queue(call)

    def _to_callback(self, call: Call) -> None:
        due_at = self._desk.due_at(call.source)
        self._report(ev.CallbackRequested, call, **_caller(call), reason="key", due_at=due_at)
        self._end_unserved(call, "system")

    def _end_unserved(self, call: Call, ended_by: str, *, hangup: bool = True) -> None:
        if hangup:
            self._report_end(call, ended_by=ended_by)
        self._close(call)
        if not call.answered:
            self._desk.owe(call.customer, call.queue, call.id)
        self._callers.unserved(call.customer, call.queue)

    def _close(self, call: Call) -> None:
        call.stage = Stage.OVER
        call.agent = None
        call.customer.on_the_phone = False
        self.open_calls -= 1

    # --- ringing

    def _find_work(self, agent: Agent) -> bool:
        waiting = [call for queue in agent.skills if (call := queue.first()) is not None]
        if not waiting:
            return False
        call = min(waiting, key=Call.rank)
        call.queue.leave(call)
        self._ring(call, agent)
        return True

    def _ring(self, call: Call, agent: Agent) -> None:
        call.stage = Stage.RINGING
        call.agent = agent
        self.staff.engage(agent, call)
        like = self._agents_like
        if self._rng.random() < like.ring_no_answer:
            self._agenda.after(like.ring_timeout, self._no_answer, (call, agent, agent.turn))
        else:
            ring = between(self._rng, like.ring)
            self._agenda.after(ring, self._pick_up, (call, agent, agent.turn))

    def _no_answer(self, ringing: _Ringing) -> None:
        call, agent, turn = ringing
        if agent.turn == turn:
            agent.turn += 1
            agent.call = None
            self._agenda.after(self._agents_like.pause_after_no_answer, self.staff.release, agent)
            self._return(call)

    def _put_back(self, agent: Agent) -> None:
        """Return the call that rings at an agent who is suddenly gone."""
        call = agent.call
        if call is not None and call.stage is Stage.RINGING:
            self.staff.release(agent)
            self._return(call)

    def _return(self, call: Call) -> None:
        call.agent = None
        self._ring_or_wait(call)

    # --- talking

    def _pick_up(self, ringing: _Ringing) -> None:
        call, agent, turn = ringing
        if agent.turn != turn:
            return
        call.turn += 1
        call.stage = Stage.TALKING
        call.agent = None
        agent.call = None
        self._report(ev.CallAnswered, call, answered_by="human", agent=agent.id)
        call.answered = True
        self._desk.spoken_to(call.customer)
        self._callers.spoken_to(call.customer)
        self._talk((call, agent))

    def _talk(self, talking: _Talking) -> None:
        like, (call, agent) = self._agents_like, talking
        if self._rng.random() < agent.useless_share:
            self._agenda.after(between(self._rng, like.useless), self._hurry_off, talking)
            return
        talk = lognormal(self._rng, call.queue.config.talk_median, like.talk_sigma)
        if self._rng.random() < like.transfer and call.queue.transfers:
            self._agenda.after(round(talk * self._rng.random()), self._transfer, talking)
        else:
            self._agenda.after(talk, self._finish, talking)

    def _transfer(self, talking: _Talking) -> None:
        call, agent = talking
        others = call.queue.transfers
        target = others[int(self._rng.random() * len(others))]
        self._report(ev.CallTransferred, call, to=target.name, agent=agent.id)
        self._wrap_up(agent)
        call.queue = target
        self._enter_queue(call)

    def _hurry_off(self, talking: _Talking) -> None:
        """A quick answer of no use: the agent gets rid of the caller."""
        call, _ = talking
        self._hang_up(talking, "agent", resolved=False)
        self._callers.hurried_off(call.customer, call.queue)

    def _finish(self, talking: _Talking) -> None:
        call, _ = talking
        resolved = self._rng.random() < self._agents_like.resolved
        self._hang_up(talking, self._who_hangs_up(), resolved=resolved)
        if not resolved:
            self._callers.unresolved(call.customer, call.queue)

    def _who_hangs_up(self) -> str:
        who, like = self._rng.random(), self._agents_like
        if who < like.ended_by_agent:
            return "agent"
        return "system" if who < like.ended_by_agent + like.ended_by_system else "customer"

    def _hang_up(self, talking: _Talking, ended_by: str, *, resolved: bool) -> None:
        call, agent = talking
        reported = self._rng.random() < self._agents_like.resolution_reported
        self._report_end(
            call, ended_by=ended_by, resolved=resolved if reported else None, agent=agent.id
        )
        self._close(call)
        self._wrap_up(agent)

    def _wrap_up(self, agent: Agent) -> None:
        wrap_up = exponential(self._rng, self._agents_like.wrap_up)
        self._agenda.after(wrap_up, self.staff.release, agent)

    # --- reports

    def _report(self, kind: type[ev.Event], call: Call, **fields: object) -> None:
        self._recorder.report(kind, call.source, call_id=call.id, queue=call.queue.name, **fields)

    def _report_end(self, call: Call, **fields: object) -> None:
        self._recorder.report(ev.CallEnded, call.source, call_id=call.id, **fields)


def _caller(call: Call) -> dict[str, object]:
    return {"customer": call.customer.pseudonym, "anonymous": call.customer.anonymous}
