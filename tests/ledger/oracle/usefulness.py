"""Whether a human answer was of use to the customer."""

from streams.events import CallEnded, Event

from .verdicts import CallVerdict

__all__ = ["judge_usefulness"]

UNSAID = 2


def judge_usefulness(
    call: CallVerdict, own: list[Event], others: list[CallVerdict], until: int
) -> str:
    """Judge the human answer of `call`: its events are `own`, its customer's calls `others`."""
    assert call.decided_by is not None
    last = call.start + call.rules["max_call"]
    ends = [
        (e.at, e.ended_by or "", (False, True, None).index(e.resolved))
        for e in own
        if isinstance(e, CallEnded) and call.decided_by <= e.at <= last
    ]
    if not ends:
        return "unknown" if until >= last else "open"
    end, ended_by, resolved = min(ends)
    if resolved < UNSAID:
        return ("useless", "useful")[resolved]
    if end - call.decided_by < call.rules["short_talk"] and ended_by == "agent":
        return "useless"
    if call.customer is None:
        return "unknown"
    return _by_repetition(call, end, others, until)


def _by_repetition(call: CallVerdict, end: int, others: list[CallVerdict], until: int) -> str:
    window_end = end + call.rules["repeat_window"]
    if any(end <= other.arrival <= window_end for other in others):
        return "useless"
    return "useful" if until >= window_end else "open"
