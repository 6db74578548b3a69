"""joblib's calls on a backend's slots: how scikit-learn's own searches run on a cluster.

scikit-learn hands joblib one call for each candidate and split. Here they are put together into
pieces of work that are worth their start, with data replaced by references to what was scattered.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from statistics import median
from typing import Any

from joblib.parallel import ParallelBackendBase, SequentialBackend
from sklearn.base import BaseEstimator
from sklearn.utils import get_tags

from mllib_py.tune._backend import Backend, WorkerLost, WorkTimeout
from mllib_py.tune._ship import Shelf, pack

#: How much longer a piece of work should last than it costs to start it.
WORTH = 20
#: Calls for each slot that joblib hands over ahead; as many at most are in one piece of work.
AHEAD = 32
#: How often a call is run that ended the process that it ran in.
ATTEMPTS = 2


class _Each:
    """Calls that run one after another in a worker; gives for each what came of it, and seconds."""

    def __init__(self, calls: list[Any]) -> None:
        self.calls = calls

    def __call__(self) -> list[tuple[bool, Any, float]]:
        out = []
        for call in self.calls:
            start = time.perf_counter()
            try:
                done, value = True, call()
            except Exception as error:
                done, value = False, error
            out.append((done, value, time.perf_counter() - start))
        return out


class _Call:
    """A call of joblib's on its way."""

    def __init__(self, call: Any, callback: Callable[[_Call], Any]) -> None:
        self.call, self.callback = call, callback
        self.attempts = 0
        self.alone = False  # in a piece of work of its own
        self.suspect = False  # it may end its executor
        self.done, self.value = False, None

    def end(self, done: bool, value: Any) -> None:
        self.done, self.value = done, value
        self.callback(self)


class SlotsBackend(ParallelBackendBase):  # type: ignore[misc]
    """joblib's backend over a `Backend` of ours.

    Parameters
    ----------
    where : Backend
    shelf : Shelf
        What calls may refer to.
    cores : int
        Of each call.
    timeout : float or None
        Seconds of each call, which is then a piece of work of its own.
    most : int or None
        Calls at once, at most.
    """

    supports_retrieve_callback = True
    default_n_jobs = -1

    def __init__(
        self,
        where: Backend,
        shelf: Shelf,
        cores: int = 1,
        timeout: float | None = None,
        most: int | None = None,
    ) -> None:
        super().__init__()
        self._where, self._shelf = where, shelf
        self._cores, self._timeout, self._most = cores, timeout, most
        self._lock = threading.Lock()
        self._queue: deque[_Call] = deque()
        self._running: set[Future[Any]] = set()
        self._seconds: float | None = None  # of a call, lately
        self._exclusive = False  # what runs is a call that may end its process
        self._costs: deque[float] = deque(maxlen=9)  # seconds to send work and fetch what it gave
        self.on_end: Callable[[], None] = lambda: None
        self.sent = 0

    @property
    def _slots(self) -> int:
        slots = max(1, self._where.slots // self._where.slots_for(self._cores))
        return min(slots, self._most) if self._most else slots

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Return how many calls joblib keeps on the way."""
        return self._slots * AHEAD

    def get_nested_backend(self) -> Any:
        """Keep what is parallel within a call to its cores."""
        if self._cores == 1:
            return SequentialBackend(nesting_level=1), None
        return super().get_nested_backend()

    def submit(self, func: Any, callback: Any = None) -> _Call:
        """Take a call."""
        call = _Call(func, callback)
        with self._lock:
            self._queue.append(call)
        self._fill()
        return call

    def retrieve_result_callback(self, out: _Call) -> Any:
        """Return what a call returned, or raise what it raised."""
        if not out.done:
            raise out.value  # type: ignore[misc]
        return out.value

    def terminate(self) -> None:
        """Say that joblib is done with this."""
        self.on_end()

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """End all that waits or runs."""
        with self._lock:
            self._queue.clear()
            running = list(self._running)
        for future in running:
            future.cancel()

    def _fill(self) -> None:
        """Give each free slot a piece of work."""
        slots = self._slots
        while True:
            with self._lock:
                if not self._queue or len(self._running) >= slots or not self._may_start():
                    return
                calls = self._next(slots)
                future: Future[Any] = Future()  # holds the place until there is the real one
                self._running.add(future)
            self._send(calls, future)

    def _may_start(self) -> bool:
        """Tell whether the next call can run beside others, which it or they might take along."""
        if not getattr(self._where, "dies_together", False) or not self._running:
            return True
        return not self._queue[0].suspect and not self._exclusive

    def _next(self, slots: int) -> list[_Call]:
        """Take so many calls that they are worth a start, and yet leave some for other slots."""
        first = self._queue.popleft()
        calls = [first]
        self._exclusive = first.suspect
        if first.alone or self._timeout is not None or self._seconds is None:
            return calls
        cost, left = median(self._costs), len(self._queue) + 1
        worth = int(WORTH * cost / max(self._seconds, 1e-6)) + 1
        # Halves of what is left, so that slots end together; but nothing that costs more to start
        # than it lasts.
        share = max(-(-left // (2 * slots)), min(-(-left // slots), worth // WORTH))
        while self._queue and len(calls) < min(worth, share, AHEAD) and not self._queue[0].alone:
            calls.append(self._queue.popleft())
        return calls

    def _send(self, calls: list[_Call], place: Future[Any]) -> None:
        for call in calls:
            call.attempts += 1
        self.sent += 1
        try:
            work = self._work(calls)
            future = self._where.submit(
                work,
                label=f"{len(calls)} fits",
                cores=self._cores,
                timeout=self._timeout,
            )
        except Exception as error:
            with self._lock:
                self._running.discard(place)
            for call in calls:
                call.end(False, error)
            return
        with self._lock:
            self._running.discard(place)
            self._running.add(future)
        start = time.perf_counter()
        # With the work, which keeps what was scattered for it until it has ended.
        future.add_done_callback(lambda f: self._ended(f, calls, start, work))

    def _work(self, calls: list[_Call]) -> Any:
        return pack(_Each([c.call for c in calls]), self._shelf)

    def _found(self, ended: Any) -> Any:
        return ended.value()

    def _ended(self, future: Future[Any], calls: list[_Call], start: float, work: Any) -> None:
        with self._lock:
            self._running.discard(future)
        if future.cancelled():
            return
        try:
            found = self._found(future.result())
        except Exception as error:  # also of what came back, and cannot be made again here
            self._failed(calls, error)
        else:
            self._keep(found, calls, time.perf_counter() - start)
        self._fill()

    def _keep(self, found: list[tuple[bool, Any, float]], calls: list[_Call], took: float) -> None:
        lasted = sum(seconds for *_, seconds in found)
        self._costs.append(max(0.0, took - lasted))
        mean = lasted / len(found)
        self._seconds = mean if self._seconds is None else 0.7 * self._seconds + 0.3 * mean
        self._fill()  # before joblib's bookkeeping: a slot is free
        for call, (done, value, _) in zip(calls, found, strict=True):
            call.end(done, value)

    def _failed(self, calls: list[_Call], error: BaseException) -> None:
        """Run the calls of a piece of work that failed each alone; end one that failed alone."""
        lost = isinstance(error, WorkerLost)
        for call in calls:
            if len(calls) > 1 or (lost and call.attempts < ATTEMPTS):
                call.alone = True
                call.suspect = isinstance(error, WorkerLost) and not error.own
                with self._lock:
                    self._queue.appendleft(call)
            elif lost or isinstance(error, WorkTimeout):
                call.end(*_told_by_scikit_learn(call.call, error))
            else:
                call.end(False, error)


class _Ended(BaseEstimator):  # type: ignore[misc]
    """Stands for an estimator whose process was ended: its fit raises why."""

    def __init__(self, like: Any = None, error: BaseException | None = None) -> None:
        self.like, self.error = like, error

    def set_params(self, **params: Any) -> _Ended:
        return self

    def fit(self, X: Any, y: Any = None, **params: Any) -> None:
        assert self.error is not None
        raise self.error

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.like)


def _told_by_scikit_learn(batch: Any, error: BaseException) -> tuple[bool, Any]:
    """Let scikit-learn itself say what a fit that failed gives (``error_score``): fail here."""
    try:
        found = []
        for function, args, kwargs in batch.items:
            args = (_Ended(args[0], error), *args[1:])
            found.append(function(*args, **kwargs))
        return True, found
    except Exception as raised:
        return False, raised


class ThreadsBackend(SlotsBackend):
    """joblib's backend for fits that are Spark jobs themselves: in threads of the driver.

    Parameters
    ----------
    where : Backend
        Threads.
    prepared : callable
        What to run for joblib's call.
    """

    def __init__(self, where: Backend, prepared: Callable[[Any], Any]) -> None:
        super().__init__(where, Shelf(where))
        self._prepared = prepared

    def _next(self, slots: int) -> list[_Call]:
        return [self._queue.popleft()]

    def _work(self, calls: list[_Call]) -> Any:
        return self._prepared(calls[0].call)

    def _found(self, ended: Any) -> Any:
        return ended

    def _keep(self, found: Any, calls: list[_Call], took: float) -> None:
        self._fill()
        calls[0].end(True, found)
