"""Fits on a cluster whose executors are killed: run as a script by test_executor.py.

    python long_fit.py MASTER CHECKPOINTS RATINGS.npz FOLDER

Kills (SIGKILL) an executor of this application in the middle of each fit of `FITS`, writes the
factors to FOLDER/NAME.npz, and prints a line of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import mllib_py
from mllib_py import _bridge


class LongFit(NamedTuple):
    """A fit whose executor dies: parameters, after how many iterations, and how lineage is cut."""

    params: dict[str, Any]
    kill_after: int
    checkpoint: bool


_COMMON = {"rank": 4, "reg": 0.05, "strategy": "blocked", "num_blocks": 4}
FITS = {
    "long": LongFit(_COMMON | {"max_iter": 60}, 28, checkpoint=False),
    # With the factors of the iteration before, which lengthen the lineage.
    "warm": LongFit(_COMMON | {"max_iter": 30, "nonnegative": True}, 14, checkpoint=True),
    "cg": LongFit(_COMMON | {"max_iter": 24, "solver": "cg"}, 11, checkpoint=False),
    "ials++": LongFit(
        _COMMON | {"max_iter": 24, "solver": "ials++", "rank": 20, "block_size": 16},
        11,
        checkpoint=False,
    ),
    "auto, rank 96": LongFit(
        _COMMON | {"max_iter": 24, "rank": 96, "implicit": True, "strategy": "broadcast"},
        11,
        checkpoint=False,
    ),
    "implicit": LongFit(_COMMON | {"max_iter": 24, "implicit": True}, 11, checkpoint=False),
    "gibbs": LongFit(
        _COMMON | {"method": "gibbs", "burn_in": 12, "n_samples": 12, "thin": 1},
        11,
        checkpoint=False,
    ),
    "data-parallel": LongFit(
        _COMMON | {"max_iter": 24, "strategy": "data-parallel"}, 11, checkpoint=False
    ),
    "broadcast": LongFit(_COMMON | {"max_iter": 24, "strategy": "broadcast"}, 11, checkpoint=False),
    "hybrid": LongFit(_COMMON | {"max_iter": 24, "strategy": "hybrid"}, 11, checkpoint=False),
    "hybrid, warm": LongFit(
        _COMMON | {"max_iter": 24, "strategy": "hybrid", "nonnegative": True, "implicit": True},
        11,
        checkpoint=False,
    ),
}


def iterations(plan: LongFit) -> int:
    """Tell how many iterations a fit has."""
    p = plan.params
    return int(p["max_iter"] if "max_iter" in p else p["burn_in"] + p["n_samples"] * p["thin"])


def executors(application: str, ancestor: int) -> list[int]:
    """Process ids of an application's executors below a process."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_text().split("\0")
        except OSError:
            continue
        pid = int(folder.name)
        executor = any(word.endswith("CoarseGrainedExecutorBackend") for word in words)
        if executor and application in words and ancestor in ancestors(pid):
            found.append(pid)
    return found


def ancestors(pid: int) -> list[int]:
    """Process ids of the parent, its parent and so on."""
    out = []
    while pid > 1:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            break
        pid = int(stat.rsplit(")", 1)[1].split()[1])
        out.append(pid)
    return out


def fit(spark: Any, ratings: mllib_py.Ratings, plan: LongFit) -> tuple[mllib_py.ALS, int]:
    """Fit and kill; return the half-steps that were done at the kill, too."""
    als = mllib_py.ALS(**plan.params)
    handle = _bridge.call("fit", ratings._handle, _bridge.to_json(als.get_params()))
    at = 0
    while not handle.waitFor(10):
        done = json.loads(handle.progress())["done"]
        if not at and done >= 2 * plan.kill_after:
            # The test started the workers, and this process.
            os.kill(executors(spark.sparkContext.applicationId, os.getppid())[0], signal.SIGKILL)
            at = json.loads(handle.progress())["done"]
    assert at, "the fit ended before an executor could be killed"
    als._learn(handle.model())
    return als, at


def stored(spark: Any) -> int:
    """Bytes of data and broadcasts that the driver and the executors hold."""
    status = spark.sparkContext._jsc.sc().getExecutorMemoryStatus().iterator()
    used = 0
    while status.hasNext():
        pair = status.next()._2()
        used += pair._1() - pair._2()  # at most, and what is free of it
    return used


def left(spark: Any) -> dict[str, int]:
    """What is held once Spark has let go of what nothing refers to."""
    jvm = spark.sparkContext._jvm
    held = {
        "persisted": spark.sparkContext._jsc.getPersistentRDDs().size(),
        "shared": jvm.mllibpy.engine.Shared.held(),
    }
    deadline = time.monotonic() + 60
    while stored(spark) and time.monotonic() < deadline:
        jvm.System.gc()
        time.sleep(0.5)
    return held | {"bytes": stored(spark)}


def main(master: str, checkpoints: str, given: str, folder: Path) -> None:
    conf = {"spark.executor.memory": "768m", "spark.driver.host": "127.0.0.1"}
    spark = mllib_py.session(master, memory="1g", conf=conf)
    with np.load(given) as columns:
        ratings = mllib_py.ratings((columns["users"], columns["items"], columns["values"]))
    told: dict[str, Any] = {}
    for name, plan in FITS.items():
        if plan.checkpoint:
            spark.sparkContext.setCheckpointDir(checkpoints)
        als, at = fit(spark, ratings, plan)
        seconds = [step["seconds"] for step in als.history_]
        told[name] = {"n_iter": als.n_iter_, "killed_at": at, "slowest": max(seconds)}
        np.savez(folder / name, users=als.user_factors_, items=als.item_factors_)
    for strategy in ("broadcast", "data-parallel", "hybrid"):
        mllib_py.ALS(rank=4, max_iter=3, strategy=strategy, num_blocks=4).fit(ratings)
    ratings.release()
    print(json.dumps(told | {"left": left(spark)}))
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))
