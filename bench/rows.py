"""How k-means and decompositions grow: by rows, columns, k, partitions, cores; the least cost.

python -m bench.rows scaling            each size doubled (or more) alone; one core and two
python -m bench.rows overhead           an iteration over 1,000 rows, on the driver and in Spark
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

import mllib_py
from bench import child, measure
from mllib_py.cluster import KMeans
from mllib_py.decomposition import svd

#: Where each row of the report begins, and what is changed of it, one at a time.
_BASE = {"rows": 200_000, "features": 100, "k": 50, "partitions": 0, "cores": 2}
_CHANGED: list[dict[str, int]] = [
    {},
    {"rows": 50_000},
    {"rows": 100_000},
    {"rows": 400_000},
    {"features": 25},
    {"features": 50},
    {"features": 200},
    {"features": 400},
    {"k": 10},
    {"k": 20},
    {"k": 90},
    {"partitions": 2},
    {"partitions": 8},
    {"partitions": 32},
    {"cores": 1},
]


def scaling(repeats: int) -> dict[str, Any]:
    """Time ten iterations of k-means and a decomposition, each shape in a JVM of its own."""
    out = []
    for changed in _CHANGED:
        shape = _BASE | changed
        found = child.run("bench.rows", [*map(str, shape.values()), str(repeats)])
        assert found is not None
        out.append(shape | found)
        print(out[-1], flush=True)
    return {"runs": out}


def one_shape(arguments: list[str]) -> None:
    """Time a shape in this process; 0 partitions are blocks of the driver."""
    n, features, k, partitions, cores, repeats = map(int, arguments)
    spark = mllib_py.session(f"local[{cores}]", memory="8g")
    rng = np.random.default_rng(0)
    middles = rng.normal(size=(k, features)).astype(np.float32)
    x = rng.normal(size=(n, features)).astype(np.float32)
    x += middles[rng.integers(k, size=n)]
    rows: Any = x
    if partitions:
        rows = spark.sparkContext.parallelize(list(x), partitions)
    data = mllib_py.layout(rows, target="none")
    data.facts  # noqa: B018 - a first pass over the data is part of laying out

    def per_iteration() -> float:
        def fit(iterations: int) -> float:
            # Without bounds, which would make the last iterations cheaper than the first.
            model = KMeans(k, init=x[:k], max_iter=iterations, tol=0.0, algorithm="full")
            return measure.timed(lambda: model.fit(data))[0]

        return (fit(12) - fit(2)) / 10

    def decompose() -> float:
        return measure.timed(lambda: svd(data, min(k, 20), compute_u=False))[0]

    measure.warm(per_iteration)
    measure.warm(decompose)
    child.tell(
        {
            "kmeans_milliseconds_an_iteration": _milliseconds(per_iteration, repeats),
            "svd_milliseconds": _milliseconds(decompose, repeats),
        }
    )


def _milliseconds(work: Any, repeats: int) -> dict[str, Any]:
    return measure.summary([1000 * work() for _ in range(repeats)])


def overhead(repeats: int) -> dict[str, Any]:
    """Time an iteration of k-means over data that cost nothing, and an empty job of Spark."""
    spark = mllib_py.session("local[2]", memory="2g")
    x = np.random.default_rng(0).normal(size=(1000, 10))
    frame = spark.createDataFrame([(r.tolist(),) for r in x], "features array<double>")
    frame = frame.repartition(4)
    kinds = {"driver": mllib_py.layout(x, target="none")}
    kinds["spark"] = mllib_py.layout(frame, target="none")
    spark.conf.set("spark.mllib_py.driverBytes", "0")
    kinds["spark_by_jobs"] = mllib_py.layout(frame, target="none")
    out: dict[str, list[float]] = {name: [] for name in (*kinds, "empty_job")}
    four = spark.sparkContext._jsc.parallelize([1, 2, 3, 4], 4)

    def iteration(data: Any) -> float:
        model = KMeans(50, init=x[:50], max_iter=40, tol=0.0)
        seconds, _ = measure.timed(lambda: model.fit(data))
        return 1000 * seconds / model.n_iter_

    for r in range(5 * repeats + 3):
        seconds, _ = measure.timed(lambda: [four.count() for _ in range(20)])
        found = {"empty_job": 50 * seconds} | {name: iteration(d) for name, d in kinds.items()}
        for name, value in found.items():
            if r >= 3:
                out[name].append(value)
    return {f"{name}_milliseconds": measure.summary(of) for name, of in out.items()}


PARTS = {"scaling": scaling, "overhead": overhead}


def main() -> None:
    """Measure and write the result."""
    a = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    a.add_argument("part", choices=PARTS)
    a.add_argument("--repeats", type=int, default=3)
    args = a.parse_args()
    found = PARTS[args.part](args.repeats)
    print(found)
    measure.write(f"rows-{args.part}", found)


if __name__ == "__main__":
    child.main(main, one_shape)
