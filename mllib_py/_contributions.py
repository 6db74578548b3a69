"""What each rating of a user adds to a score: one row's equations in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_Floats = NDArray[np.float64]


def gramian(factors: NDArray[np.float32]) -> _Floats:
    """Return the sum of y y^T over rows, in float64, some rows at a time."""
    width = factors.shape[1]
    total = np.zeros((width, width))
    for from_ in range(0, len(factors), 10_000):
        panel = factors[from_ : from_ + 10_000].astype(np.float64)
        total += panel.T @ panel
    return total


def contributions(
    params: Mapping[str, Any],
    mean: float,
    rated: NDArray[np.float32],
    ratings: NDArray[np.float32],
    asked: NDArray[np.float32],
    all_items: _Floats | None,
    n_items: int,
) -> tuple[_Floats, dict[str, float]]:
    """Split the score that an exactly solved user gives an item.

    The user's factors solve A x = sum of t_j y_j over the rated items j, so that the score of item
    i is the sum of y_i^T A^-1 y_j t_j. With biases an item's last column is its bias, beside which
    the user has a 1: what that predicts is taken off the targets.

    Parameters
    ----------
    params, mean
        The model's parameters, and the mean of its ratings.
    rated : (n, width)
        Factors of the items that the user rated, biases included.
    ratings : (n,)
        Beside them.
    asked : (width,)
        Factors of the item.
    all_items : (width, width) or None
        Gramian of all items where feedback is implicit.
    n_items : int
        How many they are.

    Returns
    -------
    (n,), dict
        The contributions, and the parts of the score that are no rating's, by name.
    """
    weights, targets, count = _equations(params, mean, ratings)
    background = 0.0
    y, goal = rated.astype(np.float64), asked.astype(np.float64)
    a = (y.T * weights) @ y
    if all_items is not None:
        unobserved = params["unobserved_weight"]
        background = 1.0 if unobserved is None else float(np.float32(unobserved))
        a += background * all_items
    parts: dict[str, float] = {}
    if params["biases"]:
        if not params["implicit"]:
            parts["mean"] = float(np.float32(mean))
        parts["item_bias"] = float(goal[-1])
        targets = targets - weights * y[:, -1]
        y, goal, a = y[:, :-1], goal[:-1], a[:-1, :-1]
    size = count + params["reg_unobserved"] * n_items
    ridge = float(np.float32(params["reg"])) * size ** params["reg_exponent"]
    towards = _solved(a + ridge * np.eye(len(a)), goal)
    if params["biases"] and all_items is not None:
        parts["unobserved"] = float(-background * towards @ all_items[:-1, -1])
    return (y @ towards) * targets, parts


def _equations(
    params: Mapping[str, Any], mean: float, ratings: NDArray[np.float32]
) -> tuple[_Floats, _Floats, int]:
    """Return the weights and targets of ratings, and how many of these count for the ridge."""
    r = ratings.astype(np.float64)
    if not params["implicit"]:
        return np.ones(len(r)), r - (float(np.float32(mean)) if params["biases"] else 0.0), len(r)
    liked = r > 0
    if params["unobserved_weight"] is not None:
        return np.ones(len(r)), liked.astype(np.float64), int(liked.sum())
    weights = float(np.float32(params["alpha"])) * np.abs(r)
    return weights, np.where(liked, 1 + weights, 0.0), int(liked.sum())


def _solved(a: _Floats, b: _Floats) -> _Floats:
    """Return a^-1 b; a singular matrix gets a ridge, as it does in a fit."""
    mean = float(np.trace(a)) / len(a)
    extra = 0.0
    while True:
        try:
            np.linalg.cholesky(a + extra * np.eye(len(a)))
        except np.linalg.LinAlgError:
            if mean <= 0:
                return np.zeros_like(b)
            extra = extra * 10 or 1e-6 * mean
        else:
            return np.asarray(np.linalg.solve(a + extra * np.eye(len(a)), b))
