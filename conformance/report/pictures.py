"""Pictures of what differs, as SVG without styles of their own: a stylesheet colours their classes."""

import math
from collections.abc import Callable, Iterator, Sequence

from markupsafe import Markup, escape

from conformance.record.body import Number
from conformance.record.numbers import shown
from conformance.record.pictures import Cell, MapRecord, NormsRecord

LEVELS = (1.0, 1e3, 1e6, 1e9)
"""Shares at which the colour of a cell changes: rounding up to the first, and beyond it by factors of a thousand."""

LEGEND = (
    ("level-0", "up to 1 × allowed: rounding"),
    ("level-1", "to 10³"),
    ("level-2", "to 10⁶"),
    ("level-3", "to 10⁹"),
    ("level-4", "more"),
    ("unjudged", "not judged"),
)
"""What the colours mean."""

WIDTH, CELL, LEFT, BOTTOM = 384, 24, 46, 42
"""Points that the cells of a map take at most, of one of them, and left of and below them for axes."""

ROOM_FOR_DIGITS = 16
"""Points from which on a cell has room for the power of ten of its share."""

MOST_TICKS = 12

CURVES = (
    ("got", "got"),
    ("expected", "right"),
    ("from_output", "right, from the output"),
    ("from_next", "right, from step t + 1"),
)
"""The lines of a figure of norms, by field of the record, and what they are."""


def level(share: Cell) -> str:
    """Return the class of a cell.

    >>> level(0.5), level(2.0), level(1e12), level("inf"), level(None)
    ('level-0', 'level-1', 'level-4', 'level-4', 'unjudged')
    """
    if share is None:
        return "unjudged"
    size = float(share)
    return f"level-{sum(not size <= top for top in LEVELS)}"


def short(value: Number) -> str:
    """Return a number as a cell of a matrix has room for it; what is wrong in it stands beside."""
    return f"{float(value):.3g}".replace("-", "−")


def heat_map(drawn: MapRecord) -> Markup:
    """Return a map of steps and units: how far each is off, with the power of ten in cells beyond 1."""
    columns, rows = len(drawn.columns), len(drawn.columns[0])
    cell = min(CELL, WIDTH / max(columns, rows))
    width, height = LEFT + cell * columns + 8, cell * rows + BOTTOM
    parts = [
        _cell(LEFT + cell * x, cell * y, cell, share, _where(drawn, x, y))
        for x, column in enumerate(drawn.columns)
        for y, share in enumerate(column)
    ]
    if drawn.first is not None:
        x, y = drawn.first
        place = f'x="{LEFT + cell * x + 1:g}" y="{cell * y + 1:g}" width="{cell - 3:g}" height="{cell - 3:g}"'
        parts += [f'<rect class="{name}" {place}/>' for name in ("first", "first-inside")]
    parts += [
        _text(LEFT + cell * (x + 0.5), cell * rows + 14, str(x * drawn.steps_a_cell)) for x in _ticks(columns)
    ]
    parts += [_text(LEFT - 6, cell * (y + 0.5) + 4, str(y * drawn.units_a_cell), "end") for y in _ticks(rows)]
    parts.append(_text(LEFT + cell * columns / 2, cell * rows + 34, "t, step"))
    parts.append(_upright(12, cell * rows / 2, "unit"))
    first = "" if drawn.first is None else f" The first wrong one is {_where(drawn, *drawn.first)}."
    told = f"{drawn.quantity} at every step and unit, in units of what rounding allows.{first}"
    return _svg(width, height, told, parts)


def _where(drawn: MapRecord, x: int, y: int) -> str:
    return f"{_range('t = ', x, drawn.steps_a_cell)}, {_range('unit ', y, drawn.units_a_cell)}"


def _range(name: str, place: int, many: int) -> str:
    return f"{name}{place * many}" if many == 1 else f"{name}{place * many} … {(place + 1) * many - 1}"


def _cell(x: float, y: float, size: float, share: Cell, where: str) -> str:
    told = "not judged" if share is None else f"{shown(share)} × allowed"
    found = (
        f'<rect class="{level(share)}" x="{x:g}" y="{y:g}" width="{size - 1:g}" height="{size - 1:g}">'
        f"<title>{escape(where)}: {told}</title></rect>"
    )
    if size < ROOM_FOR_DIGITS or share is None or float(share) <= 1:
        return found
    power = "∞" if not math.isfinite(float(share)) else str(math.floor(math.log10(float(share))))
    return f'{found}<text class="power on-{level(share)}" x="{x + size / 2:g}" y="{y + size / 2 + 4:g}">{power}</text>'


def curves(drawn: NormsRecord) -> Markup:
    """Return the sizes of dL/dh along t as four lines, each with a dash of its own."""
    width, height, left, top = 460, 220, 58, 10
    lines = [(name, [float(value) for value in getattr(drawn, name)]) for name, _ in CURVES]
    finite = [value for _, values in lines for value in values if math.isfinite(value)]
    marks, place = _scale(finite or [0.0, 1.0])
    last = max(1, len(drawn.got) - 1)

    def x(t: float) -> float:
        return left + (width - left - 12) * t / last

    def y(value: float) -> float:
        return top + (height - top - BOTTOM) * (1 - place(value))

    parts = [
        f'<line class="grid" x1="{left}" x2="{width - 12}" y1="{y(mark):.1f}" y2="{y(mark):.1f}"/>'
        + _text(left - 6, y(mark) + 4, f"{mark:g}", "end")
        for mark in marks
    ]
    parts += [_text(x(t), height - BOTTOM + 16, str(t)) for t in _ticks(len(drawn.got))]
    parts.append(_text((left + width) / 2, height - 6, "t, step"))
    parts.append(_upright(12, (height - BOTTOM) / 2, "‖dL/dh‖"))
    for name, values in lines:
        points = " ".join(f"{x(t):.1f},{y(v):.1f}" for t, v in enumerate(values) if math.isfinite(v))
        parts.append(f'<polyline class="curve curve-{name}" points="{points}"/>')
    return _svg(
        width, height, "The size of dL/dh at every step: got, right, and where that comes from.", parts
    )


def _scale(values: Sequence[float]) -> tuple[list[float], Callable[[float], float]]:
    """Return marks of an axis, and where on it a value lies, from 0 to 1; from 0 on where that is to the point."""
    greatest, least = max(values), min((v for v in values if v > 0), default=0.0)
    if least == 0 or greatest / least < 100:
        step = _nice((greatest or 1.0) / 4)
        count = math.ceil((greatest or 1.0) / step)
        return [step * n for n in range(count + 1)], lambda value: value / (step * count)
    low, high = math.floor(math.log10(least)), math.ceil(math.log10(greatest))
    every = max(1, -(-(high - low) // 5))
    marks = [10.0**power for power in range(low, high + 1, every)]
    return marks, lambda value: (math.log10(value) - low) / (high - low) if value > 0 else 0.0


def _nice(step: float) -> float:
    """Return the next larger of 1, 2 or 5 times a power of ten.

    >>> _nice(0.3), _nice(7)
    (0.5, 10.0)
    """
    power = 10.0 ** math.floor(math.log10(step))
    return next((factor * power for factor in (1, 2, 5) if factor * power >= step), 10 * power)


def _ticks(count: int) -> Iterator[int]:
    return iter(range(0, count, -(-count // MOST_TICKS)))


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def _upright(x: float, y: float, text: str) -> str:
    place = f'transform="rotate(-90 {x:g} {y:g})"'
    return f'<text x="{x:g}" y="{y:g}" text-anchor="middle" {place}>{escape(text)}</text>'


def _svg(width: float, height: float, told: str, parts: Sequence[str]) -> Markup:
    return Markup(  # noqa: S704 - made here, of numbers and of texts that are escaped
        f'<svg class="picture" width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}" role="img" '
        f'aria-label="{escape(told)}">{"".join(parts)}</svg>'
    )


FILTERS = {"level": level, "heat_map": heat_map, "curves": curves, "short": short}
GLOBALS = {"map_legend": LEGEND, "curve_legend": CURVES}
"""What the template of pictures needs."""
