"""Grow a scikit-learn forest on a cluster, and score Parquet files with it: a spark-submit job.

    spark-submit --master spark://host:7077 --jars "$(mllib-py jar)" examples/tune_forest.py \
        --data hdfs://host:8020/rows --label y --out hdfs://host:8020/scored --model forest.pkl

Without --data it makes rows up, in which case no cluster is needed either.
"""

from __future__ import annotations

import argparse
import json
import pickle
from pathlib import Path
from typing import Any

from sklearn.datasets import make_classification

import mllib_py
from mllib_py import tune


def made_up(spark: Any, rows: int = 20_000) -> Any:
    """Return a DataFrame of made-up rows."""
    import pandas as pd

    x, y = make_classification(rows, 20, n_informative=8, random_state=0)
    frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])])
    return spark.createDataFrame(frame.assign(y=y, key=range(rows)))


def main() -> None:
    """Sample, fit, score all, and say how well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="Parquet files, hdfs:// too")
    parser.add_argument("--label", default="y", help="the column to predict")
    parser.add_argument("--rows", type=int, default=200_000, help="rows to learn from, at most")
    parser.add_argument("--trees", type=int, default=100)
    parser.add_argument("--out", help="folder for Parquet files of the rows and probabilities")
    parser.add_argument("--model", help="file for the forest, which scikit-learn alone can read")
    args = parser.parse_args()

    spark = mllib_py.session(app_name="tune_forest")
    frame = spark.read.parquet(args.data) if args.data else made_up(spark)
    numbers = [name for name, kind in frame.dtypes if kind in ("float", "double")]
    share = min(1.0, args.rows / frame.count())
    sample = frame.select(*numbers, args.label).sample(share, seed=0).toPandas()
    forest = tune.RandomForestClassifier(args.trees, oob_score=True, random_state=0)
    forest.fit(sample[numbers], sample[args.label])

    scored = tune.predict(forest, frame, method="predict_proba")
    if args.out:
        scored.write.mode("overwrite").parquet(args.out)
    if args.model:
        Path(args.model).write_bytes(pickle.dumps(forest.to_sklearn()))
    rows = tune.predict(forest, frame, keep=[args.label]).groupBy(args.label, "prediction").count()
    told = {"oob_score": round(forest.oob_score_, 4), **forest.cluster_report_}
    told["rows"] = {f"{a} as {b}": n for a, b, n in rows.collect()}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
