"""Fits a small grid of rank and reg and keeps what the validation part says of each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mllib_py

Setting = tuple[int, float]
# A model of this rank and reg, not yet fitted.
MakeModel = Callable[[int, float], mllib_py.ALS]


@dataclass(frozen=True)
class Trial:
    """One point of the grid."""

    rank: int
    reg: float
    validation_rmse: float
    seconds: float


def settings(ranks: Sequence[int], regs: Sequence[float]) -> list[Setting]:
    """Return the grid's points, the cheap ranks first."""
    return [(rank, reg) for rank in sorted(ranks) for reg in sorted(regs)]


def search(
    points: Sequence[Setting],
    training: mllib_py.Ratings,
    validation: mllib_py.Ratings,
    make_model: MakeModel,
    after_each: Callable[[Trial], None],
) -> list[Trial]:
    """Fit every point on the training part and score it on the validation part.

    Parameters
    ----------
    points : sequence of (rank, reg)
    training, validation : Ratings
    make_model : callable
        Takes a rank and a reg, returns an ALS that is not fitted.
    after_each : callable
        Told of each trial as soon as it is known.

    Returns
    -------
    list of Trial
        In the order of `points`.
    """
    trials = []
    for rank, reg in points:
        begin = time.perf_counter()
        model = make_model(rank, reg).fit(training, progress=False)
        rmse = model.score(validation)
        trials.append(Trial(rank, reg, rmse, time.perf_counter() - begin))
        after_each(trials[-1])
    return trials


def best_of(trials: Sequence[Trial]) -> Trial:
    """Return the trial with the lowest RMSE; of equals the smaller rank, then the larger reg."""
    sound = [trial for trial in trials if math.isfinite(trial.validation_rmse)]
    if not sound:
        raise ValueError("None of the grid's models could be scored on the validation part.")
    return min(sound, key=lambda trial: (trial.validation_rmse, trial.rank, -trial.reg))
