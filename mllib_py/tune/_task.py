"""What runs in a worker: a piece of work, whose outcome comes back pickled whatever it is."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import cloudpickle
from threadpoolctl import threadpool_limits

from mllib_py.tune import _scatter
from mllib_py.tune._backend import Prepared

#: A piece of work was begun before by a worker that is gone.
LOST = "lost"
DONE = "done"
RAISED = "raised"
#: What a process of this machine says when it can take work, and when it has it.
READY = b"ready"


def loaded(pickled: bytes) -> Callable[[], Any]:
    """Make work again, ready to run; in a worker."""
    work: Any = cloudpickle.loads(pickled)
    if isinstance(work, Prepared):
        work.prepare()
    out: Callable[[], Any] = work
    return out


def outcome(work: Callable[[], Any], cores: int, timeout: float | None = None) -> bytes:
    """Run work with so many threads of BLAS and OpenMP; pickle what it returned or raised."""
    try:
        with threadpool_limits(cores), _ended_after(timeout):
            value = work()
        return _pickled(DONE, value)
    except BaseException as error:
        return of_error(error)


@contextlib.contextmanager
def _ended_after(seconds: float | None) -> Iterator[None]:
    """End this process where work takes longer, also work that never comes back to Python.

    Where it was goes to the executor's standard error.
    """
    if seconds is None:
        yield
        return
    with open(os.dup(2), "w") as err:
        faulthandler.dump_traceback_later(seconds, exit=True, file=err)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


def _pickled(kind: str, value: Any) -> bytes:
    out: bytes = cloudpickle.dumps((kind, value))
    return out


def of_error(error: BaseException) -> bytes:
    """Pickle what work raised, with its traceback as a note."""
    if not isinstance(error, Exception):  # sys.exit in a trial is no end of the driver
        error = RuntimeError(f"the work ended with {type(error).__name__}({error})")
    error.add_note(f"In the worker:\n{traceback.format_exc()}")
    try:
        out = _pickled(RAISED, error.with_traceback(None))
        cloudpickle.loads(out)  # some exceptions pickle, and cannot be made again
        return out
    except Exception:
        told = RuntimeError(f"{type(error).__name__}: {error}")
        told.__notes__ = error.__notes__
        return _pickled(RAISED, told)


class Task:
    """A piece of work as the function of a Spark task.

    It runs once at most: a further attempt, which Spark makes when a worker or an executor died,
    says that it is one, and leaves it to the caller whether to run the work again.
    """

    def __init__(
        self,
        pickled: bytes,
        cores: int,
        beside: dict[str, Any],
        live: tuple[str, ...],
        timeout: float | None = None,
    ) -> None:
        self.pickled = pickled
        self.cores = cores
        self.beside = beside  # broadcasts, which Spark must see when it pickles this
        self.live = live
        self.timeout = timeout

    def __call__(self, rows: Iterable[Any]) -> Iterable[bytes]:
        """Give the outcome."""
        deque(rows, maxlen=0)  # a worker that leaves input unread is not used again
        from pyspark import TaskContext

        context = TaskContext.get()
        if context is not None and context.attemptNumber() > 0:
            return [_pickled(LOST, None)]
        for library in ("OMP", "OPENBLAS", "MKL"):  # for those that the work is first to load
            os.environ[f"{library}_NUM_THREADS"] = str(self.cores)
        _scatter.deliver(self.beside, self.live)
        _freeze()  # before there is anything of this piece that is to be collected one day
        try:
            work = loaded(self.pickled)
        except BaseException as error:
            return [of_error(error)]
        return [outcome(work, self.cores, self.timeout)]


_modules = 0


def _freeze() -> None:
    """Take libraries out of what the collector looks at, whenever more of them were imported.

    Spark collects all garbage after each task, for which Python goes over every object there is:
    with scikit-learn loaded some 25 ms, half of what a short piece of work costs.
    """
    global _modules
    if len(sys.modules) > _modules:
        _modules = len(sys.modules)
        gc.collect()
        gc.freeze()
