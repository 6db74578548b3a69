"""ALS beside ``pyspark.ml``'s: same session, same cached input, rank, iterations and split.

    python -m bench.peers.als ml-1m --data FOLDER_OF_ML_1M
    python -m bench.peers.als 20m

The two sides alternate. Layout counts. Where a run of the peer is long, iterations are timed by
the slope: (time of 3 iterations - time of 1) / 2.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mllib_py
from bench import generate, measure

STRATEGIES = ("data-parallel", "broadcast", "blocked")
COLUMNS = {"userCol": "user", "itemCol": "item", "ratingCol": "rating"}


class Problem:
    """Training and test ratings, cached in Spark for both sides."""

    def __init__(self, spark: Any, columns: generate.Columns, rank: int, reg: float) -> None:
        users, items, values = columns
        test = np.random.default_rng(1).random(len(users)) < 0.1
        self.rank, self.reg = rank, reg
        self.train = _cached(spark, users[~test], items[~test], values[~test])
        self.test = _cached(spark, users[test], items[test], values[test])
        self.ours = mllib_py.ratings(self.train)
        self.ours_test = mllib_py.ratings(self.test)
        self.n_train = self.ours.n_ratings

    def fit_ours(self, iterations: int, strategy: str) -> Any:
        """Fit ours, layout and all."""
        als = mllib_py.ALS(
            rank=self.rank, max_iter=iterations, reg=self.reg, strategy=strategy, num_blocks=2
        )
        return als.fit(self.ours, progress=False)

    def fit_spark(self, iterations: int) -> Any:
        """Fit Spark's with two blocks, until its factors are there."""
        from pyspark.ml.recommendation import ALS

        als = ALS(
            rank=self.rank,
            maxIter=iterations,
            regParam=self.reg,
            numUserBlocks=2,
            numItemBlocks=2,
            coldStartStrategy="drop",
            seed=0,
            **COLUMNS,
        )
        model = als.fit(self.train)
        model.userFactors.count()
        model.itemFactors.count()
        return model

    def rmse_spark(self, model: Any) -> float:
        """RMSE on the test ratings, by Spark's own evaluator."""
        from pyspark.ml.evaluation import RegressionEvaluator

        evaluator = RegressionEvaluator(labelCol="rating", predictionCol="prediction")
        return float(evaluator.evaluate(model.transform(self.test)))


def _cached(spark: Any, users: Any, items: Any, values: Any) -> Any:
    """Make a cached DataFrame with two partitions out of arrays."""
    import tempfile

    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"user": users, "item": items, "rating": values})
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(table, f"{folder}/r.parquet")
        frame = spark.read.parquet(folder).repartition(2).cache()
        frame.count()
    return frame


def repeated(problem: Problem, heap: measure.Heap, iterations: int, repeats: int) -> dict[str, Any]:
    """Whole fits, alternating; the first of each side in the session is reported apart."""
    sides: dict[str, Callable[[], Any]] = {"pyspark.ml": lambda: problem.fit_spark(iterations)}
    for s in STRATEGIES:
        sides[s] = lambda s=s: problem.fit_ours(iterations, s)
    first: dict[str, float] = {}
    runs: dict[str, list[float]] = {name: [] for name in sides}
    peaks: dict[str, float] = {}
    rmse: dict[str, float] = {}
    for r in range(repeats + 1):
        for name in list(sides)[::-1]:
            peak, (seconds, model) = heap.peak(lambda name=name: measure.timed(sides[name]))
            print(f"{name}: {seconds:.2f} s, {peak:.0f} MB", flush=True)
            if r == 0:
                first[name] = round(seconds, 3)
                rmse[name] = round(_rmse(problem, name, model), 5)
            else:
                runs[name].append(seconds)
            peaks[name] = max(peaks.get(name, 0.0), round(peak))
    medians = {name: measure.summary(s) for name, s in runs.items()}
    spark = medians["pyspark.ml"]["median"]
    return {
        "iterations": iterations,
        "seconds": medians,
        "first_fit_seconds": first,
        "times_faster_repeated": {s: round(spark / medians[s]["median"], 1) for s in STRATEGIES},
        "times_faster_first": {s: round(first["pyspark.ml"] / first[s], 1) for s in STRATEGIES},
        "test_rmse": rmse,
        "peak_heap_mb": peaks,
    }


def _rmse(problem: Problem, name: str, model: Any) -> float:
    if name == "pyspark.ml":
        return problem.rmse_spark(model)
    return float(model.score(problem.ours_test))


def slopes(problem: Problem, heap: measure.Heap, repeats: int) -> dict[str, Any]:
    """Seconds per iteration by the slope, and of a fit of one iteration, layout and all."""
    sides: dict[str, Callable[[int], Any]] = {s: _ours(problem, s) for s in STRATEGIES}
    sides["pyspark.ml"] = problem.fit_spark
    out: dict[str, Any] = {}
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for name in sides:
        if name != "pyspark.ml":
            sides[name](1)  # compiled before the clock, as Spark's long runs are
    for r in range(repeats):
        for name, fit in sides.items():
            if name == "pyspark.ml" and r > 0:
                continue
            one, _ = measure.timed(lambda fit=fit: fit(1))
            peak, (three, model) = heap.peak(lambda fit=fit: measure.timed(lambda: fit(3)))
            found[name].append((one, three))
            rmse = round(_rmse(problem, name, model), 5)
            print(
                f"{name}: 1 iteration {one:.2f} s, 3: {three:.2f} s, {peak:.0f} MB, {rmse}",
                flush=True,
            )
            out[name] = {"test_rmse_after_3": rmse, "peak_heap_mb": round(peak)}
    for name, pairs in found.items():
        out[name]["seconds_per_iteration"] = measure.summary([(t - o) / 2 for o, t in pairs])
        out[name]["fit_of_1_iteration"] = measure.summary([o for o, _ in pairs])
    spark = out["pyspark.ml"]["seconds_per_iteration"]["median"]
    ratio = {s: round(spark / out[s]["seconds_per_iteration"]["median"], 1) for s in STRATEGIES}
    return {"sides": out, "times_faster_per_iteration": ratio}


def _ours(problem: Problem, strategy: str) -> Callable[[int], Any]:
    return lambda iterations: problem.fit_ours(iterations, strategy)


def _ml1m(folder: Path) -> generate.Columns:
    table = pd.read_csv(folder / "ratings.dat", sep="::", engine="python", header=None)
    u, i, r = (table[c].to_numpy() for c in range(3))
    return u.astype(np.int32), i.astype(np.int32), r.astype(np.float32)


def main() -> None:
    """Run the comparison that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["ml-1m", "20m"])
    parser.add_argument("--data", type=Path, help="folder of ml-1m")
    parser.add_argument("--rank", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--ratings", type=int, default=20_000_000)
    args = parser.parse_args()
    spark = mllib_py.session("local[2]")
    heap = measure.Heap(spark)
    if args.what == "ml-1m":
        problem = Problem(spark, _ml1m(args.data), args.rank, reg=0.06)
        result = repeated(problem, heap, 10, args.repeats)
    else:
        problem = Problem(spark, generate.ratings(args.ratings), args.rank, reg=0.06)
        result = slopes(problem, heap, args.repeats)
    blas = spark._jvm.dev.ludovic.netlib.blas.BLAS.getInstance().getClass().getName()
    shape = {"what": args.what, "rank": args.rank, "n_train": problem.n_train, "spark_blas": blas}
    path = measure.write(f"als-{args.what}-rank{args.rank}", shape | result)
    print(json.dumps(result, indent=2), f"\nwritten to {path.name}")


if __name__ == "__main__":
    main()
