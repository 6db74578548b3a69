"""A study whose Spark session ends under it, and goes on: gone_session.py HOW STORAGE WHERE.

HOW is "stopped" or "killed", WHERE the study's backend; tells JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from typing import Any

import mllib_py
from mllib_py.tune import BackendGone, LocalBackend, Study

TRIALS = 6


def main() -> None:
    """Run, end the session, and go on without Spark."""
    how, storage, where = sys.argv[1:]
    spark = mllib_py.session("local[2]", memory="1g")
    gateway = spark.sparkContext._gateway
    ends = {"stopped": spark.stop, "killed": lambda: os.kill(gateway.proc.pid, signal.SIGKILL)}

    def in_a_worker(params: dict[str, Any], trial: Any) -> float:
        time.sleep(60 if trial.number in (2, 3) else 0.01)
        return float(params["x"])

    def on_the_driver(params: dict[str, Any], trial: Any) -> float:
        seconds = 60 if trial.number in (2, 3) else 0.01
        spark.sparkContext.parallelize([0], 1).foreach(lambda _: time.sleep(seconds))
        return float(params["x"])

    objective = on_the_driver if where == "driver" else in_a_worker

    given: dict[str, Any] = {"sampler": "grid", "storage": storage}
    study = Study(objective, {"x": list(range(TRIALS))}, backend=where, **given)

    def end_soon() -> None:
        while study.tally.complete < 2 or study.tally.running < 2:
            time.sleep(0.1)
        time.sleep(1)  # both are in their tasks
        ends[how]()

    threading.Thread(target=end_soon, daemon=True).start()
    told: dict[str, Any] = {}
    begun = time.monotonic()
    try:
        study.run()
    except BackendGone as error:
        told["said"] = str(error)
    told["seconds"] = time.monotonic() - begun
    told["left"] = [t.user_attrs.get("dropped", t.state.name) for t in study.optuna.trials]
    backend = LocalBackend(2)
    again = Study(
        lambda p: float(p["x"]), {"x": list(range(TRIALS))}, resume=True, backend=backend, **given
    ).run()
    backend.close()
    told["values"] = sorted(t.value for t in again.trials)
    told["tally"] = vars(again.tally)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
