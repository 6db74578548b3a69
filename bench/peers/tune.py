"""Searches beside their peers, on the same two slots of real worker processes.

    python -m bench.peers.tune search                  SVC on digits, 1050 fits
    python -m bench.peers.tune search --fits 60        the same, small
    python -m bench.peers.tune trivial --trials 1000   what a trial costs that does nothing
    python -m bench.peers.tune bytes                   shipped for 100 MB and 200 fits
    python -m bench.peers.tune memory                  of workers: 200 trials that read 1 GB each

Workers are started and have imported scikit-learn before the clock starts. Sides alternate.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import model_selection as theirs
from sklearn.base import BaseEstimator
from sklearn.datasets import load_digits
from sklearn.svm import SVC

import mllib_py
from bench import measure, resident
from mllib_py import tune

SLOTS = 2


class Mean(BaseEstimator):
    """Fits in no time."""

    def __init__(self, shift: float = 0.0) -> None:
        self.shift = shift

    def fit(self, X: Any, y: Any = None) -> Mean:
        self.mean_ = float(X[0, 0]) + self.shift
        return self

    def score(self, X: Any, y: Any = None) -> float:
        return self.mean_


def _seconds_of_fits(search: Any) -> float:
    found, splits = search.cv_results_, search.n_splits_
    return float((found["mean_fit_time"] + found["mean_score_time"]).sum() * splits)


def _sides(backend: Any) -> dict[str, Callable[..., Any]]:
    from joblib import parallel_backend
    from joblibspark import register_spark

    register_spark()

    def ours(estimator: Any, grid: Any, X: Any, y: Any, cv: int) -> Any:
        search = tune.GridSearchCV(estimator, grid, cv=cv, refit=False, backend=backend)
        return search.fit(X, y)

    def scikit_learn(estimator: Any, grid: Any, X: Any, y: Any, cv: int) -> Any:
        search = theirs.GridSearchCV(estimator, grid, cv=cv, refit=False, n_jobs=SLOTS)
        return search.fit(X, y)

    def joblibspark(estimator: Any, grid: Any, X: Any, y: Any, cv: int) -> Any:
        search = theirs.GridSearchCV(estimator, grid, cv=cv, refit=False, n_jobs=SLOTS)
        with parallel_backend("spark", n_jobs=SLOTS):
            return search.fit(X, y)

    return {"ours": ours, "scikit-learn n_jobs=2": scikit_learn, "joblibspark": joblibspark}


def search(fits: int, repeats: int, backend: Any) -> dict[str, Any]:
    """Time a grid on digits; overhead is what slots do beside fitting and scoring."""
    X, y = load_digits(return_X_y=True)
    candidates = max(2, fits // 5)
    grid = {"C": np.logspace(-2, 3, candidates // 7 or 2), "gamma": np.logspace(-5, -1, 7)}
    sides = _sides(backend)
    found: dict[str, list[dict[str, float]]] = {s: [] for s in sides}
    scores = []
    for r in range(repeats + 1):
        for side in list(sides)[:: (-1) ** r]:
            data = (X, y) if r > 0 else (X[:200], y[:200])
            seconds, done = measure.timed(lambda s=side, d=data: sides[s](SVC(), grid, *d, 5))
            if r == 0:
                continue  # warms the workers up
            busy = _seconds_of_fits(done)
            one = {"seconds": seconds, "fits": busy, "overhead": seconds * SLOTS / busy - 1}
            print(side, {k: round(v, 3) for k, v in one.items()}, flush=True)
            found[side].append(one)
            scores.append(done.cv_results_["mean_test_score"])
    assert all((s == scores[0]).all() for s in scores), "sides differ"
    return {
        "fits": len(scores[0]) * 5,
        "sides": {
            s: {k: float(np.median([f[k] for f in of])) for k in of[0]} for s, of in found.items()
        },
    }


def trivial(trials: int, backend: Any) -> dict[str, Any]:
    """Time trials that do nothing: one piece of work each, and fits of a search."""
    X = np.zeros((10, 1))
    for future in [backend.submit(lambda: None) for _ in range(20)]:
        future.result()
    start = time.perf_counter()
    for future in [backend.submit(lambda i=i: i) for i in range(trials)]:
        future.result()
    alone = (time.perf_counter() - start) / trials
    grid = {"shift": np.arange(trials // 2)}
    seconds, _ = measure.timed(
        lambda: tune.GridSearchCV(Mean(), grid, cv=2, refit=False, backend=backend).fit(X)
    )
    return {"trials": trials, "milliseconds": alone * 1e3, "in a search": seconds / trials * 1e3}


def shipped(megabytes: int, fits: int, backend: Any) -> dict[str, Any]:
    """Count bytes that tasks carry, with scattered data, and with data in each task."""
    X = np.random.default_rng(0).normal(size=(megabytes * 1250, 100))
    before = backend.shipped
    grid = {"shift": np.arange(fits // 2)}
    seconds, _ = measure.timed(
        lambda: tune.GridSearchCV(Mean(), grid, cv=2, refit=False, backend=backend).fit(X)
    )
    tasks = {k: v - before[k] for k, v in backend.shipped.items()}
    handle = backend.scatter(X)
    told = handle.explain()
    handle.release()
    before = backend.shipped
    few = min(4, fits)
    work = [(lambda x=X, i=i: float(x[i, 0])) for i in range(few)]
    unscattered, _ = measure.timed(lambda: [backend.submit(w).result() for w in work])
    without = (backend.shipped["bytes"] - before["bytes"]) / few
    return {
        "megabytes": megabytes,
        "fits": fits,
        "scattered": told,
        "tasks": tasks,
        "seconds": seconds,
        "bytes without scatter": without * fits,
        "seconds without scatter, each": unscattered / few,
    }


def memory(megabytes: int, trials: int, backend: Any) -> dict[str, Any]:
    """Watch what Python workers hold while trials read all of a scattered matrix."""
    X = np.random.default_rng(0).normal(size=(megabytes * 1250, 100))
    handle = backend.scatter(X)
    del X

    def reads(params: dict[str, Any]) -> float:
        (x,) = handle.get()
        return float(x.sum()) + params["shift"]

    study = tune.Study(reads, {"shift": list(range(trials))}, sampler="grid", backend=backend)
    with resident.Watch() as watch:
        seconds, _ = measure.timed(study.run)
    told = handle.explain()
    handle.release()
    return {
        "megabytes": megabytes,
        "trials": study.tally.complete,
        "seconds": seconds,
        "scattered": told,
        "workers": len(watch.most),
        "own_megabytes": [round(found.own) for found in watch.most.values()],
        "share_of_mapped_megabytes": [round(found.shared) for found in watch.most.values()],
    }


def main() -> None:
    """Measure and write the result."""
    a = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    a.add_argument("what", choices=["search", "trivial", "bytes", "memory"])
    a.add_argument("--fits", type=int)
    a.add_argument("--trials", type=int, default=1000)
    a.add_argument("--megabytes", type=int, help="default 100, for memory 1,000")
    a.add_argument("--repeats", type=int, default=3)
    a.add_argument("--write", action="store_true", help="keep the result in bench/results")
    args = a.parse_args()
    backend = tune.SparkBackend(mllib_py.session(f"local[{SLOTS}]", memory="2g"))
    if args.what == "search":
        result = search(args.fits or 1050, args.repeats, backend)
    elif args.what == "trivial":
        result = trivial(args.trials, backend)
    elif args.what == "memory":
        result = memory(args.megabytes or 1000, args.fits or 200, backend)
    else:
        result = shipped(args.megabytes or 100, args.fits or 200, backend)
    backend.close()
    print(result)
    if args.write:
        measure.write(f"tune-{args.what}", result)


if __name__ == "__main__":
    main()
