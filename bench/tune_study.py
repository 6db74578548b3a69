"""What studies cost and gain: slots in use, overhead, parallelism, and early stopping.

python -m bench.tune_study efficiency [--slots 32]   sleeping trials on real slots (local-cluster)
python -m bench.tune_study simulated                 the same on 32, 128 and 1,024 simulated slots
python -m bench.tune_study overhead                  1,000 trivial trials
python -m bench.tune_study parallelism               samplers on test functions, by trials at once
python -m bench.tune_study speedup                   200 evaluations on 32 slots and one by one
python -m bench.tune_study asha [--data A9A_FILE]    ASHA against random search, the same draws
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState

from bench import measure
from mllib_py.tune import LocalBackend, SparkBackend, Study
from mllib_py.tune._simulated import SimulatedBackend

Params = dict[str, float]

# --- test functions: name -> (function, bounds, minimum)


def branin(p: Params) -> float:
    x, y = p["x0"], p["x1"]
    a = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
    return float(a**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10)


def hartmann6(p: Params) -> float:
    a = np.array(
        [
            [10, 3, 17, 3.5, 1.7, 8],
            [0.05, 10, 17, 0.1, 8, 14],
            [3, 3.5, 1.7, 10, 17, 8],
            [17, 8, 0.05, 10, 0.1, 14],
        ]
    )
    b = 1e-4 * np.array(
        [
            [1312, 1696, 5569, 124, 8283, 5886],
            [2329, 4135, 8307, 3736, 1004, 9991],
            [2348, 1451, 3522, 2883, 3047, 6650],
            [4047, 8828, 8732, 5743, 1091, 381],
        ]
    )
    x = np.array([p[f"x{i}"] for i in range(6)])
    return float(-np.array([1.0, 1.2, 3.0, 3.2]) @ np.exp(-(a * (x - b) ** 2).sum(axis=1)))


def rosenbrock(p: Params) -> float:
    x = np.array(list(p.values()))
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


FUNCTIONS: dict[str, tuple[Callable[[Params], float], list[tuple[float, float]], float]] = {
    "branin": (branin, [(-5, 10), (0, 15)], 0.397887),
    "hartmann6": (hartmann6, [(0, 1)] * 6, -3.32237),
    "rosenbrock5": (rosenbrock, [(-2, 2)] * 5, 0.0),
}


def space(bounds: list[tuple[float, float]]) -> dict[str, FloatDistribution]:
    return {f"x{i}": FloatDistribution(*b) for i, b in enumerate(bounds)}


LINE = space([(-1, 1)])


def first(params: Params) -> float:
    return params["x0"]


def sleeping(seconds: float, params: Params) -> float:
    time.sleep(seconds)
    return params["x0"]


def durations(seed: int, mean: float = 5.0) -> Callable[[], float]:
    """Draw trials' times: half to twice the mean, roughly, as those of real ones vary."""
    rng = np.random.default_rng(seed)
    return lambda: float(mean * np.exp(rng.normal(0, 0.4)))


def spark_of(slots: int) -> SparkBackend:
    """Start executors of 8 slots each, and every slot's Python worker; warm all of them up."""
    import mllib_py

    each = min(8, slots)
    master = f"local-cluster[{slots // each},{each},1024]"
    spark = mllib_py.session(master, conf={"spark.ui.enabled": "false"})
    backend = SparkBackend(spark)
    warm = [backend.submit(partial(sleeping, 3.0, {"x0": 0.0})) for _ in range(2 * slots)]
    # Then so many that the JVMs' compilers have seen a task's way.
    for future in warm + [backend.submit(partial(first, {"x0": 0.0})) for _ in range(20 * slots)]:
        future.result()
    return backend


def efficiency(args: argparse.Namespace) -> dict[str, Any]:
    """Give the share of the slots' time that trials slept."""
    backend = spark_of(args.slots)
    objective = partial(sleeping, args.seconds)
    study = Study(objective, LINE, sampler="random", trials=args.rounds * args.slots,
                  random_state=0, backend=backend)  # fmt: skip
    seconds, _ = measure.timed(study.run)
    backend.close()
    busy = sum(t.user_attrs["run"]["seconds"] for t in study.trials)
    return {
        "slots": args.slots,
        "trials": len(study.trials),
        "seconds": round(seconds, 2),
        "peak": study.tally.peak,
        "efficiency": round(busy / (args.slots * seconds), 4),
    }


def simulated(args: argparse.Namespace) -> dict[str, Any]:
    """Give the same on slots that are simulated: the driver's own time is real."""
    found = {}
    for sampler, rounds in (("random", args.rounds), ("tpe", 2)):
        for slots in (32, 128, 1024):
            backend = SimulatedBackend(slots, args.seconds, start=0.01)
            study = Study(first, LINE, sampler=sampler, trials=rounds * slots,
                          parallelism=slots, random_state=0, backend=backend)  # fmt: skip
            before = backend.clock.now()
            study.run()
            passed = backend.clock.now() - before
            found[f"{sampler}-{slots}"] = round(backend.busy / (slots * passed), 4)
    return {"seconds": args.seconds, "efficiency": found}


def overhead(args: argparse.Namespace) -> dict[str, Any]:
    """Give the time of a trial that does nothing, in milliseconds."""
    import mllib_py

    mllib_py.session("local[2]", conf={"spark.ui.enabled": "false"})
    found = {}
    backends = {"spark": SparkBackend, "local": partial(LocalBackend, 2)}
    for name, make in backends.items():
        backend: Any = make()
        given: dict[str, Any] = {"sampler": "random", "random_state": 0, "backend": backend}
        Study(first, LINE, trials=50, **given).run()
        study = Study(first, LINE, trials=args.trials, **given)
        seconds, _ = measure.timed(study.run)
        backend.close()
        found[name] = round(1000 * seconds / args.trials, 2)
    return {"trials": args.trials, "milliseconds_per_trial": found}


class Watched(SimulatedBackend):
    """Notes when each trial ended, in seconds of the simulated clock, and with which value."""

    def __init__(self, slots: int, seconds: Callable[[], float]) -> None:
        super().__init__(slots, seconds)
        self.begun = self.clock.now()
        self.seen: list[tuple[float, float]] = []

    def submit(self, work: Any, **words: Any) -> Any:
        def noted() -> Any:
            out = work()
            self.seen.append((self.clock.now() - self.begun, out.value))
            return out

        return super().submit(noted, **words)


def one_study(
    name: str, sampler: str, at_once: int, trials: int, seed: int
) -> list[tuple[float, float]]:
    """Return how far from the minimum the best was, and since when on the simulated clock."""
    function, bounds, minimum = FUNCTIONS[name]
    backend = Watched(at_once, durations(seed))
    Study(function, space(bounds), sampler=sampler, trials=trials, parallelism=at_once,
          random_state=seed, backend=backend).run()  # fmt: skip
    best = np.minimum.accumulate([value for _, value in backend.seen]) - minimum
    return list(zip([at for at, _ in backend.seen], best.tolist(), strict=True))


def parallelism(args: argparse.Namespace) -> dict[str, Any]:
    """Give how far from the minimum a sampler ends, by how many trials ran at once."""
    found: dict[str, Any] = {}
    for name in FUNCTIONS:
        for sampler in ("random", "tpe", "cmaes", "nsga2"):
            for at_once in (1, 5, 10, 20, 50, 100):
                runs = [
                    one_study(name, sampler, at_once, args.trials, s) for s in range(args.seeds)
                ]
                found.setdefault(name, {}).setdefault(sampler, {})[at_once] = {
                    "regret": float(f"{median(r[-1][1] for r in runs):.4g}"),
                    "seconds": round(median(r[-1][0] for r in runs), 1),
                }
    return {"trials": args.trials, "seeds": args.seeds, "functions": found}


def regret_at(runs: list[list[tuple[float, float]]], seconds: float) -> float | None:
    """Return the median of how far from the minimum studies were at a time; None before all."""
    found = [[best for at, best in run if at <= seconds] for run in runs]
    return float(f"{median(f[-1] for f in found):.3g}") if all(found) else None


def speedup(args: argparse.Namespace) -> dict[str, Any]:
    """Compare 200 evaluations on 32 slots with one by one; the same sampler, several seeds."""
    name, seeds = "hartmann6", range(args.seeds)
    found: dict[str, Any] = {}
    for sampler, at_once in (("random", 32), ("tpe", 20), ("tpe", 32)):
        alone, many = (
            [one_study(name, sampler, n, args.trials, s) for s in seeds] for n in (1, at_once)
        )
        times = [8 * 2 ** (i / 2) for i in range(17)]
        found[f"{sampler}, {at_once} at once"] = {
            "times_faster": round(
                median(a[-1][0] / m[-1][0] for a, m in zip(alone, many, strict=True)), 1
            ),
            "regret_one_by_one": regret_at(alone, 1e9),
            "regret": regret_at(many, 1e9),
            "curve": [
                {"seconds": round(t), "one_by_one": regret_at(alone, t), "many": regret_at(many, t)}
                for t in times
            ],
        }
    _draw(found)
    real = _on_real_slots(args)
    return {"trials": args.trials, "slots": 32, "seeds": args.seeds, name: found, "real": real}


def _lasting(seconds: list[float], params: Params, trial: Any) -> float:
    time.sleep(seconds[trial.number])
    return hartmann6(params)


def _on_real_slots(args: argparse.Namespace) -> dict[str, Any]:
    """Run the random study in real workers, trials asleep for as long as they are said to take."""
    backend = spark_of(args.slots)
    draw = durations(0)
    seconds = [draw() for _ in range(args.trials)]
    study = Study(partial(_lasting, seconds), space(FUNCTIONS["hartmann6"][1]), sampler="random",
                  trials=args.trials, random_state=0, backend=backend)  # fmt: skip
    took, _ = measure.timed(study.run)
    backend.close()
    return {
        "one_by_one": round(sum(seconds), 1),
        "seconds": round(took, 1),
        "times_faster": round(sum(seconds) / took, 1),
    }


def _draw(found: dict[str, Any]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    fig, axis = plt.subplots(figsize=(7, 4.2))
    colours: dict[str, str] = {}  # of samplers, which one by one are the same
    for label, of in found.items():
        sides = {label: ("many", "-"), f"{label.split(',')[0]}, one by one": ("one_by_one", "--")}
        for name, (side, style) in sides.items():
            if name not in colours:
                points = [(p["seconds"], p[side]) for p in of["curve"] if p[side] is not None]
                last = [best for _, best in points].index(points[-1][1])
                points = points[: last + 2]  # what is level from there on says nothing
                (line,) = axis.loglog(*zip(*points, strict=True), style, marker=".",
                                      color=colours.get(label), label=name)  # fmt: skip
                colours[name] = line.get_color()
    axis.set_xlabel("seconds of the simulated clock, trials of about 5 s")
    axis.set_ylabel("best so far, over the minimum")
    axis.grid(alpha=0.3)
    axis.legend()
    fig.tight_layout()
    fig.savefig(Path(__file__).parents[1] / "docs" / "images" / "study-speedup.svg")
    plt.close(fig)


def a9a(path: str | None, rows: int) -> tuple[Any, Any, str]:
    """Load LIBSVM's a9a, or make binary rows of its shape."""
    if path is not None:
        from sklearn.datasets import load_svmlight_file

        X, y = load_svmlight_file(path, n_features=123)
        return X[:rows], y[:rows], "a9a"
    rng = np.random.default_rng(0)
    X = (rng.random((rows, 123)) < rng.beta(0.5, 4, size=123)).astype(np.float64)
    y = (X @ rng.normal(size=123) + rng.logistic(size=rows) > 1.0).astype(int)
    return X, y, "generated, of the shape of a9a"


def epochs_to(trials: list[FrozenTrial], wanted: float) -> float:
    """Return the epochs of all trials, in their order of ending, until one reached a score."""
    spent = 0
    for trial in sorted(trials, key=lambda t: t.datetime_complete or 0):  # type: ignore[arg-type]
        spent += trial.last_step or 0
        complete = trial.state == TrialState.COMPLETE and trial.value is not None
        if complete and trial.value >= wanted:
            return spent
    return float("inf")


def asha(args: argparse.Namespace) -> dict[str, Any]:
    """Give what both searches learn until they have the same score, by epochs of all trials."""
    from optuna.pruners import NopPruner  # one that never prunes, and has epochs reported
    from scipy.stats import loguniform
    from sklearn.linear_model import SGDClassifier
    from sklearn.model_selection import ShuffleSplit

    X, y, name = a9a(args.data, args.rows)
    params = {
        "alpha": loguniform(1e-7, 1e-1),
        "eta0": loguniform(1e-4, 1e1),
        "learning_rate": ["constant", "invscaling", "adaptive"],
        "penalty": ["l1", "l2", "elasticnet"],
    }
    ratios = []
    with_backend: Any = LocalBackend(args.slots)
    for seed in range(args.seeds):
        found = {}
        for pruner in (None, "asha"):
            study = Study(
                SGDClassifier(loss="log_loss", random_state=seed), params, sampler="random",
                pruner=pruner or NopPruner(), trials=args.trials, epochs=args.epochs, X=X, y=y,
                cv=ShuffleSplit(1, test_size=0.25, random_state=seed),
                scoring="neg_log_loss", random_state=seed, backend=with_backend,
            ).run()  # fmt: skip
            found[pruner] = study
        # The worse of both bests is what both have reached.
        wanted = min(found[None].best_value, found["asha"].best_value)
        spent = {p: epochs_to(s.trials, wanted) for p, s in found.items()}
        ratios.append(
            {
                "random": spent[None],
                "asha": spent["asha"],
                "share": round(spent["asha"] / spent[None], 3),
                "all": round(
                    sum(t.last_step or 0 for t in found["asha"].trials)
                    / sum(t.last_step or 0 for t in found[None].trials),
                    3,
                ),
                "score": {str(p): round(s.best_value, 5) for p, s in found.items()},
            }
        )
    with_backend.close()
    return {
        "data": name, "rows": X.shape[0], "trials": args.trials, "epochs": args.epochs,
        "median_share": median(r["share"] for r in ratios), "seeds": ratios,
    }  # fmt: skip


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "efficiency": efficiency,
    "simulated": simulated,
    "overhead": overhead,
    "parallelism": parallelism,
    "speedup": speedup,
    "asha": asha,
}
TRIALS = {"overhead": 1000, "asha": 81}


def main() -> None:
    """Run one part, and write its result."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--slots", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5.0, help="of a sleeping trial")
    parser.add_argument("--rounds", type=int, default=6, help="sleeping trials for each slot")
    parser.add_argument("--trials", type=int)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=27)
    parser.add_argument("--rows", type=int, default=32561)
    parser.add_argument("--data", help="LIBSVM's file a9a")
    parser.add_argument("--dry", action="store_true", help="write no file")
    args = parser.parse_args()
    args.trials = args.trials or TRIALS.get(args.part, 200)
    result = PARTS[args.part](args)
    print(result)
    if not args.dry:
        print(measure.write(f"tune-study-{args.part}", result))


if __name__ == "__main__":
    main()
