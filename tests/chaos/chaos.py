"""The chaos harness: `python tests/chaos/chaos.py --seed N`.

Prints the schedule, what happened, the verdict and one line of JSON. Exit code 1: something
differs; the folder with all logs is then kept and named.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    root = Path(__file__).parents[2]
    sys.path[1:1] = [str(root), *(str(root / "tests" / name) for name in ("integration", "ledger"))]
    from seeds import main

    sys.exit(main())
