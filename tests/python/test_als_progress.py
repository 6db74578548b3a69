"""A fit tells how far it is where someone looks, and stops when it is told to."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.small import stars

from mllib_py import ALS, _bridge, _progress

ROOT = Path(__file__).parents[2]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def long_enough() -> ALS:
    """A fit that a bar sees under way."""
    return ALS(rank=2, max_iter=60, strategy="blocked")


def test_a_bar_is_shown_when_asked_for(
    spark: Any, long_enough: ALS, capsys: pytest.CaptureFixture[str]
) -> None:
    long_enough.fit(stars(), progress=True)
    said = capsys.readouterr()
    assert said.out == ""
    assert "/120" in said.err
    assert "fitting (blocked)" in said.err
    assert "objective=" in said.err


def test_a_bar_is_shown_in_a_terminal(
    spark: Any, long_enough: ALS, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    long_enough.fit(stars())
    assert "/120" in terminal.getvalue()
    quiet = Terminal()
    monkeypatch.setattr(sys, "stderr", quiet)
    long_enough.fit(stars(), progress=False)
    assert quiet.getvalue() == ""


def test_a_fit_is_quiet_otherwise(
    spark: Any, long_enough: ALS, capfd: pytest.CaptureFixture[str]
) -> None:
    long_enough.fit(stars())
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("shell", "shown"), [("ZMQInteractiveShell", True), ("TerminalInteractiveShell", False)]
)
def test_a_bar_is_shown_in_a_notebook(
    shell: str, shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ipython = ModuleType("IPython")
    ipython.get_ipython = type(shell, (), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert _progress.wanted(None) is shown
    assert _progress.wanted(False) is False


@pytest.mark.parametrize("show", [True, False])
def test_without_tqdm_there_is_a_plain_line(
    show: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with _progress.Bar(10, show=show) as bar:
        bar.update("fitting", 3, 1.5)
    assert ("3/10" in capsys.readouterr().err) is show


# --- stopping


def running(spark: Any) -> int:
    return len(spark.sparkContext.statusTracker().getActiveJobsIds())


@pytest.mark.parametrize("strategy", ["broadcast", "blocked"])
def test_a_fit_that_is_cancelled_stops_in_the_jvm(spark: Any, strategy: str) -> None:
    import mllib_py

    r = mllib_py.ratings(stars())
    params = ALS(rank=2, max_iter=10**6, strategy=strategy).get_params()
    handle = _bridge.call("fit", r._handle, _bridge.to_json(params))
    deadline = time.monotonic() + 30
    while json.loads(handle.progress())["done"] < 3 and time.monotonic() < deadline:
        assert not handle.waitFor(20)
    began = time.monotonic()
    handle.cancel()
    assert time.monotonic() - began < 10
    done = json.loads(handle.progress())["done"]
    assert handle.waitFor(0)
    with pytest.raises(Exception, match=r"interrupted|cancelled"), _bridge.errors():
        handle.model()
    time.sleep(0.1)
    assert json.loads(handle.progress())["done"] == done
    assert running(spark) == 0
    r.release()
    assert ALS(rank=2, max_iter=2).fit(stars()).n_iter_ == 2


INTERRUPTED = """
import os, signal, sys, threading, time
sys.path.insert(0, "tests")
import mllib_py
from support.small import stars

spark = mllib_py.session("local[2]", memory="512m")
print("started", flush=True)
als = mllib_py.ALS(rank=2, max_iter=10**6, strategy="blocked")
try:
    als.fit(stars())
except KeyboardInterrupt:
    print("interrupted", flush=True)
print(len(spark.sparkContext.statusTracker().getActiveJobsIds()), "jobs")
print(spark._jsc.getPersistentRDDs().size(), "persisted")
print(spark._jvm.mllibpy.engine.Shared.held(), "shared")
print(hasattr(als, "history_"), "fitted")
print(mllib_py.ALS(rank=2, max_iter=2).fit(stars()).n_iter_, "iterations", flush=True)
kept = mllib_py.ratings(stars())
spark.stop()
from pyspark import SparkContext
del kept
import gc; gc.collect()
print(SparkContext._active_spark_context, "context")
"""


@pytest.mark.spark
def test_control_c_stops_the_fit_and_leaves_the_session_usable() -> None:
    """As a terminal does: the signal goes to the whole group, the JVM among it."""
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        time.sleep(3)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert out.splitlines() == [
        "interrupted",
        "0 jobs",
        "0 persisted",
        "0 shared",
        "False fitted",
        "2 iterations",
        "None context",
    ], err
    assert process.returncode == 0, err
    assert "Traceback" not in err, err
