"""Learn from a ratings file, score on a held-out tenth, save the model: a job for spark-submit.

spark-submit --master spark://host:7077 --jars "$(mllib-py jar)" examples/movielens_als.py \
    --data hdfs://host:8020/movielens/ratings.dat --out hdfs://host:8020/models/films

The Scala main class ``mllibpy.api.MovieLensAls`` does the same, to the last bit.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import mllib_py


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Fit, score and save."""
    ratings = mllib_py.ratings(options.data)
    train, test = ratings.split([0.9, 0.1], seed=options.seed)
    als = mllib_py.ALS(
        rank=options.rank,
        reg=options.reg,
        max_iter=options.iterations,
        strategy=options.strategy,
        random_state=options.seed,
    ).fit(train)
    als.save(options.out, overwrite=True)
    return {
        "n_ratings": ratings.n_ratings,
        "strategy": als.strategy_,
        "test_rmse": als.score(test),
    }


def main() -> int:
    """Read the command line and print one line of JSON."""
    parser = argparse.ArgumentParser(description="ALS on a file of ratings")
    parser.add_argument("--data", required=True, help="path or URI of the ratings")
    parser.add_argument("--out", required=True, help="path or URI of the model's folder")
    parser.add_argument("--rank", type=int, default=10)
    parser.add_argument("--reg", type=float, default=0.1)
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--strategy", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    try:
        mllib_py.session(app_name="movielens_als")
        print(json.dumps(run(options)))
    except (ValueError, RuntimeError) as error:
        print(f"movielens_als: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
