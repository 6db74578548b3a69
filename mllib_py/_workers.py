"""Whether this process is a worker, where no Spark jobs start."""

from __future__ import annotations

import sys

#: Modules that workers alone import: Spark's, and those of the processes that tune starts.
_WORKERS = ("pyspark.worker", "mllib_py.tune._worker")


def inside() -> bool:
    """Tell whether this process is a worker."""
    return any(name in sys.modules for name in _WORKERS)
