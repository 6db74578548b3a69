"""Search an SVC's parameters on digits, by plain Python or as a spark-submit job.

    python examples/tune_search.py
    spark-submit --master spark://host:7077 --jars "$(mllib-py jar)" examples/tune_search.py \
        --candidates 210
"""

from __future__ import annotations

import argparse
import json

from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.svm import SVC

import mllib_py
from mllib_py import tune


def main() -> None:
    """Draw candidates, score them on the cluster's slots, and tell the best."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=20)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    backend = tune.SparkBackend(mllib_py.session(app_name="tune_search"))
    X, y = load_digits(return_X_y=True)
    search = tune.RandomizedSearchCV(
        SVC(),
        {"C": loguniform(0.1, 100), "gamma": loguniform(1e-5, 1e-1)},
        n_iter=args.candidates,
        cv=args.folds,
        random_state=args.seed,
        backend=backend,
    ).fit(X, y)
    told = {"score": search.best_score_, **search.best_params_, "slots": backend.slots}
    backend.close()
    print(json.dumps(told | {"fits": args.candidates * search.n_splits_}))


if __name__ == "__main__":
    main()
