"""Parameters that are refused, duplicates, and users that the model does not know."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.refusal import refused
from support.small import stars

import mllib_py
from mllib_py import ALS

pytestmark = pytest.mark.usefixtures("spark")

DATA = stars()

# --- parameters

OUT_OF_RANGE: list[tuple[str, Any, str]] = [
    ("rank", 0, "rank must be at least 1, not 0"),
    ("rank", -3, "rank must be at least 1, not -3"),
    ("rank", 5000, "rank must be at most 4096, not 5000"),
    ("rank", 2**40, "rank must be at most 4096"),
    ("max_iter", 0, "max_iter must be at least 1, not 0"),
    ("max_iter", 2**40, "max_iter must be at most"),
    ("reg", -0.1, "reg must be at least 0.0, not -0.1"),
    ("reg", math.nan, "reg must be a finite number, not nan"),
    ("reg", math.inf, "reg must be a finite number, not inf"),
    ("reg", 1e39, "reg must be at most"),
    ("alpha", -1, "alpha must be at least 0.0, not -1"),
    ("alpha", 1e39, "alpha must be at most"),
    ("tol", -1e-3, "tol must be at least 0.0, not -0.001"),
    ("num_blocks", 0, "num_blocks must be at least 1, not 0"),
    ("num_blocks", 10**9, "num_blocks must be at most 4096"),
    (
        "strategy",
        "fastest",
        "one of 'auto', 'broadcast', 'data-parallel', 'blocked', 'hybrid', not 'fastest'",
    ),
    ("solver", "magic", "solver must be one of 'auto', 'cholesky'"),
    ("duplicates", "first", "duplicates must be one of 'error', 'sum', 'mean', 'last'"),
    ("cold_start", "skip", "one of 'nan', 'mean', 'popular', 'drop', 'error'"),
    ("random_state", 2**64, "random_state must be an integer of 64 bits, not 18446744073709551616"),
]
MISTYPED: list[tuple[str, Any, str]] = [
    ("rank", "ten", 'rank must be an integer, not "ten"'),
    ("rank", 2.5, "rank must be an integer, not 2.5"),
    ("rank", True, "rank must be an integer, not true"),
    ("rank", None, "rank must be an integer, not null"),
    ("reg", "0.1", 'reg must be a finite number, not "0.1"'),
    ("reg", None, "reg must be a finite number, not null"),
    ("reg", [0.1, 0.2], "reg must be a finite number, not [0.1,0.2]"),
    ("implicit", 1, "implicit must be true or false, not 1"),
    ("implicit", "yes", 'implicit must be true or false, not "yes"'),
    ("strategy", None, "strategy must be a text, not null"),
    ("strategy", 3, "strategy must be a text, not 3"),
    ("user_col", 0, "user_col must be a text, not 0"),
    ("random_state", None, "random_state must be an integer, not null"),
    ("random_state", 0.5, "random_state must be an integer, not 0.5"),
]


def names(cases: list[tuple[str, Any, str]]) -> list[str]:
    return [f"{name}={value!r}" for name, value, _ in cases]


@pytest.mark.parametrize(("name", "value", "said"), OUT_OF_RANGE, ids=names(OUT_OF_RANGE))
def test_a_value_out_of_range(name: str, value: Any, said: str) -> None:
    with refused(ValueError, said):
        ALS(**{name: value}).fit(tuple(DATA))


@pytest.mark.parametrize(("name", "value", "said"), MISTYPED, ids=names(MISTYPED))
def test_a_value_of_another_type(name: str, value: Any, said: str) -> None:
    with refused(TypeError, said):
        ALS(**{name: value}).fit(tuple(DATA))


def test_a_parameter_that_there_is_none_of() -> None:
    with pytest.raises(TypeError, match="ranks"):
        ALS(ranks=3)  # type: ignore[call-arg]


def test_parameters_are_checked_before_the_data_are_looked_at() -> None:
    with refused(ValueError, "rank"):
        ALS(rank=0).fit("/nowhere/at/all")


def test_integers_do_for_numbers() -> None:
    als = ALS(rank=2, max_iter=1, reg=1, alpha=2, tol=0).fit(DATA)
    same = ALS(rank=2, max_iter=1, reg=1.0, alpha=2.0, tol=0.0).fit(DATA)
    assert np.array_equal(als.item_factors_, same.item_factors_)


@pytest.mark.parametrize("seed", [0, -1, 2**63 - 1, -(2**63)])
def test_any_64_bit_integer_is_a_seed(seed: int) -> None:
    als = ALS(rank=2, max_iter=1, random_state=seed).fit(DATA)
    other = ALS(rank=2, max_iter=1, random_state=seed ^ 1).fit(DATA)
    assert not np.array_equal(als.item_factors_, other.item_factors_)


# --- numbers that are too much for float32


@pytest.mark.parametrize("size", [1e-30, 1e15, 1e30, 3e38])
@pytest.mark.parametrize("mode", [{}, {"implicit": True}, {"nonnegative": True}])
def test_factors_are_never_nan(size: float, mode: dict[str, Any]) -> None:
    data = DATA._replace(values=np.float32(size) * (DATA.values / 5))
    try:
        als = ALS(rank=3, max_iter=3, **mode).fit(data)
    except mllib_py.MLlibError as e:
        assert "raise reg, or scale the ratings down" in str(e)  # noqa: PT017
    else:
        assert np.isfinite(als.user_factors_).all()
        assert np.isfinite(als.item_factors_).all()
        assert all(math.isfinite(h["objective"]) for h in als.history_)


@pytest.mark.parametrize("mode", [{}, {"implicit": True}, {"nonnegative": True}])
def test_a_singular_system_has_a_stated_fallback(mode: dict[str, Any]) -> None:
    one = ([1, 1, 2], [1, 2, 1], [5.0, 3.0, 4.0])
    als = ALS(rank=6, max_iter=5, reg=0.0, **mode).fit(one)
    assert np.isfinite(als.user_factors_).all()
    assert np.isfinite(als.item_factors_).all()
    if not mode:
        np.testing.assert_allclose(als.predict(one[0], one[1]), one[2], rtol=1e-2)


@pytest.mark.parametrize("implicit", [False, True])
def test_ratings_that_are_all_zero_give_factors_of_zero(implicit: bool) -> None:
    als = ALS(rank=2, max_iter=2, implicit=implicit).fit(([1, 1, 2], [1, 2, 1], [0.0, 0.0, 0.0]))
    assert not als.user_factors_.any()
    assert not als.item_factors_.any()


# --- duplicates

TWICE = pd.DataFrame(
    {
        "user": [1, 1, 2, 1, 2, 1],
        "item": [5, 6, 5, 5, 7, 5],
        "rating": [3.0, 1.0, 2.0, 5.0, 4.0, 1.0],
    }
)
POLICIES = {"sum": 9.0, "mean": 3.0, "last": 1.0}


def test_duplicates_are_refused_with_some_of_them_named() -> None:
    with refused(ValueError, "2 ratings repeat", "(1, 5) 3 times", "duplicates='sum'"):
        ALS().fit(TWICE)


def test_duplicates_of_texts_are_named_as_they_are(spark: Any) -> None:
    table = TWICE.assign(item=TWICE["item"].map("film {}".format))
    for given in (table, spark.createDataFrame(table)):
        with refused(ValueError, "(1, 'film 5') 3 times"):
            ALS().fit(given)


def test_few_of_many_duplicates_are_named() -> None:
    users, items, values = (np.tile(column, 3) for column in DATA)
    with refused(ValueError, f"{2 * len(DATA.users)} ratings repeat", "3 times") as _:
        ALS().fit((users, items, values))


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("strategy", ["broadcast", "data-parallel", "blocked", "hybrid"])
def test_duplicates_become_one(policy: str, strategy: str) -> None:
    once = TWICE.drop_duplicates(["user", "item"]).copy()
    once.loc[0, "rating"] = POLICIES[policy]
    found = ALS(rank=2, max_iter=2, duplicates=policy, strategy=strategy).fit(TWICE)
    expected = ALS(rank=2, max_iter=2, strategy=strategy).fit(once)
    assert np.array_equal(found.user_factors_, expected.user_factors_)
    assert np.array_equal(found.item_factors_, expected.item_factors_)


@pytest.mark.parametrize("holder", ["pandas", "Spark", "CSV"])
def test_the_last_is_the_latest_where_there_are_timestamps(
    holder: str, spark: Any, tmp_path: Any
) -> None:
    timed = TWICE.assign(timestamp=[10, 0, 0, 30, 0, 20])
    data: Any = timed
    if holder == "Spark":
        data = spark.createDataFrame(timed).repartition(3)
    if holder == "CSV":
        data = tmp_path / "r.csv"
        timed.to_csv(data, index=False)
    once = TWICE.drop_duplicates(["user", "item"]).copy()
    once.loc[0, "rating"] = 5.0
    found = ALS(rank=2, max_iter=2, duplicates="last").fit(data)
    assert np.array_equal(found.item_factors_, ALS(rank=2, max_iter=2).fit(once).item_factors_)


def test_duplicates_across_two_sets_are_seen() -> None:
    with_one, more = mllib_py.ratings(TWICE[:3]), mllib_py.ratings(TWICE[3:4])
    both = with_one.union(more)
    with refused(ValueError, "1 ratings repeat", "(1, 5) 2 times"):
        ALS().fit(both)
    last = ALS(rank=2, max_iter=1, duplicates="last").fit(both)
    expected = ALS(rank=2, max_iter=1).fit(([1, 1, 2], [5, 6, 5], [5.0, 1.0, 2.0]))
    assert np.array_equal(last.item_factors_, expected.item_factors_)
    with_one.release()
    more.release()


# --- users and items that the model does not know


def fitted(cold_start: str) -> ALS:
    return ALS(rank=2, max_iter=2, cold_start=cold_start).fit(DATA)


USERS, ITEMS = [1, 999, 1, 999], [2, 2, 888, 888]


def test_cold_start_nan() -> None:
    found = fitted("nan").predict(USERS, ITEMS)
    assert np.isnan(found).tolist() == [False, True, True, True]


def test_cold_start_mean() -> None:
    als = fitted("mean")
    found = als.predict(USERS, ITEMS)
    assert found[1:].tolist() == [np.float32(als.mean_rating_)] * 3
    assert als.mean_rating_ == pytest.approx(DATA.values.mean(), rel=1e-6)
    assert found[0] == fitted("nan").predict([1], [2])[0]


def test_cold_start_error() -> None:
    als = fitted("error")
    with refused(ValueError, "2 of the users", "not in the training data"):
        als.predict(USERS, ITEMS)
    with refused(ValueError, "2 of the items", "not in the training data"):
        als.predict([1, 1, 4, 4], ITEMS)
    with refused(ValueError, "1 of the users", "not in the training data"):
        als.recommend([1, 999])
    with refused(ValueError, "3 ratings", "not in the training data"):
        als.score((USERS, ITEMS, [1.0] * 4))
    assert np.isfinite(als.predict([1, 4], [2, 2])).all()


def test_scores_leave_out_what_is_unknown_and_say_so() -> None:
    als = fitted("nan")
    with pytest.warns(UserWarning, match="3 ratings of unknown users or items were left out"):
        found = als.score((USERS, ITEMS, [1.0] * 4))
    assert found == pytest.approx(abs(1.0 - als.predict([1], [2])[0]), rel=1e-6)


def test_a_score_of_nothing_known_is_refused() -> None:
    with refused(ValueError, "no rating is of a user and an item that were in the training data"):
        fitted("nan").score(([999], [2], [1.0]))


def test_scores_take_the_mean_for_what_is_unknown() -> None:
    als = fitted("mean")
    errors = np.array([1.0] * 4) - als.predict(USERS, ITEMS).astype(np.float64)
    found = als.score((USERS, ITEMS, [1.0] * 4))
    assert found == pytest.approx(np.sqrt((errors**2).mean()), rel=1e-6)


@pytest.mark.parametrize("bad", [[1.0], [True], [None], [b"x"], [(1, 2)]])
def test_ids_asked_for_that_are_no_ids(bad: list[Any]) -> None:
    als = fitted("nan")
    with pytest.raises((TypeError, ValueError)) as caught:
        als.predict(bad, [2])
    assert "users" in str(caught.value)


def test_pairs_of_different_lengths() -> None:
    with refused(ValueError, "differ in length: 2 and 3"):
        fitted("nan").predict([1, 2], [2, 9, 16])


@pytest.mark.parametrize("method", ["fit", "partial_fit", "score", "fold_in", "explain"])
def test_no_ratings_at_all_are_refused(method: str) -> None:
    als = ALS(rank=2, max_iter=1).fit(([1, 1, 2], [10, 20, 10], [5.0, 3.0, 4.0]))
    with refused(TypeError, "ratings must be", "not NoneType"):
        getattr(als, method)(None)


def test_a_weight_of_what_nobody_rated_is_for_implicit_feedback() -> None:
    with refused(ValueError, "unobserved_weight is for implicit feedback", "implicit=True"):
        ALS(unobserved_weight=0.1).fit(stars())
