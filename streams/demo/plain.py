"""The demo for logs and CI: one line a second, and what is said at the end."""

from streams.demo.board import Board
from streams.demo.view import Scene
from streams.instants import SECOND

__all__ = ["plain_head", "plain_line", "summary"]


def plain_head(scene: Scene) -> str:
    """Return what is said before the first line."""
    promise = f"answered by a human within 10 s, else called back within 1 h (here {scene.hour} s)"
    addresses = " ".join(f"{name}={address}" for name, address in scene.addresses.items())
    return f"promise: {promise}\n{addresses}"


def plain_line(board: Board, scene: Scene) -> str:
    """Return the state of things in one line."""
    total = board.total()
    minutes, seconds = divmod(int(scene.elapsed), 60)
    fields = {
        "waiting": total.waiting,
        "beyond_target": total.beyond,
        "kept": total.kept,
        "broken": total.broken,
        "callbacks_due": total.due,
        "overdue": total.overdue,
        "callbacks_made": total.made,
        "callbacks_missed": total.missed,
    }
    line = f"{minutes:02}:{seconds:02} " + " ".join(f"{n}={value}" for n, value in fields.items())
    firing = [alert.name for alert in scene.alerts or () if alert.firing]
    if firing:
        line += f" firing={','.join(sorted(set(firing)))}"
    if scene.outage is not None:
        line += " outage=yes"
    return line + _last_breach(board, scene)


def _last_breach(board: Board, scene: Scene) -> str:
    last = board.last_breaches(1)
    if not last:
        return ""
    breach = last[0]
    waited = (scene.now - breach.since) / SECOND
    text = f"still waiting after {waited:.1f} s" if breach.waiting else breach.text
    return f' last_breach="{breach.queue}: {text}"'


def summary(board: Board) -> str:
    """Return what is said at the end."""
    total = board.total()
    decided = total.kept + total.broken
    share = f" ({100 * total.kept / decided:.1f} %)" if decided else ""
    return (
        f"{total.kept} of {decided} callers were answered by a human within 10 s{share};"
        f" {total.broken} were not.\n"
        f"{total.made} callbacks were made in time, {total.missed} were missed,"
        f" {total.due} are still owed.\n"
        "Next: callsla replay --from events FILE judges your own calls;"
        " callsla worker watches them live."
    )
