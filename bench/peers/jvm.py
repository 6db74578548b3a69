"""Data at rest in the JVM for Spark's older classes; their Python sides convert them each time."""

from __future__ import annotations

from typing import Any

from pyspark.mllib.common import _to_java_object_rdd


def rest(rdd: Any) -> Any:
    """Return an RDD's objects as the JVM's, in its memory."""
    found = _to_java_object_rdd(rdd).cache()
    found.count()
    return found


def view(rows: Any) -> Any:
    """Return rows for one fit, which persists and then unpersists what it is given."""
    return rows.coalesce(rows.getNumPartitions())
