"""What a worker under test is made to suffer from within; on its PYTHONPATH, never in the product.

`CHAOS_CLOCK_FILE` names a file with the seconds by which its wall clock is wrong, read anew all
the time. `CHAOS_MUTATION` names a deliberate break of `mutations.py`: the harness has to catch it.
"""

import os
import time

_ENVIRONMENT = os.environ
_READ_EVERY = 0.05


def _step_the_clock(path: str) -> None:
    real, real_ns, monotonic = time.time, time.time_ns, time.monotonic
    known = {"offset": 0.0, "until": 0.0}

    def offset() -> float:
        now = monotonic()
        if now >= known["until"]:
            known["until"] = now + _READ_EVERY
            try:
                with open(path, encoding="ascii") as file:
                    known["offset"] = float(file.read() or 0)
            except (OSError, ValueError):
                pass
        return known["offset"]

    time.time = lambda: real() + offset()
    time.time_ns = lambda: real_ns() + int(offset() * 1e9)


if "CHAOS_CLOCK_FILE" in _ENVIRONMENT:
    _step_the_clock(_ENVIRONMENT["CHAOS_CLOCK_FILE"])
if "CHAOS_MUTATION" in _ENVIRONMENT:
    import mutations

    mutations.prepare(_ENVIRONMENT["CHAOS_MUTATION"])
