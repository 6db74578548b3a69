"""Data at the edge of what can be learnt from: a right answer, a warning or a clear refusal."""

from __future__ import annotations

import math
import random
import warnings
from typing import Any

import numpy as np
import pytest
from golden.reference_als import objective, problem
from support.small import Small, plays, stars

import mllib_py
from mllib_py import ALS

pytestmark = pytest.mark.usefixtures("spark")

STRATEGIES = ["broadcast", "data-parallel", "blocked", "hybrid"]
SOLVERS: dict[str, dict[str, Any]] = {
    "cholesky": {"solver": "cholesky"},
    "cg": {"solver": "cg"},
    "ials++": {"solver": "ials++", "block_size": 16},
    "nonnegative": {"nonnegative": True},
    "implicit": {"implicit": True},
    "implicit cg": {"implicit": True, "solver": "cg"},
    "implicit ials++": {"implicit": True, "solver": "ials++", "block_size": 16},
    "implicit nonnegative": {"implicit": True, "nonnegative": True},
}
EXPLICIT = [name for name in SOLVERS if "implicit" not in name]


def check_finite(als: ALS) -> None:
    assert np.isfinite(als.user_factors_).all()
    assert np.isfinite(als.item_factors_).all()
    assert all(math.isfinite(step["objective"]) for step in als.history_)


def is_same(a: ALS, b: ALS) -> bool:
    """Bit for bit."""
    return np.array_equal(a.user_factors_, b.user_factors_) and np.array_equal(
        a.item_factors_, b.item_factors_
    )


def column(n: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.arange(n, dtype=np.int64)


# --- shapes at the edge

EDGES: dict[str, Small] = {
    "one rating": Small(column(1), column(1), np.float32([4])),
    "one user": Small(column(1).repeat(9), column(9), np.float32(column(9) % 5 + 1)),
    "one item": Small(column(9), column(1).repeat(9), np.float32(column(9) % 5 + 1)),
    "all equal": stars(12, 8)._replace(values=np.full(len(stars(12, 8).values), 3, np.float32)),
    "no pair shares a row": Small(column(6), column(6), np.float32(column(6) % 5 + 1)),
}


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("name", SOLVERS)
def test_edges_have_a_right_answer(name: str, edge: str) -> None:
    """The rank is above the number of items, there are more blocks than ratings, no matter."""
    data, plan = EDGES[edge], SOLVERS[name]
    one = ALS(rank=20, max_iter=2, num_blocks=1, **plan).fit(data)
    many = ALS(rank=20, max_iter=2, num_blocks=10, strategy="blocked", **plan).fit(data)
    assert is_same(one, many)
    check_finite(one)
    if "cg" not in name and "ials++" not in name:
        hybrid = ALS(rank=20, max_iter=2, num_blocks=10, strategy="hybrid", **plan).fit(data)
        found, right = (m.predict(data.users, data.items) for m in (hybrid, one))
        np.testing.assert_allclose(found, right, atol=1e-3)
    known = {k: v for k, v in plan.items() if k in ("implicit", "nonnegative")}
    p = problem(*data, reg=0.1, **known)
    found = [step["objective"] for step in one.history_]
    assert found[-1] == pytest.approx(
        objective(p, one.user_factors_, one.item_factors_), rel=1e-3, abs=1e-4
    )
    assert found[-1] <= found[0] * (1 + 1e-5)


@pytest.mark.parametrize("name", EXPLICIT)
def test_equal_ratings_are_predicted(name: str) -> None:
    data = EDGES["all equal"]
    als = ALS(rank=3, max_iter=20, reg=1e-3, **SOLVERS[name]).fit(data)
    np.testing.assert_allclose(als.predict(data.users, data.items), 3, rtol=0.02)


# --- partitions


@pytest.mark.parametrize("name", SOLVERS)
def test_empty_partitions_and_partitions_of_one_row(name: str, spark: Any) -> None:
    data = plays(6, 4) if "implicit" in name else stars(6, 4)
    triples = [(int(u), int(i), float(r)) for u, i, r in zip(*data, strict=True)]
    lone = spark.sparkContext.parallelize(triples[:3], 5)
    rest = spark.sparkContext.parallelize(triples[3:], 1)
    frame = lone.union(rest).toDF("user long, item long, rating float")
    plan = {"rank": 3, "max_iter": 2, **SOLVERS[name]}
    assert is_same(ALS(num_blocks=3, **plan).fit(frame), ALS(num_blocks=1, **plan).fit(data))


def test_users_that_a_filter_leaves_without_ratings_are_not_there(spark: Any) -> None:
    data = stars(12, 8)
    gone = data.users[0]
    kept = Small(*(column[data.users != gone] for column in data))
    frame = spark.createDataFrame(data.frame()).where(f"user != {gone}")
    als = ALS(rank=3, max_iter=2).fit(frame)
    assert gone not in als.user_ids_
    assert is_same(als, ALS(rank=3, max_iter=2).fit(kept))
    assert math.isnan(als.predict([gone], [data.items[0]])[0])


@pytest.mark.parametrize("edge", EDGES)
def test_edges_can_be_sampled(edge: str) -> None:
    plan = {"method": "gibbs", "rank": 5, "n_samples": 2, "burn_in": 1, "thin": 1}
    one = ALS(num_blocks=1, **plan).fit(EDGES[edge])
    many = ALS(num_blocks=10, strategy="blocked", **plan).fit(EDGES[edge])
    assert is_same(one, many)
    check_finite(one)


# --- numbers


@pytest.mark.parametrize("size", [1e-30, 1e30])
@pytest.mark.parametrize("name", SOLVERS)
def test_ratings_of_extreme_size(name: str, size: float) -> None:
    data = stars(12, 8)
    data = data._replace(values=np.float32(size) * (data.values / 5))
    try:
        als = ALS(rank=3, max_iter=3, **SOLVERS[name]).fit(data)
    except mllib_py.MLlibError as e:
        assert "raise reg, or scale the ratings down" in str(e)  # noqa: PT017
    else:
        check_finite(als)
        # The ratings scaled down to 1, with as much regularisation, are the same problem.
        usual = ALS(rank=3, max_iter=3, **SOLVERS[name]).fit(
            data._replace(values=data.values / np.float32(size))
        )
        found, right = (m.predict(data.users, data.items) for m in (als, usual))
        if "implicit" in name:
            assert np.isfinite(found).all()
        elif size > 1:
            np.testing.assert_allclose(found / np.float32(size), right, atol=0.2)


# --- singular systems

# The second item repeats the first: so do the factors that users are solved against.
SINGULAR = ([1, 1, 2, 2, 3, 3], [1, 2, 1, 2, 1, 2], [5.0, 5.0, 4.0, 4.0, 1.0, 1.0])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_singular_system_is_warned_of(strategy: str) -> None:
    with pytest.warns(UserWarning, match=r"\d+ rows had a singular system.*raise reg or lower"):
        als = ALS(rank=6, max_iter=5, reg=0.0, strategy=strategy).fit(SINGULAR)
    check_finite(als)
    np.testing.assert_allclose(als.predict(*SINGULAR[:2]), SINGULAR[2], rtol=1e-2)


@pytest.mark.parametrize("name", SOLVERS)
def test_no_ridge_gives_no_nan(name: str) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*singular system")
        check_finite(ALS(rank=6, max_iter=5, reg=0.0, **SOLVERS[name]).fit(SINGULAR))


@pytest.mark.parametrize("name", SOLVERS)
def test_a_ridge_is_not_warned_of(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ALS(rank=6, max_iter=5, **SOLVERS[name]).fit(SINGULAR)


# --- data that are not the same twice


def test_ratings_that_change_with_each_reading_are_read_once(spark: Any) -> None:
    data = stars()
    triples = [(int(u), int(i), float(r)) for u, i, r in zip(*data, strict=True)]
    # Workers are forks: only the system's random numbers differ among them.
    some = spark.sparkContext.parallelize(triples, 2).filter(
        lambda _: random.SystemRandom().random() < 0.7
    )
    als = ALS(rank=2, max_iter=2).fit(some)
    check_finite(als)
    assert als.user_ids_.size <= np.unique(data.users).size


def test_a_seeded_draw_is_no_change(spark: Any) -> None:
    frame = spark.createDataFrame(stars().frame()).selectExpr(
        "user", "item", "cast(rand(5) as float) as rating"
    )
    check_finite(ALS(rank=2, max_iter=1).fit(frame))


# --- long rows beside short ones


@pytest.mark.parametrize("name", SOLVERS)
def test_a_row_of_a_hundred_thousand_ratings_beside_rows_of_one(name: str) -> None:
    n = 100_000
    users = np.concatenate([np.zeros(n, np.int64), column(50) + 1])
    items = np.concatenate([column(n), column(50)])
    data = Small(users, items, np.float32(items % 5 + 1))
    plan = {"rank": 4, "max_iter": 1, **SOLVERS[name]}
    one = ALS(num_blocks=1, **plan).fit(data)
    many = ALS(num_blocks=3, strategy="blocked", **plan).fit(data)
    check_finite(one)
    assert is_same(one, many)
