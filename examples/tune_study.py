"""Tune a classifier by an asynchronous study, as a spark-submit job that goes on if it is killed.

    spark-submit --master spark://host:7077 --jars "$(mllib-py jar)" examples/tune_study.py \
        --storage study.db --report study.html
"""

from __future__ import annotations

import argparse
import json

from optuna.distributions import FloatDistribution
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier

import mllib_py
from mllib_py.tune import Study


def main() -> None:
    """Run the study, or go on with it, and print the best."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--storage", help="a file that ends with .db or .journal")
    parser.add_argument("--report", help="an HTML file to write")
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    mllib_py.session(app_name="tune")
    X, y = load_digits(return_X_y=True)
    study = Study(
        SGDClassifier(loss="log_loss", random_state=args.seed),
        {
            "alpha": FloatDistribution(1e-7, 1, log=True),
            "penalty": ["l1", "l2", "elasticnet"],
        },
        pruner="asha",
        trials=args.trials,
        epochs=27,
        X=X / 16,
        y=y,
        cv=3,
        storage=args.storage,
        resume=args.storage is not None,
        random_state=args.seed,
    ).run()
    if args.report:
        study.report(args.report)
    print(json.dumps({"best": study.best_params, "score": study.best_value} | vars(study.tally)))


if __name__ == "__main__":
    main()
