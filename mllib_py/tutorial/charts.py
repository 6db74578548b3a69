"""The geometry of the report's charts; the template turns it into SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mllib_py.tutorial.grid import Trial


@dataclass(frozen=True)
class Tick:
    """A place on an axis, in the chart's own units, and its label."""

    at: float
    label: str


@dataclass(frozen=True)
class Bar:
    """One bar of the rating distribution."""

    x: float
    y: float
    width: float
    height: float
    label: str
    count: int
    share: float


@dataclass(frozen=True)
class Curve:
    """A line through points, with the ticks of both axes."""

    points: list[tuple[float, float]]
    labels: list[str]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    logarithmic: bool

    @property
    def path(self) -> str:
        """The line as the data of an SVG path."""
        return "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in self.points)


@dataclass(frozen=True)
class Cell:
    """One model of the heat map; `warmth` is 1 for the best of the grid and 0 for the worst."""

    trial: Trial
    warmth: float
    best: bool


def bars(histogram: Mapping[float, int], width: float, height: float) -> list[Bar]:
    """Lay out one bar for each rating value, side by side in a box."""
    if not histogram:
        return []
    total, most = sum(histogram.values()), max(histogram.values())
    step = width / len(histogram)
    result = []
    for at, (value, count) in enumerate(sorted(histogram.items())):
        tall = height * count / most
        x = at * step + 0.12 * step
        result.append(Bar(x, height - tall, 0.76 * step, tall, f"{value:g}", count, count / total))
    return result


def curve(values: Sequence[float], labels: Sequence[str], width: float, height: float) -> Curve:
    """Lay out a line chart of positive values over their number, 1, 2, ...

    Where the values span more than a factor of five the axis is logarithmic: a fall that happens
    in the first step would hide the rest.
    """
    low, high = min(values), max(values)
    logarithmic = low > 0 and high / low > 5
    ticks = _powers(low, high) if logarithmic else _round_steps(low, high)
    scale = math.log10 if logarithmic else float
    bottom, top = scale(min(low, ticks[0])), scale(max(high, ticks[-1]))
    span = (top - bottom) or 1.0
    gap = width / max(len(values) - 1, 1)

    def y(value: float) -> float:
        return height * (1 - (scale(value) - bottom) / span)

    return Curve(
        points=[(at * gap, y(value)) for at, value in enumerate(values)],
        labels=list(labels),
        x_ticks=[Tick((n - 1) * gap, str(n)) for n in _counted(len(values))],
        y_ticks=[Tick(y(value), short(value)) for value in ticks],
        logarithmic=logarithmic,
    )


def heat(trials: Sequence[Trial], best: Trial) -> list[list[Cell | None]]:
    """Arrange the trials as rows of rank and columns of reg."""
    by_setting = {(trial.rank, trial.reg): trial for trial in trials}
    ranks = sorted({trial.rank for trial in trials})
    regs = sorted({trial.reg for trial in trials})
    known = [t.validation_rmse for t in trials if math.isfinite(t.validation_rmse)]
    worst = max(known, default=0.0)
    span = (worst - best.validation_rmse) or 1.0

    def cell(trial: Trial | None) -> Cell | None:
        if trial is None:
            return None
        warmth = (worst - trial.validation_rmse) / span
        return Cell(trial, warmth if math.isfinite(warmth) else 0.0, trial == best)

    return [[cell(by_setting.get((rank, reg))) for reg in regs] for rank in ranks]


def short(value: float) -> str:
    """Write a number in a few characters: 1.2M, 340k, 0.86."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def _round_steps(low: float, high: float, about: int = 4) -> list[float]:
    """Return round numbers (1, 2 or 5 times a power of ten apart) that enclose a range."""
    span = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / about))
    step = next(power * m for m in (1, 2, 5, 10) if span / (power * m) <= about)
    first, last = math.floor(low / step), math.ceil(high / step)
    last = max(last, first + 1)
    return [n * step for n in range(first, last + 1)]


def _powers(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times powers of ten that enclose a range."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    marks = [m * 10.0**e for e in exponents for m in (1, 2, 5)]
    first = max(i for i, mark in enumerate(marks) if mark <= low)
    last = min(i for i, mark in enumerate(marks) if mark >= high)
    return marks[first : last + 1]


def _counted(n: int) -> list[int]:
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, n) if n / s <= 12 or s >= n)
    return [1, *(i for i in range(step, n + 1, step) if i > 1)]
