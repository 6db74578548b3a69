"""Decompositions beside their peers: time to the leading singular triples.

    python -m bench.peers.svd dense --features 99          also 100 and 500
    python -m bench.peers.svd pca                          k=3, 50,000 x 2,000 float32
    python -m bench.peers.svd sparse                       k=50, 2,000,000 x 100,000, 20 to a row
    python -m bench.peers.svd dense --peers numpy --repeats 5

All sides start at data in memory (ours laid out, Spark's cached rows with two partitions, arrays);
laying out, with the columns' means and variances, is timed apart. Ours includes its certificate,
and is run for five seconds before, which the JVM's compiler wants; Spark's once. Sides alternate,
two threads each; the median. Of all sides the accuracy is told: the largest
|A^T A v - s^2 v| / (s s_1), by one function.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

import mllib_py
from bench import measure
from mllib_py.decomposition import svd

#: Gives the singular values and the right vectors by row.
Fit = Callable[[], tuple[np.ndarray, np.ndarray]]
#: Sides that are run once after their warm-up, for they take minutes.
SLOW = ("pyspark.mllib", "pyspark.ml")


class Problem:
    """A matrix, how many triples, and whether its columns' means are taken away."""

    def __init__(self, x: Any, k: int, *, center: bool = False) -> None:
        self.x, self.k, self.center = x, k, center
        self.means = np.asarray(x.mean(axis=0)).ravel() if center else None

    def residual(self, s: np.ndarray, vt: np.ndarray) -> float:
        """Return the largest residual of the triples, as a share of the largest value."""
        v = vt.T.astype(np.float64)
        y = np.asarray(self.x @ v)
        if self.means is not None:
            y = y - self.means @ v
        z = np.asarray(self.x.T @ y)
        if self.means is not None:
            z = z - np.outer(self.means, y.sum(axis=0))
        return float((np.linalg.norm(z - v * s**2, axis=0) / (s * s[0])).max())


def problem(what: str, rows: int | None, features: int | None, k: int | None) -> Problem:
    """Generate a problem."""
    rng = np.random.default_rng(0)
    if what == "dense":
        return Problem(rng.normal(size=(rows or 200_000, features or 100)), k or 20)
    if what == "pca":
        n, m = rows or 50_000, features or 2_000
        parts = rng.normal(size=(n, 50)).astype(np.float32) * np.float32(5) * 0.9 ** np.arange(50)
        x = parts.astype(np.float32) @ rng.normal(size=(50, m)).astype(np.float32) / np.float32(7)
        x += rng.normal(size=(n, m)).astype(np.float32)
        return Problem(x, k or 3, center=True)
    n, m = rows or 2_000_000, features or 100_000
    columns = (m * rng.random((n, 20)) ** 2).astype(np.int32)
    x = sp.csr_matrix((rng.random(n * 20), columns.ravel(), np.arange(n + 1) * 20), shape=(n, m))
    x.sum_duplicates()
    return Problem(x, k or 50)


def ours(p: Problem) -> tuple[float, Fit]:
    """Lay the data out; return how long it took, and the fit."""
    seconds, data = measure.timed(lambda: mllib_py.layout(p.x, target="none"))
    data.facts  # noqa: B018 - the pass over the features' moments is part of laying out

    def fit() -> tuple[np.ndarray, np.ndarray]:
        found = svd(data, p.k, center=p.center, compute_u=False)
        print(f"  {found.method_}, {found.certificate_}", flush=True)
        return found.s, found.Vt

    return seconds, fit


def numpy_gramian(p: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Decompose by the Gramian and eigh."""
    w, v = np.linalg.eigh(p.x.T @ p.x)
    return np.sqrt(w[::-1][: p.k]), v.T[::-1][: p.k]


def scikit_learn(p: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Decompose by the randomised PCA."""
    from sklearn.decomposition import PCA

    model = PCA(p.k, svd_solver="randomized", random_state=0).fit(p.x)
    return model.singular_values_, model.components_


def scipy_svds(p: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Decompose by ARPACK, at the tolerance of ours."""
    from scipy.sparse.linalg import svds

    _, s, vt = svds(p.x, p.k, tol=1e-9, rng=np.random.default_rng(0))
    order = np.argsort(s)[::-1]
    return s[order], vt[order]


def _frame(p: Problem, spark: Any) -> Any:
    """Return rows as cached vectors in two partitions."""
    import pandas as pd
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql import functions as f

    parts = [
        spark.createDataFrame(pd.DataFrame({"a": list(rows)}), "a array<double>")
        for rows in np.array_split(p.x.astype(np.float64), max(1, p.x.size // 5_000_000))
    ]
    frame = parts[0]
    for part in parts[1:]:
        frame = frame.union(part)
    frame = frame.select(array_to_vector(f.col("a")).alias("features")).repartition(2).cache()
    frame.count()
    return frame


def pyspark_mllib(p: Problem, spark: Any) -> Fit:
    """Give RowMatrix.computeSVD, without U."""
    from pyspark.mllib.linalg import Vectors
    from pyspark.mllib.linalg.distributed import RowMatrix

    from bench.peers import jvm

    if sp.issparse(p.x):
        x, m = p.x, p.x.shape[1]
        lines = (x[i] for i in range(x.shape[0]))
        rows = [Vectors.sparse(m, r.indices.tolist(), r.data.tolist()) for r in lines]
        rdd = spark.sparkContext.parallelize(rows, 2)
    else:
        rdd = _frame(p, spark).rdd.map(lambda r: Vectors.fromML(r[0]))
    rows_there = spark._jvm.org.apache.spark.mllib.linalg.distributed.RowMatrix(jvm.rest(rdd).rdd())
    matrix = RowMatrix(rows_there)  # one: it lets go of what it wraps

    def fit() -> tuple[np.ndarray, np.ndarray]:
        found = matrix.computeSVD(p.k, computeU=False)
        return found.s.toArray(), found.V.toArray().T

    return fit


def pyspark_ml(p: Problem, spark: Any) -> Fit:
    """Give Spark's PCA; its values are shares of the variance, turned into singular values."""
    from pyspark.ml.feature import PCA

    frame = _frame(p, spark)

    def fit() -> tuple[np.ndarray, np.ndarray]:
        model = PCA(k=p.k, inputCol="features", outputCol="out").fit(frame)
        share = model.explainedVariance.toArray()
        total = float(p.x.var(axis=0, dtype=np.float64).sum()) * len(p.x)
        return np.sqrt(share * total), model.pc.toArray().T

    return fit


def sides(what: str, p: Problem, spark: Any, peers: set[str]) -> dict[str, Fit]:
    """Return the peers of a problem."""
    local: dict[str, tuple[str, Callable[[Problem], Any]]] = {
        "dense": ("numpy", numpy_gramian),
        "pca": ("scikit-learn", scikit_learn),
        "sparse": ("scipy", scipy_svds),
    }
    name, by = local[what]
    out: dict[str, Fit] = {name: lambda: by(p)} if name in peers else {}
    if "pyspark" in peers:
        if what == "pca":
            out["pyspark.ml"] = pyspark_ml(p, spark)
        else:
            out["pyspark.mllib"] = pyspark_mllib(p, spark)
    return out


def main() -> None:
    """Measure and write the result."""
    a = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    a.add_argument("what", choices=["dense", "pca", "sparse"])
    a.add_argument("--rows", type=int)
    a.add_argument("--features", type=int)
    a.add_argument("--k", type=int)
    a.add_argument("--repeats", type=int, default=3)
    a.add_argument("--peers", default="numpy,scikit-learn,scipy,pyspark")
    a.add_argument("--write", action="store_true", help="keep the result in bench/results")
    args = a.parse_args()
    warnings.simplefilter("ignore")
    p = problem(args.what, args.rows, args.features, args.k)
    spark = mllib_py.session("local[2]", memory="10g")
    layout, own = ours(p)
    fits = {"ours": own} | sides(args.what, p, spark, set(args.peers.split(",")))
    measure.warm(own)
    seconds: dict[str, list[float]] = {s: [] for s in fits}
    residuals: dict[str, float] = {}
    for r in range(args.repeats + 1):
        for side in list(fits)[:: (-1) ** r]:
            if side in SLOW and r > 1:
                continue
            time.sleep(0.2)  # BLAS's threads look for more work for a while, on the other's cores
            with threadpool_limits(2):
                took, (s, vt) = measure.timed(fits[side])
            print(f"{side}: {took:.3f} s", flush=True)
            if r > 0:
                seconds[side].append(took)
            if side not in residuals:
                residuals[side] = p.residual(np.asarray(s, dtype=np.float64), vt)
    found = {
        side: {"seconds": measure.summary(of), "residual": residuals[side]}
        for side, of in seconds.items()
    }
    mine = found["ours"]["seconds"]["median"]
    faster = {s: round(f["seconds"]["median"] / mine, 2) for s, f in found.items() if s != "ours"}
    rows, features = p.x.shape
    head = {"what": args.what, "rows": rows, "features": features, "k": p.k}
    print(faster, residuals)
    if args.write:
        result = head | {"layout_seconds": layout, "sides": found, "times_faster": faster}
        measure.write(f"svd-{args.what}-{features}", result)


if __name__ == "__main__":
    main()
