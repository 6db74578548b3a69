"""Linear fits on a cluster whose executors are killed: run as a script by test_linear_executor.py.

    python long_linear.py MASTER

Makes each of `FITS` twice, the second time with an executor killed (SIGKILL) in its middle,
and prints a line of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from typing import Any

import numpy as np
import pandas as pd
from support.long_fit import executors, left

import mllib_py
from mllib_py import linear

MODELS: dict[str, Any] = {
    "lbfgs": linear.LogisticRegression(tol=0.0, max_iter=60, solver="lbfgs"),
    "owl-qn": linear.LogisticRegression(tol=0.0, max_iter=60, l1_ratio=0.5, C=0.01),
    "newton-cholesky": linear.LogisticRegression(tol=0.0, max_iter=12, C=1e6),
    "newton-cg": linear.LogisticRegression(tol=0.0, max_iter=12, solver="newton-cg"),
    "local-sgd": linear.LogisticRegression(tol=0.0, max_iter=30, solver="local-sgd", C=1e-4),
    "cocoa": linear.LogisticRegression(tol=0.0, max_iter=50, solver="cocoa", C=1e-2),
    "hinge": linear.LinearSVC(tol=1e-6, max_iter=200, loss="hinge", C=1e-3),
    "sgd": linear.SGDClassifier(max_iter=50, tol=None, random_state=0),
}


#: Those that are made to a DataFrame's rows, too, whose blocks are computed anew when lost.
OF_FRAMES = ("lbfgs", "newton-cholesky", "cocoa", "sgd")
FITS = (*MODELS, *(f"{name}, frame" for name in OF_FRAMES))


def _data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30_000, 20)) * np.geomspace(0.1, 10, 20)
    score = x @ (rng.normal(size=20) / np.geomspace(0.1, 10, 20))
    return x, (score + rng.logistic(size=len(x)) > 0).astype(int)


def _frame(spark: Any) -> Any:
    x, y = _data()
    table = pd.DataFrame(x, columns=[f"f{i}" for i in range(x.shape[1])]).assign(label=y)
    # Not shuffled: what is computed again has its rows in the same order, and sums the same bits.
    return spark.createDataFrame(table)


def _kill(spark: Any, after: float, killed: list[float]) -> None:
    time.sleep(after)
    # The test started the workers, and this process.
    os.kill(executors(spark.sparkContext.applicationId, os.getppid())[0], signal.SIGKILL)
    killed.append(time.monotonic())


def main(master: str) -> None:
    conf = {"spark.executor.memory": "768m", "spark.driver.host": "127.0.0.1"}
    conf["spark.mllib_py.driverBytes"] = "0"  # no data too small for the executors
    spark = mllib_py.session(master, memory="1g", conf=conf)
    layouts = {"": mllib_py.layout(*_data()), "frame": mllib_py.layout(_frame(spark))}
    told: dict[str, Any] = {}
    for name in FITS:
        known, _, where = name.partition(", ")
        model, data = MODELS[known], layouts[where]
        model.fit(data)  # what has been compiled since takes as long the next time
        began = time.monotonic()
        expected = model.fit(data).coef_.copy()
        seconds = time.monotonic() - began
        killed: list[float] = []
        thread = threading.Thread(target=_kill, args=(spark, 0.3 * seconds, killed))
        thread.start()
        found = model.fit(data).coef_
        ended = time.monotonic()
        thread.join()
        told[name] = {
            "same": bool(np.array_equal(found, expected)),
            "in_the_middle": bool(killed and killed[0] < ended),
            "partitions": data.facts["partitions"],
        }
    for data in layouts.values():
        data.release()
    print(json.dumps(told | {"left": left(spark)}))
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
