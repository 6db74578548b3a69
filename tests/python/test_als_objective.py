"""The objective of each half-step, in every mode, is what a dense sum over all pairs gives."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.small import Small, plays, stars

from mllib_py import ALS

pytestmark = pytest.mark.usefixtures("spark")

EXPLICIT: dict[str, dict[str, Any]] = {
    "plain": {},
    "biases": {"biases": True},
    "exponent": {"reg_exponent": 0.5, "reg_unobserved": 0.2, "biases": True},
    "nonnegative": {"nonnegative": True},
    "cg": {"solver": "cg", "biases": True},
    "ials++": {"solver": "ials++", "rank": 20, "block_size": 16, "biases": True},
}
IMPLICIT: dict[str, dict[str, Any]] = {
    "plain": {},
    "biases": {"biases": True},
    "exponent": {"reg_exponent": 0.3, "reg_unobserved": 0.2},
    "unobserved": {"unobserved_weight": 0.25},
    "unobserved, biases": {"unobserved_weight": 0.25, "biases": True, "reg_unobserved": 0.1},
    "unobserved, nonnegative": {"unobserved_weight": 0.25, "nonnegative": True},
    "unobserved 0": {"unobserved_weight": 0.0},
    "cg": {"solver": "cg", "biases": True},
    "cg, unobserved": {"solver": "cg", "unobserved_weight": 0.25, "biases": True},
    "ials++": {"solver": "ials++", "rank": 20, "block_size": 16, "biases": True},
    "ials++, unobserved": {
        "solver": "ials++",
        "rank": 20,
        "block_size": 16,
        "unobserved_weight": 0.25,
    },
}
MODES = {f"explicit {k}": v for k, v in EXPLICIT.items()} | {
    f"implicit {k}": v | {"implicit": True, "alpha": 2.5} for k, v in IMPLICIT.items()
}


def dense(als: ALS, data: Small) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The ratings as a matrix, 0 where there are none, and where there are."""
    rows = np.searchsorted(als.user_ids_, data.users), np.searchsorted(als.item_ids_, data.items)
    r = np.zeros((len(als.user_ids_), len(als.item_ids_)))
    there = np.zeros_like(r)
    r[rows], there[rows] = data.values, 1
    return r, there


def objective(als: ALS, data: Small) -> float:
    """By the docs of ALS, pair by pair."""
    p = als.get_params()
    r, there = dense(als, data)
    scores = als.user_factors_.astype(np.float64) @ als.item_factors_.T.astype(np.float64)
    squares = [
        (f.astype(np.float64) ** 2).sum(axis=1) for f in (als.user_factors_, als.item_factors_)
    ]
    if p["biases"]:
        bu, bi = als.user_biases_.astype(np.float64), als.item_biases_.astype(np.float64)
        scores += bu[:, None] + bi
        squares = [squares[0] + bu**2, squares[1] + bi**2]
    liked = r > 0
    if not p["implicit"]:
        mean = als.mean_rating_ if p["biases"] else 0.0
        loss = (there * (r - mean - scores) ** 2).sum()
        counts = there
    elif p["unobserved_weight"] is None:
        loss = ((1 + p["alpha"] * np.abs(r)) * (liked - scores) ** 2).sum()
        counts = liked
    else:
        loss = (there * (liked - scores) ** 2).sum() + p["unobserved_weight"] * (scores**2).sum()
        counts = liked
    penalty = 0.0
    for axis in (0, 1):
        n = counts.sum(axis=1 - axis) + p["reg_unobserved"] * r.shape[1 - axis]
        penalty += (p["reg"] * n ** p["reg_exponent"] * squares[axis]).sum()
    return float(loss + penalty)


@pytest.mark.parametrize("mode", MODES)
def test_the_objective_is_that_of_all_pairs(mode: str) -> None:
    """At the end of the fit; and after a user half-step, by folding the users in."""
    data = plays() if MODES[mode].get("implicit") else stars()
    als = ALS(**{"rank": 3, "max_iter": 3, "reg": 0.06} | MODES[mode]).fit(data)
    found = [h["objective"] for h in als.history_]
    assert found[-1] == pytest.approx(objective(als, data), rel=1e-5)
    assert all(b <= a * (1 + 1e-6) for a, b in pairwise(found))
    if als.solver == "auto" and not als.nonnegative:
        longer = ALS(**als.get_params() | {"max_iter": 4}).fit(data)
        half = als.fold_in(data)
        assert longer.history_[6]["objective"] == pytest.approx(objective(half, data), rel=1e-5)


def test_a_sampler_reports_squared_errors() -> None:
    data = stars()
    als = ALS(method="gibbs", rank=3, n_samples=1, burn_in=2, thin=1).fit(data)
    # The one sample is the last sweep's, and the model is that sample.
    error = als.predict(data.users, data.items).astype(np.float64) - data.values
    assert als.history_[-1]["objective"] == pytest.approx((error**2).sum(), rel=1e-4)
    assert all(h["objective"] > 0 for h in als.history_)
