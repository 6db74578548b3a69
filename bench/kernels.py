"""The kernels on one core beside the sgemm of NumPy on the same core, back to back.

    python -m bench.kernels                     all ranks
    python -m bench.kernels --ranks 64,128 --only update      one kernel; a result of its own

GFLOP/s count n k (k + 1) for the symmetric update of n rows, and are those of the fastest call on
both sides. The peak is sgemm's, of kernels in float64 half of it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from bench import measure

ROOT = Path(__file__).parents[1]
CORE = 0
FLOP: dict[str, Callable[[float], float]] = {
    "update": lambda k: 1024 * k * (k + 1),
    "gatheredUpdate": lambda k: 1024 * k * (k + 1),
    "cholesky": lambda k: k**3 / 3 + 2 * k**2,
    "cgProduct": lambda k: 4 * 1024 * k,
    "scoreTile": lambda k: 2 * 8 * 32 * k,
    "assignTile": lambda k: 2 * 64 * 128 * k,
    "boundTile": lambda k: 2 * 64 * 128 * k,
    "assignDoubles": lambda k: 2 * 64 * 128 * k,
    "assignPass": lambda k: 2 * 1024 * 128 * k,
    "gramianOfDoubles": lambda n: 2048 * n * (n + 1),
    "gramianOfFloats": lambda n: 2048 * n * (n + 1),
    "powerStepOfDoubles": lambda n: 64 * 2048 * n,
    "powerStepOfFloats": lambda n: 64 * 2048 * n,
}
# float64 is held against half the peak of float32: a vector has half as many numbers.
HALF = {"assignDoubles", "gramianOfDoubles", "powerStepOfDoubles"}


def sgemm() -> float:
    """Return NumPy's best rate for 1024 by 1024 matrices in float32, on this process's core."""
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 1024, 1024), dtype=np.float32)
    best = np.inf
    with threadpool_limits(1):
        for _ in range(20):
            start = time.perf_counter()
            a @ b
            best = min(best, time.perf_counter() - start)
    return 2 * 1024**3 / best / 1e9


def run(classes: str, sizes: str, only: str) -> list[dict[str, Any]]:
    """Run JMH, pinned to one core with the sbt that starts it, and return its results."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "jmh.json"
        command = f"jmh/Jmh/run -p {sizes} -rf json -rff {out} {classes}.{only}"
        subprocess.run(
            ["taskset", "-c", str(CORE), "./sbt", "-Dsbt.supershell=false", command],
            cwd=ROOT,
            check=True,
            stdin=subprocess.DEVNULL,
        )
        found: list[dict[str, Any]] = json.loads(out.read_text())
        return found


def main() -> None:
    """Measure both sides and write the result."""
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--ranks", default="8,16,32,64,100,128,256")
    p.add_argument("--only", default="", help="the beginning of a kernel's name")
    args = p.parse_args()
    os.sched_setaffinity(0, {CORE})
    before = sgemm()
    decomposing = args.only.startswith(("gramian", "powerStep"))
    found = []
    if not decomposing:
        found += run("(Kernel|Cluster)Bench", f"rank={args.ranks}", args.only)
    if decomposing or not args.only:
        found += run("DecompositionBench", "features=100,500,2000", args.only)
    peak = max(before, sgemm())
    rows = []
    for r in found:
        name, k = r["benchmark"].rpartition(".")[2], int(next(iter(r["params"].values())))
        # The fastest call: like sgemm's, it is the one that nobody disturbed.
        times = r["primaryMetric"]["scorePercentiles"]
        rate = FLOP[name](k) / times["0.0"]
        rows.append(
            {
                "kernel": name,
                "size": k,
                "ns": round(times["0.0"]),
                "ns_median": round(times["50.0"]),
                "gflops": round(rate, 1),
                "share_of_peak": round(rate / (peak / 2 if name in HALF else peak), 2),
            }
        )
        print(rows[-1])
    name = f"kernels-{args.only}" if args.only else "kernels"
    measure.write(name, {"sgemm_gflops": round(peak, 1), "kernels": rows})
    print(f"sgemm {peak:.1f} GFLOP/s")


if __name__ == "__main__":
    main()
