"""What every test stands on: one Spark session, and a watch that nothing is left behind in it."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# Tests share helpers as `support.x` and the golden implementations as `golden.x`.
sys.path.insert(0, str(Path(__file__).parent))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need Spark, so that `make test-fast` can leave them out."""
    for item in items:
        if "spark" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.spark)


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A small local session with the library's jar."""
    import mllib_py

    session = mllib_py.session(
        "local[2]",
        memory="1g",
        conf={
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.session.timeZone": "UTC",
            # Small DataFrames are Spark's in the tests, as large ones are.
            "spark.mllib_py.driverBytes": "0",
        },
    )
    yield session
    session.stop()


class Held:
    """What our library makes Spark hold."""

    def __init__(self) -> None:
        from pyspark import SparkContext

        context = SparkContext._active_spark_context
        self.rdds: set[int] = set()
        self.shared = 0
        if context is not None and hasattr(context._jvm.mllibpy.engine.Shared, "held"):
            self.rdds = set(context._jsc.getPersistentRDDs())
            self.shared = context._jvm.mllibpy.engine.Shared.held()

    def is_within(self, before: Held) -> bool:
        return self.rdds <= before.rdds and self.shared <= before.shared


@pytest.fixture(autouse=True)
def nothing_stays_behind() -> Iterator[None]:
    """After a test Spark holds no more of ours than before: no persisted RDD, no shared value."""
    if "pyspark" not in sys.modules:
        yield
        return
    before = Held()
    yield
    deadline = time.monotonic() + 3
    while not (now := Held()).is_within(before):
        # What the test forgot is let go by its finalizer, unless something else holds it.
        gc.collect()
        sys.modules["mllib_py._bridge"].call("check", "{}")  # any call frees what was forgotten
        assert time.monotonic() < deadline, (
            f"left behind: persisted RDDs {now.rdds - before.rdds} and "
            f"{now.shared - before.shared} shared values"
        )
        time.sleep(0.05)


@pytest.fixture
def ratings_small() -> tuple[Any, Any]:
    """Ratings of rank 2 to learn from, and some that are held out, as columns."""
    rng = np.random.default_rng(0)
    users, items = np.divmod(rng.permutation(40 * 30)[:800], 30)
    p, q = rng.normal(size=(40, 2)), rng.normal(size=(30, 2))
    values = (p[users] * q[items]).sum(axis=1)
    return (users[:700], items[:700], values[:700]), (users[700:], items[700:], values[700:])
