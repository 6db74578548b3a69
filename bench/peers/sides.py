"""The sides of the ALS benchmarks: one problem, and who fits it."""

from __future__ import annotations

import tempfile
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp

import mllib_py
from bench import generate

STRATEGIES = ("data-parallel", "broadcast", "blocked")
COLUMNS = {"userCol": "user", "itemCol": "item", "ratingCol": "rating"}


class Problem:
    """Training and test ratings: cached in Spark with two partitions, and as arrays."""

    def __init__(
        self, spark: Any, columns: generate.Columns, *, rank: int, reg: float, alpha: float | None
    ) -> None:
        users, items, values = columns
        test = np.random.default_rng(1).random(len(users)) < 0.1
        self.rank, self.reg, self.alpha = rank, reg, alpha
        self.arrays = users[~test], items[~test], values[~test]
        self.test_arrays = users[test], items[test], values[test]
        self.n_train = len(self.arrays[0])
        self.spark = spark
        self._train: Any = None

    @property
    def train(self) -> Any:
        """The training ratings as a cached DataFrame."""
        if self._train is None:
            self._train = _cached(self.spark, *self.arrays)
        return self._train

    def matrix(self) -> sp.csr_matrix:
        """The confidences 1 + alpha r as a matrix, users by items."""
        users, items, values = self.arrays
        shape = int(users.max()) + 1, int(items.max()) + 1
        confidence = (1 + (self.alpha or 0) * values).astype(np.float32)
        return sp.csr_matrix((confidence, (users, items)), shape=shape)


class Side(Protocol):
    """Somebody who fits."""

    name: str

    def fit(self, problem: Problem, iterations: int) -> Any:
        """Fit to the end, factors and all; return the model."""

    def factors(self, model: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return user ids, user factors, item ids, item factors."""


class Ours:
    """Ours, from the cached DataFrame to the model."""

    def __init__(self, strategy: str, **params: Any) -> None:
        self.name = f"ours, {strategy}" + "".join(f", {k}={v}" for k, v in params.items())
        self._params = {"strategy": strategy} | params

    def fit(self, p: Problem, iterations: int) -> Any:
        """Fit; implicit problems without weights on the regularisation, as the peer has it."""
        params: dict[str, Any] = {"num_blocks": 2}
        if p.alpha is not None:
            params |= {"implicit": True, "alpha": p.alpha, "reg_exponent": 0.0}
        als = mllib_py.ALS(rank=p.rank, max_iter=iterations, reg=p.reg, **(params | self._params))
        return als.fit(p.train, progress=False)

    def factors(self, model: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Fetch them."""
        return model.user_ids_, model.user_factors_, model.item_ids_, model.item_factors_


class Spark:
    """``pyspark.ml`` ALS with two blocks, from the cached DataFrame until its factors are there."""

    name = "pyspark.ml"

    def fit(self, p: Problem, iterations: int) -> Any:
        """Fit and count the factors."""
        from pyspark.ml.recommendation import ALS

        als = ALS(
            rank=p.rank,
            maxIter=iterations,
            regParam=p.reg,
            numUserBlocks=2,
            numItemBlocks=2,
            seed=0,
            implicitPrefs=p.alpha is not None,
            alpha=p.alpha or 1.0,
            **COLUMNS,
        )
        model = als.fit(p.train)
        model.userFactors.count()
        model.itemFactors.count()
        return model

    def factors(self, model: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Fetch them."""
        users, items = model.userFactors.toPandas(), model.itemFactors.toPandas()
        return (
            users["id"].to_numpy(),
            np.stack(users["features"].to_list()).astype(np.float32),
            items["id"].to_numpy(),
            np.stack(items["features"].to_list()).astype(np.float32),
        )


class Implicit:
    """``implicit``'s ALS on two threads, from a CSR matrix in memory."""

    def __init__(self, *, use_cg: bool) -> None:
        self.name = "implicit, CG" if use_cg else "implicit, exact"
        self._use_cg = use_cg

    def fit(self, p: Problem, iterations: int) -> Any:
        """Fit; the matrix is made before the clock, its transpose is inside."""
        from implicit.cpu.als import AlternatingLeastSquares
        from threadpoolctl import threadpool_limits

        als = AlternatingLeastSquares(
            factors=p.rank,
            regularization=p.reg,
            alpha=1.0,
            iterations=iterations,
            use_cg=self._use_cg,
            num_threads=2,
            random_state=0,
        )
        if not hasattr(p, "confidence"):
            p.confidence = p.matrix()  # type: ignore[attr-defined]
        with threadpool_limits(1, "blas"):  # its threads are its own
            als.fit(p.confidence, show_progress=False)  # type: ignore[attr-defined]
        return als

    def factors(self, model: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return them; ids are row numbers."""
        users, items = model.user_factors, model.item_factors
        return np.arange(len(users)), users, np.arange(len(items)), items


def _cached(spark: Any, users: Any, items: Any, values: Any) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"user": users, "item": items, "rating": values})
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(table, f"{folder}/r.parquet")
        frame = spark.read.parquet(folder).repartition(2).cache()
        frame.count()
    return frame


def quality(p: Problem, factors: tuple[Any, ...]) -> dict[str, float]:
    """Return the test RMSE (explicit) or the objective of the training data (implicit)."""
    user_ids, x, item_ids, y = factors
    if p.alpha is None:
        return {"test_rmse": round(_rmse(p.test_arrays, user_ids, x, item_ids, y), 5)}
    return {"objective": round(objective(p, user_ids, x, item_ids, y), 1)}


def _rows(ids: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(known)
    at = np.minimum(np.searchsorted(known, ids, sorter=order), len(known) - 1)
    rows = order[at]
    return rows, known[rows] == ids


def _scores(x: np.ndarray, y: np.ndarray, u: np.ndarray, i: np.ndarray) -> np.ndarray:
    out = np.empty(len(u), dtype=np.float64)
    for a in range(0, len(u), 1 << 18):
        b = slice(a, a + (1 << 18))
        out[b] = np.einsum("ij,ij->i", x[u[b]], y[i[b]])
    return out


def _rmse(arrays: tuple[Any, ...], user_ids: Any, x: Any, item_ids: Any, y: Any) -> float:
    users, items, values = arrays
    (u, known_u), (i, known_i) = _rows(users, user_ids), _rows(items, item_ids)
    known = known_u & known_i
    errors = values[known] - _scores(x, y, u[known], i[known])
    return float(np.sqrt(np.mean(errors**2)))


def objective(
    p: Problem, user_ids: Any, x: Any, item_ids: Any, y: Any, *, weighted: bool = False
) -> float:
    """Hu, Koren and Volinsky's objective of the training data.

    The ridge has no weights, or is weighted by the number of a row's ratings.
    """
    users, items, values = p.arrays
    u, i = _rows(users, user_ids)[0], _rows(items, item_ids)[0]
    s = _scores(x, y, u, i)
    c = 1 + (p.alpha or 0) * values.astype(np.float64)
    x, y = x.astype(np.float64), y.astype(np.float64)
    background = float(np.sum((x.T @ x) * (y.T @ y)))
    loss = float(np.sum(c * (1 - s) ** 2 - s**2))
    squares = [np.sum(side**2, axis=1) for side in (x, y)]
    if weighted:
        counts = (np.bincount(rows, minlength=len(f)) for rows, f in ((u, x), (i, y)))
        squares = [n * v for n, v in zip(counts, squares, strict=True)]
    return background + loss + p.reg * float(sum(v.sum() for v in squares))
