"""A forest and predictions on a cluster: run as a script by test_tune_ensembles.py.

    python long_ensembles.py MASTER

Grows a forest that is larger than the driver's limit of results, once undisturbed and once with an
executor killed (SIGKILL) in the middle, predicts over millions of rows, and prints a line of JSON.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import threading
import time
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from support.long_fit import executors, left, stored

import mllib_py
from mllib_py import tune

LIMIT = 6 << 20
ROWS = 2_000_000
#: Bytes of a model that is broadcast, far more than a task of Spark's own is.
BALLAST = 1 << 18


class Peak:
    """Answers with the most memory that its process has had, in MB; large enough to be missed."""

    def __init__(self) -> None:
        self.ballast = np.random.default_rng(0).bytes(BALLAST)

    def predict(self, X: Any) -> Any:
        return np.full(len(X), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def same(a: Any, b: Any) -> bool:
    pairs = zip(a.estimators_, b.estimators_, strict=True)
    return all(
        np.array_equal(s.tree_.threshold, t.tree_.threshold)
        and np.array_equal(s.tree_.value, t.tree_.value)
        for s, t in pairs
    )


def wait_for_the_middle(tracker: Any, ended: threading.Event) -> None:
    """Wait until some pieces have come back, and there are more."""
    first = None
    while not ended.wait(0.02):
        jobs = tracker.getActiveJobsIds()
        first = min(jobs) if first is None and jobs else first
        if jobs and min(jobs) > first + 2:
            return


def forests(spark: Any) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8_000, 30))
    y = x[:, 0] + rng.normal(size=len(x)) > 0
    words: dict[str, Any] = {"n_estimators": 60, "random_state": 0}
    twin = RandomForestClassifier(n_jobs=2, **words).fit(x, y)
    calm = tune.RandomForestClassifier(**words).fit(x, y)
    ended = threading.Event()

    def kill() -> None:
        wait_for_the_middle(spark.sparkContext.statusTracker(), ended)
        # The test started the workers, and this process.
        victim = executors(spark.sparkContext.applicationId, os.getppid())[0]
        # Held still first: if it has no piece just now it is given one, and that one is lost.
        os.kill(victim, signal.SIGSTOP)
        time.sleep(1)
        os.kill(victim, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    hurt = tune.RandomForestClassifier(**words).fit(x, y)
    ended.set()
    thread.join()
    return {
        "calm": same(calm, twin),
        "gathered": calm.cluster_report_["bytes_gathered"],
        "scattered": calm.cluster_report_["bytes_scattered"],
        "with_pieces": calm.cluster_report_["bytes_with_pieces"],
        "hurt": same(hurt, twin),
        "again": hurt.cluster_report_["pieces_run_again"],
    }


def predictions(spark: Any) -> dict[str, Any]:
    names = [f"c{i}" for i in range(10)]
    x = np.random.default_rng(0).random((2000, 10))
    model = RandomForestClassifier(5, max_depth=4, random_state=0).fit(x, x[:, 0] > 0.5)

    def frame(rows: int) -> Any:
        columns = [f"rand({i}) {name}" for i, name in enumerate(names)]
        return spark.range(0, rows, numPartitions=4).selectExpr("id", *columns)

    def peak(rows: int) -> float:
        scored = tune.predict({"model": model, "peak": Peak()}, frame(rows), names)
        return float(scored.agg({"peak_prediction": "max"}).first()[0])

    few, many = peak(ROWS // 30), peak(ROWS)
    scored = tune.predict(model, frame(ROWS), names)
    told = scored.selectExpr(
        "count(distinct id) ids",
        "count(*) rows",
        "avg(int(prediction = (c0 > 0.5))) right",
    ).first()
    return {"few": few, "many": many, **told.asDict()}


def main(master: str) -> None:
    conf = {
        "spark.executor.memory": "768m",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.maxResultSize": str(LIMIT),
    }
    spark = mllib_py.session(master, memory="1g", conf=conf)
    told = {"forests": forests(spark), "predictions": predictions(spark), "limit": LIMIT}
    # A model's broadcast goes with the DataFrame that predicts by it, when both sides collect it.
    deadline = time.monotonic() + 30
    while stored(spark) and time.monotonic() < deadline:
        gc.collect()
        spark.sparkContext._jvm.System.gc()
        time.sleep(0.5)
    print(json.dumps(told | {"left": left(spark)}))
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
