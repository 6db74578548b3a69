"""How fast a saved model answers one user: 100,000 items at rank 64, with NumPy alone.

python -m bench.serve
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import measure
from mllib_py import serve

USERS, ITEMS, RANK, SEEN, ASKED = 10_000, 100_000, 64, 100, 200


def write_model(folder: Path) -> int:
    """Write a model of drawn factors as `ALS.save` would; return its bytes."""
    draw = np.random.default_rng(0)
    seen = np.sort(draw.integers(0, ITEMS, (USERS, SEEN), dtype=np.int32), axis=1)
    arrays: dict[str, NDArray[Any]] = {
        "user_factors": draw.normal(scale=0.3, size=(USERS, RANK)).astype(np.float32),
        "item_factors": draw.normal(scale=0.3, size=(ITEMS, RANK)).astype(np.float32),
        "user_ids": np.arange(USERS, dtype=np.int64),
        "item_ids": np.arange(ITEMS, dtype=np.int64),
        "seen_start": np.arange(0, USERS * SEEN + 1, SEEN, dtype=np.int32),
        "seen_items": seen.ravel(),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    params = {"rank": RANK, "biases": False, "implicit": False}
    facts = {"format": "mllib_py ALS", "version": 1, "params": params, "fit": {"mean_rating": 0}}
    (folder / "model.json").write_text(json.dumps(facts))
    files = list(folder.iterdir())
    sums = {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
    (folder / "checksums.json").write_text(json.dumps(sums))
    return sum(f.stat().st_size for f in files)


def milliseconds(work: Callable[[int], Any], users: NDArray[np.int64]) -> dict[str, float]:
    """Time an answer to each user."""
    spent = []
    for user in users.tolist():
        start = time.perf_counter()
        work(user)
        spent.append(1e3 * (time.perf_counter() - start))
    low, median, high = np.percentile(spent, [5, 50, 95])
    return {"median": round(median, 3), "p5": round(low, 3), "p95": round(high, 3)}


def main() -> None:
    """Measure loading and answers, and write the result."""
    with tempfile.TemporaryDirectory() as name:
        size = write_model(Path(name))
        loads = {
            f"load, verify={verify}": milliseconds(
                lambda _, verify=verify: serve.load(name, verify=verify), np.arange(20)
            )
            for verify in (True, False)
        }
        model = serve.load(name)
        users = np.random.default_rng(1).choice(USERS, ASKED, replace=False)
        model.recommend(0)  # pages in
        model.similar_items(0)  # lengths
        some = np.arange(0, ITEMS, 2)
        answers = {
            "recommend, k=10": milliseconds(model.recommend, users),
            "recommend, k=10, allow half": milliseconds(
                lambda user: model.recommend(user, allow=some), users
            ),
            "recommend, k=1000": milliseconds(lambda user: model.recommend(user, 1000), users),
            "similar_items, k=10": milliseconds(model.similar_items, users),
            "predict": milliseconds(lambda user: model.predict(user, user), users),
        }
    shape = {"users": USERS, "items": ITEMS, "rank": RANK, "bytes": size, "asked": ASKED}
    result = {"shape": shape, "milliseconds": loads | answers}
    print(json.dumps(result, indent=2))
    measure.write("serve", result)


if __name__ == "__main__":
    main()
