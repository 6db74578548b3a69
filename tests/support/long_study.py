"""A study that a test kills: python long_study.py STORAGE FOLDER BACKEND TRIALS SECONDS [KILL].

Each trial leaves a file in FOLDER when it begins. Trial KILL kills its own executor, once. BACKEND
is a name, a URL of a master, or "dynamic:" and that: executors come when tasks wait for them.
The last line of output says how the study ended.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from mllib_py.tune import Study

DYNAMIC = {"enabled": "true", "minExecutors": "0", "maxExecutors": "2"}


def main() -> None:
    """Run, or go on."""
    storage, folder, backend, trials, seconds, *kill = sys.argv[1:]

    def objective(params: dict[str, Any], trial: Any) -> float:
        import os
        import signal
        import time
        from pathlib import Path

        (Path(folder) / f"{trial.number}-{os.getpid()}-{time.time_ns()}").touch()
        trial.report(params["x"], 1)
        killed = Path(folder) / "killed"
        if kill and trial.number == int(kill[0]) and not killed.exists():
            killed.touch()
            daemon = os.getppid()
            stat = Path(f"/proc/{daemon}/stat").read_text()
            os.kill(int(stat.rsplit(")", 1)[1].split()[1]), signal.SIGKILL)  # its parent: the JVM
        time.sleep(float(seconds))
        return float(params["x"])

    if "spark://" in backend:
        import mllib_py

        kind, _, rest = backend.partition("spark://")
        conf = {"spark.executor.memory": "512m", "spark.cores.max": "2"}
        if kind == "dynamic:":
            conf |= {f"spark.dynamicAllocation.{k}": v for k, v in DYNAMIC.items()}
        mllib_py.session(f"spark://{rest}", conf=conf)
        backend = "spark"
    elif backend == "driver":
        import mllib_py

        mllib_py.session("local[2]")
    study = Study(
        objective,
        {"x": list(range(int(trials)))},
        sampler="grid",
        storage=storage,
        resume=True,
        backend=backend,
    ).run()
    runs = [t.user_attrs["run"] for t in study.trials]
    told = {
        "ended": len(study.trials),
        "all": len(study.optuna.trials),
        "best": study.best_value,
        "tally": vars(study.tally),
        "attempts": [r["attempts"] for r in runs],
        "workers": len({r["pid"] for r in runs}),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
