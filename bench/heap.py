"""How small a heap does: fits of 20 million generated ratings, rank 64, in ever smaller JVMs.

    python -m bench.heap                          ours and pyspark.ml
    python -m bench.heap --ours 1500,2000 --spark 4000

Each fit of one iteration is the second in a process of its own; the clock starts at a DataFrame
on disk (outside the heap that is measured); the garbage collector's time counts.
"""

from __future__ import annotations

import argparse
import tempfile
from typing import Any

import mllib_py
from bench import child, generate, measure
from bench.peers.sides import COLUMNS

RANK = 64


def stored(folder: str, n: int) -> None:
    """Write the ratings as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    users, items, values = generate.ratings(n)
    table = pa.table({"user": users, "item": items, "rating": values})
    for part in range(2):
        rows = table.slice(part * n // 2, n // 2)
        pq.write_table(rows, f"{folder}/{part}.parquet", row_group_size=1 << 20)


def _fit(who: str, frame: Any) -> None:
    if who == "ours":
        mllib_py.ALS(rank=RANK, max_iter=1).fit(frame, progress=False)
        return
    from pyspark.ml.recommendation import ALS

    als = ALS(rank=RANK, maxIter=1, numUserBlocks=2, numItemBlocks=2, seed=0, **COLUMNS)
    model = als.fit(frame)
    model.userFactors.count()
    model.itemFactors.count()


def fits(arguments: list[str]) -> None:
    """Time a fit of one side, after one to warm up (of a sample, where it takes minutes)."""
    who, megabytes, folder = arguments
    spark = mllib_py.session("local[2]", memory=f"{megabytes}m")
    frame = spark.read.parquet(folder)
    _fit(who, frame if who == "ours" else frame.limit(200_000))
    beans = spark._jvm.java.lang.management.ManagementFactory.getGarbageCollectorMXBeans()
    before = sum(b.getCollectionTime() for b in beans)
    seconds, _ = measure.timed(lambda: _fit(who, frame))
    gc = (sum(b.getCollectionTime() for b in beans) - before) / 1000
    child.tell({"seconds": round(seconds, 2), "gc_seconds": round(gc, 2)})


def main() -> None:
    """Measure and write the result."""
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--ours", default="1000,1250,1500,2000,3000,8000", help="heaps in MB")
    p.add_argument("--spark", default="3000,4000,6000,8000", help="heaps in MB")
    p.add_argument("--ratings", type=int, default=20_000_000)
    p.add_argument("--timeout", type=float, default=900, help="seconds for a process")
    args = p.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        stored(folder, args.ratings)
        for who, heaps in (("ours", args.ours), ("pyspark.ml", args.spark)):
            for megabytes in filter(None, heaps.split(",")):
                found = child.run("bench.heap", [who, megabytes, folder], args.timeout)
                rows.append({"side": who, "heap_mb": int(megabytes)} | (found or {"failed": True}))
                print(rows[-1], flush=True)
    out: dict[str, Any] = {"rank": RANK, "ratings": args.ratings, "rows": rows}
    for who in ("ours", "pyspark.ml"):
        of = [r for r in rows if r["side"] == who and "seconds" in r]
        if of:
            best = min(r["seconds"] for r in of)
            out[f"smallest within 20%, {who}"] = min(
                r["heap_mb"] for r in of if r["seconds"] <= 1.2 * best
            )
    print(out)
    measure.write("heap-20m-rank64", out)


if __name__ == "__main__":
    child.main(main, fits)
