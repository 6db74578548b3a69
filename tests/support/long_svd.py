"""A decomposition on a cluster whose executor is killed: run by test_svd_cluster.py.

    python long_svd.py MASTER

Decomposes the same rows twice, once with an executor killed (SIGKILL) amid the passes, and prints
a line of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import numpy as np
from long_fit import executors, left

import mllib_py
from mllib_py import _bridge, _layout
from mllib_py._decomposition import Fit


def fit(spark: Any, data: Any, kill_after: int | None) -> tuple[list[float], list[float], int, int]:
    params = {"k": 4, "method": "randomized", "centred": True, "tol": 1e-10}
    params |= {"oversamples": 4, "max_passes": 300, "seed": 1}
    handle = _bridge.call("svdFit", data._handle, json.dumps(params))
    at = 0
    while not handle.waitFor(10):
        done = json.loads(handle.progress())["done"]
        if kill_after is not None and not at and done >= kill_after:
            # The test started the workers, and this process.
            os.kill(executors(spark.sparkContext.applicationId, os.getppid())[0], signal.SIGKILL)
            at = json.loads(handle.progress())["done"]
    found = handle.model()
    path = f"/tmp/mllib_py-test-{os.getpid()}"
    told = _bridge.ask("svdResult", found, path)
    s, v = np.fromfile(f"{path}.s"), np.fromfile(f"{path}.v")
    for ending in ("s", "v"):
        os.unlink(f"{path}.{ending}")
    passes = Fit(found, s, v, told).certificate.passes
    return s.tolist(), v.tolist(), passes, at


def main(master: str) -> None:
    conf = {"spark.executor.memory": "768m", "spark.driver.host": "127.0.0.1"}
    conf["spark.mllib_py.driverBytes"] = "0"  # no data too small for the executors
    spark = mllib_py.session(master, memory="1g", conf=conf)
    rows = np.random.default_rng(0).normal(size=(600, 300))
    names = [f"c{i}" for i in range(300)]
    # Without a shuffle, which may give a recomputed partition its rows in another order.
    tuples = spark.sparkContext.parallelize([tuple(map(float, r)) for r in rows], 4)
    frame = spark.createDataFrame(tuples, names)
    data = _layout.of_frame(frame, None, None, target="none")
    s, v, passes, _ = fit(spark, data, None)
    s2, v2, passes2, at = fit(spark, data, 5)
    data.release()
    expected = np.linalg.svd(rows - rows.mean(axis=0), compute_uv=False)[:4]
    told = {
        "same": s == s2 and v == v2 and passes == passes2,
        "killed_at": at,
        "passes": passes,
        "right": bool(np.allclose(s, expected, rtol=1e-9)),
        "left": left(spark)["shared"],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1])
