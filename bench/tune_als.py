"""ASHA against random search over ALS on MovieLens 1M: iterations until both have the same error.

    python -m bench.tune_als --data ml-1m/ratings.dat

Trials are fits of ALS on the driver's threads, judged after each iteration by a tenth of the
ratings. Both searches draw the same parameters. The cost counts iterations, not seconds.
"""

from __future__ import annotations

import argparse
from statistics import median
from typing import Any

from optuna.distributions import FloatDistribution, IntDistribution
from optuna.pruners import NopPruner  # one that never prunes

import mllib_py
from bench import measure
from bench.tune_study import epochs_to
from mllib_py.tune import DriverBackend, Study, TrialPruned

SPACE = {
    "rank": IntDistribution(4, 32, log=True),
    "reg": FloatDistribution(1e-3, 1.0, log=True),
}


def objective(train: Any, held: Any, iterations: int, seed: int) -> Any:
    """Give the function of a trial: minus the error, so that larger is better as for scores."""

    def run(params: dict[str, Any], trial: Any) -> float:
        told: list[float] = []
        weak = False

        def after(at: dict[str, Any]) -> bool:
            nonlocal weak
            told.append(-at["validation"])
            trial.report(told[-1], at["iteration"])
            weak = trial.should_prune()
            return weak

        als = mllib_py.ALS(**params, max_iter=iterations, tol=0, random_state=seed)
        als.fit(train, validation=held, callbacks=[after])
        if weak:
            raise TrialPruned
        return told[-1]

    return run


def one_seed(ratings: Any, seed: int, trials: int, iterations: int) -> dict[str, Any]:
    """Run both searches."""
    train, held = ratings.split([0.9, 0.1], seed=seed)
    run = objective(train, held, iterations, seed)
    found = {}
    for pruner in ("random", "asha"):
        backend = DriverBackend(2)
        found[pruner] = Study(
            run, SPACE, sampler="random", direction="maximize", trials=trials, random_state=seed,
            pruner="asha" if pruner == "asha" else NopPruner(), backend=backend,
        ).run()  # fmt: skip
        backend.close()
    wanted = min(s.best_value for s in found.values())
    spent = {p: epochs_to(s.trials, wanted) for p, s in found.items()}
    whole = {p: sum(t.last_step or 0 for t in s.trials) for p, s in found.items()}
    return {
        **spent,
        "share": round(spent["asha"] / spent["random"], 3),
        "all": round(whole["asha"] / whole["random"], 3),
        "error": {p: round(-s.best_value, 5) for p, s in found.items()},
    }


def main() -> None:
    """Measure and write the result."""
    a = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    a.add_argument("--data", required=True, help="MovieLens 1M's ratings.dat")
    a.add_argument("--seeds", type=int, default=10)
    a.add_argument("--trials", type=int, default=27)
    a.add_argument("--iterations", type=int, default=9)
    args = a.parse_args()
    mllib_py.session("local[2]", memory="4g")
    ratings = mllib_py.ratings(args.data)
    seeds = []
    for seed in range(args.seeds):
        seeds.append(one_seed(ratings, seed, args.trials, args.iterations))
        print(seeds[-1], flush=True)
    result = {
        "data": args.data.split("/")[-2] if "/" in args.data else args.data,
        "trials": args.trials,
        "iterations": args.iterations,
        "median_share": median(s["share"] for s in seeds),
        "seeds": seeds,
    }
    measure.write("tune-als", result)


if __name__ == "__main__":
    main()
