"""What a forest costs on a cluster's slots, and a prediction over millions of rows.

python -m bench.tune_forest fit        200 trees, 100,000 x 50: scikit-learn, ours, and Spark's
python -m bench.tune_forest predict    forests and linear models over a DataFrame

Ours runs in two real worker processes of Spark (local[2]), which a small fit warms up first.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

import mllib_py
from bench import measure
from mllib_py import tune

FEATURES = 50


def _rows(rows: int) -> tuple[Any, Any, Any, Any]:
    from sklearn.datasets import make_classification

    test = max(1000, rows // 5)
    x, y = make_classification(
        rows + test, FEATURES, n_informative=20, n_redundant=10, flip_y=0.02, random_state=0
    )
    return x[:rows], y[:rows], x[rows:], y[rows:]


def fit(rows: int, trees: int, repeats: int, most: float) -> dict[str, Any]:
    """Alternate scikit-learn's forest and ours; then the best of Spark's in `most` times ours."""
    from sklearn.ensemble import RandomForestClassifier

    spark = mllib_py.session("local[2]", memory="6g")
    x, y, test, truth = _rows(rows)
    warm = tune.RandomForestClassifier(4, max_depth=2, backend="spark").fit(x[:1000], y[:1000])
    assert warm.cluster_report_["pieces"] >= 1
    times: dict[str, list[float]] = {"scikit-learn, n_jobs=2": [], "ours, 2 slots": []}
    for _ in range(repeats):
        seconds, twin = measure.timed(
            lambda: RandomForestClassifier(trees, n_jobs=2, random_state=0).fit(x, y)
        )
        times["scikit-learn, n_jobs=2"].append(seconds)
        seconds, ours = measure.timed(
            lambda: tune.RandomForestClassifier(trees, random_state=0).fit(x, y)
        )
        times["ours, 2 slots"].append(seconds)
    score = ours.score(test, truth)
    assert score == twin.score(test, truth)
    limit = most * min(times["ours, 2 slots"])
    return {
        "rows": rows,
        "features": FEATURES,
        "trees": trees,
        "accuracy": score,
        "seconds": {name: measure.summary(found) for name, found in times.items()},
        "shipped": ours.cluster_report_,
        "pyspark.ml": _sparks(spark, (x, y, test, truth), trees, limit),
        "pyspark.ml_most_times": most,
    }


def _sparks(spark: Any, data: tuple[Any, ...], trees: int, limit: float) -> list[dict[str, Any]]:
    """Fit Spark's forest at growing depth, until it takes longer than the limit."""
    import pandas as pd
    from pyspark.ml.classification import RandomForestClassifier
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql import functions as f

    def frame(x: Any, y: Any) -> Any:
        names = [f"x{i}" for i in range(x.shape[1])]
        made = spark.createDataFrame(pd.DataFrame(x, columns=names).assign(label=y.astype(float)))
        made = made.select("label", array_to_vector(f.array(*names)).alias("features")).cache()
        made.count()
        return made

    train, test = frame(*data[:2]), frame(*data[2:])
    found: list[dict[str, Any]] = []
    for depth in (5, 10, 15, 20, 25, 30):
        forest = RandomForestClassifier(numTrees=trees, maxDepth=depth, maxBins=256, seed=0)
        forest.setMaxMemoryInMB(1024)
        began = time.perf_counter()
        model = forest.fit(train)
        seconds = time.perf_counter() - began
        right = model.transform(test).agg(
            f.avg((f.col("label") == f.col("prediction")).cast("int"))
        )
        found.append({"depth": depth, "seconds": round(seconds, 2), "accuracy": right.first()[0]})
        print(found[-1], flush=True)
        if seconds > limit:
            break
    train.unpersist()
    test.unpersist()
    return found


def predict(rows: int, trees: int, repeats: int) -> dict[str, Any]:
    """Predict over rows that Spark makes up; the time of making them alone beside it."""
    from sklearn.linear_model import LogisticRegression

    spark = mllib_py.session("local[2]", memory="4g")
    x, y, _, _ = _rows(20_000)
    names = [f"x{i}" for i in range(FEATURES)]
    columns = [f"randn({i}) {name}" for i, name in enumerate(names)]
    frame = spark.range(0, rows, numPartitions=8).selectExpr("id", *columns)
    linear = LogisticRegression(max_iter=200).fit(x, y)
    forest = tune.RandomForestClassifier(trees, max_depth=8, random_state=0).fit(x, y)

    def run(scored: Any) -> float:
        seconds, _ = measure.timed(lambda: scored.write.format("noop").mode("overwrite").save())
        return seconds

    times: dict[str, list[float]] = {"rows alone": [], "linear": [], "forest": [], "both": []}
    warm = spark.range(0, 40_000, numPartitions=8).selectExpr("id", *columns)
    run(tune.predict({"linear": linear, "forest": forest}, warm, names, "predict_proba"))
    for _ in range(repeats):
        times["rows alone"].append(run(frame))
        times["linear"].append(run(tune.predict(linear, frame, names, "predict_proba")))
        times["forest"].append(run(tune.predict(forest, frame, names, "predict_proba")))
        models = {"linear": linear, "forest": forest}
        times["both"].append(run(tune.predict(models, frame, names, "predict_proba")))
    return {
        "rows": rows,
        "features": FEATURES,
        "trees": trees,
        "seconds": {name: measure.summary(found) for name, found in times.items()},
        "rows_a_second": {n: round(rows / np.median(t)) for n, t in times.items()},
    }


def main() -> None:
    """Measure and write the result."""
    a = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    a.add_argument("part", choices=("fit", "predict"))
    a.add_argument("--rows", type=int, help="default 100,000 to fit, 10 million to predict")
    a.add_argument("--trees", type=int, help="default 200 to fit, 50 to predict")
    a.add_argument("--repeats", type=int, default=3)
    a.add_argument("--most", type=float, default=10, help="times ours that Spark's forest may take")
    a.add_argument("--dry", action="store_true", help="print, and write nothing")
    args = a.parse_args()
    default = {"fit": (100_000, 200), "predict": (10_000_000, 50)}[args.part]
    shape = (args.rows or default[0], args.trees or default[1], args.repeats)
    found = fit(*shape, args.most) if args.part == "fit" else predict(*shape)
    print(found)
    if not args.dry:
        measure.write(f"tune-forest-{args.part}", found)


if __name__ == "__main__":
    main()
