"""ALS against plain NumPy in float64 (tests/golden), and against Spark's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden.reference_als import Problem, converge, half_step, iterate, objective, problem
from support.small import Small, plays, stars

from mllib_py import ALS

pytestmark = pytest.mark.usefixtures("spark")

GOLDEN: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "golden" / "als.json").read_text(encoding="utf-8")
)


def ratings(case: dict[str, Any]) -> tuple[Any, Any, Any]:
    return case["users"], case["items"], case["values"]


def dense(case: dict[str, Any]) -> Problem:
    parameters = {k: v for k, v in case["parameters"].items() if k != "rank"}
    return problem(*(np.array(c) for c in ratings(case)), **parameters)


def relative(found: Any, expected: Any) -> float:
    """The Frobenius norm of the difference by that of what was expected."""
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


@pytest.mark.parametrize("name", GOLDEN)
def test_a_long_fit_ends_in_an_optimum_that_numpy_reached(name: str) -> None:
    case = GOLDEN[name]
    als = ALS(**case["parameters"], max_iter=60, strategy="broadcast").fit(ratings(case))
    reached = objective(dense(case), als.user_factors_, als.item_factors_)
    assert min(abs(reached / optimum - 1) for optimum in case["optima"]) < 2e-3


@pytest.mark.parametrize("name", GOLDEN)
def test_iterations_follow_those_of_numpy(name: str) -> None:
    case = GOLDEN[name]
    start = ALS(**case["parameters"], max_iter=1).fit(ratings(case))
    end = ALS(**case["parameters"], max_iter=6).fit(ratings(case))
    users, items = iterate(dense(case), start.item_factors_, 5)
    assert relative(end.user_factors_, users) < 1e-3
    assert relative(end.item_factors_, items) < 1e-3


@pytest.mark.parametrize(
    ("mode", "rank"),
    [("explicit", rank) for rank in (1, 2, 7, 8, 9, 16, 33)]
    + [(mode, rank) for mode in ("implicit", "nonnegative") for rank in (3, 17)],
)
def test_a_half_step_is_exact_at_any_rank(rank: int, mode: str) -> None:
    data = plays(60, 40, 0.6) if mode == "implicit" else stars(60, 40, 0.6)
    parameters: dict[str, Any] = {"reg": 0.1} | ({} if mode == "explicit" else {mode: True})
    als = ALS(rank=rank, max_iter=2, **parameters).fit(data)
    p = problem(*data, **parameters)
    # Items are solved last, so they are the best there are for these users.
    assert relative(als.item_factors_, half_step(p.transposed, als.user_factors_)) < 2e-4


def test_rows_of_many_ratings_are_exact() -> None:
    """More ratings in a row than a tile of the kernel has place for, and not a multiple of it."""
    data = stars(3, 700, 0.95, seed=4)
    als = ALS(rank=5, max_iter=2).fit(data)
    p = problem(*data, reg=0.1)
    best = half_step(p, half_step(p.transposed, als.user_factors_))
    again = half_step(p, als.item_factors_)
    assert relative(als.item_factors_, half_step(p.transposed, als.user_factors_)) < 2e-4
    assert relative(again, best) < 2e-4


def test_the_golden_numbers_are_what_their_script_makes() -> None:
    case = GOLDEN["implicit"]
    assert case["values"] == plays().values.tolist()
    p = dense(case)
    x, y = converge(p, case["parameters"]["rank"], seed=0)
    assert min(abs(objective(p, x, y) / optimum - 1) for optimum in case["optima"]) < 1e-6


# --- Spark's own ALS


@pytest.fixture
def sparks_als(spark: Any) -> Iterator[Any]:
    """Spark's estimator, which leaves its factors persisted.

    Few iterations: its lineage overflows the stack of a fresh JVM from about twelve.
    """
    from pyspark.ml.recommendation import ALS as SparksALS

    yield SparksALS(
        userCol="user", itemCol="item", seed=1, numUserBlocks=1, numItemBlocks=1, regParam=0.2
    )
    for rdd in spark.sparkContext._jsc.getPersistentRDDs().values():
        rdd.unpersist()


def rmse(predicted: Any, data: Small) -> float:
    return float(np.sqrt(np.mean((predicted - data.values) ** 2)))


def test_rmse_is_that_of_sparks_als(spark: Any, sparks_als: Any) -> None:
    data = stars(80, 50, 0.4, seed=11)
    held = np.arange(len(data.users)) % 5 == 0
    train, test = Small(*(c[~held] for c in data)), Small(*(c[held] for c in data))
    ours = ALS(rank=3, max_iter=8, reg=0.05).fit(train)
    theirs = sparks_als.setParams(rank=3, maxIter=8, regParam=0.05).fit(
        spark.createDataFrame(train.frame())
    )
    for part in (train, test):
        frame = theirs.transform(spark.createDataFrame(part.frame())).toPandas()
        expected = rmse(frame["prediction"], part._replace(values=frame["rating"].to_numpy()))
        assert ours.score(part) == pytest.approx(expected, rel=0.02)


def test_implicit_factors_are_worth_what_sparks_are(spark: Any, sparks_als: Any) -> None:
    data = plays(40, 30, 0.4)
    theirs = sparks_als.setParams(rank=2, maxIter=8, implicitPrefs=True, alpha=2.0).fit(
        spark.createDataFrame(data.frame())
    )
    ours = ALS(rank=2, max_iter=8, reg=0.2, implicit=True, alpha=2.0).fit(data)
    p = problem(*data, reg=0.2, implicit=True, alpha=2.0)
    x, y = (
        np.array(f.toPandas().sort_values("id")["features"].tolist())
        for f in (theirs.userFactors, theirs.itemFactors)
    )
    assert objective(p, ours.user_factors_, ours.item_factors_) == pytest.approx(
        objective(p, x, y), rel=0.01
    )
    # Theirs solves users last, and to the same formula: so it is MLlib's.
    assert relative(x, half_step(p, y)) < 1e-4
