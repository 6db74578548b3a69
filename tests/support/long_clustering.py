"""Clusterings on a cluster, one of whose executors is killed: run by test_executor_clustering.py.

    python long_clustering.py MASTER

Fits twice, kills (SIGKILL) an executor of this application in the middle of the second fit, and
prints a line of JSON with both.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import numpy as np
from support.long_fit import executors, left

import mllib_py
from mllib_py import _bridge, _layout
from mllib_py.cluster import KMeans

ROWS, FEATURES, CLUSTERS = 40_000, 6, 40
KILL_AFTER = 12


def fit(spark: Any, data: Any, start: np.ndarray, path: str, *, kill: bool) -> dict[str, Any]:
    """Fit; tell the centres, and what there is to tell beside them."""
    model = KMeans(CLUSTERS, init=start, tol=0.0, max_iter=60, algorithm="elkan")
    params = model._params(1, np.random.RandomState(0)) | {
        "empty_cluster": "reseed",
        "bounds": "always",
        "labels": True,
    }
    start.tofile(f"{path}.start")
    handle = _bridge.call("kmeansFit", data._handle, _bridge.to_json(params), f"{path}.start")
    at = 0
    while not handle.waitFor(5):
        done = json.loads(handle.progress())["done"]
        if kill and not at and done >= KILL_AFTER:
            # The test started the workers, and this process.
            os.kill(executors(spark.sparkContext.applicationId, os.getppid())[0], signal.SIGKILL)
            at = json.loads(handle.progress())["done"]
    told = _bridge.ask("kmeansResult", handle.model(), path)
    centres = np.fromfile(path).tolist()
    labels = np.fromfile(f"{path}.labels", np.int32)
    os.unlink(f"{path}.start")
    counts = np.bincount(labels, minlength=CLUSTERS).tolist()
    return told | {"centres": centres, "counts": counts, "killed_at": at}


def main(master: str, folder: str) -> None:
    conf = {"spark.executor.memory": "768m", "spark.driver.host": "127.0.0.1"}
    conf["spark.mllib_py.driverBytes"] = "0"  # no data too small for the executors
    spark = mllib_py.session(master, memory="1g", conf=conf)
    x = np.random.default_rng(0).random((ROWS, FEATURES))
    rows = spark.sparkContext.parallelize(x.tolist(), 8)
    data = _layout.of_frame(_layout.as_frame(rows, supervised=False), None, None, target="none")
    start = x[:CLUSTERS].copy()
    out = f"{folder}/centres"
    told = {
        "undisturbed": fit(spark, data, start, out, kill=False),
        "killed": fit(spark, data, start, out, kill=True),
    }
    data.release()
    print(json.dumps(told | {"left": left(spark)}))
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
