"""How well ALS predicts: published protocols on MovieLens 1M.

    python -m bench.quality.als rmse --data FOLDER_OF_ML_1M
    python -m bench.quality.als leave-one-out --data FOLDER_OF_ML_1M_NCF

``rmse``: test RMSE of a random 90/10 split, by seeds. ``leave-one-out``: each user's last item
among 99 that the user has not rated (He et al., Neural collaborative filtering, WWW 2017): hit rate
and NDCG at 10, settings of Rendle et al. (Neural collaborative filtering vs. matrix factorization
revisited, RecSys 2020; Revisiting the performance of iALS, RecSys 2022).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mllib_py
from bench import measure

RMSE: dict[str, dict[str, Any]] = {
    "als": {"rank": 100, "reg": 0.055, "max_iter": 20, "solver": "cholesky"},
    "als, biases": {
        "rank": 100,
        "reg": 0.055,
        "max_iter": 20,
        "solver": "cholesky",
        "biases": True,
    },
    "gibbs, rank 30": {
        "method": "gibbs",
        "rank": 30,
        "n_samples": 64,
        "burn_in": 16,
        "thin": 1,
        "noise_precision": 1.5,
    },
    "gibbs, rank 64": {
        "method": "gibbs",
        "rank": 64,
        "n_samples": 48,
        "burn_in": 16,
        "thin": 3,
        "noise_precision": 1.5,
    },
}
LEAVE_ONE_OUT: dict[str, Any] = {
    "rank": 192,
    "max_iter": 12,
    "solver": "cholesky",
    "implicit": True,
    "unobserved_weight": 0.3,
    "reg": 0.007,
    "reg_unobserved": 0.3,
    "reg_exponent": 1.0,
    "init_scale": 0.1 * 192**0.5,
}


def rmse(folder: Path, seeds: int, names: list[str]) -> dict[str, Any]:
    """Test RMSE of each setting, by seed of the split."""
    table = pd.read_csv(folder / "ratings.dat", sep="::", engine="python", header=None)
    u, i, r = (table[c].to_numpy() for c in range(3))
    out: dict[str, list[float]] = {name: [] for name in names}
    for seed in range(seeds):
        test = np.random.default_rng(seed).random(len(u)) < 0.1
        train = mllib_py.ratings((u[~test], i[~test], r[~test].astype(np.float32)))
        held = mllib_py.ratings((u[test], i[test], r[test].astype(np.float32)))
        for name in names:
            params = {"cold_start": "mean", "random_state": seed} | RMSE[name]
            seconds, als = measure.timed(lambda p=params, t=train: mllib_py.ALS(**p).fit(t))
            out[name].append(round(als.score(held), 5))
            print(f"seed {seed}, {name}: {out[name][-1]} in {seconds:.0f} s", flush=True)
    return {n: {"settings": RMSE[n], "test_rmse": v, "mean": _mean(v)} for n, v in out.items()}


def leave_one_out(folder: Path, seeds: int) -> dict[str, Any]:
    """Hit rate and NDCG at 10 by seed."""
    train = np.loadtxt(folder / "ml-1m.train.uir", dtype=np.int64)
    test = np.loadtxt(folder / "ml-1m.test.rating", dtype=np.int64, usecols=(0, 1))
    lines = (folder / "ml-1m.test.negative").read_text().splitlines()
    negatives = np.array([[int(x) for x in line.split("\t")[1:]] for line in lines])
    candidates = np.column_stack([test[:, 1], negatives])
    ratings = (train[:, 0], train[:, 1], np.ones(len(train), dtype=np.float32))
    found: dict[str, list[float]] = {"hit_rate_at_10": [], "ndcg_at_10": []}
    for seed in range(seeds):
        als = mllib_py.ALS(**LEAVE_ONE_OUT, random_state=seed).fit(ratings)
        users = np.repeat(test[:, 0], candidates.shape[1])
        scores = np.asarray(als.predict(users, candidates.ravel())).reshape(candidates.shape)
        rank = (np.nan_to_num(scores[:, 1:], nan=-9) >= scores[:, :1]).sum(axis=1)
        found["hit_rate_at_10"].append(round(float(np.mean(rank < 10)), 4))
        found["ndcg_at_10"].append(
            round(float(np.mean(np.where(rank < 10, 1 / np.log2(rank + 2.0), 0))), 4)
        )
        print(f"seed {seed}: {[v[-1] for v in found.values()]}", flush=True)
    means = {f"mean_{k}": _mean(v) for k, v in found.items()}
    return {"settings": LEAVE_ONE_OUT} | found | means


def _mean(values: list[float]) -> float:
    return round(float(np.mean(values)), 5)


def main() -> None:
    """Run the protocol that the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("protocol", choices=["rmse", "leave-one-out"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--settings", default=";".join(RMSE), help="of rmse, with semicolons")
    args = parser.parse_args()
    mllib_py.session("local[2]")
    if args.protocol == "rmse":
        result = rmse(args.data, args.seeds, args.settings.split(";"))
    else:
        result = leave_one_out(args.data, args.seeds)
    path = measure.write(f"quality-als-{args.protocol}", result)
    print(json.dumps(result, indent=2), f"\nwritten to {path.name}")


if __name__ == "__main__":
    main()
