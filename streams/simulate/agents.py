"""Agents: their skills and shifts, and the outages in which they are gone."""

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from streams.instants import DAY, HOUR, MINUTE, SECOND
from streams.simulate.agenda import Agenda
from streams.simulate.config import CentreConfig, HandlingConfig, Outage
from streams.simulate.staffing import shifts

if TYPE_CHECKING:
    from streams.simulate.queues import Call, Queue

__all__ = ["Agent", "Staff"]


class Agent:
    """Somebody who takes calls of the queues in `skills`, the first one being his own.

    `turn` moves on whenever a plan for him (to pick up) no longer holds. He is busy while it
    rings, while he talks or wraps up, and while he pauses.
    """

    __slots__ = (
        "away",
        "busy",
        "call",
        "id",
        "idle",
        "on_shift",
        "shift_begins",
        "skills",
        "turn",
        "useless_share",
    )

    def __init__(self, id_: str, skills: "tuple[Queue, ...]", useless_share: float) -> None:
        self.id = id_
        self.skills = skills
        self.useless_share = useless_share
        self.shift_begins = 0
        self.on_shift = False
        self.away = False
        self.busy = False
        self.idle = False
        self.turn = 0
        self.call: Call | None = None

    def on_duty(self) -> bool:
        """Say whether he takes calls when he is free."""
        return self.on_shift and not self.away


class Staff:
    """All agents of the centre.

    `find_work(agent)` says whether there was a call for somebody now free; `put_back(agent)`
    returns the call that rings at him to its queue.
    """

    def __init__(
        self,
        agenda: Agenda,
        rng: Random,
        find_work: Callable[[Agent], bool],
        put_back: Callable[[Agent], None],
    ) -> None:
        self._agenda = agenda
        self._rng = rng
        self._find_work = find_work
        self._put_back = put_back
        self._shift = DAY
        self._agents: list[Agent] = []

    def hire(self, config: CentreConfig, queues: "dict[str, Queue]") -> None:
        """Fill the roster of every queue, plan shifts and outages."""
        self._shift = config.handling.shift_hours * HOUR
        for queue in queues.values():
            if queue.config.agents is not None:
                for _ in range(queue.config.agents):
                    self._agenda.at(config.start, self._stay, self._hire(config, queue, queues))
                continue
            for hour in shifts(config, queue.config):
                self._plan_shifts(self._hire(config, queue, queues), hour, config.start)
        for outage in config.outages:
            self._agenda.at(config.start + outage.begins, self._vanish, outage)

    def engage(self, agent: Agent, call: "Call") -> None:
        """Take an agent from the idle ones for a call."""
        agent.turn += 1
        agent.busy = True
        agent.call = call
        self._withdraw(agent)

    def release(self, agent: Agent) -> None:
        """Let an agent take the next call, be idle or be gone."""
        agent.turn += 1
        agent.busy = False
        agent.call = None
        if agent.on_duty() and not self._find_work(agent):
            agent.idle = True
            for queue in agent.skills:
                queue.idle[agent] = None

    def _withdraw(self, agent: Agent) -> None:
        if agent.idle:
            agent.idle = False
            for queue in agent.skills:
                del queue.idle[agent]

    def _come_back(self, agent: Agent) -> None:
        if not agent.busy and not agent.idle:
            self.release(agent)

    def _hire(self, config: CentreConfig, queue: "Queue", queues: "dict[str, Queue]") -> Agent:
        skills: tuple[Queue, ...] = (queue,)
        helps = queue.config.helps
        if helps is not None and self._rng.random() < queue.config.helpers:
            skills = (queue, queues[helps])
        agent = Agent(f"a{len(self._agents) + 1:04}", skills, self._habit(config.handling))
        self._agents.append(agent)
        return agent

    def _habit(self, handling: HandlingConfig) -> float:
        if self._rng.random() < handling.hasty_agents:
            return handling.hasty_share
        low, high = handling.useless_share
        return low + (high - low) * self._rng.random()

    def _stay(self, agent: Agent) -> None:
        agent.on_shift = True
        self._come_back(agent)

    def _plan_shifts(self, agent: Agent, hour: int, start: int) -> None:
        """Start the shift of today or, if it is over, the next; some minutes early."""
        begins = start - start % DAY + hour * HOUR - DAY
        begins -= round(5 * MINUTE * self._rng.random())
        while begins + self._shift <= start:
            begins += DAY
        agent.shift_begins = begins
        self._agenda.at(begins, self._log_in, agent)

    def _log_in(self, agent: Agent) -> None:
        self._agenda.at(agent.shift_begins + self._shift, self._log_out, agent)
        self._stay(agent)

    def _log_out(self, agent: Agent) -> None:
        agent.on_shift = False
        self._withdraw(agent)
        agent.shift_begins += DAY
        self._agenda.at(agent.shift_begins, self._log_in, agent)

    def _vanish(self, outage: Outage) -> None:
        """Whoever talks ends the call first."""
        self._agenda.after(outage.lasts, self._end_outage, outage)
        for agent in self._crew(outage):
            agent.away = True
            self._withdraw(agent)
            self._put_back(agent)

    def _end_outage(self, outage: Outage) -> None:
        for agent in self._crew(outage):
            agent.away = False
            self._agenda.after(round(3 * SECOND * self._rng.random()), self._come_back, agent)

    def _crew(self, outage: Outage) -> list[Agent]:
        return [agent for agent in self._agents if agent.skills[0].name == outage.queue]
