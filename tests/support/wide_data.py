"""A linear fit to data of twice the heap: run as a script by test_linear_heap.py.

The argument says what they are: "frame" or "arrays".

Prints a line of JSON: bytes of the data at rest, of the heap, and what was found.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

import mllib_py
from mllib_py.linear import LogisticRegression

ROWS, FEATURES = 720_000, 400


def frame(spark: Any) -> Any:
    noise = [f"cast(randn({i}) as float)" for i in range(FEATURES)]
    rows = spark.range(ROWS, numPartitions=16).selectExpr(f"array({', '.join(noise)}) as features")
    return rows.selectExpr("features", "int(features[0] - features[1] > randn(999)) as label")


def arrays() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((ROWS, FEATURES), dtype=np.float32)
    return x, (x[:, 0] - x[:, 1] > rng.standard_normal(ROWS)).astype(int)


def main(kind: str) -> None:
    spark = mllib_py.session("local[2]", memory="560m")
    given = arrays() if kind == "arrays" else (frame(spark),)
    data = mllib_py.layout(*given, target="classes")
    model = LogisticRegression(C=1.0, max_iter=3, tol=1e-3).fit(data)
    heap = spark.sparkContext._jvm.java.lang.Runtime.getRuntime().maxMemory()
    told = {
        "bytes": 4 * ROWS * FEATURES,
        "heap": heap,
        "rows": data.facts["rows"],
        "coef": model.coef_[0, :3].tolist(),
        "intercept": float(model.intercept_[0]),
    }
    data.release()
    print(json.dumps(told))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
