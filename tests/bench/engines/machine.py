"""The machine a bench ran on: what a reader needs in order to compare, and no name of it."""

import os
import platform
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final, NoReturn

from yardstick import yardstick

from streams import KERNEL

__all__ = ["cores", "leave_in_order", "load", "machine", "pin", "versions"]

_PACKAGES: Final = ("faust-streaming", "aiokafka", "msgspec", "orjson")


def cores() -> tuple[int | None, int | None]:
    """Return the core of broker and harness, and that of the engine; None: there is only one."""
    usable = sorted(os.sched_getaffinity(0))
    return (usable[0], usable[1]) if len(usable) > 1 else (None, None)


def pin(process: int, core: int) -> None:
    """Keep every thread of a process, and those it makes later, on one core."""
    for thread in Path(f"/proc/{process}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def leave_in_order() -> None:
    """On SIGTERM end what was started too."""

    def leave(signum: int, _: object) -> NoReturn:
        sys.exit(128 + signum)

    signal.signal(signal.SIGTERM, leave)


def load() -> str:
    """Return the load averages of 1 and 5 minutes."""
    return " and ".join(f"{each:.1f}" for each in os.getloadavg()[:2])


def machine() -> str:
    """Return processor, cores, memory and system."""
    info = Path("/proc/cpuinfo").read_text()
    names = [line.split(":")[1].strip() for line in info.splitlines() if "model name" in line]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    name = names[0] if names else platform.machine()
    return f"{name}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GiB, {platform.system()}"


def versions() -> str:
    """Return the versions of what ran."""
    java = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True)
    of_java = java.stderr.splitlines()[0].split('"')[1]
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"Python {platform.python_version()} (yardstick {yardstick():.0f} ms), {packages}, "
        f"kernel {KERNEL.name}; Java {of_java}; "
        "the peers as locked in tests/bench/peers"
    )
