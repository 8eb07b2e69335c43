"""Plots of a replay as SVG that needs nothing else: lines over months, and where outcomes go."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 880
HEIGHT: Final = 250
LEFT: Final = 64
RIGHT: Final = 16
TOP: Final = 14
BOTTOM: Final = 30
TICKS: Final = 4
LABELS_MAX: Final = 13

CHANGE_HEIGHT: Final = 74

FLOW_HEIGHT: Final = 280
FLOW_GAP: Final = 12
FLOW_LEFT: Final = 190
FLOW_BAR: Final = 12
FLOW_LEAST: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line: its name, its class for the style sheet, a value for each label."""

    name: str
    style: str
    values: Sequence[float]


def over_time(labels: Sequence[str], both: Sequence[Series], unit: str) -> str:
    """Lines over time with a grid, the last one filled below. Empty where nothing is to plot."""
    if not labels:
        return ""
    most = _round_up(max((value for one in both for value in one.values), default=0) or 1)
    parts = [
        _opened("plot", HEIGHT, f"{unit} by month"),
        *_grid(most),
        *_labels(labels),
        *(_line(one, most, len(labels)) for one in both),
        *_points(labels, both, most),
        "</svg>",
    ]
    return "".join(parts)


def of_change(labels: Sequence[str], changes: Sequence[float], unit: str) -> str:
    """By how much each month changes: a bar upwards for more, downwards for less."""
    most = max((abs(change) for change in changes), default=0)
    if not most:
        return ""
    middle = CHANGE_HEIGHT / 2
    parts = [
        _opened("change", CHANGE_HEIGHT, f"change of {unit} by month"),
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{middle}" y2="{middle}"/>',
        f'<text class="tick" x="{LEFT - 16}" y="{middle + 4}">±{shortened(most)}</text>',
    ]
    wide = min(18.0, 0.6 * (WIDTH - LEFT - RIGHT) / len(labels))
    for place, change in enumerate(changes):
        height = (middle - 4) * abs(change) / most
        x, y = _x(place, len(labels)) - wide / 2, middle - (height if change > 0 else 0)
        style = "more" if change > 0 else "less"
        parts.append(
            f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" '
            f'height="{height:.1f}" rx="1.5"><title>{escape(labels[place])}: {change:+,.0f}</title>'
            "</rect>"
        )
    return "".join([*parts, "</svg>"])


def _opened(style: str, height: float, label: str) -> str:
    box = f'viewBox="0 0 {WIDTH} {height:.0f}"'
    return f'<svg class="{style}" {box} role="img" aria-label="{escape(label)}">'


def _round_up(most: float) -> float:
    """The next round number: 1, 2, 2.5 or 5 times a power of ten."""
    size = 1.0
    while size * 10 < most:
        size *= 10
    while size > most:
        size /= 10
    return next(size * step for step in (1, 2, 2.5, 5, 10) if size * step >= most)


def _x(place: int, count: int) -> float:
    inner = WIDTH - LEFT - RIGHT
    return LEFT + (inner / 2 if count == 1 else inner * place / (count - 1))


def _y(value: float, most: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / most)


def _grid(most: float) -> Iterator[str]:
    for tick in range(TICKS + 1):
        value = most * tick / TICKS
        y = _y(value, most)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="tick" x="{LEFT - 10}" y="{y + 4:.1f}">{shortened(value)}</text>'


def _labels(labels: Sequence[str]) -> Iterator[str]:
    every = -(-len(labels) // LABELS_MAX)
    for place, label in enumerate(labels):
        if place % every == 0:
            x = _x(place, len(labels))
            yield f'<text class="label" x="{x:.1f}" y="{HEIGHT - 8}">{escape(label)}</text>'


def _line(one: Series, most: float, count: int) -> str:
    points = [(_x(place, count), _y(value, most)) for place, value in enumerate(one.values)]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    base = _y(0, most)
    area = f"{points[0][0]:.1f},{base:.1f} {path} {points[-1][0]:.1f},{base:.1f}"
    return (
        f'<polygon class="area {one.style}" points="{area}"/>'
        f'<polyline class="line {one.style}" points="{path}"/>'
    )


def _points(labels: Sequence[str], both: Sequence[Series], most: float) -> Iterator[str]:
    """A dot for each value, which tells it where somebody points at it."""
    for one in both:
        for place, value in enumerate(one.values):
            x, y = _x(place, len(labels)), _y(value, most)
            told = f"{labels[place]}, {one.name}: {value:,.0f}"
            yield (
                f'<circle class="dot {one.style}" cx="{x:.1f}" cy="{y:.1f}" r="2.6">'
                f"<title>{escape(told)}</title></circle>"
            )


def shortened(value: float) -> str:
    """``1.2 M``, ``350 k``, ``12``."""
    for size, sign in ((1_000_000, " M"), (1_000, " k")):
        if value >= size:
            return f"{value / size:.1f}".removesuffix(".0") + sign
    return f"{value:.1f}".removesuffix(".0")


# ── Where outcomes go ──


@dataclass(slots=True)
class _Bar:
    """An outcome on one side: where it stands, and how far it is filled."""

    y: float
    height: float
    filled: float = 0.0


def flow(moves: Mapping[tuple[str, str], int], order: Sequence[str]) -> str:
    """Ribbons from the outcomes before to those after; what changes is coloured."""
    total = sum(moves.values())
    if not total:
        return ""
    left = _bars([sum(n for (one, _), n in moves.items() if one == it) for it in order], order)
    right = _bars([sum(n for (_, one), n in moves.items() if one == it) for it in order], order)
    scale = _scale(moves, order)
    ribbons = [
        _ribbon(left[before], right[after], count * scale, (before, after, count))
        for before in order
        for after in order
        if (count := moves.get((before, after), 0))
    ]
    height = max(bar.y + bar.height for bar in (*left.values(), *right.values())) + 8
    return "".join(
        [
            _opened("flow", height, "outcomes before and after"),
            *ribbons,
            *_ends(left, moves, 0),
            *_ends(right, moves, 1),
            "</svg>",
        ]
    )


def _scale(moves: Mapping[tuple[str, str], int], order: Sequence[str]) -> float:
    room = FLOW_HEIGHT - FLOW_GAP * (len(order) - 1)
    return room / sum(moves.values())


def _bars(counts: Sequence[int], order: Sequence[str]) -> dict[str, _Bar]:
    """One under the other, each as high as its share; what is empty is left out."""
    total, y = sum(counts), 8.0
    room = FLOW_HEIGHT - FLOW_GAP * (len(order) - 1)
    found: dict[str, _Bar] = {}
    for name, count in zip(order, counts, strict=True):
        if count:
            height = max(FLOW_LEAST, room * count / total)
            found[name] = _Bar(y, height)
            y += height + FLOW_GAP
    return found


def _ribbon(start: _Bar, end: _Bar, height: float, told: tuple[str, str, int]) -> str:
    x1, x2 = FLOW_LEFT + FLOW_BAR, WIDTH - FLOW_LEFT - FLOW_BAR
    y1, y2 = start.y + start.filled, end.y + end.filled
    start.filled += height
    end.filled += height
    middle = (x1 + x2) / 2
    height = max(height, 1)
    path = (
        f"M{x1},{y1:.1f} C{middle:.1f},{y1:.1f} {middle:.1f},{y2:.1f} {x2},{y2:.1f} "
        f"L{x2},{y2 + height:.1f} C{middle:.1f},{y2 + height:.1f} {middle:.1f},{y1 + height:.1f} "
        f"{x1},{y1 + height:.1f} Z"
    )
    before, after, count = told
    style = "same" if before == after else f"to-{after}"
    title = f"{count:,}: {before} → {after}"
    return f'<path class="ribbon {style}" d="{path}"><title>{escape(title)}</title></path>'


def _ends(
    bars: Mapping[str, _Bar], moves: Mapping[tuple[str, str], int], side: int
) -> Iterator[str]:
    x = FLOW_LEFT if side == 0 else WIDTH - FLOW_LEFT - FLOW_BAR
    text = FLOW_LEFT - 12 if side == 0 else WIDTH - FLOW_LEFT + 12
    for name, bar in bars.items():
        count = sum(number for pair, number in moves.items() if pair[side] == name)
        y = bar.y + bar.height / 2
        yield (
            f'<rect class="end {name}" x="{x}" y="{bar.y:.1f}" width="{FLOW_BAR}" '
            f'height="{bar.height:.1f}" rx="2"/>'
            f'<text class="side{side}" x="{text}" y="{y + 4:.1f}">{escape(name)} '
            f"<tspan>{count:,}</tspan></text>"
        )
