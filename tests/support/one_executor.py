"""An executor of several slots, without Spark: one piece of work can take all others along."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

from mllib_py.tune import WorkerLost
from mllib_py.tune._simulated import HeldHandle


class Killed(BaseException):
    """Ends the executor that it is raised in."""


class OneExecutor:
    """Slots, threads, of an executor that takes along all that runs when it is killed."""

    dies_together = True
    reports = False

    def __init__(self, slots: int = 2) -> None:
        self.slots = slots
        self._lock = threading.Lock()
        self._running: set[Future[Any]] = set()

    def slots_for(self, cores: int) -> int:
        return 1

    def submit(self, work: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self._lock:
            self._running.add(future)
        threading.Thread(target=self._run, args=(work, future)).start()
        return future

    def _run(self, work: Any, future: Future[Any]) -> None:
        try:
            value = work()
        except Killed:
            with self._lock:
                lost, self._running = self._running, set()
            for one in lost:
                one.set_exception(WorkerLost("its executor has died"))
            return
        with self._lock:
            mine = future in self._running
            self._running.discard(future)
        if mine:
            future.set_result(value)

    def scatter(self, *objects: Any) -> HeldHandle:
        return HeldHandle(objects)

    def close(self) -> None:
        """Its threads end by themselves."""
