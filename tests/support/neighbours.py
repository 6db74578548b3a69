"""Work beside work that kills their executor: ``neighbours.py FOLDER``; tells JSON.

One executor of four cores, and tasks of two: two slots, which die together.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_iris
from sklearn.svm import SVC
from support.tuning import executor

import mllib_py
from mllib_py import tune


class Neighbour(SVC):
    """An SVC that kills its executor when others have begun, or takes its time."""

    def __init__(self, C: float = 1.0, kill: bool = False, folder: str = "") -> None:
        super().__init__(C=C)
        self.kill, self.folder = kill, folder

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        (Path(self.folder) / f"{'bad' if self.kill else 'good'}-{time.time_ns()}").touch()
        time.sleep(1 if self.kill else 3)
        if self.kill:
            os.kill(executor(), signal.SIGKILL)
        return super().fit(X, y)


def peak(backend: Any, folder: Path) -> int:
    """How many pieces of work of two cores run at once."""

    def count(i: int) -> int:
        mine = folder / f"now-{i}"
        mine.touch()
        time.sleep(1)
        now = len(list(folder.glob("now-*")))
        mine.unlink()
        return now

    return max(
        f.result() for f in [backend.submit(lambda i=i: count(i), cores=2) for i in range(6)]
    )


def study(backend: Any) -> list[int]:
    """How often each trial was tried, of which the first kills its Python worker alone."""

    def objective(params: dict[str, Any]) -> float:
        if params["x"] == 0:
            time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(2)
        return float(params["x"])

    given: dict[str, Any] = {"sampler": "grid", "cores_per_trial": 2, "backend": backend}
    trials = tune.Study(objective, {"x": [0, 1, 2]}, **given).run().trials
    return [t.user_attrs["run"]["attempts"] if t.values else t.user_attrs["error"] for t in trials]


def main() -> None:
    folder = Path(sys.argv[1])
    conf = {"spark.task.cpus": "2", "spark.executor.memory": "512m"}
    spark = mllib_py.session("local-cluster[1,4,1024]", memory="1g", conf=conf)
    backend = tune.SparkBackend(spark)
    told: dict[str, Any] = {"peak": peak(backend, folder)}
    # Until its executor has come Spark tells of cores that it only expects.
    told |= {"slots": backend.slots, "together": backend.dies_together}
    x, y = load_iris(return_X_y=True)
    rows = np.random.default_rng(0).permutation(150)
    search = tune.GridSearchCV(
        Neighbour(folder=str(folder)),
        {"kill": [True, False]},
        cv=[(rows[:100], rows[100:])],
        error_score=-1,
        backend=backend,
        cores_per_trial=2,
    ).fit(x, y)
    told["scores"] = search.cv_results_["mean_test_score"].tolist()
    told["begun"] = {kind: len(list(folder.glob(f"{kind}-*"))) for kind in ("good", "bad")}
    told["study"] = study(backend)
    backend.close()
    spark.stop()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
