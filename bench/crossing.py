"""How fast data cross from NumPy to the JVM: 20 million ratings, and a 1 GB float32 matrix.

python -m bench.crossing
"""

from __future__ import annotations

import numpy as np

import mllib_py
from bench import measure
from mllib_py import data


def main() -> None:
    """Measure both crossings five times and write the result."""
    mllib_py.session("local[2]")
    rng = np.random.default_rng(0)
    n = 20_000_000
    columns = (rng.integers(0, 138_000, n), rng.integers(0, 27_000, n), np.ones(n, np.float32))
    matrix = rng.random((1_000_000, 268), dtype=np.float32)
    ratings, tiles = [], []
    for _ in range(5):
        seconds, handle = measure.timed(lambda: mllib_py.ratings(columns))
        handle.release()
        ratings.append(seconds)
        seconds, held = measure.timed(lambda: data.matrix(matrix))
        held.release()
        tiles.append(seconds)
        print(f"ratings {ratings[-1]:.2f} s, matrix {tiles[-1]:.2f} s", flush=True)
    ratings_bytes = sum(c.nbytes for c in columns)
    result = {
        "ratings": measure.summary(ratings) | {"bytes": ratings_bytes},
        "matrix": measure.summary(tiles) | {"bytes": matrix.nbytes},
    }
    for side in result.values():
        side["mb_per_s"] = round(side["bytes"] / 1e6 / side["median"])
    print(result)
    measure.write("crossing", result)


if __name__ == "__main__":
    main()
