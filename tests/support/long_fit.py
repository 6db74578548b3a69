"""A long blocked fit on a cluster whose executor is killed: run as a script by test_executor.py.

    python long_fit.py RATINGS.npz FACTORS.npz

Kills (SIGKILL) one executor that this process's own JVM started, once iteration 60 of 200 is done.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

import mllib_py
from mllib_py import _bridge

PARAMS = {"rank": 4, "max_iter": 200, "reg": 0.05, "strategy": "blocked", "num_blocks": 4}
KILL_AFTER = 2 * 60


def executors(jvm: int) -> list[int]:
    """Process ids of the executors below a JVM."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        pid = int(folder.name)
        if b"CoarseGrainedExecutorBackend" in command and jvm in ancestors(pid):
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


def main() -> None:
    """Fit, kill on the way, and write what came out."""
    columns = np.load(sys.argv[1])
    spark = mllib_py.session("local-cluster[2,1,1024]", memory="1g")
    jvm = spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid()
    ratings = mllib_py.ratings((columns["users"], columns["items"], columns["values"]))
    als = mllib_py.ALS(**PARAMS)
    handle = _bridge.call("fit", ratings._handle, _bridge.to_json(als.get_params()))
    killed = 0
    while not handle.waitFor(20):
        if not killed and json.loads(handle.progress())["done"] >= KILL_AFTER:
            killed = executors(jvm)[0]
            os.kill(killed, signal.SIGKILL)
            before = json.loads(handle.progress())["done"]
    als._learn(handle.model())
    assert killed, "the fit ended before an executor could be killed"
    status = spark.sparkContext._jsc.sc()
    print(
        json.dumps(
            {
                "killed_after": before,
                "n_iter": als.n_iter_,
                "persisted": status.getPersistentRDDs().size(),
                "slowest": max(h["seconds"] for h in als.history_),
            }
        )
    )
    np.savez(sys.argv[2], users=als.user_factors_, items=als.item_factors_)
    spark.stop()


if __name__ == "__main__":
    main()
