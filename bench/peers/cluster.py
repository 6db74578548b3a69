"""K-means beside its peers: the same data, the same centres to begin at, the same iterations.

    python -m bench.peers.cluster blobs                          200,000 x 100, k=100, 20 iterations
    python -m bench.peers.cluster many --rows 1000000            1M x 64, k=1000, own seeds
    python -m bench.peers.cluster mnist --data FOLDER --k 10     to convergence

All sides start at data in memory (ours laid out, Spark's cached vectors with two partitions,
scikit-learn's arrays); laying out is timed apart. Two cores each. The sides alternate; medians.
"""

from __future__ import annotations

import argparse
import lzma
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.cluster import KMeans as SklearnKMeans
from threadpoolctl import threadpool_limits

import mllib_py
from bench import measure
from mllib_py.cluster import KMeans

#: A fit: the inertia, and the iterations it took.
Fit = Callable[[], tuple[float, int]]


def blobs(rows: int, features: int, clusters: int, spread: float) -> np.ndarray:
    """Generate overlapping clusters of float32 rows."""
    rng = np.random.default_rng(0)
    middles = rng.normal(size=(clusters, features)).astype(np.float32)
    x = rng.normal(size=(rows, features)).astype(np.float32) * np.float32(spread)
    x += middles[rng.integers(clusters, size=rows)]
    return x


def mnist(folder: str) -> np.ndarray:
    """Read MNIST's training images as float32 rows from 0 to 1."""
    path = Path(folder) / "images63000x784.u8.xz"
    with lzma.open(path) as f:
        images = np.frombuffer(f.read(), dtype=np.uint8).reshape(-1, 784)
    return (images[:60_000] / np.float32(255)).astype(np.float32)


def of(model: Any) -> tuple[float, int]:
    """Return what a fitted model says."""
    return float(model.inertia_), int(model.n_iter_)


def ours(x: np.ndarray, k: int, common: dict[str, Any], init: Any) -> tuple[float, Fit]:
    """Lay the data out; return how long it took, and the fit."""
    seconds, data = measure.timed(lambda: mllib_py.layout(x))
    data.facts  # noqa: B018 - a first pass over the data is part of laying out
    given = "k-means||" if init is None else init
    return seconds, lambda: of(KMeans(k, init=given, random_state=0, **common).fit(data))


def theirs(x: np.ndarray, k: int, common: dict[str, Any], init: Any, algorithm: str) -> Fit:
    """Return scikit-learn's fit."""
    given = "k-means++" if init is None else init
    model = SklearnKMeans(
        k, init=given, n_init=1, random_state=0, algorithm=algorithm, copy_x=False, **common
    )
    return lambda: of(model.fit(x))


def vectors(x: np.ndarray, spark: Any) -> Any:
    """Cache vectors on the JVM, two partitions."""
    import pandas as pd
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql import functions as f

    parts = [
        spark.createDataFrame(pd.DataFrame({"a": list(rows)}), "a array<double>")
        for rows in np.array_split(x.astype(np.float64), max(1, x.size // 5_000_000))
    ]
    frame = parts[0]
    for part in parts[1:]:
        frame = frame.union(part)
    found = frame.select(array_to_vector(f.col("a")).alias("features")).repartition(2).cache()
    found.count()
    return found


def pyspark_ml(frame: Any, k: int, common: dict[str, Any]) -> Fit:
    """Return the fit of ``pyspark.ml``, which draws its own seeds."""
    from pyspark.ml.clustering import KMeans as SparkKMeans

    model = SparkKMeans(k=k, seed=0, maxIter=common["max_iter"], tol=common["tol"])

    def fit() -> tuple[float, int]:
        summary = model.fit(frame).summary
        return float(summary.trainingCost), int(summary.numIter)

    return fit


def pyspark_mllib(frame: Any, k: int, common: dict[str, Any], init: np.ndarray) -> Fit:
    """Return the fit of ``pyspark.mllib`` from an initial model."""
    from pyspark.mllib.common import callMLlibFunc
    from pyspark.mllib.linalg import Vectors

    from bench.peers import jvm

    rows = jvm.rest(frame.rdd.map(lambda r: Vectors.dense(r[0].toArray())))
    start = [Vectors.dense(c) for c in init.astype(float)]

    def fit() -> tuple[float, int]:
        given = (k, common["max_iter"], "random", 0, 1, common["tol"], start, "euclidean")
        model = callMLlibFunc("trainKMeansModel", jvm.view(rows), *given)
        return float(model.trainingCost()), common["max_iter"]

    return fit


def compare(sides: dict[str, Fit], repeats: int) -> dict[str, Any]:
    """Time all sides, alternating after a first round of each; Spark's are run less often."""
    runs: dict[str, list[tuple[float, float, int]]] = {s: [] for s in sides}
    for r in range(repeats + 1):
        for side in list(sides)[:: (-1) ** r]:
            if side.startswith("pyspark") and r > 1:
                continue
            with threadpool_limits(2):
                seconds, (inertia, n) = measure.timed(sides[side])
            print(f"{side}: {seconds:.3f} s, inertia {inertia:.8g}, {n} iterations", flush=True)
            if r > 0:
                runs[side].append((seconds, inertia, n))
    out: dict[str, Any] = {
        side: {
            "seconds": measure.summary([s for s, _, _ in found]),
            "inertia": found[-1][1],
            "iterations": found[-1][2],
        }
        for side, found in runs.items()
    }
    mine = out["ours"]["seconds"]["median"]
    faster = {s: round(f["seconds"]["median"] / mine, 2) for s, f in out.items() if s != "ours"}
    return {"sides": out, "times_faster": faster}


def main() -> None:
    """Measure and write the result."""
    a = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    a.add_argument("what", choices=["blobs", "many", "mnist"])
    a.add_argument("--data", help="the folder of MNIST's images")
    a.add_argument("--rows", type=int)
    a.add_argument("--features", type=int)
    a.add_argument("--k", type=int)
    a.add_argument("--iterations", type=int, default=20)
    a.add_argument("--repeats", type=int, default=3)
    a.add_argument("--double", action="store_true", help="float64 rows")
    a.add_argument("--peers", default="scikit-learn,pyspark.ml,pyspark.mllib")
    args = a.parse_args()
    warnings.simplefilter("ignore")
    peers = set(args.peers.split(","))
    many = args.what == "many"
    k = args.k or {"blobs": 100, "many": 1000, "mnist": 10}[args.what]
    if args.what == "mnist":
        x = mnist(args.data)
        common: dict[str, Any] = {"tol": 0.0, "max_iter": 1000}
    else:
        rows = args.rows or (1_000_000 if many else 200_000)
        x = blobs(rows, args.features or (64 if many else 100), k, 1.0)
        common = {"tol": 0.0, "max_iter": args.iterations}
    if args.double:
        x = x.astype(np.float64)
    init = None if many else x[np.random.default_rng(1).permutation(len(x))[:k]].copy()
    spark = mllib_py.session("local[2]", memory="10g")
    layout, fit = ours(x, k, common, init)
    sides = {"ours": fit}
    if "scikit-learn" in peers:
        sides["scikit-learn lloyd"] = theirs(x, k, common, init, "lloyd")
        if args.what == "mnist":
            sides["scikit-learn elkan"] = theirs(x, k, common, init, "elkan")
    frame = vectors(x, spark) if peers & {"pyspark.ml", "pyspark.mllib"} else None
    if "pyspark.ml" in peers:
        sides["pyspark.ml"] = pyspark_ml(frame, k, common)
    if "pyspark.mllib" in peers and init is not None:
        sides["pyspark.mllib"] = pyspark_mllib(frame, k, common, init)
    measure.warm(fit)
    found = compare(sides, args.repeats)
    head = {"what": args.what, "rows": len(x), "features": x.shape[1], "k": k}
    head |= {"dtype": str(x.dtype), "layout_seconds": layout} | common
    print(found["times_faster"])
    measure.write(f"cluster-{args.what}-{k}-{x.dtype}", head | found)


if __name__ == "__main__":
    main()
