"""What a model answers on a cluster: run as a script by test_cluster.py.

    spark-submit asking.py MODEL OUT

Writes recommendations to OUT/best and OUT/chosen, and predictions to OUT/predicted.
"""

from __future__ import annotations

import sys

import mllib_py


def main() -> None:
    """Ask."""
    uri, out = sys.argv[1:]
    spark = mllib_py.session()
    als = mllib_py.load(uri)
    first = int(als.user_ids_[0])
    als.write_recommendations(f"{out}/best", k=3)
    als.write_recommendations(f"{out}/best", k=5, overwrite=True)
    chosen = {first: als.item_ids_[:40].tolist()}
    als.write_recommendations(f"{out}/chosen", 5, [first, -1], allow=chosen, deny=als.item_ids_[:9])
    pairs = [(int(u), int(i)) for u in [*als.user_ids_[:20], -1] for i in als.item_ids_[:20]]
    frame = spark.createDataFrame(pairs, "user long, item long").repartition(3)
    als.predict(frame).write.parquet(f"{out}/predicted")
    # On the executors, and collected.
    assert len(als.recommend(als.user_ids_, k=2)) == 2 * len(als.user_ids_)


if __name__ == "__main__":
    main()
