"""Trials as Spark tasks: a job of one task for each, from threads of the driver."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
import uuid
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import cloudpickle
from pyspark import InheritableThread, SparkContext
from pyspark.errors import PySparkRuntimeError
from pyspark.resource import ResourceProfileBuilder, TaskResourceRequests
from pyspark.sql import SparkSession

from mllib_py import _checks
from mllib_py._session import CONNECT, is_connect, refuse_connect
from mllib_py.tune import _task
from mllib_py.tune._backend import GRACE, BackendGone, EndingFuture, WorkerLost, WorkTimeout
from mllib_py.tune._container import Packed
from mllib_py.tune._scatter import (
    FILES_FROM,
    BroadcastHandle,
    FileHandle,
    HeldHandle,
    Registry,
    SentHandle,
    SparkFileHandle,
    check_strategy,
    noted,
)

T = TypeVar("T")

POOL = "mllib_py.tune"
NO_SESSION = "there is no active Spark session: start one (mllib_py.session())"
_OR_LOCAL = ", or give backend='local' for processes of this machine"
_GONE = "the Spark session has ended while work ran: it was stopped, or its JVM died"
_LOST = "the process that ran the work has died, or its executor has (out of memory, or killed)"
_WORKER_LOST = "the process that ran the work has died (out of memory, or killed)"
#: What Spark says of a task whose Python worker has gone, and its executor has not.
_WORKER_DIED = "Python worker exited unexpectedly"


def active(otherwise: str = _OR_LOCAL) -> SparkSession:
    """Return the session that runs, or say that there is none and what may be done."""
    refuse_connect()
    try:
        return SparkSession.active()
    except PySparkRuntimeError:
        raise RuntimeError(NO_SESSION + otherwise) from None


def _gone(context: SparkContext) -> bool:
    """Tell whether an application has ended."""
    try:
        return context._jsc is None or bool(context._jsc.sc().isStopped())
    except Exception:  # its JVM does not answer
        return True


class _Cluster:
    """How many slots a Spark application has; asked anew at most once a second."""

    def __init__(self, context: SparkContext) -> None:
        self._context = context
        conf = context.getConf()
        master = context.master or ""
        self.local = master.startswith("local") and "cluster" not in master
        self.cpus = int(conf.get("spark.task.cpus", "1") or 1)
        self._dynamic = conf.get("spark.dynamicAllocation.enabled", "false") == "true"
        self._most = conf.get("spark.dynamicAllocation.maxExecutors")
        self._granted = conf.get("spark.cores.max")
        self._each = conf.get("spark.executor.cores")
        self._asked = -1.0
        self._cores: list[int] = []
        self._lock = threading.Lock()

    def cores(self) -> list[int]:
        """Return the cores of each live executor."""
        with self._lock:
            if time.monotonic() - self._asked > 1:
                self._cores = self._ask()
                self._asked = time.monotonic()
            return self._cores

    def gone(self) -> bool:
        """Tell whether the application has ended."""
        return _gone(self._context)

    def _ask(self) -> list[int]:
        if self.gone():
            raise BackendGone(_GONE)
        # defaultParallelism is one's own setting where there is one, and never below 2.
        live = self._context._jsc.sc().statusStore().executorList(True)
        found = [live.apply(i).totalCores() for i in range(live.size())]
        found = [c for c in found if c > 0]
        return found or [int(self._each or self._context.defaultParallelism)]

    @property
    def dies_together(self) -> bool:
        """Whether several tasks share an executor that can die; one machine's is the driver."""
        return not self.local and max(self.cores()) >= 2 * self.cpus

    @property
    def slots(self) -> int:
        """How many tasks run at once."""
        cores = self.cores()
        slots = sum(c // self.cpus for c in cores)
        if self._dynamic:  # executors come only for tasks that wait
            each = max(cores) // self.cpus
            slots = int(self._most) * each if self._most else slots + each
        if self._granted and not self.local:
            slots = min(slots, int(self._granted) // self.cpus)
        return max(1, slots)

    def slots_for(self, cores: int) -> int:
        """Return how many slots, of ``spark.task.cpus`` cores each, hold so many cores."""
        return -(-cores // self.cpus)

    def check(self, cores: int) -> None:
        """Refuse more cores for one piece of work than an executor has."""
        largest = max(self.cores())
        if not isinstance(cores, int) or cores < 1:
            raise ValueError(f"cores must be an integer of at least 1, not {cores!r}")
        if cores > largest:
            raise ValueError(f"work of {cores} cores cannot run: an executor has {largest}")


_sent: weakref.WeakKeyDictionary[SparkContext, Registry] = weakref.WeakKeyDictionary()


def _sent_to(context: SparkContext) -> Registry:
    """Return what lies with the workers of an application, whichever backend has sent it."""
    return _sent.setdefault(context, Registry())


class _Piece:
    """A piece of work on its way."""

    def __init__(self, pickled: bytes, label: str, cores: int, slots: int, timeout: float | None):
        self.pickled, self.label, self.timeout = pickled, label, timeout
        self.cores, self.slots = cores, slots
        self.group = f"{POOL}-{uuid.uuid4().hex}"
        self.beside: dict[str, Any] = {}
        self.future: EndingFuture[Any]
        self.timer: threading.Timer | None = None
        self.ended = threading.Event()


class SparkBackend:
    """Slots of a Spark application.

    Each piece of work is a job of one task, started from a thread of the driver, in a job group of
    its own and in the fair-scheduler pool "mllib_py.tune". No more run at once than there are
    slots; others wait on the driver, in the order of `submit`.

    Work runs once at most: where its Python worker or its executor dies, Spark's further attempts
    (``spark.task.maxFailures``) do not run it again but end its future with `WorkerLost`, and
    who submitted it decides. The time of work counts from when it is called in its worker, which
    ends itself when it is over, with a traceback in the executor's standard error. Work that is
    cancelled gives its slot back when Spark has killed its Python worker, a few seconds later.
    Leave ``spark.speculation.task.duration.threshold`` unset: a copy of a task would be taken for
    an attempt after a loss.

    Work of more than ``spark.task.cpus`` cores takes as many slots as it needs. On a cluster its
    task also asks Spark for these cores (a resource profile), so that they are of one executor.

    Parameters
    ----------
    spark : pyspark.sql.SparkSession, optional
        Default: the session that runs.
    folder : str, optional
        A folder that all nodes have under this path (NFS, say): scattered data are files there,
        which all map. Or the URI of a folder, ``hdfs://`` say, from which each executor fetches
        them once. By default each executor fetches them from the driver.

    Raises
    ------
    RuntimeError
        No session runs, it is Spark Connect's, or PYSPARK_PIN_THREAD is off.

    Examples
    --------
    >>> import mllib_py
    >>> from mllib_py.tune import SparkBackend
    >>> backend = SparkBackend(mllib_py.session())
    >>> backend.submit(lambda: 6 * 7).result()
    42
    >>> backend.close()
    """

    def __init__(self, spark: SparkSession | None = None, *, folder: str | None = None) -> None:
        if spark is not None and is_connect(spark):
            raise RuntimeError(CONNECT)
        if os.environ.get("PYSPARK_PIN_THREAD", "true").lower() == "false":
            raise RuntimeError(
                "PYSPARK_PIN_THREAD is false: trials need a job group for each thread; unset it"
            )
        self._spark = spark or active()
        self._context = self._spark.sparkContext
        self._cluster = _Cluster(self._context)
        self._base = self._context.parallelize([0], 1)
        self._profiles: dict[int, Any] = {}
        self._lock = threading.RLock()
        self._waiting: deque[_Piece] = deque()
        self._running: set[_Piece] = set()
        self._ready: SimpleQueue[_Piece | None] = SimpleQueue()
        self._threads = 0
        self._idle = 0
        self._closed = False
        self._ours = Registry()
        self._sent = _sent_to(self._context)
        self._folder = folder
        self._shipped = [0, 0]

    def __deepcopy__(self, memo: Any) -> SparkBackend:
        return self  # scikit-learn's clone copies parameters; a cluster is one

    @property
    def slots(self) -> int:
        """How many pieces of work of one core run at once now, by the executors that live."""
        return self._cluster.slots

    def slots_for(self, cores: int) -> int:
        """Return how many slots a piece of work of so many cores takes.

        A slot has ``spark.task.cpus`` cores.
        """
        return self._cluster.slots_for(cores)

    @property
    def dies_together(self) -> bool:
        """Whether work that ends its executor takes other work along: it has several slots."""
        return self._cluster.dies_together

    @property
    def address(self) -> str:
        """The driver's host, as executors reach it."""
        return str(self._context.getConf().get("spark.driver.host", "127.0.0.1"))

    def submit(
        self,
        work: Callable[[], T],
        *,
        label: str = "",
        cores: int = 1,
        timeout: float | None = None,
    ) -> Future[T]:
        """Run a piece of work in a Python worker; see `Backend.submit`.

        Parameters
        ----------
        work : callable
            Called without arguments. What it holds is pickled with it: `scatter` large data.
        label : str, optional
            The job's description in Spark's UI.
        cores : int, default=1
            Threads of BLAS and OpenMP.
        timeout : float, optional
            Seconds.

        Returns
        -------
        concurrent.futures.Future

        Raises
        ------
        ValueError
            More cores than an executor has.
        TypeError
            Work that cannot be pickled.
        RuntimeError
            The backend is closed.
        """
        self._cluster.check(cores)
        try:
            with noted() as handles:
                pickled = cloudpickle.dumps(work)
        except Exception as error:
            raise TypeError(f"the work cannot be pickled: {error}") from error
        piece = _Piece(pickled, label, cores, self.slots_for(cores), timeout)
        piece.beside = {h.key: h.beside() for h in handles}
        piece.future = EndingFuture(lambda: self._end(piece))
        with self._lock:
            if self._closed:
                raise RuntimeError("the backend is closed")
            self._waiting.append(piece)
        self._dispatch()
        return piece.future

    def scatter(self, *objects: Any) -> SentHandle:
        """Send objects to all nodes, once; see `Backend.scatter` and `mllib_py.tune.scatter`."""
        return self.scatter_by("auto", *objects)

    def scatter_by(self, strategy: str, *objects: Any) -> SentHandle:
        """Send objects by "broadcast", "files", or what is right for their size ("auto")."""
        check_strategy(strategy)
        packed = Packed(objects)
        shared = self._cluster.local or self._folder is not None
        large = packed.nbytes >= FILES_FROM
        if strategy == "files" or (strategy == "auto" and (large or self._cluster.local)):
            handle = self._by_files(packed, shared, strategy)
        else:
            why = f"less than {FILES_FROM >> 20} MiB" if strategy == "auto" else "asked for"
            facts = {"strategy": "broadcast", "bytes": packed.nbytes, "reason": why}
            facts["by"] = "a Spark broadcast, a copy in each Python worker"
            handle = BroadcastHandle(packed, facts, self._context.broadcast)
        self._ours.add(handle)
        self._sent.add(handle)
        return handle

    def _by_files(self, packed: Packed, shared: bool, strategy: str) -> SentHandle:
        why = "asked for"
        if strategy == "auto":
            why = "one machine" if self._cluster.local else f"{FILES_FROM >> 20} MiB or more"
        facts: dict[str, Any] = {"strategy": "files", "bytes": packed.nbytes, "reason": why}
        if self._folder is not None and "://" in self._folder:
            facts["by"] = f"a file under {self._folder}, one read for each executor, then mapped"
            return SparkFileHandle(packed, facts, self._add_by_hadoop)
        if shared:
            where = self._folder or "this machine"
            facts["by"] = f"one file, which all Python workers map ({where})"
            return FileHandle(packed, facts, self._folder)
        facts["by"] = "Spark's files, one for each executor, which its Python workers map"
        return SparkFileHandle(packed, facts, self._add)

    def _add(self, path: Path) -> Callable[[], None]:
        self._context.addFile(str(path))
        return lambda: None

    def _add_by_hadoop(self, path: Path) -> Callable[[], None]:
        """Put a file into HDFS (or what else Hadoop writes), where executors fetch it."""
        jvm: Any = self._context._jvm
        to = jvm.org.apache.hadoop.fs.Path(f"{self._folder}/{path.name}")
        files = to.getFileSystem(self._context._jsc.hadoopConfiguration())
        files.copyFromLocalFile(False, True, jvm.org.apache.hadoop.fs.Path(path.as_uri()), to)
        self._context.addFile(to.toString())

        def delete() -> None:
            with contextlib.suppress(Exception):
                files.delete(to, False)

        # Executors that join fetch it until the application ends: emptied first, deleted then.
        atexit.register(delete)
        return lambda: files.create(to, True).close()

    def close(self) -> None:
        """Cancel what waits and runs, and end the threads."""
        with self._lock:
            self._closed = True
            pieces = [*self._waiting, *self._running]
            threads, self._threads = self._threads, 0
        for piece in pieces:
            piece.future.cancel()
        for _ in range(threads):
            self._ready.put(None)
        try:
            self._ours.release()
        except Exception:
            if not self._cluster.gone():  # what Spark held went with it
                raise

    def _dispatch(self) -> None:
        """Hand waiting work to threads while there are slots."""
        try:
            slots = self.slots
        except BackendGone as error:
            self._give_up(error)
            return
        with self._lock:
            taken = sum(p.slots for p in self._running)
            # Work that asks for more than all slots still runs, alone.
            while self._waiting and (not self._running or taken + self._waiting[0].slots <= slots):
                piece = self._waiting.popleft()
                if piece.future.cancelled():
                    continue
                taken += piece.slots
                self._running.add(piece)
                self._ready.put(piece)
                if self._ready.qsize() > self._idle:
                    self._threads += 1
                    InheritableThread(target=self._serve, daemon=True).start()

    def _give_up(self, error: BackendGone) -> None:
        """End work that waits for slots which will not come."""
        with self._lock:
            waiting = list(self._waiting)
            self._waiting.clear()
        for piece in waiting:
            _settle(piece.future, _task.RAISED, error)

    def _serve(self) -> None:
        """Run pieces of work until the backend is closed; one thread of many."""
        with contextlib.suppress(Exception):  # of a session that has ended the work itself tells
            self._context.setLocalProperty("spark.scheduler.pool", POOL)
        while True:
            with self._lock:
                self._idle += 1
            piece = self._ready.get()
            with self._lock:
                self._idle -= 1
            if piece is None:
                return
            try:
                self._run(piece)
            finally:
                piece.ended.set()
                if piece.timer is not None:
                    piece.timer.cancel()
                with self._lock:
                    self._running.discard(piece)
                self._dispatch()

    def _run(self, piece: _Piece) -> None:
        if piece.timeout is not None:
            self._watch(piece, piece.timeout + GRACE)
        try:
            # Not interrupted: Spark's monitor kills the Python worker of a task that is told to
            # end, but only while the task itself still waits for it.
            self._context.setJobGroup(piece.group, piece.label or POOL, False)
            job = self._base.mapPartitions(self._task(piece))
            if piece.slots > 1 and not self._cluster.local:
                job = job.withResources(self._profile(piece.cores))
            if piece.future.done():
                return
            kind, value = cloudpickle.loads(job.collect()[0])
        except Exception as error:
            kind, value = _task.RAISED, BackendGone(_GONE) if self._cluster.gone() else _why(error)
        if kind == _task.LOST:
            kind, value = _task.RAISED, self._lost(piece)
        if isinstance(value, WorkerLost) and self._ran_out(piece):  # its worker ended itself
            value = _too_long(piece.timeout)
        _settle(piece.future, kind, value)

    def _lost(self, piece: _Piece) -> WorkerLost:
        """Tell what Spark knows of the end of a first attempt: its Python worker's, or not."""
        deadline = time.monotonic() + 1  # Spark's own bookkeeping runs behind
        # Spark may have forgotten the task, or the session was stopped meanwhile.
        with contextlib.suppress(Exception):
            while time.monotonic() < deadline:
                first = self._first_attempt(piece)
                if first is not None and first.errorMessage().isDefined():
                    return _lost_by(str(first.errorMessage().get()))
                time.sleep(0.02)
        return WorkerLost(_LOST)

    def _ran_out(self, piece: _Piece) -> bool:
        """Tell whether a worker that was lost had its work for as long as it was given."""
        if piece.timeout is None:
            return False
        try:
            ran = self._first_attempt(piece).duration()
            return bool(ran.isDefined() and ran.get() >= 1000 * piece.timeout)
        except Exception:  # Spark has forgotten the task, or the session was stopped meanwhile
            return False

    def _first_attempt(self, piece: _Piece) -> Any:
        """Return what Spark knows of the task that has the work; None before it runs."""
        tracker, store = self._context.statusTracker(), self._context._jsc.sc().statusStore()
        for job in tracker.getJobIdsForGroup(piece.group):
            info = tracker.getJobInfo(job)
            for stage in info.stageIds if info else ():
                found = store.taskList(stage, 0, 100)
                for task in map(found.apply, range(found.size())):
                    if task.attempt() == 0:
                        return task
        return None

    def _task(self, piece: _Piece) -> _task.Task:
        with self._lock:
            self._shipped[0] += 1
            self._shipped[1] += len(piece.pickled)
        live = self._sent.live()
        return _task.Task(piece.pickled, piece.cores, piece.beside, live, piece.timeout)

    @property
    def shipped(self) -> dict[str, int]:
        """How many pieces of work were sent, and their bytes (``tasks``, ``bytes``)."""
        return {"tasks": self._shipped[0], "bytes": self._shipped[1]}

    def _profile(self, cores: int) -> Any:
        with self._lock:
            if cores not in self._profiles:
                asked = TaskResourceRequests().cpus(cores)
                self._profiles[cores] = ResourceProfileBuilder().require(asked).build
            return self._profiles[cores]

    def _watch(self, piece: _Piece, seconds: float) -> None:
        piece.timer = threading.Timer(seconds, self._time_out, (piece,))
        piece.timer.daemon = True
        piece.timer.start()

    def _time_out(self, piece: _Piece) -> None:
        """End work whose worker did not end itself; look again later where there is time left."""
        if piece.ended.is_set():
            return
        assert piece.timeout is not None
        task = self._first_attempt(piece)
        if task is None:  # it waits, for other jobs have the executors
            self._watch(piece, GRACE)
            return
        left = task.launchTime().getTime() / 1000 + piece.timeout + GRACE - time.time()
        if left > 0:
            self._watch(piece, left)
        elif _settle(piece.future, _task.RAISED, _too_long(piece.timeout)):
            self._end(piece)

    def _end(self, piece: _Piece) -> None:
        with self._lock:
            runs = piece in self._running
        if runs:
            _Jobs(self._context, "Group", piece.group).end(piece.ended)


class _DriverWork:
    """A piece of work on its way through the driver's threads."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.tag = f"{POOL}-{uuid.uuid4().hex}"
        self.future: EndingFuture[Any]
        self.ended = threading.Event()


class DriverBackend:
    """Slots for work that starts Spark jobs itself: threads of the driver.

    They use the session that runs. A `Study` whose objective fits estimators of mllib_py, or calls
    Spark, runs on these. Each thread has a fair-scheduler pool of its own ("mllib_py.tune.0" and so
    on), so that with ``spark.scheduler.mode=FAIR``, which `mllib_py.session` sets, their jobs share
    the executors. The jobs of a piece of work have a tag, by which they are cancelled with it: a
    fit of ours puts its jobs into a group of its own.

    Work is not pickled, and may refer to frames and layouts. It has no process of its own: none
    that can be ended when its time is over, or that saves the driver from its death. Work that is
    cancelled ends with the Spark job that it waits for, or the next that it starts.

    Parameters
    ----------
    slots : int, default=2
        How many run at once: while one sums up on the driver, the other's tasks run.

    Raises
    ------
    ValueError
        `slots` is no integer of at least 1.
    RuntimeError
        No Spark session runs.

    Examples
    --------
    >>> import mllib_py
    >>> from mllib_py.tune import DriverBackend, Study
    >>> spark = mllib_py.session()
    >>> def objective(params):
    ...     return spark.range(params["n"]).count()
    >>> study = Study(objective, {"n": [5, 3]}, sampler="grid", backend=DriverBackend()).run()
    >>> study.best_params
    {'n': 3}
    """

    #: Seconds that `close` waits for work that is between two jobs, or has none.
    PATIENCE = 30.0
    #: Work runs in this process: it is not pickled, and BLAS's threads are not its own.
    in_driver = True

    def __init__(self, slots: int = 2) -> None:
        self._slots = _checks.whole("slots", slots, 1)
        self._context = active(otherwise="").sparkContext
        self._waiting: SimpleQueue[_DriverWork | None] = SimpleQueue()
        self._closed = False
        self._running: set[_DriverWork] = set()
        self._lock = threading.Lock()
        self._threads = [
            InheritableThread(target=self._serve, args=(f"{POOL}.{i}",), daemon=True)
            for i in range(slots)
        ]
        for thread in self._threads:
            thread.start()

    def __deepcopy__(self, memo: Any) -> DriverBackend:
        return self  # scikit-learn's clone copies parameters; threads are these

    @property
    def slots(self) -> int:
        """How many pieces of work run at once."""
        return self._slots

    def slots_for(self, cores: int) -> int:
        """Return one slot: the work is Spark's."""
        return 1

    def submit(
        self,
        work: Callable[[], T],
        *,
        label: str = "",
        cores: int = 1,
        timeout: float | None = None,
    ) -> Future[T]:
        """Run a piece of work in a thread; `Future.cancel` also cancels the jobs of what runs."""
        piece = _DriverWork(work)
        piece.future = EndingFuture(lambda: self._end(piece))
        with self._lock:
            if self._closed:
                raise RuntimeError("the backend is closed")
            self._waiting.put(piece)
        return piece.future

    def scatter(self, *objects: Any) -> HeldHandle:
        """Keep objects as they are: threads of the driver have what the driver has."""
        return HeldHandle(objects)

    def close(self) -> None:
        """Cancel what waits, and the jobs of what runs, and wait for the threads to end."""
        with self._lock:
            self._closed = True
            pieces = list(self._running)
        with contextlib.suppress(Empty):
            while (waits := self._waiting.get_nowait()) is not None:
                waits.future.cancel()
        for _ in self._threads:
            self._waiting.put(None)
        for piece in pieces:
            piece.future.cancel()
        deadline = time.monotonic() + self.PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _end(self, piece: _DriverWork) -> None:
        with self._lock:
            runs = piece in self._running
        if runs:
            _Jobs(self._context, "Tag", piece.tag).end(piece.ended)

    def _serve(self, pool: str) -> None:
        with contextlib.suppress(Exception):  # of a session that has ended the work itself tells
            self._context.setLocalProperty("spark.scheduler.pool", pool)
        while (piece := self._waiting.get()) is not None:
            with self._lock:
                self._running.add(piece)
                closed = self._closed
            try:
                if closed:
                    piece.future.cancel()
                if not piece.future.cancelled():
                    self._run(piece)
            finally:
                piece.ended.set()
                with self._lock:
                    self._running.discard(piece)

    def _run(self, piece: _DriverWork) -> None:
        kind, value = _task.RAISED, None
        try:
            self._context.addJobTag(piece.tag)
            kind, value = _task.DONE, piece.work()
        except Exception as error:
            value = error
        except BaseException as error:  # sys.exit in a trial is no end of the thread
            value = RuntimeError(f"the work ended with {type(error).__name__}({error})")
        if _gone(self._context):  # a trial keeps what it raised as its outcome: it is not to blame
            kind, value = _task.RAISED, BackendGone(_GONE)
        else:
            self._context.removeJobTag(piece.tag)
        _settle(piece.future, kind, value)


@dataclass(frozen=True)
class _Jobs:
    """The jobs of a piece of work: those of a group, or those with a tag."""

    context: SparkContext
    kind: str
    name: str

    def end(self, ended: threading.Event) -> None:
        """Cancel them until the piece has ended: the next may be about to begin."""
        try:
            self._cancel()
        except Exception:  # the session was stopped, and its jobs with it
            return
        if not ended.wait(0.05):
            again = threading.Timer(0.2, self.end, (ended,))
            again.daemon = True
            again.start()

    def _cancel(self) -> None:
        tracker = self.context._jsc.sc().statusTracker()
        jobs = getattr(tracker, f"getJobIdsFor{self.kind}")(self.name)
        if set(jobs).isdisjoint(tracker.getActiveJobIds()):
            return  # to cancel none makes Spark warn
        if self.kind == "Tag":
            self.context.cancelJobsWithTag(self.name)
        else:
            self.context.cancelJobGroup(self.name)


def _too_long(timeout: float | None) -> WorkTimeout:
    return WorkTimeout(f"the work took more than {timeout:g} s")


def _settle(future: Future[Any], kind: str, value: Any) -> bool:
    """End a future, unless it has ended; tell whether this did."""
    try:
        if kind == _task.DONE:
            future.set_result(value)
        else:
            future.set_exception(value)
    except Exception:  # InvalidStateError: cancelled or timed out meanwhile
        return False
    return True


def _lost_by(told: str) -> WorkerLost:
    """Make an error of what Spark says of a task whose process has died."""
    return WorkerLost(_WORKER_LOST, own=True) if _WORKER_DIED in told else WorkerLost(_LOST)


def _why(error: Exception) -> Exception:
    """Turn the failure of a Spark job, which is no failure of the work, into a sentence."""
    text = str(error)
    if _WORKER_DIED in text or "ExecutorLostFailure" in text:
        return _lost_by(text)
    if "No module named" in text:
        name = text.split("No module named", 1)[1].split("\n", 1)[0].strip()
        return RuntimeError(
            f"the cluster's Python workers have no module {name}: install mllib-py[tune] there, in "
            "the same version (PYSPARK_PYTHON says which Python they run)"
        )
    reason = next((w for w in ("most recent failure:", "Caused by:") if w in text), "")
    line = text.split(reason, 1)[1] if reason else text
    return RuntimeError(f"Spark could not run the work: {line.strip().splitlines()[0]}")
