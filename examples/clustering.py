"""Cluster the rows of LIBSVM data, as a spark-submit job.

    spark-submit --master spark://host:7077 --jars "$(mllib-py jar)" examples/clustering.py \
        --data hdfs://host:8020/rows --clusters 10 --out hdfs://host:8020/labelled
"""

from __future__ import annotations

import argparse
import json

import mllib_py
from mllib_py.cluster import KMeans, silhouette


def main() -> None:
    """Fit, label the same rows, and write them with their clusters."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="LIBSVM file or folder, hdfs:// too")
    parser.add_argument("--out", help="folder for Parquet files of features and prediction")
    parser.add_argument("--clusters", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    spark = mllib_py.session(app_name="clustering")
    frame = spark.read.format("libsvm").load(args.data).select("features").cache()
    model = KMeans(args.clusters, random_state=args.seed).fit(frame)
    labelled = model.predict(frame)
    if args.out:
        labelled.write.mode("overwrite").parquet(args.out)
    report = {k: model.report_[k] for k in ("reason", "iterations", "passes")}
    told = {"inertia": model.inertia_, "silhouette": round(silhouette(model, frame), 4)}
    print(json.dumps(told | report))


if __name__ == "__main__":
    main()
