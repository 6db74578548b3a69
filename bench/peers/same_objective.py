"""Implicit ALS of a high rank: time until our objective is at or below that of ``pyspark.ml``.

    python -m bench.peers.same_objective                        2 million ratings, rank 256
    python -m bench.peers.same_objective --ratings 20000000     an hour or more, the peer's

The peer is fitted once, with the iterations asked for; ours after a fit that is not counted, as
often as there are repeats before the peer and after it. Clocks start at the cached DataFrame. The
objective is Hu, Koren and Volinsky's with the ridge weighted by the ratings of a row, as both have
it; it is computed here from the factors, for all sides alike.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

import mllib_py
from bench import generate, measure
from bench.peers.sides import Problem, Side, Spark, objective
from bench.solvers import SOLVERS

ALPHA = 1.0


class _Ours:
    def __init__(self, name: str, iterations: int) -> None:
        self.name, self._params = f"ours, {name}", SOLVERS[name] | {"max_iter": iterations}

    def fit(self, p: Problem, iterations: int) -> Any:
        als = mllib_py.ALS(rank=p.rank, reg=p.reg, implicit=True, alpha=ALPHA, **self._params)
        return als.fit(p.train, progress=False)

    def factors(self, model: Any) -> tuple[np.ndarray, ...]:
        return model.user_ids_, model.user_factors_, model.item_ids_, model.item_factors_


def _measured(side: Any, problem: Problem, iterations: int) -> tuple[float, float]:
    seconds, model = measure.timed(lambda: side.fit(problem, iterations))
    value = objective(problem, *side.factors(model), weighted=True)
    print(f"{side.name}: {seconds:.1f} s, objective {value:.0f}", flush=True)
    return seconds, value


def _enough(name: str, problem: Problem, target: float) -> tuple[int, list[float]]:
    """Find the iterations that reach the target; the seconds of fits with these."""
    for iterations in range(1, 16):
        side = _Ours(name, iterations)
        _, value = _measured(side, problem, iterations)
        if value <= target:
            return iterations, [_measured(side, problem, iterations)[0] for _ in range(2)]
    return 0, []


def main() -> None:
    """Measure and write the result."""
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--ratings", type=int, default=2_000_000)
    p.add_argument("--rank", type=int, default=256)
    p.add_argument("--iterations", type=int, default=2, help="of the peer")
    p.add_argument("--solvers", default="auto;cg, 3 steps;ials++, 64", help="with semicolons")
    args = p.parse_args()
    spark = mllib_py.session("local[2]", memory="12g")
    data = generate.ratings(
        args.ratings, users=args.ratings // 145, items=min(27_000, args.ratings // 400)
    )
    problem = Problem(spark, data, rank=args.rank, reg=0.1, alpha=ALPHA)
    peer: Side = Spark()
    seconds, target = _measured(peer, problem, args.iterations)
    out: dict[str, Any] = {
        "ratings": args.ratings,
        "rank": args.rank,
        peer.name: {"seconds": seconds, "iterations": args.iterations, "objective": target},
    }
    for name in args.solvers.split(";"):
        iterations, runs = _enough(name, problem, target)
        if runs:
            ours = measure.summary(runs)
            faster = round(seconds / ours["median"], 1)
            out[name] = {"iterations": iterations, "seconds": ours, "times_faster": faster}
        print(name, out.get(name), flush=True)
    measure.write(f"same-objective-rank{args.rank}", out)


if __name__ == "__main__":
    main()
