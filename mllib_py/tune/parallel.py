"""joblib on a cluster: what asks for `n_jobs` runs where a `Backend` has slots."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from joblib.parallel import ParallelBackendBase

from mllib_py.tune import _choose
from mllib_py.tune._backend import Backend, WorkerLost
from mllib_py.tune._ship import Answer, Shelf, Shipped, Work, pack

ATTEMPTS = 3
#: A piece is worth its start-up, and its answer is no burden to the driver.
SECONDS = 0.5
BYTES = 64 << 20


class JoblibBackend(ParallelBackendBase):  # type: ignore[misc,unused-ignore]
    """A joblib backend that runs batches in the slots of a cluster.

    `import mllib_py.tune` registers it by the name "mllib_py". Large arrays, sparse matrices and
    frames that calls have in common are scattered once, the rest travels with the call. Calls are
    batched, so that a batch takes about half a second and its answer at most 64 MB. A batch whose
    worker dies is run again, three times in all. Inside a worker nested calls are sequential.

    Parameters
    ----------
    backend : None, "spark", "local" or Backend
        None is the Spark session that runs.
    nesting_level : int, optional
        joblib's own.

    Examples
    --------
    >>> import joblib
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_val_score
    >>> from mllib_py import tune
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]] * 5, [0, 0, 1, 1] * 5
    >>> with joblib.parallel_config(tune.JoblibBackend("local")):
    ...     cross_val_score(LogisticRegression(), X, y, cv=2).tolist()
    [1.0, 1.0]
    """

    default_n_jobs = -1
    supports_retrieve_callback = True
    supports_sharedmem = False
    uses_threads = False

    def __init__(
        self,
        backend: Backend | str | None = None,
        nesting_level: int | None = None,
        **words: Any,
    ) -> None:
        super().__init__(nesting_level=nesting_level or 0, **words)
        self._asked = backend
        self._lock = threading.RLock()
        self._slots: Backend | None = None
        self._ours = False
        self._shelf: Shelf | None = None
        self._running: set[Future[Any]] = set()
        self._batch = 1
        self._item: tuple[float, float] | None = None
        self.shipped = Shipped()

    def _opened(self) -> Backend:
        with self._lock:
            if self._slots is None:
                self._slots, self._ours = _choose.backend(self._asked)
            return self._slots

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Return how many batches run at once: as many as there are slots, or fewer if asked."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 has no meaning")
        if n_jobs is not None and n_jobs > 0:
            return n_jobs
        slots = self._opened().slots
        # With 1, joblib would run everything on the driver.
        return max(2, slots if n_jobs is None else slots + 1 + n_jobs)

    def configure(self, n_jobs: int = 1, parallel: Any = None, **words: Any) -> int:
        """Get ready for a call."""
        self.parallel = parallel
        self._batch, self._item = 1, None
        return self.effective_n_jobs(n_jobs)

    def submit(self, func: Any, callback: Callable[[Any], Any] | None = None) -> Future[Any]:
        """Send a batch of calls."""
        out: Future[Any] = Future()
        if callback is not None:
            out.add_done_callback(callback)
        if _reads(func):
            out.set_result(func())
            return out
        slots = self._opened()
        with self._lock:
            if self._shelf is None:
                self._shelf = Shelf(slots, self.shipped)
        work = pack(func, self._shelf)
        self._go(work, len(func), out, ATTEMPTS)
        return out

    def _go(self, work: Work, calls: int, out: Future[Any], attempts: int) -> None:
        inner = self._opened().submit(work, label=f"joblib: {calls} calls")
        with self._lock:
            self._running.add(inner)
            self.shipped.pieces += 1
            self.shipped.with_pieces += len(work.data)

        def done(found: Future[Answer]) -> None:
            with self._lock:
                self._running.discard(found)
            try:
                value = self._ended(found, attempts)
                if value is None:
                    self._go(work, calls, out, attempts - 1)
            except BaseException as e:
                out.set_exception(e)
            else:
                if value is not None:
                    out.set_result(value)

        inner.add_done_callback(done)

    def _ended(self, found: Future[Answer], attempts: int) -> list[Any] | None:
        """Return what calls have returned; None where they are to run again."""
        try:
            answer = found.result()
        except WorkerLost as e:
            if attempts > 1:
                self.shipped.again += 1
                return None
            e.add_note(f"It ran {ATTEMPTS} times.")
            raise
        values: list[Any] = answer.value()
        self._learn(len(values), answer)
        return values

    def retrieve_result_callback(self, out: Future[Any]) -> Any:
        """Return what a batch has returned."""
        return out.result()

    def _learn(self, calls: int, answer: Answer) -> None:
        with self._lock:
            self.shipped.gathered += len(answer.data)
            now = (answer.seconds / calls, len(answer.data) / calls)
            old = self._item or now
            self._item = ((old[0] + now[0]) / 2, max((old[1] + now[1]) / 2, now[1]))

    def compute_batch_size(self) -> int:
        """Return how many calls the next batches have, by what the last ones took."""
        with self._lock:
            if self._item is not None:
                seconds, size = self._item
                most = min(SECONDS / max(seconds, 1e-6), BYTES / max(size, 1))
                self._batch = max(1, min(2 * self._batch, int(most)))
            return self._batch

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Cancel what waits or runs."""
        with self._lock:
            running = list(self._running)
        for future in running:
            future.cancel()

    def terminate(self) -> None:
        """Free what was scattered for a call."""
        with self._lock:
            shelf, self._shelf = self._shelf, None
            slots, ours = self._slots, self._ours
            if ours:
                self._slots = None
        if shelf is not None:
            shelf.clear()
        if ours and slots is not None:
            slots.close()

    def get_nested_backend(self) -> tuple[Any, Any]:
        """Return the backend of calls inside calls: none but the worker's own thread."""
        from joblib.parallel import SequentialBackend

        return SequentialBackend(nesting_level=(self.nesting_level or 0) + 1), None


def _reads(calls: Any) -> bool:
    """Tell whether calls read attributes alone, as forests' importances of trees do.

    Sending the trees would cost far more than reading them here.
    """
    items = getattr(calls, "items", ())
    return bool(items) and all(getattr(f, "function", f) is getattr for f, _, _ in items)
