"""Bayesian matrix factorisation: the same draws everywhere, errors as it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.refusal import refused

import mllib_py
from mllib_py import ALS

pytestmark = pytest.mark.usefixtures("spark")
RNG = np.random.default_rng(8)
X, Y = RNG.normal(size=(120, 3)), RNG.normal(size=(60, 3))
PAIRS = RNG.permutation(120 * 60)
USERS, ITEMS = PAIRS // 60, PAIRS % 60
TRUE = 3 + np.einsum("ij,ij->i", X[USERS], Y[ITEMS]) * 0.5
VALUES = (TRUE + RNG.normal(0, 0.3, len(TRUE))).astype(np.float32)
SEEN = slice(0, 2500)
TRAIN = USERS[SEEN], ITEMS[SEEN], VALUES[SEEN]
SMALL: dict[str, Any] = {"method": "gibbs", "rank": 4, "n_samples": 12, "burn_in": 10, "thin": 2}


@pytest.fixture(scope="module")
def als(spark: Any) -> ALS:
    return ALS(**SMALL).fit(TRAIN)


def error(found: Any) -> float:
    return float(np.sqrt(np.mean((found - TRUE)[2500:] ** 2)))


def test_the_mean_of_the_posterior_beats_a_minimum(als: ALS) -> None:
    assert als.n_iter_ == 34
    assert als.stop_reason_ == "max_iter=34 iterations done"
    found = error(als.predict(USERS, ITEMS))
    assert found < 0.25
    others = [ALS(rank=4, reg=reg).fit(TRAIN) for reg in (0.01, 0.03, 0.1)]
    assert found < min(error(o.predict(USERS, ITEMS)) for o in others)


def test_draws_do_not_depend_on_strategy_blocks_or_order(als: ALS) -> None:
    order = np.random.default_rng(0).permutation(2500)
    shuffled = tuple(c[order] for c in TRAIN)
    for strategy, blocks in (("broadcast", 3), ("blocked", 2), ("data-parallel", 5)):
        other = ALS(**SMALL, strategy=strategy, num_blocks=blocks).fit(shuffled)
        assert np.array_equal(other.user_factors_, als.user_factors_)
        assert np.array_equal(other.item_factors_, als.item_factors_)
    assert not np.array_equal(
        ALS(**SMALL, random_state=1).fit(TRAIN).user_factors_, als.user_factors_
    )


def test_the_deviation_says_how_far_off_a_prediction_is(als: ALS) -> None:
    mean, std = als.predict(USERS, ITEMS, return_std=True)
    assert np.array_equal(mean, als.predict(USERS, ITEMS))
    assert std.shape == mean.shape
    assert (std > 0).all()
    off = np.abs(mean - TRUE)[2500:]
    sure = std[2500:] < np.median(std[2500:])
    assert off[sure].mean() < off[~sure].mean()
    # Of normal errors two thirds are within one deviation.
    assert 0.5 < np.mean(off < std[2500:]) < 0.85
    _, unknown = als.predict([USERS[0], 10**6], [ITEMS[0], ITEMS[0]], return_std=True)
    assert np.isfinite(unknown[0])
    assert np.isnan(unknown[1])


def test_the_samples_make_up_the_prediction(als: ALS) -> None:
    x, y = (
        f.reshape(len(f), 12, 6).astype(np.float64) for f in (als.user_factors_, als.item_factors_)
    )
    s = np.einsum("usk,isk->ui", x, y) + als.mean_rating_
    u = np.searchsorted(als.user_ids_, USERS)
    i = np.searchsorted(als.item_ids_, ITEMS)
    assert np.allclose(als.predict(USERS, ITEMS), s[u, i], atol=1e-4)
    assert np.allclose(x[:, :, 5] * 12**0.5, 1)
    assert np.allclose(y[:, :, 4] * 12**0.5, 1)
    assert np.allclose(als.user_biases_, x[:, :, 4].mean(axis=1) * 12**0.5, atol=1e-5)


def test_it_is_an_ordinary_model(als: ALS, tmp_path: Path) -> None:
    als.save(tmp_path / "m")
    again = mllib_py.load(tmp_path / "m")
    assert np.array_equal(again.user_factors_, als.user_factors_)
    pd.testing.assert_frame_equal(again.recommend([3, 4], k=5), als.recommend([3, 4], k=5))
    assert len(als.similar_items([7], k=3)) == 3
    assert als.score(TRAIN) < 0.5


def test_what_it_is_not_for() -> None:
    for params in ({"implicit": True}, {"nonnegative": True}):
        with refused(ValueError, "method='gibbs' samples explicit ratings"):
            ALS(method="gibbs", **params).fit(TRAIN)
    with refused(ValueError, "return_std needs samples"):
        ALS(rank=2).fit(TRAIN).predict([1], [1], return_std=True)


def test_more_samples_than_a_model_holds_are_refused_before_the_first_sweep() -> None:
    n = 200
    ratings = (list(range(n)), list(range(n)), [3.0] * n)
    huge = ALS(method="gibbs", rank=4096, n_samples=4096)
    with refused(ValueError, "4096 samples of 200 rows", "fewer n_samples"):
        huge.fit(ratings)
