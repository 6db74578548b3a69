"""Linear models beside their peers: time until the objective is within a share of its minimum.

    python -m bench.peers.linear logistic
    python -m bench.peers.linear logistic --data A9A_FILE          LIBSVM's a9a
    python -m bench.peers.linear svm --rows 200000 --features 100
    python -m bench.peers.linear clicks --rows 1000000 --features 200000

All sides start at data in memory (ours laid out, Spark's cached vectors with two partitions,
scikit-learn's arrays); laying out is timed apart. Each side fits with ever tighter tolerances until
one is well within the target or its time is up; what counts is the fastest fit within the target,
measured by one function for all. The minimum is that of an independent tight solve, or of the best
fit of all where that is lower. Alternating, the median. The JVM's sides are warmed up first:
Spark's by a round of all their fits, ours by that and five seconds of fits.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.special import expit
from sklearn import linear_model, svm
from sklearn.datasets import load_svmlight_file
from threadpoolctl import threadpool_limits

import mllib_py
from bench import measure
from bench.peers import jvm
from mllib_py import linear

#: A fit: coefficients and intercept.
Fit = Callable[[], tuple[np.ndarray, float]]
#: Seconds; a peer whose round takes longer is not run again.
_LONG = 90


class Problem:
    """Features, labels of 0 and 1, and what is minimised: mean loss + reg / 2 |w|^2."""

    def __init__(self, x: Any, y: np.ndarray, reg: float, loss: str) -> None:
        self.x, self.y, self.reg, self.loss = x, y, reg, loss
        self.c = 1 / (reg * len(y))

    def objective(self, w: np.ndarray, b: float) -> float:
        """Return it, in float64."""
        margin = (self.x @ w + b) * (2 * self.y - 1)
        loss = np.logaddexp(0, -margin) if self.loss == "logistic" else np.maximum(0, 1 - margin)
        return float(loss.mean() + self.reg / 2 * (w @ w))

    def minimum(self) -> float:
        """Return the objective of an independent tight solve."""
        if self.loss == "hinge":
            # A large scale all but frees the intercept from liblinear's penalty.
            model = svm.LinearSVC(
                loss="hinge", C=self.c, intercept_scaling=100, tol=1e-7, max_iter=20_000
            )
        elif sp.issparse(self.x):
            model = linear_model.LogisticRegression(C=self.c, tol=1e-7, max_iter=2000)
        else:
            model = linear_model.LogisticRegression(
                C=self.c, solver="newton-cholesky", tol=1e-12, max_iter=100
            )
        model.fit(self.x, self.y)
        return self.objective(model.coef_[0], float(model.intercept_[0]))


def dense(rows: int, features: int, reg: float, loss: str) -> Problem:
    """Generate correlated features, and labels by a noisy linear score."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(features, features)) / np.sqrt(features)
    x = rng.normal(size=(rows, features)) @ (np.eye(features) + mixing)
    score = x @ rng.normal(size=features) / np.sqrt(features)
    return Problem(x, (rng.random(rows) < expit(2 * score)).astype(np.int64), reg, loss)


def clicks(rows: int, features: int, reg: float) -> Problem:
    """Generate a click set: 40 categories to a row, their columns skewed; few clicks."""
    rng = np.random.default_rng(0)
    columns = (features * rng.random((rows, 40)) ** 4).astype(np.int64)
    columns += (np.arange(40) * features) // 40
    columns %= features
    weight = rng.normal(size=features) * 0.5
    y = (rng.random(rows) < expit(weight[columns].sum(axis=1) - 3)).astype(np.int64)
    start = np.arange(rows + 1) * 40
    x = sp.csr_matrix((np.ones(rows * 40), columns.ravel(), start), shape=(rows, features))
    x.sum_duplicates()
    return Problem(x, y, reg, "logistic")


def _two(model: Any) -> tuple[np.ndarray, float]:
    return np.asarray(model.coef_).ravel(), float(np.ravel(model.intercept_)[0])


def ours(p: Problem) -> tuple[float, list[tuple[str, Fit]]]:
    """Lay the data out; return how long it took, and the fits."""
    seconds, data = measure.timed(lambda: mllib_py.layout(p.x, p.y))
    data.facts  # noqa: B018 - the pass over the features' moments is part of laying out

    def fit(tol: float) -> tuple[np.ndarray, float]:
        if p.loss == "hinge":
            return _two(linear.LinearSVC(loss="hinge", C=p.c, tol=tol, max_iter=5000).fit(data))
        return _two(linear.LogisticRegression(C=p.c, tol=tol, max_iter=5000).fit(data))

    return seconds, [(f"tol={t:g}", lambda t=t: fit(t)) for t in (3e-2, 1e-2, 3e-3, 1e-3, 1e-4)]


def pyspark_ml(p: Problem, spark: Any) -> tuple[float, list[tuple[str, Fit]]]:
    """Cache vectors on the JVM; return how long it took, and the fits."""
    from pyspark.ml.classification import LinearSVC, LogisticRegression

    seconds, frame = measure.timed(lambda: _vectors(p, spark))

    def fit(tol: float) -> tuple[np.ndarray, float]:
        common = {"regParam": p.reg, "tol": tol, "maxIter": 1000, "standardization": False}
        model = (LinearSVC if p.loss == "hinge" else LogisticRegression)(**common).fit(frame)
        return model.coefficients.toArray(), float(model.intercept)

    # The hinge's last one took two minutes, and is not needed.
    tolerances = (1e-3, 1e-4, 1e-6) if p.loss == "hinge" else (1e-3, 1e-4, 1e-6, 1e-8)
    return seconds, [(f"tol={t:g}", lambda t=t: fit(t)) for t in tolerances]


def _vectors(p: Problem, spark: Any) -> Any:
    import pandas as pd
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql import functions as f

    if sp.issparse(p.x):
        from sklearn.datasets import dump_svmlight_file

        path = f"/tmp/mllib_py-bench-{os.getpid()}.libsvm"
        dump_svmlight_file(p.x, p.y, path, zero_based=False)
        read = spark.read.format("libsvm").option("numFeatures", str(p.x.shape[1]))
        frame = read.load(path).repartition(2).cache()
        frame.count()
        os.unlink(path)
        return frame
    parts = []
    for rows in np.array_split(np.arange(len(p.y)), max(1, p.x.size // 5_000_000)):
        table = pd.DataFrame({"a": list(p.x[rows]), "label": p.y[rows].astype(float)})
        parts.append(spark.createDataFrame(table, "a array<double>, label double"))
    frame = parts[0]
    for part in parts[1:]:
        frame = frame.union(part)
    vectors = frame.select(array_to_vector(f.col("a")).alias("features"), "label")
    vectors = vectors.repartition(2).cache()
    vectors.count()
    return vectors


def pyspark_mllib(p: Problem, spark: Any) -> tuple[float, list[tuple[str, Fit]]]:
    """Give the fits of Spark's classic SGD: one job a step."""
    from pyspark.mllib.common import callMLlibFunc
    from pyspark.mllib.linalg import Vectors
    from pyspark.mllib.regression import LabeledPoint

    rows = zip(p.y.tolist(), p.x, strict=True)
    data = spark.sparkContext.parallelize(list(rows), 2)

    points = data.map(lambda r: LabeledPoint(r[0], r[1]))
    seconds, at_rest = measure.timed(lambda: jvm.rest(points))
    start = Vectors.dense(np.zeros(p.x.shape[1]))

    def fit(steps: int) -> tuple[np.ndarray, float]:
        # Steps of 4 / sqrt(t), all rows, L2, with an intercept, and no early end.
        weights, intercept, _, _ = callMLlibFunc(
            "trainLogisticRegressionModelWithSGD",
            *(jvm.view(at_rest), steps, 4.0, 1.0, start, p.reg, "l2", True, True, 0.0),
        )
        return weights.toArray(), float(intercept)

    return seconds, [(f"steps={n}", lambda n=n: fit(n)) for n in (50, 100)]


def scikit_learn(p: Problem) -> list[tuple[str, list[tuple[str, Fit]]]]:
    """Return scikit-learn's solvers that take the problem, with their fits."""
    name = "hinge" if p.loss == "hinge" else "log_loss"

    def sgd(tol: float) -> tuple[np.ndarray, float]:
        model = linear_model.SGDClassifier(
            loss=name, alpha=p.reg, tol=tol, max_iter=200, average=True
        )
        return _two(model.fit(p.x, p.y))

    stepped = ("SGDClassifier", [(f"tol={t:g}", lambda t=t: sgd(t)) for t in (1e-3, 1e-5)])
    if p.loss == "hinge":

        def liblinear(tol: float) -> tuple[np.ndarray, float]:
            model = svm.LinearSVC(loss="hinge", C=p.c, tol=tol, max_iter=2000)
            return _two(model.fit(p.x, p.y))

        return [
            stepped,
            ("liblinear", [(f"tol={t:g}", lambda t=t: liblinear(t)) for t in (1e-1, 1e-2)]),
        ]

    def fit(solver: str, tol: float) -> tuple[np.ndarray, float]:
        # Of many rows saga's epochs take seconds each.
        most = 50 if solver == "saga" and len(p.y) > 1_000_000 else 1000
        # liblinear penalises its intercept, the less the larger this.
        more = {"intercept_scaling": 100.0} if solver == "liblinear" else {}
        model = linear_model.LogisticRegression(
            C=p.c, solver=solver, tol=tol, max_iter=most, **more
        )
        return _two(model.fit(p.x, p.y))

    solvers = ["lbfgs", "saga", "liblinear"]
    solvers += [] if sp.issparse(p.x) else ["newton-cholesky"]
    return [
        stepped,
        *(
            (s, [(f"tol={t:g}", lambda s=s, t=t: fit(s, t)) for t in (1e-2, 1e-3, 1e-4)])
            for s in solvers
        ),
    ]


def _vowpal_wabbit(
    p: Problem, folder: Path
) -> tuple[float, list[tuple[str, list[tuple[str, Fit]]]]]:
    from bench.peers import vowpal_wabbit

    seconds, cache, bits = vowpal_wabbit.lay(p.x, p.y, folder)
    return seconds, vowpal_wabbit.fits(p, cache, bits)


def compare(
    p: Problem,
    target: float,
    repeats: int,
    give_up: float,
    spark: Any,
    peers: set[str],
    folder: Path,
) -> dict[str, Any]:
    """Time all sides, the JVM's after a round that warms them up; return what each took."""
    layout, fits = ours(p)
    measure.warm(fits[2][1])
    sides = {"ours": fits}
    layouts = {"ours": layout}
    if "pyspark.ml" in peers:
        layouts["pyspark.ml"], sides["pyspark.ml"] = pyspark_ml(p, spark)
    if "pyspark.mllib" in peers and p.loss == "logistic" and not sp.issparse(p.x):
        layouts["pyspark.mllib SGD"], sides["pyspark.mllib SGD"] = pyspark_mllib(p, spark)
    if "scikit-learn" in peers:
        sides |= {f"scikit-learn {name}": f for name, f in scikit_learn(p)}
    if "vw" in peers:
        layouts["vw"], found = _vowpal_wabbit(p, folder)
        sides |= dict(found)
    lowest = p.minimum()
    runs: dict[str, dict[str, list[tuple[float, float]]]] = {s: {} for s in sides}
    slow: set[str] = set()
    for r in range(repeats + 1):
        for side in list(sides)[:: (-1) ** r]:
            on_jvm = side == "ours" or side.startswith("pyspark")
            if (r == 0 and not on_jvm) or (r > 1 and side in slow):
                continue
            began = time.monotonic()
            for name, *found in _ladder(p, sides[side], lowest * (1 + target / 2), give_up):
                print(f"{side}, {name}: {found[0]:.3f} s, objective {found[1]:.8f}", flush=True)
                if r > 0:
                    runs[side].setdefault(name, []).append((found[0], found[1]))
            if side != "ours" and time.monotonic() - began > _LONG:
                slow.add(side)
    lowest = min([lowest] + [v for of in runs.values() for x in of.values() for _, v in x])
    out: dict[str, Any] = {"minimum": lowest, "target": target, "layout_seconds": layouts}
    out["sides"] = {side: _best(of, lowest, target) for side, of in runs.items()}
    out["not_there"] = {
        side: _nearest(of, lowest) for side, of in runs.items() if out["sides"][side] is None and of
    }
    mine = out["sides"]["ours"]
    if mine is not None:
        out["times_faster"] = {
            s: round(f["seconds"]["median"] / mine["seconds"]["median"], 2)
            for s, f in out["sides"].items()
            if f is not None and s != "ours"
        }
    return out


def _ladder(
    p: Problem, fits: list[tuple[str, Fit]], enough: float, give_up: float
) -> Iterator[tuple[str, float, float]]:
    """Give the seconds and objectives of ever tighter fits, until one is there or time is up."""
    spent = 0.0
    for name, fit in fits:
        with threadpool_limits(2):
            seconds, (w, b) = measure.timed(fit)
        value = p.objective(w, b)
        yield name, seconds, value
        spent += seconds
        if value <= enough or spent > give_up:
            return


def _best(
    of: dict[str, list[tuple[float, float]]], lowest: float, target: float
) -> dict[str, Any] | None:
    """Return the fastest setting whose fits are all within the target; None where none is."""
    found = [
        {"setting": name, "seconds": measure.summary([s for s, _ in runs])}
        | {"suboptimality": max(v for _, v in runs) / lowest - 1}
        for name, runs in of.items()
        if all(v <= lowest * (1 + target) for _, v in runs)
    ]
    return min(found, key=lambda f: f["seconds"]["median"]) if found else None


def _nearest(of: dict[str, list[tuple[float, float]]], lowest: float) -> dict[str, Any]:
    """Return how near a side came, and in what time."""
    name, runs = min(of.items(), key=lambda x: max(v for _, v in x[1]))
    worst = max(v for _, v in runs)
    return {
        "setting": name,
        "seconds": measure.summary([s for s, _ in runs]),
        "suboptimality": worst / lowest - 1,
    }


def main() -> None:
    """Measure and write the result."""
    a = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    a.add_argument("what", choices=["logistic", "svm", "clicks"])
    a.add_argument("--data", help="a LIBSVM file in place of generated data")
    a.add_argument("--rows", type=int, default=200_000)
    a.add_argument("--features", type=int, default=100)
    a.add_argument("--reg", type=float, default=1e-3)
    a.add_argument("--target", type=float, default=1e-4)
    a.add_argument("--repeats", type=int, default=3)
    a.add_argument("--give-up", type=float, default=600.0, help="seconds for a side in a round")
    a.add_argument("--peers", default="pyspark.ml,pyspark.mllib,scikit-learn,vw")
    a.add_argument("--memory", default="10g", help="of the JVM")
    a.add_argument("--tag", default="", help="added to the result's name")
    args = a.parse_args()
    warnings.simplefilter("ignore")
    loss = "hinge" if args.what == "svm" else "logistic"
    if args.data:
        x, y = load_svmlight_file(args.data)
        # liblinear takes no others.
        x.indices, x.indptr = x.indices.astype(np.int32), x.indptr.astype(np.int32)
        problem = Problem(x, (y > 0).astype(np.int64), args.reg, loss)
    elif args.what == "clicks":
        problem = clicks(args.rows, args.features, args.reg)
    else:
        problem = dense(args.rows, args.features, args.reg, loss)
    spark = mllib_py.session("local[2]", memory=args.memory)
    with TemporaryDirectory() as folder:
        peers = set(args.peers.split(","))
        found = compare(
            problem, args.target, args.repeats, args.give_up, spark, peers, Path(folder)
        )
    rows, features = problem.x.shape
    head = {"what": args.what, "rows": rows, "features": features, "reg": args.reg}
    print(found.get("times_faster"), found["sides"])
    name = os.path.basename(args.data) if args.data else args.what
    tag = f"-{args.tag}" if args.tag else ""
    measure.write(f"linear-{name}-{args.target:g}{tag}", head | found)


if __name__ == "__main__":
    main()
