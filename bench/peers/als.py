"""ALS beside its peers: same session, same cached input, rank, iterations and split; alternating.

    python -m bench.peers.als                                  the small data in this repository
    python -m bench.peers.als ml-1m --data FOLDER_OF_ML_1M
    python -m bench.peers.als 20m                              generated, of MovieLens 20M's shape
    python -m bench.peers.als ml-1m --data FOLDER --implicit --peers implicit

The clock starts at the cached input, so reading it, laying it out and gathering the model count.
Where runs are long, iterations are timed by the slope: (time of 3 iterations - time of 1) / 2; the
long peers run once. With --first each side's first fit is timed in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mllib_py
from bench import generate, measure
from bench.peers.sides import STRATEGIES, Implicit, Ours, Problem, Side, Spark, quality

SAMPLE = Path(__file__).parents[2] / "data"
LONG = ("pyspark.ml", "implicit, exact")


def sides(args: argparse.Namespace) -> list[Side]:
    """Name who takes part, the peers last."""
    solvers = [{} if s == "auto" else {"solver": s} for s in args.solvers.split(",")]
    ours = [Ours(s, **params) for s in args.strategies.split(",") for params in solvers]
    peers: list[Side] = []
    for name in args.peers.split(","):
        if name == "spark":
            peers.append(Spark())
        elif name == "implicit":
            peers.append(Implicit(use_cg=False))
        elif name == "implicit-cg":
            peers.append(Implicit(use_cg=True))
    return [*ours, *peers]


def repeated(who: list[Side], problem: Problem, heap: measure.Heap, n: int) -> dict[str, Any]:
    """Whole fits of 10 iterations, alternating, after one of each that is not counted."""
    out: dict[str, Any] = {s.name: {"peak_heap_mb": 0.0} for s in who}
    runs: dict[str, list[float]] = {s.name: [] for s in who}
    for r in range(n + 1):
        for side in who[:: (-1) ** r]:
            peak, (seconds, model) = heap.peak(
                lambda s=side: measure.timed(lambda: s.fit(problem, 10))
            )
            print(f"{side.name}: {seconds:.2f} s, {peak:.0f} MB", flush=True)
            if r == 0:
                out[side.name] |= quality(problem, side.factors(model))
            else:
                runs[side.name].append(seconds)
            out[side.name]["peak_heap_mb"] = max(out[side.name]["peak_heap_mb"], round(peak))
    for side in who:
        out[side.name]["seconds"] = measure.summary(runs[side.name])
    return {"iterations": 10, "sides": out, "times_faster": _ratios(who, out, "seconds")}


def slopes(who: list[Side], problem: Problem, heap: measure.Heap, n: int) -> dict[str, Any]:
    """Seconds per iteration by the slope, and of a fit of one iteration, layout and all."""
    out: dict[str, Any] = {s.name: {} for s in who}
    found: dict[str, list[tuple[float, float]]] = {s.name: [] for s in who}
    for side in who:
        if side.name not in LONG:
            side.fit(problem, 1)  # compiled before the clock, as what runs for minutes is
    for r in range(n):
        for side in who:
            if side.name in LONG and r > 0:
                continue
            one, _ = measure.timed(lambda s=side: s.fit(problem, 1))
            peak, (three, model) = heap.peak(
                lambda s=side: measure.timed(lambda: s.fit(problem, 3))
            )
            found[side.name].append((one, three))
            if r == 0:
                out[side.name] |= {"peak_heap_mb": round(peak)}
                out[side.name] |= quality(problem, side.factors(model))
            print(f"{side.name}: 1 iteration {one:.2f} s, 3: {three:.2f} s", flush=True)
    for side in who:
        pairs = found[side.name]
        out[side.name]["seconds_per_iteration"] = measure.summary([(t - o) / 2 for o, t in pairs])
        out[side.name]["fit_of_1_iteration"] = measure.summary([o for o, _ in pairs])
        out[side.name]["fit_of_5_iterations"] = measure.summary([t + (t - o) for o, t in pairs])
    return {
        "sides": out,
        "times_faster_per_iteration": _ratios(who, out, "seconds_per_iteration"),
        "times_faster_fit_of_5": _ratios(who, out, "fit_of_5_iterations"),
    }


def _ratios(who: list[Side], out: dict[str, Any], what: str) -> dict[str, dict[str, float]]:
    """For each peer, how many times faster each of ours is."""
    median = {s.name: out[s.name][what]["median"] for s in who}
    ours = [s.name for s in who if isinstance(s, Ours)]
    return {
        s.name: {o: round(median[s.name] / median[o], 1) for o in ours}
        for s in who
        if not isinstance(s, Ours)
    }


def first_fits(who: list[Side], arguments: list[str]) -> dict[str, float]:
    """Seconds of the first fit of a session, each side in a process of its own."""
    out = {}
    for side in who:
        run = subprocess.run(
            [sys.executable, "-m", "bench.peers.als", *arguments, "--only", side.name],
            capture_output=True,
            text=True,
            check=True,
        )
        out[side.name] = float(run.stdout.split()[-1])
        print(f"{side.name}: {out[side.name]:.2f} s, first of its session", flush=True)
    return out


def columns(args: argparse.Namespace) -> generate.Columns:
    """Return users, items and ratings of the problem that the command line names."""
    if args.what == "20m":
        return generate.ratings(args.ratings)
    if args.what == "ml-1m" and args.data is None:
        raise SystemExit("ml-1m needs --data FOLDER, the folder of its ratings.dat")
    folder = SAMPLE if args.what == "sample" else args.data
    table = pd.read_csv(folder / "ratings.dat", sep="::", engine="python", header=None)
    u, i, r = (table[c].to_numpy() for c in range(3))
    return u.astype(np.int32), i.astype(np.int32), r.astype(np.float32)


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("what", choices=["sample", "ml-1m", "20m"], nargs="?", default="sample")
    p.add_argument("--data", type=Path, help="folder of ml-1m")
    p.add_argument("--rank", type=int, default=64)
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--ratings", type=int, default=20_000_000, help="of 20m")
    p.add_argument("--implicit", action="store_true", help="ratings as confidence, alpha = 1")
    p.add_argument("--peers", default="spark", help="of spark, implicit, implicit-cg, with commas")
    p.add_argument("--strategies", default=",".join(STRATEGIES))
    p.add_argument("--solvers", default="auto")
    p.add_argument("--first", action="store_true", help="time first fits of sessions as well")
    p.add_argument("--only", help=argparse.SUPPRESS)
    return p


def main() -> None:
    """Run the comparison that the command line names."""
    args = parser().parse_args()
    who = sides(args)
    first = first_fits(who, sys.argv[1:]) if args.first and not args.only else None
    spark = mllib_py.session("local[2]")
    reg, alpha = (0.1, 1.0) if args.implicit else (0.06, None)
    problem = Problem(spark, columns(args), rank=args.rank, reg=reg, alpha=alpha)
    if args.only:
        side = next(s for s in who if s.name == args.only)
        assert problem.train is not None
        print(measure.timed(lambda: side.fit(problem, 10))[0])
        return
    heap = measure.Heap(spark)
    result = (slopes if args.what == "20m" else repeated)(who, problem, heap, args.repeats)
    if first:
        result["first_fit_of_a_session"] = first
    blas = spark._jvm.dev.ludovic.netlib.blas.BLAS.getInstance().getClass().getName()
    shape = {"what": args.what, "rank": args.rank, "n_train": problem.n_train, "spark_blas": blas}
    kind = "implicit" if args.implicit else "explicit"
    path = measure.write(f"als-{args.what}-{kind}-rank{args.rank}", shape | result)
    print(json.dumps(result, indent=2), f"\nwritten to {path.name}")


if __name__ == "__main__":
    main()
