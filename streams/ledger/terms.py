"""The rules of one queue as the ledger looks at them with every event."""

from streams.ledger.rules import QueueRules, Rules

__all__ = ["Terms", "TermsOf"]


class Terms:
    """`QueueRules` with what is asked of them already answered. Durations in microseconds."""

    __slots__ = (
        "answer_target", "by_breach", "by_queue", "callback_target", "late_horizon",
        "leaves_out_early", "repeat_window", "short_talk", "unknown_is_human",
        "unreachable_after",
    )  # fmt: skip

    def __init__(self, rules: QueueRules) -> None:
        self.answer_target = rules.answer_target
        self.by_queue = rules.clock_start == "queue"
        """the clock starts with the earliest queue entry, not with the arrival"""
        self.leaves_out_early = rules.early_abandon == "exclude"
        self.unknown_is_human = rules.unknown_is_human
        self.callback_target = rules.callback_target
        self.by_breach = rules.callback_clock == "breach"
        """a callback is owed from the breach on, not from the end of the call"""
        self.unreachable_after = rules.unreachable_after
        self.late_horizon = rules.late_horizon
        self.short_talk = rules.short_talk
        self.repeat_window = rules.repeat_window


class TermsOf:
    """The terms of every queue."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._known: dict[str | None, Terms] = {}
        self._most = rules.max_queues

    def of(self, queue: str | None) -> Terms:
        """Return the terms of `queue` (of no queue: the default ones)."""
        terms = self._known.get(queue)
        if terms is None:
            terms = Terms(self._rules.of(queue))
            if len(self._known) < self._most:
                self._known[queue] = terms
        return terms
