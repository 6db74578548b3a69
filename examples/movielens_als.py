"""Learn from MovieLens ratings, score on a held-out tenth, save the model: a job for spark-submit.

spark-submit --master spark://host:7077 --jars "$(mllib-py jar)" examples/movielens_als.py \\
    --data hdfs://host:8020/movielens --out hdfs://host:8020/models/films

The Scala main class ``mllibpy.api.MovieLensAls`` does the same, to the last bit.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import mllib_py
from mllib_py.data import list_files

# What the ratings are called in a MovieLens folder, by what its films are called.
FOLDERS = {"movies.dat": "ratings.dat", "movies.csv": "ratings.csv", "u.item": "u.data"}


def ratings_in(uri: str) -> str:
    """Return the file of ratings of a MovieLens folder; anything else is ratings as it stands."""
    found = list_files(uri)
    for films, ratings in FOLDERS.items():
        files = [file for file in found if file.endswith(f"/{ratings}")]
        if len(files) == 1 and any(file.endswith(f"/{films}") for file in found):
            return files[0]
    return uri


def run(data: str, out: str, seed: int, parameters: dict[str, Any]) -> dict[str, Any]:
    """Fit, score and save."""
    ratings = mllib_py.ratings(ratings_in(data))
    train, test = ratings.split([0.9, 0.1], seed=seed)
    als = mllib_py.ALS(random_state=seed, **parameters).fit(train)
    als.save(out, overwrite=True)
    return {
        "n_ratings": ratings.n_ratings,
        "strategy": als.strategy_,
        "test_rmse": als.score(test),
    }


def main() -> int:
    """Read the command line and print one line of JSON."""
    # An option that is not given is left to ALS, whose defaults are the library's.
    parser = argparse.ArgumentParser(
        description="ALS on MovieLens ratings", argument_default=argparse.SUPPRESS
    )
    parser.add_argument("--data", required=True, help="file, glob or folder of ratings")
    parser.add_argument("--out", required=True, help="the model's folder")
    parser.add_argument("--rank", type=int)
    parser.add_argument("--reg", type=float)
    parser.add_argument("--iterations", type=int, dest="max_iter", metavar="ITERATIONS")
    parser.add_argument("--strategy")
    parser.add_argument("--seed", type=int, default=0)
    options = vars(parser.parse_args())
    data, out, seed = (options.pop(name) for name in ("data", "out", "seed"))
    try:
        mllib_py.session(app_name="movielens_als")
        print(json.dumps(run(data, out, seed, parameters=options)))
    except (ValueError, TypeError, RuntimeError) as error:
        print(f"movielens_als: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
