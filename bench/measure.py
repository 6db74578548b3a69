"""What every benchmark shares: clocks, the JVM's memory, and where results go."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """Describe where a result comes from: processor, cores, versions, commit."""
    import numpy
    import pyspark

    model = "unknown"
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), model)
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "pyspark": pyspark.__version__,
        "commit": _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--short") else ""),
        "date": time.strftime("%Y-%m-%d"),
    }


def _git(*args: str) -> str:
    run = subprocess.run(["git", *args], capture_output=True, text=True, cwd=RESULTS.parent)
    return run.stdout.strip()


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Run something; return its seconds and its result."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def warm(work: Callable[[], Any], seconds: float = 5, most: int = 40) -> None:
    """Repeat something until the JVM's compiler has seen enough of it."""
    end = time.monotonic() + seconds
    for _ in range(most):
        work()
        if time.monotonic() > end:
            return


class Heap:
    """Peak use of the JVM's heap during something, in MB."""

    def __init__(self, spark: Any) -> None:
        self._factory = spark._jvm.java.lang.management.ManagementFactory
        self._system = spark._jvm.java.lang.System

    def _pools(self) -> list[Any]:
        pools = self._factory.getMemoryPoolMXBeans()
        return [p for p in pools if p.getType().toString() == "Heap memory"]

    def peak(self, work: Callable[[], Any]) -> tuple[float, Any]:
        """Run something; return the peak (sum of the pools' peaks) and its result."""
        self._system.gc()
        for pool in self._pools():
            pool.resetPeakUsage()
        result = work()
        return sum(p.getPeakUsage().getUsed() for p in self._pools()) / 1e6, result


def summary(seconds: list[float]) -> dict[str, Any]:
    """Median, spread and the runs themselves."""
    return {
        "median": round(median(seconds), 4),
        "min": round(min(seconds), 4),
        "max": round(max(seconds), 4),
        "runs": [round(s, 4) for s in seconds],
    }


def write(name: str, result: dict[str, Any]) -> Path:
    """Write a result with the machine and the commit; return its file."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine()} | result, indent=2) + "\n")
    return path
