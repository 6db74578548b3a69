"""Slots that are not there, and a clock that jumps: what a study costs on a cluster of any size.

Objectives run on the driver, which the clock does not count; what passes on it is the driver's own
time, as it is, and how long trials are said to take.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from mllib_py import _checks
from mllib_py.tune._scatter import HeldHandle

T = TypeVar("T")


class SimulatedClock:
    """The driver's time, and the jumps over what it would have waited."""

    def __init__(self, ends: Callable[[], float | None], end: Callable[[], None]) -> None:
        self._ends = ends
        self._end = end
        self._skipped = 0.0

    def now(self) -> float:
        """Return seconds."""
        return time.perf_counter() + self._skipped

    def forget(self, seconds: float) -> None:
        """Take back what a trial itself has cost: that would be a worker's time."""
        self._skipped -= seconds

    def wait(self, inbox: SimpleQueue[Any], seconds: float) -> Any:
        """Return what comes next: a trial that has ended, at its time."""
        if inbox.empty():
            next_end = self._ends()
            until = self.now() + seconds
            late = next_end is None or next_end > until
            self._skipped += max(
                0.0, (until if late or next_end is None else next_end) - self.now()
            )
            if late:
                raise Empty
            self._end()
        return inbox.get_nowait()


class SimulatedBackend:
    """A backend of any number of slots, whose trials take as long as they are said to.

    Trials may return what they like, and report nothing.

    Parameters
    ----------
    slots : int
    seconds : float or callable
        How long a trial takes, or a function of no arguments that draws it.
    start : float, default=0.0
        What a trial costs beside, as for a cluster's scheduler.
    """

    reports = False

    def __init__(
        self, slots: int, seconds: float | Callable[[], float], start: float = 0.0
    ) -> None:
        self._slots = _checks.whole("slots", slots, 1)
        self._seconds = seconds
        self._start = start
        self._order = itertools.count()
        self._running: list[tuple[float, int, Callable[[], Any], Future[Any]]] = []
        #: The sum of the trials' own times.
        self.busy = 0.0
        self.clock = SimulatedClock(self._ends, self._end_next)

    @property
    def slots(self) -> int:
        """How many trials run at once."""
        return self._slots

    def slots_for(self, cores: int) -> int:
        """Return a slot for each core."""
        return cores

    def submit(
        self,
        work: Callable[[], T],
        *,
        label: str = "",
        cores: int = 1,
        timeout: float | None = None,
    ) -> Future[T]:
        """Run a piece of work; it ends when the clock has come to its time."""
        if len(self._running) * cores >= self._slots:
            raise RuntimeError("more trials than slots: a study does not ask for that")
        seconds = self._seconds() if callable(self._seconds) else self._seconds
        self.busy += seconds
        future: Future[T] = Future()
        end = self.clock.now() + self._start + seconds
        heapq.heappush(self._running, (end, next(self._order), work, future))
        return future

    def _ends(self) -> float | None:
        return self._running[0][0] if self._running else None

    def _end_next(self) -> None:
        _, _, work, future = heapq.heappop(self._running)
        if future.cancelled():
            return
        start = time.perf_counter()
        try:
            value, error = work(), None
        except Exception as raised:
            value, error = None, raised
        self.clock.forget(time.perf_counter() - start)
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)

    def scatter(self, *objects: Any) -> HeldHandle:
        """Keep objects."""
        return HeldHandle(objects)

    def close(self) -> None:
        """Forget what runs."""
        self._running.clear()
