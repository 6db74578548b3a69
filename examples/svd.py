"""Decompose rows of LIBSVM data, as a spark-submit job.

    spark-submit --master spark://host:7077 --jars "$(mllib-py jar)" examples/svd.py \
        --data hdfs://host:8020/rows.libsvm --out hdfs://host:8020/projections
"""

from __future__ import annotations

import argparse
import json

import mllib_py
from mllib_py.decomposition import svd


def main() -> None:
    """Decompose, write each row's label and left vector, and tell what was certified."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="LIBSVM file or folder, hdfs:// too")
    parser.add_argument("--out", help="folder for Parquet files of label and left vector")
    parser.add_argument("--k", type=int, default=5, help="singular triples")
    parser.add_argument("--center", action="store_true", help="take the columns' means away")
    args = parser.parse_args()

    spark = mllib_py.session(app_name="svd")
    frame = spark.read.format("libsvm").load(args.data).cache()
    u, s, _ = found = svd(frame, args.k, center=args.center)
    if args.out:
        u.select("label", "u").write.mode("overwrite").parquet(args.out)
    report = found.certificate_._asdict()
    print(json.dumps({"s": s.tolist(), "method": found.method_, "certificate": report}))


if __name__ == "__main__":
    main()
