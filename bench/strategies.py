"""Whether `strategy="auto"` names the fastest: all strategies on a table of shapes and clusters.

    python -m bench.strategies

A cluster is one JVM with two threads, or two executors of one core each in processes of their own
(`local-cluster`). Whole fits of 5 iterations from parsed ratings, alternating, the median of 3.
"""

from __future__ import annotations

from typing import Any

import mllib_py
from bench import child, generate, measure
from bench.peers import sides

STRATEGIES = (*sides.STRATEGIES, "hybrid")
CLUSTERS = ("local[2]", "local-cluster[2,1,4096]")
# users, items, ratings, rank
SHAPES = (
    (6_000, 3_700, 1_000_000, 64),
    (6_000, 3_700, 1_000_000, 16),
    (100_000, 20_000, 2_000_000, 32),
    (300_000, 1_000, 2_000_000, 32),
    (20_000, 100_000, 2_000_000, 64),
)


def _times(ratings: Any, rank: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {s: [] for s in STRATEGIES}
    for r in range(4):
        for strategy in STRATEGIES[:: (-1) ** r]:
            als = mllib_py.ALS(rank=rank, max_iter=5, strategy=strategy)
            seconds, _ = measure.timed(lambda a=als: a.fit(ratings, progress=False))
            if r > 0:
                times[strategy].append(seconds)
    return times


def shapes(arguments: list[str]) -> None:
    """Time all shapes on one cluster."""
    mllib_py.session(arguments[0], memory="6g")
    rows = []
    for users, items, n, rank in SHAPES:
        ratings = mllib_py.ratings(generate.ratings(n, users=users, items=items))
        plan = mllib_py.ALS(rank=rank, max_iter=5).explain(ratings)
        times = {s: measure.summary(t)["median"] for s, t in _times(ratings, rank).items()}
        ratings.release()
        rows.append(
            {"shape": [users, items, n, rank], "chosen": plan["chosen"], "seconds": times}
            | {"estimates": {s["strategy"]: s["seconds"] for s in plan["strategies"]}}
            | {"behind_the_fastest": round(times[plan["chosen"]] / min(times.values()) - 1, 3)}
        )
    child.tell({"rows": rows})


def main() -> None:
    """Measure and write the result."""
    out = {}
    for cluster in CLUSTERS:
        found = child.run("bench.strategies", [cluster])
        out[cluster] = found["rows"] if found else "failed"
        for row in found["rows"] if found else []:
            print(cluster, row, flush=True)
    measure.write("strategies", out)


if __name__ == "__main__":
    child.main(main, shapes)
