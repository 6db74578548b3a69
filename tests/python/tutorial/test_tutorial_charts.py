from __future__ import annotations

import math

import pytest

from mllib_py.tutorial.charts import bars, curve, heat, short
from mllib_py.tutorial.grid import Trial, best_of


def test_bars_are_as_tall_as_their_share_of_the_most() -> None:
    small, large = bars({5.0: 30, 0.5: 10}, width=100, height=60)
    assert (small.label, small.height, small.share) == ("0.5", 20, 0.25)
    assert (large.label, large.height, large.y) == ("5", 60, 0)
    assert bars({}, 100, 60) == []


@pytest.mark.parametrize(
    "values",
    [[10.0, 6.0, 5.0], [1000.0, 20.0, 10.0], [3.0], [0.0, 0.0], [7e5, 6.9e5], [2.0, 0.0, -1.0]],
)
def test_a_curve_stays_in_its_box(values: list[float]) -> None:
    found = curve(values, ["?"] * len(values), width=400, height=200)
    assert all(-0.01 <= x <= 400.01 and -0.01 <= y <= 200.01 for x, y in found.points)
    assert all(-0.01 <= tick.at <= 200.01 for tick in found.y_ticks)
    assert 2 <= len(found.y_ticks) <= 9
    assert "nan" not in found.path


def test_a_wide_fall_gets_a_logarithmic_axis() -> None:
    assert curve([1000.0, 10.0], ["", ""], 1, 1).logarithmic
    assert not curve([40.0, 10.0], ["", ""], 1, 1).logarithmic


def test_the_best_of_the_grid_is_the_warmest_and_a_hole_is_no_cell() -> None:
    trials = [Trial(8, 0.1, 0.9, 1.0), Trial(8, 0.2, 1.0, 1.0), Trial(20, 0.1, math.nan, 1.0)]
    rows = heat(trials, best_of(trials))
    assert [[cell and (cell.warmth, cell.best) for cell in row] for row in rows] == [
        [(1.0, True), (0.0, False)],
        [(0.0, False), None],
    ]


def test_of_equal_models_the_smaller_and_smoother_wins() -> None:
    trials = [Trial(20, 0.1, 0.9, 1.0), Trial(8, 0.1, 0.9, 1.0), Trial(8, 0.2, 0.9, 1.0)]
    assert best_of(trials) == trials[2]


def test_a_grid_without_a_score_is_an_error() -> None:
    with pytest.raises(ValueError, match="could be scored"):
        best_of([Trial(8, 0.1, math.nan, 1.0)])


def test_numbers_are_written_short() -> None:
    assert [short(v) for v in (1_250_000, 42_000, 0.86, 5)] == ["1.25M", "42k", "0.86", "5"]
