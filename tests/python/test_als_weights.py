"""Confidence weights: what they mean in each objective, and every way that they come in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.optimize
import scipy.sparse
from numpy.typing import NDArray
from support.refusal import refused
from support.small import plays, stars

import mllib_py
from mllib_py import ALS

pytestmark = pytest.mark.usefixtures("spark")

Matrix = NDArray[np.float64]
DATA = {False: stars(), True: plays()}
MODES: dict[str, dict[str, Any]] = {
    "explicit": {},
    "explicit, biases": {"biases": True},
    "implicit": {"implicit": True, "alpha": 3.0},
    "implicit, unobserved": {"implicit": True, "unobserved_weight": 0.3},
    "nonnegative": {"nonnegative": True},
    "implicit, nonnegative": {"implicit": True, "nonnegative": True},
}
SOLVERS: dict[str, dict[str, Any]] = {
    "cholesky": {},
    "cg": {"solver": "cg", "cg_steps": 60},
    "ials++": {"solver": "ials++"},
}
GIBBS: dict[str, Any] = {"method": "gibbs", "rank": 2, "n_samples": 3, "burn_in": 2, "thin": 1}


def data(implicit: bool = False) -> pd.DataFrame:
    """Ratings with weights from 0 up, of few and of many distinct values."""
    table = DATA[implicit].frame()
    draw = np.random.default_rng(5)
    weights = draw.choice([0.0, 0.5, 1.0, 3.0], len(table)) + draw.choice([0, 1 / 3], len(table))
    return table.assign(w=weights.astype(np.float32))


def arrays(table: pd.DataFrame) -> tuple[Any, ...]:
    return tuple(table[c].to_numpy() for c in ("user", "item", "rating", "w"))


def fit(ratings: Any, **parameters: Any) -> ALS:
    return ALS(**{"rank": 3, "max_iter": 2, "weight_col": "w"} | parameters).fit(ratings)


def is_same(a: ALS, b: ALS) -> bool:
    return np.array_equal(a.user_factors_, b.user_factors_) and np.array_equal(
        a.item_factors_, b.item_factors_
    )


# --- what they mean


class Problem:
    """A weighted objective on dense matrices in float64, from its formula."""

    def __init__(self, table: pd.DataFrame, als: ALS) -> None:
        u = np.searchsorted(als.user_ids_, table["user"])
        i = np.searchsorted(als.item_ids_, table["item"])
        shape = len(als.user_ids_), len(als.item_ids_)
        r, w, seen = (np.zeros(shape) for _ in range(3))
        r[u, i], w[u, i], seen[u, i] = table["rating"], table["w"], 1
        self.reg, self.nonnegative = als.reg, als.nonnegative
        if not als.implicit:
            self.weights, self.targets, counted = w, (r - als.mean_rating_ * als.biases), seen
        else:
            self.targets = counted = ((r > 0) & (seen > 0)).astype(float)
            light = als.unobserved_weight
            self.weights = 1 + w * als.alpha * np.abs(r) if light is None else w * seen
        # Beside it, every pair with target 0.
        self.background = als.unobserved_weight or 0.0
        self.counts = counted.sum(axis=1), counted.sum(axis=0)

    def items(self, x: Matrix, pinned: int | None) -> Matrix:
        """The best items' rows for users' rows: each exactly."""
        out = np.empty((self.weights.shape[1], x.shape[1]))
        for i in range(len(out)):
            a = (x.T * (self.weights[:, i] + self.background)) @ x
            b = x.T @ (self.weights[:, i] * self.targets[:, i])
            a += self.reg * self.counts[1][i] * np.eye(len(a))
            if self.nonnegative:
                root = np.linalg.cholesky(a)
                out[i], _ = scipy.optimize.nnls(root.T, np.linalg.solve(root, b))
                continue
            free = [j for j in range(len(a)) if j != pinned]
            out[i] = 1
            if pinned is not None:
                b = b - a[:, pinned]
            out[i, free] = np.linalg.solve(a[np.ix_(free, free)], b[free])
        return out

    def objective(self, x: Matrix, y: Matrix, ones: tuple[int, int] | None) -> float:
        products = x @ y.T
        loss = (self.weights * (self.targets - products) ** 2).sum()
        loss += self.background * (products**2).sum()
        for rows, counts, one in zip((x, y), self.counts, ones or (None, None), strict=True):
            learnt = rows if one is None else np.delete(rows, one, axis=1)
            loss += self.reg * (counts * (learnt**2).sum(axis=1)).sum()
        return float(loss)


def whole(als: ALS, side: str) -> Matrix:
    """Factors with the columns of biases."""
    return als._array_of(side, "factors").astype(np.float64)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("mode", MODES)
def test_a_half_step_and_the_objective_are_numpys(mode: str, solver: str) -> None:
    table = data("implicit" in mode)
    als = fit(table, reg=0.2, **MODES[mode], **SOLVERS[solver])
    problem = Problem(table, als)
    x, y = whole(als, "user"), whole(als, "item")
    # Users' ones stand before the last column, items' in it: `Objective.pinned`.
    ones = (als.rank + 1, als.rank) if als.biases else None
    expected = problem.items(x, ones[1] if ones else None)
    tolerance = {"rtol": 1e-2, "atol": 3e-3} if "nonneg" in mode else {"rtol": 1e-3, "atol": 1e-3}
    np.testing.assert_allclose(y, expected, **tolerance)
    found = [h["objective"] for h in als.history_]
    assert found[-1] == pytest.approx(problem.objective(x, y, ones), rel=1e-4)
    assert found == sorted(found, reverse=True)


@pytest.mark.parametrize("solver", ["cholesky", "cg", "ials++"])
@pytest.mark.parametrize("mode", MODES)
def test_weights_of_one_change_nothing(mode: str, solver: str) -> None:
    table = data("implicit" in mode).assign(w=1)
    one = fit(table, solver=solver, **MODES[mode])
    assert is_same(one, fit(table, solver=solver, weight_col=None, **MODES[mode]))


def test_weights_all_larger_are_a_smaller_reg() -> None:
    table = data()
    for parameters in ({}, {"nonnegative": True}, {"biases": True}):
        some = fit(table, reg=0.1, **parameters)
        more = fit(table.assign(w=table["w"] * 4), reg=0.4, **parameters)
        np.testing.assert_allclose(more.item_factors_, some.item_factors_, atol=1e-4)
    table = data(implicit=True)
    some = fit(table, implicit=True, alpha=6.0)
    more = fit(table.assign(w=table["w"] * 2), implicit=True, alpha=3.0)
    np.testing.assert_allclose(more.item_factors_, some.item_factors_, atol=1e-4)


def test_a_rating_of_weight_zero_is_counted_and_seen_and_pulls_at_nothing() -> None:
    table = pd.concat([data(), pd.DataFrame([{"user": 1, "item": 2, "rating": 5, "w": 0}])])
    table = table.drop_duplicates(["user", "item"], keep="last")
    a, b = fit(table), fit(table.assign(rating=table["rating"].where(table["w"] > 0, -99)))
    assert is_same(a, b)
    assert 2 not in set(a.recommend([1], k=100)["item"])
    assert not is_same(a, fit(table[table["w"] > 0]))
    plain = {"reg_exponent": 0.0}
    left = table[table["w"] > 0]
    assert set(left["user"]) == set(table["user"])
    np.testing.assert_allclose(
        fit(table, **plain).user_factors_, fit(left, **plain).user_factors_, atol=1e-4
    )


@pytest.mark.parametrize("mode", ["explicit", "implicit, unobserved", "nonnegative"])
def test_strategies_blocks_and_order_do_not_matter(mode: str, spark: Any) -> None:
    table = data("implicit" in mode)
    one = fit(table, strategy="data-parallel", num_blocks=1, **MODES[mode])
    shuffled = spark.createDataFrame(table.sample(frac=1, random_state=1)).repartition(4)
    for strategy, blocks in (("broadcast", 3), ("data-parallel", 2), ("blocked", 7)):
        assert is_same(one, fit(shuffled, strategy=strategy, num_blocks=blocks, **MODES[mode]))
    other = fit(shuffled, strategy="hybrid", num_blocks=3, **MODES[mode])  # in another order
    np.testing.assert_allclose(other.item_factors_, one.item_factors_, rtol=1e-3, atol=1e-4)


# --- sampling


def test_in_sampling_a_weight_multiplies_the_precision() -> None:
    table = data()
    some = fit(table, **GIBBS, noise_precision=2.0)
    more = fit(table.assign(w=table["w"] * 4), **GIBBS, noise_precision=0.5)
    assert is_same(some, more)
    ones = table.assign(w=1.0)
    assert is_same(fit(ones, **GIBBS), fit(ones, **GIBBS, weight_col=None))
    other = fit(table.sample(frac=1, random_state=1), **GIBBS, strategy="blocked", num_blocks=3)
    assert is_same(other, fit(table, **GIBBS))


def test_in_sampling_what_weighs_nothing_is_no_observation() -> None:
    table = data()
    left = table[table["w"] > 0]
    for column in ("user", "item"):
        assert set(left[column]) == set(table[column])
    # Centred by the same mean.
    table.loc[table["w"] == 0, "rating"] = left["rating"].mean()
    a, b = fit(table, **GIBBS), fit(left, **GIBBS)
    np.testing.assert_allclose(a.user_factors_, b.user_factors_, atol=1e-2)
    assert [h["objective"] for h in a.history_] == pytest.approx(
        [h["objective"] for h in b.history_], rel=1e-3
    )


# --- every way in


@pytest.fixture(scope="module")
def expected(spark: Any) -> ALS:
    return fit(arrays(data()))


@pytest.mark.parametrize("times", [False, True])
def test_weights_are_the_same_through_all_containers(
    times: bool, expected: ALS, spark: Any
) -> None:
    table = data().assign(timestamp=range(len(data()))) if times else data()
    rows = [tuple(row) for row in table[["user", "item", "rating", "w"]].to_numpy().tolist()]
    rows = [(int(u), int(i), r, w) for u, i, r, w in rows]
    for given in (
        list(arrays(table)),
        table,
        table.astype({"w": "float64"}),
        pa.Table.from_pandas(table),
        spark.createDataFrame(table),
        spark.sparkContext.parallelize(rows, 3),
        mllib_py.ratings(table, weight_col="w"),
    ):
        assert is_same(fit(given), expected), type(given)


def test_weights_are_the_same_for_text_ids(expected: ALS, spark: Any) -> None:
    table = data().astype({"user": str, "item": str})
    one = fit(table)
    rows = list(table.itertuples(index=False, name=None))
    for given in (spark.createDataFrame(table), spark.sparkContext.parallelize(rows, 3)):
        assert is_same(fit(given), one)
    assert not is_same(one, fit(table, weight_col=None))


@pytest.mark.parametrize("kind", [int, str])
def test_weights_are_the_same_through_files(kind: type, tmp_path: Path) -> None:
    table = data().astype({"user": kind, "item": kind})
    if kind is str:  # in a file, texts of digits are integers
        table[["user", "item"]] = "a" + table[["user", "item"]]
    one = fit(table)
    columns = ["w", "item", "timestamp", "rating", "user"]
    table = table.assign(timestamp=7)[columns]
    table.to_csv(tmp_path / "r.csv", index=False)
    table.to_csv(tmp_path / "r.tsv.gz", index=False, sep="\t")
    table.to_parquet(tmp_path / "r.parquet")
    for name in ("r.csv", "r.tsv.gz", "r.parquet"):
        assert is_same(fit(tmp_path / name), one), name
    assert not is_same(fit(tmp_path / "r.csv", weight_col=None), one)


def test_integers_and_booleans_are_weights(expected: ALS) -> None:
    table = data()
    for dtype in (int, bool, "Int64"):
        weights = (table["w"] > 1).astype(dtype)
        one = fit(table.assign(w=(table["w"] > 1).astype(float)))
        assert is_same(fit(table.assign(w=weights)), one), dtype


# --- the handle


def test_ratings_know_whether_they_have_weights(spark: Any) -> None:
    weighted = mllib_py.ratings(data().assign(timestamp=range(len(data()))), weight_col="w")
    plain = mllib_py.ratings(data())
    assert weighted.has_weights
    assert not plain.has_weights
    assert all(p.has_weights for p in weighted.split([1, 1], by="time"))
    assert all(p.has_weights for p in weighted.leave_last())
    assert all(p.has_weights for fold in weighted.kfold(2) for p in fold)
    assert weighted.union(plain).has_weights
    assert weighted.union(plain).n_ratings == 2 * len(data())
    # Their weights count whether or not weight_col is set.
    assert is_same(fit(weighted, weight_col=None), fit(data()))
    train, test = weighted.leave_last()
    shares = fit(train), fit(test)
    assert not is_same(*(fit(p, weight_col=None) for p in (train, plain)))
    assert all(len(a.user_ids_) for a in shares)
    weighted.release()
    plain.release()


def test_a_union_of_weighted_and_other_ratings_weighs_those_one() -> None:
    table = data()
    a = mllib_py.ratings(table[:100], weight_col="w")
    b = mllib_py.ratings(table[100:])
    for both in (a.union(b), b.union(a)):
        assert is_same(fit(both), fit(table.assign(w=table["w"].where(table.index < 100, 1))))
    a.release()
    b.release()


def test_score_and_explain_do_not_ask_for_weights(expected: ALS) -> None:
    table = data()
    errors = expected.predict(table["user"], table["item"]) - table["rating"]
    rmse = float(np.sqrt((errors.astype(np.float64) ** 2).mean()))
    for given in (table, table.drop(columns="w"), arrays(table), arrays(table)[:3]):
        assert expected.score(given) == pytest.approx(rmse, rel=1e-5)
    assert expected.explain(arrays(table))["shape"]["ratings"] == len(table)


def test_a_model_keeps_the_name_of_the_column(expected: ALS, tmp_path: Path) -> None:
    expected.save(tmp_path / "m")
    assert mllib_py.load(tmp_path / "m").weight_col == "w"


# --- pairs that repeat


def test_repeated_pairs_have_one_weight() -> None:
    once = data()
    extra = [{"user": 1, "item": 2, "rating": r, "w": w} for r, w in ((2, 1), (6, 3), (4, 0.5))]
    rest = once[(once["user"] != 1) | (once["item"] != 2)]
    table = pd.concat([rest, pd.DataFrame(extra)])
    right = {
        "sum": (12.0, (2 * 1 + 6 * 3 + 4 * 0.5) / 12),
        "mean": ((2 * 1 + 6 * 3 + 4 * 0.5) / 4.5, 1.5),
        "last": (4.0, 0.5),
    }
    for policy, (rating, weight) in right.items():
        one = pd.DataFrame([{"user": 1, "item": 2, "rating": rating, "w": weight}])
        expected = fit(pd.concat([rest, one]))
        for order in (table, table.sort_values("rating", kind="stable")):
            if policy != "last" or order is table:
                found = fit(order, duplicates=policy)
                assert is_same(found, expected), policy
    with refused(ValueError, "repeat a (user, item) pair"):
        fit(table)
    ones = table.assign(w=1)
    for policy in right:
        assert is_same(fit(ones, duplicates=policy), fit(ones, duplicates=policy, weight_col=None))


# --- new rows


@pytest.mark.parametrize("mode", ["explicit", "implicit", "implicit, unobserved"])
def test_new_users_are_solved_with_their_weights(mode: str) -> None:
    als = fit(data("implicit" in mode), reg=0.2, **MODES[mode])
    items, ratings, weights = als.item_ids_[[1, 4, 6]], [5.0, 1.0, 3.0], [2.0, 0.0, 0.5]
    new = als.fold_in(([900] * 3, items, ratings, weights))
    y = als.item_factors_.astype(np.float64)
    some, w = y[[1, 4, 6]], np.array(weights)
    if mode == "explicit":
        a, b = (some.T * w) @ some, some.T @ (w * ratings)
    elif mode == "implicit":
        c = w * 3.0 * np.array(ratings)
        a, b = y.T @ y + (some.T * c) @ some, some.T @ (1 + c)
    else:
        a, b = 0.3 * y.T @ y + (some.T * w) @ some, some.T @ w
    expected = np.linalg.solve(a + 0.2 * 3 * np.eye(3), b)
    np.testing.assert_allclose(new.user_factors_[0], expected, rtol=1e-3, atol=1e-4)


# --- what is refused


@pytest.mark.parametrize("bad", [-1.0, float("nan"), float("inf"), 1e39])
def test_weights_that_are_none(bad: float, spark: Any, tmp_path: Path) -> None:
    table = data().astype({"w": float})
    table.loc[3, "w"] = bad
    user, item = table.loc[3, ["user", "item"]].astype(int)
    # Java's words for what is no number; pandas makes a null of a NaN on its way to Spark.
    text = table["w"].astype(object).where(table["w"] != np.inf, "Infinity")
    table.assign(w=text).to_csv(tmp_path / "r.csv", index=False, na_rep="NaN")
    frames = [] if np.isnan(bad) else [spark.createDataFrame(table)]
    for given in (table, arrays(table), tmp_path / "r.csv", *frames):
        with refused(
            ValueError, "1 weights are negative, NaN or infinite", f"example of {user}, {item}"
        ):
            fit(given)


def test_columns_that_are_no_weights(spark: Any, tmp_path: Path) -> None:
    table = data()
    for given in (table, pa.Table.from_pandas(table), spark.createDataFrame(table)):
        with refused(ValueError, "no column 'v'", "weight_col"):
            fit(given, weight_col="v")
    table.to_csv(tmp_path / "r.csv", index=False)
    with refused(ValueError, "no column 'v'", "weight_col"):
        fit(tmp_path / "r.csv", weight_col="v")
    table.to_csv(tmp_path / "bare.csv", index=False, header=False)
    with refused(ValueError, "has no header", "weight_col='w'"):
        fit(tmp_path / "bare.csv")
    for given in (table.astype({"w": str}), spark.createDataFrame(table.astype({"w": str}))):
        with refused(TypeError, "'w'", "must hold numbers"):
            fit(given)
    nulls = spark.createDataFrame(
        [(1, 2, 3.0, None)], "user long, item long, rating double, w double"
    )
    with refused(ValueError, "column 'w' has 1 null values"):
        fit(nulls)
    (tmp_path / "bad.csv").write_text("user,item,rating,w\n1,2,3,1\n1,3,4,much\n")
    with refused(ValueError, "line 3", "the weight 'much' is not a number"):
        fit(tmp_path / "bad.csv")
    (tmp_path / "short.csv").write_text("user,item,rating,w\n1,2,3,1\n1,3,4\n")
    with refused(ValueError, "line 3", "no weight"):
        fit(tmp_path / "short.csv")


def test_arrays_without_weights_and_weights_without_a_name(spark: Any) -> None:
    table = data()
    with refused(ValueError, "weight_col='w' asks for a fourth array"):
        fit(arrays(table)[:3])
    with refused(TypeError, "a fourth is of weights where weight_col names it", "timestamps"):
        fit(arrays(table), weight_col=None)
    with refused(ValueError, "differ in length"):
        fit((*arrays(table)[:3], [1.0]))
    with refused(ValueError, "a sparse matrix has no weights"):
        fit(scipy.sparse.eye(3))
    plain = mllib_py.ratings(arrays(table)[:3])
    with refused(ValueError, "weight_col='w'", "these ratings have no weights"):
        fit(plain)
    plain.release()
    context = spark.sparkContext
    with refused(TypeError, "rows (user, item, rating, weight)", "not (1, 2, 3.0)"):
        fit(context.parallelize([(1, 2, 3.0)]))
    with refused(TypeError, "triples (user, item, rating)", "not (1, 2, 3.0, 1.0)"):
        fit(context.parallelize([(1, 2, 3.0, 1.0)]), weight_col=None)
    with refused(ValueError, "(1, 3, 3.0)", "is not one of rows (user, item, rating, weight)"):
        fit(context.parallelize([(1, 2, 3.0, 1.0), (1, 3, 3.0)], 1))
    with refused(ValueError, "the weight of (1, 3, 3.0, 'x') is not a number"):
        fit(context.parallelize([(1, 2, 3.0, 1.0), (1, 3, 3.0, "x")], 1))
    with refused(TypeError, "weight_col must be a text"):
        fit(table, weight_col=3)


def test_a_weighted_model_keeps_no_ratings_to_go_on_with_or_explain() -> None:
    weighted = ([1, 1, 2, 2], [10, 20, 10, 30], [5.0, 1.0, 4.0, 2.0], [1.0, 2.0, 1.0, 0.5])
    als = ALS(rank=2, max_iter=2, weight_col="weight").fit(weighted)
    with refused(ValueError, "does not keep its ratings", "weights"):
        als.partial_fit(weighted)
    with refused(ValueError, "does not keep its ratings", "weights"):
        als.explain_recommendation(1, 30)
