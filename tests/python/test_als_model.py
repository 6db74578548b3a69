"""What a fitted model answers: predictions, recommendations, scores, arrays, frames."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from support.refusal import refused
from support.small import stars

import mllib_py
from mllib_py import ALS

pytestmark = pytest.mark.usefixtures("spark")

DATA = stars()


@pytest.fixture(scope="module")
def als(spark: Any) -> ALS:
    return ALS(rank=3, max_iter=3).fit(DATA)


@pytest.fixture(scope="module")
def scores(als: ALS) -> NDArray[np.float64]:
    """All users by all items, in NumPy."""
    return als.user_factors_.astype(np.float64) @ als.item_factors_.astype(np.float64).T


def seen(als: ALS) -> NDArray[np.bool_]:
    found = np.zeros((len(als.user_ids_), len(als.item_ids_)), dtype=bool)
    rows = np.searchsorted(als.user_ids_, DATA.users)
    found[rows, np.searchsorted(als.item_ids_, DATA.items)] = True
    return found


# --- arrays


def test_arrays_are_numpys_and_in_the_order_of_the_ids(als: ALS) -> None:
    assert np.array_equal(als.user_ids_, np.unique(DATA.users))
    assert np.array_equal(als.item_ids_, np.unique(DATA.items))
    assert als.user_factors_.shape == (25, 3)
    assert als.item_factors_.shape == (15, 3)
    assert als.user_factors_.dtype == als.item_factors_.dtype == np.float32


def test_arrays_are_fetched_once(als: ALS) -> None:
    assert np.shares_memory(als.user_factors_, als.user_factors_)
    assert als.item_ids_ is als.item_ids_


@pytest.mark.parametrize("side", ["user", "item"])
def test_a_frame_has_the_factors(als: ALS, side: str) -> None:
    found = als.factors_frame(side)
    assert found.dtypes == [(side, "bigint"), ("features", "array<float>")]
    table = found.toPandas()
    assert table[side].tolist() == getattr(als, f"{side}_ids_").tolist()
    assert np.array_equal(np.array(table["features"].tolist()), getattr(als, f"{side}_factors_"))


def test_a_frame_has_text_ids_and_own_names() -> None:
    table = DATA.frame().rename(columns={"user": "who"})
    table["who"] = table["who"].map("user {}".format)
    als = ALS(rank=2, max_iter=1, user_col="who").fit(table)
    found = als.factors_frame("user")
    assert found.dtypes[0] == ("who", "string")
    assert [row["who"] for row in found.collect()] == als.user_ids_.tolist()
    with refused(ValueError, "side must be 'user' or 'item', not 'users'"):
        als.factors_frame("users")


# --- predict


def test_predictions_are_products(als: ALS, scores: NDArray[np.float64]) -> None:
    users, items = np.repeat(als.user_ids_, 15), np.tile(als.item_ids_, 25)
    found = als.predict(users, items)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, scores.ravel(), rtol=1e-5, atol=1e-6)


def test_one_pair_or_none_is_predicted(als: ALS, scores: NDArray[np.float64]) -> None:
    assert als.predict(1, 2) == pytest.approx([scores[0, 0]], rel=1e-5)
    assert als.predict([], []).shape == (0,)
    assert als.predict([], []).dtype == np.float32


# --- recommend


@pytest.mark.parametrize("exclude_seen", [True, False])
@pytest.mark.parametrize("k", [1, 4, 15, 1000, 10**12])
def test_recommendations_are_the_best_of_all(
    als: ALS, scores: NDArray[np.float64], k: int, exclude_seen: bool
) -> None:
    masked = np.where(seen(als) & exclude_seen, -np.inf, scores)
    order = np.argsort(-masked, axis=1, kind="stable")
    found = als.recommend(k=k, exclude_seen=exclude_seen)
    assert found.columns.tolist() == ["user", "item", "score", "rank"]
    for row, (user, table) in enumerate(found.groupby("user", sort=False)):
        best = [i for i in order[row] if masked[row, i] > -np.inf][:k]
        assert user == als.user_ids_[row]
        assert table["item"].tolist() == als.item_ids_[best].tolist()
        np.testing.assert_allclose(table["score"], masked[row, best], rtol=1e-5, atol=1e-6)
        assert table["rank"].tolist() == list(range(1, len(best) + 1))
    assert found["user"].nunique() == 25


def test_recommendations_are_what_predict_says(als: ALS) -> None:
    found = als.recommend(k=3)
    np.testing.assert_allclose(found["score"], als.predict(found["user"], found["item"]), rtol=1e-6)


def test_ties_go_to_the_lower_id() -> None:
    # The items are rated alike, so they have the same factors.
    users, items = np.repeat([1, 2, 3], 6), np.tile([50, 10, 40, 20, 30, 60], 3)
    als = ALS(rank=2, max_iter=2).fit((users, items, np.repeat([1.0, 4.0, 2.0], 6)))
    found = als.recommend([2], k=4, exclude_seen=False)
    assert found["item"].tolist() == [10, 20, 30, 40]
    texts = ALS(rank=2, max_iter=2).fit((users, list(map(str, items)), np.repeat([1.0, 4, 2], 6)))
    assert texts.recommend([2], k=3, exclude_seen=False)["item"].tolist() == ["10", "20", "30"]


def test_users_come_in_the_order_asked_and_as_often(als: ALS) -> None:
    found = als.recommend([22, 1, 22], k=2)
    assert found["user"].tolist() == [22, 22, 1, 1, 22, 22]
    assert found["rank"].tolist() == [1, 2] * 3
    assert found[:2].equals(found[4:].reset_index(drop=True))


def test_one_user_or_none_is_asked_for(als: ALS) -> None:
    assert als.recommend(22, k=2).equals(als.recommend([22], k=2))
    nobody = als.recommend([], k=2)
    assert nobody.columns.tolist() == ["user", "item", "score", "rank"]
    assert len(nobody) == 0


def test_unknown_users_get_nothing_and_a_warning(als: ALS) -> None:
    with pytest.warns(UserWarning, match=r"2 of the users were not in the training data"):
        found = als.recommend([999, 1, -5, 4], k=2)
    assert found["user"].tolist() == [1, 1, 4, 4]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        als.recommend([1, 4])


def test_a_user_who_has_seen_everything_gets_nothing() -> None:
    als = ALS(rank=1, max_iter=1).fit(([1, 1, 2], [5, 6, 5], [1.0, 2.0, 3.0]))
    assert als.recommend()[["user", "item"]].to_numpy().tolist() == [[2, 6]]


def test_zeros_and_dislikes_count_as_seen() -> None:
    als = ALS(rank=1, max_iter=1, implicit=True).fit(
        ([1, 1, 1, 2, 2], [5, 6, 7, 7, 8], [1.0, 0.0, -1.0, 1.0, 1.0])
    )
    assert als.recommend([1])["item"].tolist() == [8]


def test_columns_are_named_as_the_data(als: ALS) -> None:
    table = DATA.frame().rename(columns={"user": "who", "item": "film", "rating": "stars"})
    named = ALS(rank=3, max_iter=3, user_col="who", item_col="film", rating_col="stars").fit(table)
    found = named.recommend(k=1)
    assert found.columns.tolist() == ["who", "film", "score", "rank"]
    assert found["film"].tolist() == als.recommend(k=1)["item"].tolist()


def test_text_users_get_text_items() -> None:
    table = DATA.frame().astype({"user": str, "item": str})
    als = ALS(rank=3, max_iter=3).fit(table)
    found = als.recommend(["22", "1"], k=2)
    assert found["user"].tolist() == ["22", "22", "1", "1"]
    assert set(found["item"]) <= set(als.item_ids_)
    assert all(isinstance(i, str) for i in found["item"])


@pytest.mark.parametrize("k", [0, -1, 2.5, "3", None, True])
def test_a_number_of_items_that_is_none(als: ALS, k: Any) -> None:
    with refused(ValueError, "k must be an integer of at least 1", repr(k)):
        als.recommend(k=k)


def test_recommending_on_the_cluster_gives_the_same(spark: Any) -> None:
    """So many users and items that the scores are shared out to tasks."""
    n = 4500
    draw = np.random.default_rng(5)
    users = np.concatenate([np.arange(n), draw.integers(0, n, n)])
    items = np.concatenate([draw.permutation(n), draw.integers(0, n, n)])
    data = (users, items, draw.random(2 * n).astype(np.float32))
    als = ALS(rank=2, max_iter=1, duplicates="mean").fit(data)
    assert len(als.item_ids_) == n
    found = als.recommend(k=2)
    some = als.recommend(als.user_ids_[::500], k=2)
    expected = found[found["user"].isin(als.user_ids_[::500])].reset_index(drop=True)
    pd.testing.assert_frame_equal(some, expected)


# --- score


def test_score_is_the_rmse(als: ALS, scores: NDArray[np.float64]) -> None:
    error = scores[seen(als)] - DATA.values  # both by user, then item
    assert als.score(DATA) == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-5)


def test_score_takes_what_fit_takes(als: ALS, spark: Any) -> None:
    expected = als.score(DATA)
    r = mllib_py.ratings(DATA)
    for given in (DATA.frame(), spark.createDataFrame(DATA.frame()), r):
        assert als.score(given) == pytest.approx(expected, rel=1e-9)
    r.release()


def test_score_of_other_ids_is_told_apart(als: ALS) -> None:
    with refused(TypeError, "users are text ids"):
        als.score(DATA.frame().astype({"user": str}))
