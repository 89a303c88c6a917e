"""Little pieces of SVG, and values written with their unit."""

from collections.abc import Sequence
from html import escape
from typing import Any, Final

__all__ = ["FAINT", "INK", "colour", "line", "path", "rect", "text", "ticks", "written"]

INK: Final = "#24292e"
FAINT: Final = "#6e7781"

_DURATIONS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs"))
_SIZES: Final = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))


def text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 11,
    fill: str = INK,
    anchor: str = "",
    bold: int = 0,
) -> str:
    """Return words at a place."""
    extra = f' text-anchor="{anchor}"' if anchor else ""
    extra += f' font-weight="{bold}"' if bold else ""
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{fill}"{extra}>'
        f"{escape(words)}</text>"
    )


def rect(x: float, y: float, w: float, h: float, fill: str, extra: str = "") -> str:
    """Return a filled rectangle."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="{fill}"{extra}/>'


def line(x1: float, y1: float, x2: float, y2: float, stroke: str) -> str:
    """Return a thin line."""
    return f'<path d="M{x1:.0f} {y1:.1f}L{x2:.0f} {y2:.1f}" stroke="{stroke}" fill="none"/>'


def path(points: Sequence[tuple[float, float]], stroke: str, extra: str = "") -> str:
    """Return a curve through points."""
    way = "L".join(f"{x:.0f} {y:.1f}" for x, y in points)
    return f'<path d="M{way}" stroke="{stroke}" fill="none"{extra}/>'


def written(value: float, unit: str, decimals: int | None = None) -> str:
    """Return the value as a person reads it."""
    if unit == "percentunit":
        # Before zero, so that a share that is none still reads as a share.
        return f"{100 * value:.{0 if decimals == 0 else 1}f} %"
    if not value:
        return "0"
    if unit == "s":
        return _scaled(value, _DURATIONS)
    if unit == "bytes" and value >= 1 << 10:
        return _scaled(value, _SIZES)
    suffix = " /s" if unit == "eps" else ""
    digits = 0 if value == int(value) else 2 if abs(value) >= 0.1 else 4
    return f"{value:,.{digits}f}{suffix}".replace(",", " ")


def _scaled(value: float, steps: Sequence[tuple[float, str]]) -> str:
    size, name = next((step for step in steps if abs(value) >= step[0]), steps[-1])
    scaled = value / size
    return f"{scaled:.{0 if scaled == round(scaled) or abs(scaled) >= 100 else 1}f} {name}"


def colour(value: float, steps: Sequence[dict[str, Any]]) -> str:
    """Return the colour of the last threshold that `value` has reached."""
    reached = [step for step in steps if step["value"] is None or value >= step["value"]]
    return str(reached[-1]["color"])


def ticks(least: float, most: float) -> list[float]:
    """Return three to six round values between two."""
    span = most - least or 1.0
    power = 10.0 ** len(str(int(span)))
    while span / power < 2.5:
        power /= 10
    step = next(s * power for s in (5, 2, 1) if span / (s * power) >= 2.5)
    first = int(least / step) + (least > int(least / step) * step)
    return [round(i * step, 9) for i in range(first, int(most / step + 1e-9) + 1)]
