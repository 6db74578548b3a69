"""Searches on a cluster, as a process of its own: ``tuning.py MASTER FOLDER HDFS``; tells JSON."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import model_selection as theirs
from sklearn.datasets import load_iris
from sklearn.svm import SVC

import mllib_py
from mllib_py import tune


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def executor() -> int:
    """The process of the executor whose Python worker this is: worker, daemon, executor."""
    pid = os.getpid()
    while "java" not in os.readlink(f"/proc/{pid}/exe"):
        pid = _parent(pid)
    return pid


class KillsItsExecutor(SVC):
    """An SVC that kills the executor it is fitted on: always, or the first time."""

    def __init__(self, C: float = 1.0, kill: str = "", folder: str = "") -> None:
        super().__init__(C=C)
        self.kill, self.folder = kill, folder

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        marks = Path(self.folder)
        if self.kill and not (self.kill == "once" and list(marks.glob("once-*"))):
            (marks / f"{self.kill}-{os.getpid()}").touch()
            os.kill(executor(), signal.SIGKILL)
        return super().fit(X, y)


def through(spark: Any, folder: str, data: Any) -> dict[str, Any]:
    """Scatter through a folder; what it says, and whether both executors have the data."""
    backend = tune.SparkBackend(spark, folder=folder)
    handle = backend.scatter_by("files", data)

    def look() -> tuple[int, float, bool]:
        found = handle.get()[0]
        time.sleep(0.2)  # so that each executor has some of the work
        return executor(), float(found.sum()), found.flags.writeable

    seen = [f.result() for f in [backend.submit(look) for _ in range(8)]]
    backend.close()
    return {
        "by": handle.explain()["by"],
        "executors": len({e for e, _, _ in seen}),
        "same": {(s, w) for _, s, w in seen} == {(float(data.sum()), False)},
    }


def main() -> None:
    master, folder, hdfs = sys.argv[1:]
    spark = mllib_py.session(
        master,
        memory="1g",
        conf={
            "spark.executor.memory": "512m",
            "spark.driver.host": "127.0.0.1",
            "spark.ui.enabled": "false",
        },
    )
    backend = tune.SparkBackend(spark)
    told: dict[str, Any] = {}
    x, y = load_iris(return_X_y=True)
    large = np.random.default_rng(0).normal(size=(300_000, 8))

    by = {s: backend.scatter_by(s, large) for s in ("broadcast", "files")}
    told["by"] = {s: h.explain() for s, h in by.items()}
    for strategy, handle in by.items():
        found = [
            backend.submit(lambda h=handle: (executor(), float(h.get()[0].sum()))) for _ in range(8)
        ]
        seen = [f.result() for f in found]
        told[f"executors {strategy}"] = len({e for e, _ in seen})
        told[f"same {strategy}"] = {s for _, s in seen} == {float(large.sum())}
    told["auto"] = backend.scatter(x).explain()["strategy"], backend.scatter(large).explain()
    gone = backend.scatter_by("files", large)
    gone.release()
    shared = Path(folder) / "shared"
    shared.mkdir()
    told["shared"] = through(spark, str(shared), large)
    told["shared"]["left"] = len(list(shared.iterdir()))
    told["hdfs"] = through(spark, f"{hdfs}/scattered", large)

    grid = {"kill": ["", "once"], "C": [0.1, 1.0]}
    search = tune.GridSearchCV(KillsItsExecutor(folder=folder), grid, backend=backend, cv=3)
    search.fit(x, y)
    wanted = theirs.GridSearchCV(SVC(), {"C": [0.1, 1.0]}, cv=3).fit(x, y)
    scores = wanted.cv_results_["mean_test_score"].repeat(2)  # C is the slower parameter
    told["killed once"] = bool((search.cv_results_["mean_test_score"] == scores).all())

    options: dict[str, Any] = {"backend": backend, "cv": 2, "error_score": -1}
    search = tune.GridSearchCV(
        KillsItsExecutor(folder=folder), {"kill": ["", "always"]}, **options
    ).fit(x, y)
    told["killed always"] = search.cv_results_["mean_test_score"].tolist()
    told["kills"] = len(list(Path(folder).glob("always-*")))

    # New executors fetch what was scattered before they came, and stumble over nothing released.
    found = [backend.submit(lambda: float(by["files"].get()[0].sum())) for _ in range(4)]
    told["same after"] = {f.result() for f in found} == {float(large.sum())}
    try:
        backend.submit(lambda: 1, cores=2)
    except ValueError as error:
        told["too many cores"] = str(error)
    backend.close()
    spark.stop()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
