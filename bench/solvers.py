"""Which solver is first at an objective: time to what exact solutions reach in 10 iterations.

    python -m bench.solvers                              generated, 2 million ratings
    python -m bench.solvers --ranks 64,128 --ratings 1000000

Each fit has twice the iterations that exact solutions get. A solver's time is the sum of its
half-steps until the training objective is within 0.1% of the exact one's last, infinite where it
is not reached. The layout is not counted. Alternating, the median of 3 after one to warm up.
"""

from __future__ import annotations

import argparse
import math
from typing import Any

import mllib_py
from bench import generate, measure

ITERATIONS = 10
WITHIN = 1e-3
SOLVERS: dict[str, dict[str, Any]] = {
    "cholesky": {"solver": "cholesky"},
    "cg, 2 steps": {"solver": "cg", "cg_steps": 2},
    "cg, 3 steps": {"solver": "cg", "cg_steps": 3},
    "ials++, 32": {"solver": "ials++", "block_size": 32},
    "ials++, 64": {"solver": "ials++", "block_size": 64},
    "auto": {"solver": "auto"},
}


def seconds_until(history: list[dict[str, Any]], target: float) -> float:
    """Sum the half-steps until the objective is at the target or below."""
    seconds = 0.0
    for step in history:
        seconds += step["seconds"]
        if step["objective"] <= target:
            return seconds
    return math.inf


def _fit(ratings: Any, rank: int, implicit: bool, solver: str) -> list[dict[str, Any]]:
    iterations = ITERATIONS if solver == "cholesky" else 2 * ITERATIONS
    als = mllib_py.ALS(rank=rank, max_iter=iterations, implicit=implicit, **SOLVERS[solver])
    history: list[dict[str, Any]] = als.fit(ratings, progress=False).history_
    return history


def compare(ratings: Any, rank: int, implicit: bool, repeats: int) -> dict[str, Any]:
    """Time all solvers on one problem."""
    runs: dict[str, list[float]] = {s: [] for s in SOLVERS}
    target = math.nan
    for r in range(repeats + 1):
        for solver in SOLVERS:
            history = _fit(ratings, rank, implicit, solver)
            if solver == "cholesky":
                target = history[-1]["objective"] * (1 + WITHIN)
            if r > 0:
                runs[solver].append(seconds_until(history, target))
    return {"rank": rank, "implicit": implicit} | {
        s: measure.summary(t)["median"] for s, t in runs.items()
    }


def main() -> None:
    """Measure and write the result."""
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--ratings", type=int, default=2_000_000)
    p.add_argument("--ranks", default="32,64,128,256")
    p.add_argument("--repeats", type=int, default=3)
    args = p.parse_args()
    mllib_py.session("local[2]", memory="6g")
    data = generate.ratings(args.ratings, users=args.ratings // 145, items=args.ratings // 400)
    ratings = mllib_py.ratings(data)
    rows = []
    for rank in map(int, args.ranks.split(",")):
        for implicit in (False, True):
            rows.append(compare(ratings, rank, implicit, args.repeats))
            print(rows[-1], flush=True)
    measure.write("solvers", {"ratings": args.ratings, "rows": rows})


if __name__ == "__main__":
    main()
