"""Does it work? From the broker to the pager, each link looked at, with a reason and a remedy.

Judging is pure (`judge_...` takes what was found out and returns findings); asking is kept apart
(`kafka_edge`, `web` and the functions named `ask_...`). Whatever is asked, nothing is changed.
"""

from streams.doctor.examine import examine
from streams.doctor.findings import GROUPS, Finding, Status, exit_code, report

__all__ = ["GROUPS", "Finding", "Status", "examine", "exit_code", "report"]
