"""Ten recommendations for every user of a catalogue of MovieLens 20M's shape, beside the peers.

    python -m bench.recommend                     ours, pyspark.ml and implicit
    python -m bench.recommend --repeats 3 --peers implicit

Models of rank 64 from one iteration on 2 million ratings: how good they are is not the question.
Ours and implicit leave out what a user has rated; pyspark.ml cannot. Ours ends with a pandas table,
implicit with arrays, pyspark.ml with rows that are made and dropped.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import mllib_py
from bench import generate, measure
from bench.peers.sides import Implicit, Ours, Problem, Spark

K = 10


def _ours(model: Any, problem: Problem) -> Any:
    return model.recommend(k=K)


def _spark(model: Any, problem: Problem) -> Any:
    return model.recommendForAllUsers(K).write.format("noop").mode("overwrite").save()


def _implicit(model: Any, problem: Problem) -> Any:
    everyone = np.arange(model.user_factors.shape[0])
    seen: Any = problem.confidence  # type: ignore[attr-defined]
    return model.recommend(everyone, seen, N=K, filter_already_liked_items=True)


def main() -> None:
    """Measure and write the result."""
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("--peers", default="spark,implicit")
    args = p.parse_args()
    spark = mllib_py.session("local[2]")
    columns = generate.ratings(2_000_000)
    problem = Problem(spark, columns, rank=64, reg=0.1, alpha=1.0)
    who: dict[str, tuple[Any, Any]] = {"ours": (Ours("data-parallel"), _ours)}
    if "spark" in args.peers:
        who["pyspark.ml"] = (Spark(), _spark)
    if "implicit" in args.peers:
        who["implicit"] = (Implicit(use_cg=True), _implicit)
    models = {name: side.fit(problem, 1) for name, (side, _) in who.items()}
    runs: dict[str, list[float]] = {name: [] for name in who}
    for r in range(args.repeats + 1):
        for name, (_, ask) in who.items():
            if name == "pyspark.ml" and r > 1:
                continue
            with threadpool_limits(2):
                seconds, _ = measure.timed(lambda n=name, a=ask: a(models[n], problem))
            print(f"{name}: {seconds:.2f} s", flush=True)
            if r > 0 or name == "pyspark.ml":
                runs[name].append(seconds)
    result: dict[str, Any] = {n: measure.summary(s) for n, s in runs.items()}
    ours = result["ours"]["median"]
    shape = {"users": len(np.unique(problem.arrays[0])), "items": 27_000, "k": K, "rank": 64}
    faster = {n: round(result[n]["median"] / ours, 2) for n in result if n != "ours"}
    print(result, faster)
    measure.write("recommend-20m-rank64", shape | {"sides": result, "times_faster": faster})


if __name__ == "__main__":
    main()
