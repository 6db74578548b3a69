"""Where trials run: what searches, studies and ensembles ask of a cluster, and no more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

#: Seconds after its time when the driver itself ends work: it may not have been ready at once.
GRACE = 60.0


class WorkerLost(RuntimeError):
    """The process that ran a piece of work has died, or its executor; it may be retried.

    Attributes
    ----------
    own : bool
        It is known to be the work's own process, and not an executor that others ran on, too.
    """

    def __init__(self, message: str = "", own: bool = False) -> None:
        super().__init__(message)
        self.own = own


class BackendGone(RuntimeError):
    """The slots are gone with all that ran on them: a Spark session that was stopped, or died."""


class WorkTimeout(TimeoutError):
    """A piece of work took longer than it was given, and was ended."""


class Prepared:
    """Work that first gets ready in its worker, which is no part of its time.

    A new process imports libraries for seconds, as much as a quick fit may be given.
    """

    def prepare(self) -> None:
        """Load what the work needs."""
        raise NotImplementedError


class EndingFuture(Future[T]):
    """A future whose `cancel` also ends work that runs; several threads may cancel it."""

    def __init__(self, end: Callable[[], None]) -> None:
        super().__init__()
        self._end = end
        self._cancelling = threading.Lock()

    def cancel(self) -> bool:
        """End the work; tell whether it had not ended by itself."""
        with self._cancelling:
            if self.cancelled():
                return True
            if not super().cancel():
                return False
            self.set_running_or_notify_cancel()  # tells who waits for it
        self._end()
        return True


class Handle(Protocol):
    """Arrays that lie where trials run; small when pickled.

    ``get()`` gives the objects back, read-only, inside a worker (memory-mapped, shared by the
    workers of a node) as on the driver.
    """

    def get(self) -> tuple[Any, ...]:
        """Return the objects that were scattered, in their order."""
        ...

    def explain(self) -> dict[str, Any]:
        """Say how they travelled: strategy, bytes, and why it was chosen."""
        ...

    def release(self) -> None:
        """Free what was sent."""
        ...


class Backend(Protocol):
    """Slots that run pieces of work in processes of their own.

    One may also have the attribute ``dies_together``: whether work that ends its executor can take
    other pieces of work along, so that neither tells which of them is to blame. ``WorkerLost.own``
    tells where it is known that none were.
    """

    @property
    def slots(self) -> int:
        """How many pieces of work run at once now; it may grow while executors join."""
        ...

    def slots_for(self, cores: int) -> int:
        """Return how many slots a piece of work of so many cores takes."""
        ...

    def submit(
        self,
        work: Callable[[], T],
        *,
        label: str = "",
        cores: int = 1,
        timeout: float | None = None,
    ) -> Future[T]:
        """Run ``work()`` once in a worker; return at once.

        ``work`` is pickled by cloudpickle before this returns, so that what cannot be pickled is
        refused here. The future ends with what it returned or raised, or with `WorkerLost` or
        `WorkTimeout`: the time counts from when the worker has loaded the work. BLAS inside it has
        ``cores`` threads. ``Future.cancel`` ends work that waits or runs.
        """
        ...

    def scatter(self, *objects: Any) -> Handle:
        """Send objects (arrays, sparse matrices, frames) to all nodes, once."""
        ...

    def close(self) -> None:
        """End what still runs, and free all that was scattered."""
        ...
