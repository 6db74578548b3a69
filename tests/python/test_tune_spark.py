"""Work as Spark tasks, and data that are scattered to them."""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

from mllib_py import tune
from mllib_py.tune import LocalBackend, SparkBackend, Study, WorkerLost, WorkTimeout
from mllib_py.tune._joblib import AHEAD, SlotsBackend
from mllib_py.tune._ship import Shelf, pack
from mllib_py.tune._spark import DriverBackend

X = np.arange(12.0).reshape(4, 3)


@pytest.fixture(scope="module")
def backend(spark: Any) -> Iterator[SparkBackend]:
    it = SparkBackend(spark)
    yield it
    it.close()


def _hang(path: Path) -> None:
    path.write_text(str(os.getpid()))
    time.sleep(600)


def _wait(true: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_slots_are_those_of_the_executors(backend: SparkBackend) -> None:
    assert backend.slots == 2


def test_spark_collects_no_garbage_of_libraries_after_each_piece(backend: SparkBackend) -> None:
    found: dict[int, list[int]] = {}
    for _ in range(12):
        pid, frozen = backend.submit(lambda: (os.getpid(), gc.get_freeze_count())).result()
        found.setdefault(pid, []).append(frozen)
    for frozen in found.values():
        # Nothing before the first piece of a worker; then once, while nothing more is imported.
        assert all(n > 10_000 for n in frozen[1:])
        assert len(set(frozen[1:])) <= 1


def test_work_runs_once_in_other_processes_that_stay(backend: SparkBackend) -> None:
    found = [backend.submit(lambda i=i: (i, os.getpid())) for i in range(12)]
    values = [f.result() for f in found]
    assert [v[0] for v in values] == list(range(12))
    assert os.getpid() not in {v[1] for v in values}
    assert len({v[1] for v in values}) <= 4, "Python workers are not used again"


def test_no_more_runs_at_once_than_there_are_slots(backend: SparkBackend, tmp_path: Path) -> None:
    def count() -> int:
        mine = tmp_path / str(os.getpid())
        mine.touch()
        time.sleep(0.05)
        now = len(list(tmp_path.iterdir()))
        mine.unlink()
        return now

    found = [backend.submit(count) for _ in range(10)]
    assert max(f.result() for f in found) <= 2


def test_slots_of_several_cores_are_counted_once(spark: Any, monkeypatch: Any) -> None:
    backend = SparkBackend(spark)
    monkeypatch.setattr(backend._cluster, "cpus", 2)  # as spark.task.cpus says
    monkeypatch.setattr(backend._cluster, "cores", lambda: [4, 4])
    assert backend.slots == 4
    assert [backend.slots_for(cores) for cores in (1, 2, 3, 4)] == [1, 1, 2, 2]
    at_once = SlotsBackend(backend, Shelf(backend), cores=2).effective_n_jobs(-1) // AHEAD
    assert at_once == 4
    study = Study(abs, {"x": [1]}, sampler="random", trials=9, cores_per_trial=2, backend=backend)
    assert study.explain()["parallelism"] == 4
    monkeypatch.setattr(backend._cluster, "cores", lambda: [2])
    study = Study(abs, {"x": [1]}, sampler="random", trials=9, cores_per_trial=3, backend=backend)
    says = "cores_per_trial is 3, and there are 1 slots: a trial takes 2"
    with pytest.raises(ValueError, match=says):
        study.explain()
    backend.close()


def test_what_work_raises_comes_back_as_itself(backend: SparkBackend) -> None:
    class Odd(Exception):
        def __init__(self, a: int, b: int) -> None:  # cannot be made again from its pickle
            super().__init__("odd")

    def fail(error: Any) -> None:
        raise error() if error is not Odd else Odd(1, 2)

    with pytest.raises(KeyError) as told:
        backend.submit(lambda: fail(KeyError)).result()
    assert "in fail" in told.value.__notes__[0]
    with pytest.raises(RuntimeError, match="Odd: odd"):
        backend.submit(lambda: fail(Odd)).result()
    with pytest.raises(RuntimeError, match=r"SystemExit\(3\)"):
        backend.submit(lambda: sys.exit(3)).result()
    with pytest.raises(TypeError, match="lock"):
        backend.submit(lambda: threading.Lock()).result()


def test_what_cannot_run_is_refused_before_it_is_sent(backend: SparkBackend) -> None:
    lock = threading.Lock()
    with pytest.raises(TypeError, match="the work cannot be pickled"):
        backend.submit(lambda: lock)
    with pytest.raises(ValueError, match="3 cores cannot run: an executor has 2"):
        backend.submit(lambda: 1, cores=3)
    with pytest.raises(ValueError, match="cores must be an integer of at least 1, not 0"):
        backend.submit(lambda: 1, cores=0)


def test_a_worker_that_dies_is_lost_and_others_go_on(backend: SparkBackend, tmp_path: Path) -> None:
    def die() -> None:
        (tmp_path / f"{time.time_ns()}").touch()
        os.kill(os.getpid(), signal.SIGKILL)

    lost = backend.submit(die)
    other = backend.submit(lambda: 7)
    with pytest.raises(WorkerLost, match="the process that ran the work has died") as error:
        lost.result()
    assert error.value.own
    assert other.result() == 7
    assert len(list(tmp_path.iterdir())) == 1


def test_a_further_attempt_does_not_run_the_work_again(monkeypatch: Any) -> None:
    import cloudpickle
    import pyspark

    from mllib_py.tune import _task

    class Second:
        def attemptNumber(self) -> int:
            return 1

    monkeypatch.setattr(pyspark.TaskContext, "get", lambda: Second())
    task = _task.Task(cloudpickle.dumps(lambda: 1), 1, {}, ())
    assert [cloudpickle.loads(b)[0] for b in task([0])] == [_task.LOST]


class _LoadsSlowly:
    """Stands for what imports its libraries for long."""

    def __reduce__(self) -> Any:
        return _slowly, ()


def _slowly() -> Any:
    time.sleep(3)
    return _seven


def _seven() -> int:
    return 7


@pytest.mark.parametrize("where", ["spark", "local"])
def test_the_time_of_work_counts_when_it_is_loaded(where: str, backend: SparkBackend) -> None:
    slots: Any = backend if where == "spark" else LocalBackend(1)
    shelf = Shelf(slots)
    try:
        assert slots.submit(_LoadsSlowly(), timeout=2).result() == 7
        assert slots.submit(pack(_LoadsSlowly(), shelf), timeout=2).result().value() == 7
        with pytest.raises(ModuleNotFoundError):
            slots.submit(_Unloadable(), timeout=2).result()
        assert slots.submit(_seven).result() == 7
    finally:
        if where == "local":
            slots.close()


class _Unloadable:
    def __reduce__(self) -> Any:
        return importlib.import_module, ("no_such_module",)

    def __call__(self) -> None:
        """Never reached."""


def test_cancelled_twice_is_cancelled() -> None:
    slots = LocalBackend(1)
    future = slots.submit(lambda: time.sleep(60))
    assert future.cancel()
    assert future.cancel()
    assert future.cancelled()
    slots.close()


def test_work_that_takes_too_long_is_killed(backend: SparkBackend, tmp_path: Path) -> None:
    path = tmp_path / "pid"
    with pytest.raises(WorkTimeout, match="more than 1 s"):
        backend.submit(lambda: _hang(path), timeout=1).result()
    # Time counts from when the work was handed over: its worker may have been still starting.
    _wait(lambda: not path.exists() or not Path(f"/proc/{path.read_text()}").exists())
    assert backend.submit(lambda: 7, timeout=60).result() == 7


@pytest.fixture
def busy(spark: Any) -> Iterator[Any]:
    """Keeps all cores for a while, so that the tasks of others wait in Spark."""
    other = SparkBackend(spark)

    def keep(folder: Path, seconds: float) -> None:
        def hold(i: int) -> None:
            (folder / f"held-{i}").touch()
            time.sleep(seconds)

        for i in range(2):
            other.submit(lambda i=i: hold(i))
        _wait(lambda: len(list(folder.glob("held-*"))) == 2)

    yield keep
    other.close()


def test_work_that_waited_in_spark_has_all_its_time(
    backend: SparkBackend, busy: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("mllib_py.tune._spark.GRACE", 0.5)
    busy(tmp_path, 4)

    def takes_its_time() -> int:
        time.sleep(1.8)
        return 7

    # It begins after 4 s, at less than its time before the driver has looked for the second time.
    assert backend.submit(takes_its_time, timeout=2).result() == 7


def test_work_that_hangs_before_its_time_counts_is_ended_by_the_driver(
    backend: SparkBackend, monkeypatch: Any
) -> None:
    monkeypatch.setattr("mllib_py.tune._spark.GRACE", 0.3)
    start = time.monotonic()
    with pytest.raises(WorkTimeout, match=r"more than 0\.2 s"):
        backend.submit(_LoadsSlowly(), timeout=0.2).result()
    assert time.monotonic() - start < 3


def test_a_worker_lost_after_its_task_waited_is_no_timeout(
    backend: SparkBackend, busy: Any, tmp_path: Path
) -> None:
    busy(tmp_path, 3)
    with pytest.raises(WorkerLost):
        backend.submit(lambda: os.kill(os.getpid(), signal.SIGKILL), timeout=2).result()


def test_cancelled_work_is_killed(backend: SparkBackend, tmp_path: Path) -> None:
    path = tmp_path / "pid"
    running = backend.submit(lambda: _hang(path))
    _wait(path.exists)
    _wait(path.read_text)
    assert running.cancel()
    with pytest.raises(CancelledError):
        running.result()
    _wait(lambda: not Path(f"/proc/{path.read_text()}").exists())
    done = backend.submit(lambda: 7)
    assert done.result() == 7
    assert not done.cancel()


def test_work_that_waits_is_cancelled_without_a_job(spark: Any, tmp_path: Path) -> None:
    backend = SparkBackend(spark)
    first = [backend.submit(lambda i=i: _hang(tmp_path / f"{i}")) for i in range(2)]
    waiting = backend.submit(lambda: (tmp_path / "ran").touch())
    assert waiting.cancel()
    backend.close()
    assert all(f.cancelled() for f in first)
    with pytest.raises(RuntimeError, match="the backend is closed"):
        backend.submit(lambda: 1)
    assert not (tmp_path / "ran").exists()


def test_blas_has_the_cores_of_the_work(backend: SparkBackend) -> None:
    def threads() -> set[int]:
        import threadpoolctl

        return {t["num_threads"] for t in threadpoolctl.threadpool_info()}

    assert backend.submit(threads).result() == {1}
    assert backend.submit(threads, cores=2).result() == {2}


FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": [3, 4], "c": ["x", None]})
OBJECTS = {
    "C order": X,
    "Fortran order": np.asfortranarray(X),
    "a view with gaps": X[::2, ::2],
    "csr": sp.csr_matrix(X),
    "csc array": sp.csc_array(X),
    "frame": FRAME,
    "series": FRAME["a"],
    "none": None,
    "list": [1, "a"],
    "strings": np.array(["a", "bc"], dtype=object),
    "empty": np.empty((0, 3)),
}


def _same(a: Any, b: Any) -> None:
    assert type(a) is type(b)
    if isinstance(a, pd.DataFrame | pd.Series):
        assert a.equals(b)
    elif sp.issparse(a):
        assert (a != b).nnz == 0
        assert a.dtype == b.dtype
    else:
        np.testing.assert_array_equal(a, b)
    if isinstance(a, np.ndarray):
        assert a.flags.f_contiguous == b.flags.f_contiguous


@pytest.mark.parametrize("strategy", ["broadcast", "files"])
def test_scattered_objects_come_back_the_same_and_cannot_be_written(
    backend: SparkBackend, strategy: str
) -> None:
    handle = backend.scatter_by(strategy, *OBJECTS.values())
    for there in (backend.submit(lambda: handle.get()).result(), handle.get()):
        for (name, wanted), found in zip(OBJECTS.items(), there, strict=True):
            if name != "a view with gaps":
                _same(found, wanted)
    np.testing.assert_array_equal(handle.get()[2], X[::2, ::2])

    def write() -> None:
        handle.get()[0][0, 0] = 1

    with pytest.raises(ValueError, match="read-only"):
        backend.submit(write).result()
    assert handle.explain()["strategy"] == strategy
    handle.release()


@pytest.mark.parametrize("strategy", ["broadcast", "files"])
def test_tasks_are_sent_a_name_and_each_process_opens_it_once(
    backend: SparkBackend, strategy: str
) -> None:
    large = np.random.default_rng(0).normal(size=(1000, 100))
    handle = backend.scatter_by(strategy, large)
    before = backend.shipped

    def look() -> tuple[int, int, float]:
        x = handle.get()[0]
        assert handle.get()[0] is x
        return os.getpid(), x.__array_interface__["data"][0], float(x.sum())

    found = [backend.submit(look) for _ in range(8)]
    seen = [f.result() for f in found]
    assert len({(pid, at) for pid, at, _ in seen}) == len({pid for pid, _, _ in seen})
    assert {s for _, _, s in seen} == {large.sum()}
    sent = {k: v - before[k] for k, v in backend.shipped.items()}
    assert sent["tasks"] == 8
    assert sent["bytes"] < 8 * 10_000
    assert handle.explain()["bytes"] >= large.nbytes
    handle.release()
    with pytest.raises(RuntimeError, match="released"):
        handle.get()
    with pytest.raises(RuntimeError, match="a worker cannot release"):
        pickle.loads(pickle.dumps(backend.scatter_by("files", X))).release()


def test_files_are_one_file_that_goes(backend: SparkBackend, tmp_path: Path) -> None:
    backend._folder = str(tmp_path)
    try:
        handle = backend.scatter(X)
        assert [p.stat().st_size for p in tmp_path.iterdir()] == [handle.explain()["bytes"]]
        assert str(tmp_path) in handle.explain()["by"]
        handle.release()
        assert not list(tmp_path.iterdir())
        forgotten = backend.scatter(X)
        assert list(tmp_path.iterdir())
        del forgotten
        assert not list(tmp_path.iterdir())
    finally:
        backend._folder = None


def test_files_travel_through_hadoops_file_systems(backend: SparkBackend, tmp_path: Path) -> None:
    backend._folder = tmp_path.as_uri()  # HDFS has the same interface
    try:
        handle = backend.scatter(X)
        (there,) = tmp_path.glob("mllib_py-tune-*")
        assert there.stat().st_size == handle.explain()["bytes"]
        assert tmp_path.as_uri() in handle.explain()["by"]
        np.testing.assert_array_equal(backend.submit(lambda: handle.get()).result()[0], X)
        handle.release()
        assert there.stat().st_size == 0
        assert backend.submit(lambda: 7).result() == 7
    finally:
        backend._folder = None


def test_a_handle_also_works_in_ones_own_rdd(spark: Any, backend: SparkBackend) -> None:
    handle = backend.scatter_by("broadcast", X)
    rdd = spark.sparkContext.parallelize([0, 1], 2)
    assert rdd.map(lambda i: float(handle.get()[0][i, 0])).collect() == [0.0, 3.0]
    handle.release()


def _held(wait: float = 0.1) -> tuple[int, set[str]]:
    """What a worker has opened, and was brought."""
    from mllib_py.tune import _scatter

    time.sleep(wait)  # so that each worker has work
    return os.getpid(), set(_scatter._opened) | set(_scatter._delivered)


class _Opens:
    def __init__(self, handle: Any) -> None:
        self.handle = handle

    def __call__(self) -> tuple[int, set[str]]:
        self.handle.get()
        return _held()


@pytest.mark.parametrize("strategy", ["broadcast", "files"])
def test_workers_forget_what_a_closed_backend_had_scattered(spark: Any, strategy: str) -> None:
    first, second = SparkBackend(spark), SparkBackend(spark)
    handle = first.scatter_by(strategy, X)
    key = handle.key
    opened = [f.result() for f in [first.submit(_Opens(handle)) for _ in range(6)]]
    assert all(key in keys for _, keys in opened)
    kept = second.scatter_by(strategy, X)
    found = dict(f.result() for f in [second.submit(_held) for _ in range(6)])
    again = {pid for pid, _ in opened} & set(found)
    assert again, "no worker was used again"
    assert all(key in found[pid] for pid in again), "forgotten while it is live"
    first.close()
    found = dict(f.result() for f in [second.submit(_held) for _ in range(6)])
    assert not any(key in keys for keys in found.values())
    assert second.submit(_Opens(kept)).result()[1] == {kept.key}
    second.close()


def test_two_searches_leave_nothing_in_workers(spark: Any, backend: SparkBackend) -> None:
    x, y = np.arange(60.0).reshape(30, 2), np.arange(30) % 2
    for _ in range(2):
        tune.GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=2).fit(x, y)
    found = [f.result()[1] for f in [backend.submit(_held) for _ in range(6)]]
    assert set().union(*found) <= set(backend._sent.live())


def test_local_processes_forget_too() -> None:
    backend = LocalBackend(1)
    handle = backend.scatter(X)
    path = handle._path
    key = handle.key
    assert backend.submit(_Opens(handle)).result()[1] == {key}
    del handle
    gc.collect()
    assert not path.exists(), "the backend holds what its caller has forgotten"
    assert backend.submit(_held).result()[1] == set()
    backend.close()


def test_local_processes_have_the_cores_of_the_machine() -> None:
    cores = os.cpu_count() or 1
    backend = LocalBackend(1)
    with pytest.raises(ValueError, match=f"{cores + 1} cores cannot run: this machine has {cores}"):
        backend.submit(lambda: 1, cores=cores + 1)
    backend.close()
    with pytest.warns(UserWarning, match=f"1000 processes share the {cores} cores"):
        LocalBackend(1000).close()


def test_driver_threads_end_the_jobs_of_what_runs(spark: Any, tmp_path: Path) -> None:
    threads = DriverBackend(2)
    context = spark.sparkContext

    def jobs(name: str) -> None:
        for i in range(100):
            (tmp_path / f"{name}-{i}").touch()
            context.parallelize([0], 1).map(lambda _: time.sleep(600)).collect()

    # As a fit of ours does: its jobs are in a group of its own, by a thread of the JVM.
    def grouped() -> None:
        context.setJobGroup("mllib_py-fit", "a fit")
        jobs("grouped")

    running = [threads.submit(lambda: jobs("plain")), threads.submit(grouped)]
    waiting = threads.submit(lambda: (tmp_path / "waited").touch())
    _wait(lambda: len(context.statusTracker().getActiveJobsIds()) == 2)
    threads.close()
    assert not context.statusTracker().getActiveJobsIds()
    assert all(f.cancelled() for f in running)
    assert waiting.cancelled()
    assert not (tmp_path / "waited").exists()


def test_local_processes_map_a_file_too() -> None:
    backend = LocalBackend(1)
    handle = tune.scatter(X, [0, 1, 0, 1], backend=backend)
    x, y, groups = backend.submit(lambda: handle.get()).result()
    np.testing.assert_array_equal(x, X)
    assert (y, groups) == ([0, 1, 0, 1], None)
    with pytest.raises(ValueError, match="strategy='files' is for a SparkBackend"):
        tune.scatter(X, backend=backend, strategy="files")
    with pytest.raises(ValueError, match="strategy must be one of"):
        tune.scatter(X, backend=backend, strategy="best")
    with pytest.raises(ValueError, match="backend must be None, 'spark', 'local' or a Backend"):
        tune.scatter(X, backend="yarn")
    backend.close()
    with pytest.raises(RuntimeError, match="released"):
        handle.get()


def test_without_a_session_there_is_one_sentence(monkeypatch: Any) -> None:
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    def none() -> Any:
        raise PySparkRuntimeError(errorClass="NO_ACTIVE_OR_DEFAULT_SESSION", messageParameters={})

    monkeypatch.setattr(SparkSession, "active", none)
    with pytest.raises(RuntimeError, match=r"there is no active Spark session: start one.*'local'"):
        tune.scatter(X)
    with pytest.raises(RuntimeError, match=r"start one \(mllib_py.session\(\)\)$"):
        tune.DriverBackend()
    monkeypatch.setenv("SPARK_REMOTE", "sc://host")
    with pytest.raises(RuntimeError, match="cannot use a Spark Connect session"):
        SparkBackend()


def _mapping(handle: Any, folder: Path) -> dict[str, str]:
    """Give what the kernel knows of an array's memory, when two workers have read it."""
    array = handle.get()[0]
    array.sum()
    (folder / str(os.getpid())).touch()
    _wait(lambda: len(list(folder.iterdir())) == 2)
    address = array.__array_interface__["data"][0]
    found: dict[str, str] = {}
    for line in Path("/proc/self/smaps").read_text().splitlines():
        name, *values = line.split()
        if not name.endswith(":"):
            start, end = (int(x, 16) for x in name.split("-"))
            here = start <= address < end
            if here:
                found = {"pid": str(os.getpid()), "may": values[0], "inode": values[3]}
        elif here:
            found[name] = values[0]
    return found


def test_workers_of_a_node_share_the_pages_of_what_was_scattered(
    backend: SparkBackend, tmp_path: Path
) -> None:
    handle = tune.scatter(np.arange(4_000_000.0), backend=backend)
    futures = [backend.submit(lambda: _mapping(handle, tmp_path)) for _ in range(2)]
    one, other = (f.result() for f in futures)
    assert one["pid"] != other["pid"]
    assert one["inode"] == other["inode"] != "0"
    for found in (one, other):
        assert "w" not in found["may"]
        assert int(found["Private_Dirty:"]) == 0
        assert int(found["Rss:"]) > 30_000  # KiB, of 32 MB
        assert int(found["Pss:"]) < 0.75 * int(found["Rss:"])
    handle.release()
