"""Two famous jobs on paper, by the cost model of `ALS.explain` and the constants measured here.

    python -m bench.paper

1. Nine times the Netflix prize on nine machines, rank 20: MLlib's first ALS took 481 s, GraphLab
   291 s, Mahout 4,206 s (Franklin et al., MLlib: scalable machine learning on Spark, talk of 2013).
   The machines are taken to have 8 cores, and the job 10 iterations: the talk does not say.
2. 3.5 billion ratings on 50 nodes in 40 minutes (Databricks: Scalable collaborative filtering with
   Spark MLlib, 2014): 100 million users, 1 million items; rank 10 and 10 iterations are assumed.
"""

from __future__ import annotations

from typing import Any

import mllib_py
from bench import measure

GB = 1 << 30
JOBS = {
    "9 x Netflix, 9 nodes": ((4_321_701, 159_930, 904_000_000, 20, 10), (9, 8, 40 * GB)),
    "3.5 billion, 50 nodes": ((100_000_000, 1_000_000, 3_500_000_000, 10, 10), (50, 8, 40 * GB)),
}
# Bytes a second: 1 and 10 Gbit/s.
LINKS = {"1 Gbit/s": 1.25e8, "10 Gbit/s": 1.25e9}
# What measured iterations come to, all around them included: bench/results/als-20m-rank64.json.
FLOPS = 3e10


def plans(spark: Any) -> list[dict[str, Any]]:
    """Price every strategy of every job."""
    als = spark._jvm.mllibpy.algorithm.als
    rows = []
    for job, (shape, (executors, cores, memory)) in JOBS.items():
        for link, bandwidth in LINKS.items():
            facts = als.ClusterFacts(executors, cores, memory, memory, False, bandwidth, FLOPS)
            costs = als.StrategyCost.all(als.Shape(*shape, False, True), facts)
            for i in range(costs.length()):
                c = costs.apply(i)
                rows.append(
                    {
                        "job": job,
                        "link": link,
                        "strategy": c.strategy(),
                        "fits": bool(c.feasible()),
                        "gb_per_executor": round(c.executorMemory() / GB, 1),
                        "gb_moved_per_iteration": round(c.bytesPerIteration() / GB, 1),
                        "seconds": round(c.seconds()),
                    }
                )
    return rows


def main() -> None:
    """Print the plans and write them."""
    rows = plans(mllib_py.session("local[2]"))
    for row in rows:
        print(row)
    measure.write("paper", {"flops_per_core": FLOPS, "rows": rows})


if __name__ == "__main__":
    main()
