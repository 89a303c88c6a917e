"""How many agents a queue needs and which shifts they work."""

from math import exp

from streams.instants import HOUR
from streams.simulate.arrivals import hourly_rate
from streams.simulate.config import CentreConfig, HandlingConfig, QueueConfig

__all__ = ["agents_needed", "handling_time", "shifts"]


def agents_needed(load: float, objective: float, wait: float) -> int:
    """Return the fewest agents with P(wait <= `wait`) >= `objective`, by Erlang C.

    `load` is the offered traffic in erlangs, `wait` is in mean handling times.
    Formulas: Erlang B by its recursion, C = n B / (n - a (1 - B)), P(W > t) = C exp(-(n - a) t).
    """
    if load <= 0:
        return 0
    agents, blocking = 0, 1.0
    while True:
        agents += 1
        blocking = load * blocking / (agents + load * blocking)
        if agents > load:
            waiting = agents * blocking / (agents - load * (1 - blocking))
            if waiting * exp(-(agents - load) * wait) <= 1 - objective:
                return agents


def handling_time(queue: QueueConfig, handling: HandlingConfig) -> float:
    """Return the mean time (microseconds) an agent is busy with one call."""
    talk = queue.talk_median * exp(handling.talk_sigma**2 / 2)
    return talk + handling.wrap_up + sum(handling.ring) / 2


def shifts(config: CentreConfig, queue: QueueConfig) -> list[int]:
    """Return the hour of the day at which the shift of each of the queue's agents begins."""
    needed = [_needed_at(config, queue, hour) for hour in range(24)]
    calmest = needed.index(min(needed))
    length, begins, on_duty = config.handling.shift_hours, [], [0] * 24
    for hour in (offset % 24 for offset in range(calmest, calmest + 24)):
        missing = max(needed[hour] - on_duty[hour], 0)
        begins += [hour] * missing
        for worked in range(hour, hour + length):
            on_duty[worked % 24] += missing
    return begins


def _needed_at(config: CentreConfig, queue: QueueConfig, hour: int) -> int:
    share = queue.share / sum(other.share for other in config.queues)
    per_hour = share * hourly_rate(config, hour * HOUR + HOUR // 2)
    busy = handling_time(queue, config.handling)
    goal = config.handling.staffing_objective
    return agents_needed(per_hour * busy / HOUR, goal, config.handling.staffing_wait / busy)
