"""Fit a logistic regression to LIBSVM data, as a spark-submit job.

    spark-submit --master spark://host:7077 --jars "$(mllib-py jar)" examples/linear.py \
        --data hdfs://host:8020/a9a --out hdfs://host:8020/scores
"""

from __future__ import annotations

import argparse
import json

import mllib_py
from mllib_py.linear import LogisticRegression


def main() -> None:
    """Fit, score the same rows, and write their probabilities."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="LIBSVM file or folder, hdfs:// too")
    parser.add_argument("--out", help="folder for Parquet files of label and probability")
    parser.add_argument("--C", type=float, default=1.0, help="inverse of the penalty")
    args = parser.parse_args()

    spark = mllib_py.session(app_name="linear")
    frame = spark.read.format("libsvm").load(args.data).cache()
    model = LogisticRegression(C=args.C).fit(frame)
    scored = model.predict(model.predict_proba(frame))
    right = scored.where("prediction = label").count() / scored.count()
    if args.out:
        scored.select("label", "probability").write.mode("overwrite").parquet(args.out)
    report = {k: model.report_[k] for k in ("reason", "iterations", "passes", "objective")}
    print(json.dumps({"accuracy": round(right, 4)} | report))


if __name__ == "__main__":
    main()
