"""What befalls the workers and their machines, as the plan has it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from plan import Action
from tampering import TAMPERS

if TYPE_CHECKING:
    from virtual_loop import Process
    from world import Slot, World

__all__ = ["DEEDS"]

STEPS: Final = (3600.0, -3600.0, 0.4, -0.4)
RESTARTED_SHARE: Final = 0.6


def _crash(world: "World", slot: "Slot", action: Action) -> None:
    """Kill the worker after a few more of its callbacks: at any of its awaits."""
    slot.process.steps_to_live = action.number
    world.at(world.loop.now + action.lasting + 0.1, _replace, world, slot, slot.process)


def _replace(world: "World", slot: "Slot", process: "Process") -> None:
    process.kill()
    if slot.process is process:
        world.start(slot)


def _pause(world: "World", slot: "Slot", action: Action) -> None:
    """Stop the process as SIGSTOP does; it wakes and does not know that it slept."""
    world.loop.pause(slot.process)
    world.at(world.loop.now + action.lasting, _wake, world, slot.process)


def _wake(world: "World", process: "Process") -> None:
    world.cluster.note("woke", process.name)
    world.loop.wake(process)


def _stop(_: "World", slot: "Slot", __: Action) -> None:
    """Ask the worker to stop, as SIGTERM does."""
    slot.stop.set()


def _outage(world: "World", _: "Slot", action: Action) -> None:
    """Have no broker answer for a while."""
    world.cluster.go_away(action.lasting)


def _cut(world: "World", slot: "Slot", action: Action) -> None:
    """Cut one worker off from the brokers."""
    slot.process.cut_until = world.loop.now + action.lasting


def _step(_: "World", slot: "Slot", action: Action) -> None:
    """Set the clock of a machine by an hour, or by a little."""
    slot.clock.step(STEPS[action.number])


def _tamper(world: "World", _: "Slot", action: Action) -> None:
    """Tamper with log or source; then some workers crash, so that somebody has to load."""
    TAMPERS[action.kind](world, action.number)
    for slot in world.slots:
        if world.cluster.chance.random() < RESTARTED_SHARE:
            slot.process.kill()
            world.at(world.loop.now + 0.3, world.start, slot)


DEEDS: Final[dict[str, Callable[["World", "Slot", Action], None]]] = {
    "crash": _crash,
    "pause": _pause,
    "stop": _stop,
    "outage": _outage,
    "cut": _cut,
    "step": _step,
    **dict.fromkeys(TAMPERS, _tamper),
}
