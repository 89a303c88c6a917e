"""Where the real records lie that may be used but not shipped."""

import os
from pathlib import Path
from typing import Final

import pytest

__all__ = ["BANK", "HELP_DESK", "LIVE_SWITCH", "real_data"]

BANK: Final = "anonymous-bank-1999-02/calls.tsv.gz"
HELP_DESK: Final = "asterisk-queue-log/queue_log"
LIVE_SWITCH: Final = "asterisk-22-live/queue_log"
_BESIDE_THE_REPOSITORY: Final = Path(__file__).parents[2].parent / "shared" / "data"


def real_data(name: str) -> Path:
    """Return the path of a real file; skip the test without it, or fail it under `CI=true`.

    `CALLSLA_DATA` is the folder they lie in (default: `shared/data` beside the repository); `none`
    says that this machine has none of them, and their tests are skipped even there.
    """
    path = Path(os.environ.get("CALLSLA_DATA") or _BESIDE_THE_REPOSITORY) / name
    if not path.exists():
        missing = f"the real records {name} are not there; set CALLSLA_DATA to their folder"
        if os.environ.get("CI") == "true" and os.environ.get("CALLSLA_DATA") != "none":
            pytest.fail(missing)
        pytest.skip(missing)
    return path
