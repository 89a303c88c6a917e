"""How hard the property tests look: `HYPOTHESIS_PROFILE=thorough` for a long search.

And Ctrl-C as a terminal has it: a shell starts what it sends to the background with that ignored,
and everything that a test starts would ignore it as well.
"""

import os
import signal

from hypothesis import HealthCheck, settings

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_ALLOWED = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    print_blob=True,
    suppress_health_check=_ALLOWED,
)
settings.register_profile(
    "thorough",
    derandomize=False,
    deadline=None,
    max_examples=5000,
    print_blob=True,
    suppress_health_check=_ALLOWED,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
