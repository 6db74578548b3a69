"""The asynchronous loop of a study: a free slot gets the next suggestion at once.

One thread asks, tells and writes; what workers send and how they end comes to it by one inbox.
"""

from __future__ import annotations

import contextlib
import heapq
import math
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any, Protocol

import optuna
from optuna.trial import TrialState

from mllib_py.tune import _attrs, _storage
from mllib_py.tune._backend import Backend, BackendGone, WorkerLost, WorkTimeout
from mllib_py.tune._channel import Address, Question, Report
from mllib_py.tune._scatter import SentHandle
from mllib_py.tune._space import Space
from mllib_py.tune._trial import Outcome, Work

#: The slots are counted anew at least so often, in seconds, since executors come and go.
_LOOK = 1.0


class Clock(Protocol):
    """The time that a study goes by; a simulated backend has its own."""

    def now(self) -> float:
        """Return seconds."""
        ...

    def wait(self, inbox: SimpleQueue[Any], seconds: float) -> Any:
        """Return what comes next, or raise `queue.Empty` when the seconds are over."""
        ...


class WallClock:
    """Time as it passes."""

    def now(self) -> float:
        """Return seconds since some moment."""
        return time.monotonic()

    def wait(self, inbox: SimpleQueue[Any], seconds: float) -> Any:
        """Wait for something to come."""
        return inbox.get(timeout=seconds)


@dataclass(frozen=True)
class Ended:
    """A run of a trial has ended."""

    number: int
    attempt: int
    future: Future[Outcome]


class Stop:
    """The user wants to stop."""


@dataclass
class Run:
    """A trial that runs."""

    trial: optuna.Trial
    params: dict[str, Any]
    lane: int
    since: float
    attempt: int = 1
    #: How often it was lost beside others, any of which may have ended their executor, and alone.
    lost_beside: int = 0
    lost_alone: int = 0
    future: Future[Outcome] | None = None
    steps: set[int] = field(default_factory=set)
    #: The last step that an earlier attempt reported: until then nothing new is known.
    known: int = -1
    last: int = -1


@dataclass
class Settings:
    """What a loop goes by."""

    #: Pickled, or on the driver as it is.
    objective: bytes | Callable[..., Any]
    #: What the objective refers to.
    handles: list[SentHandle]
    space: Space
    trials: int | None
    timeout: float | None
    trial_timeout: float | None
    cores: int
    retries: int
    prunes: bool
    #: Points of a grid that are still to be tried, with their numbers.
    points: Iterator[tuple[int, dict[str, Any]]] | None
    #: How many trials run at once, by how many have ended.
    at_once: Callable[[int], int]
    #: Errors of a trial that end the study, which then raises them.
    raises: tuple[type[Exception], ...] = ()


@dataclass
class Tally:
    """How a study stands."""

    complete: int = 0
    pruned: int = 0
    failed: int = 0
    retried: int = 0
    running: int = 0
    peak: int = 0

    @property
    def ended(self) -> int:
        """Trials that have ended."""
        return self.complete + self.pruned + self.failed


class Loop:
    """Runs the trials of a study on a backend."""

    def __init__(
        self,
        study: optuna.Study,
        backend: Backend,
        settings: Settings,
        inbox: SimpleQueue[Any],
        address: Address | None,
        show: Callable[[Tally, list[float] | None], None],
    ) -> None:
        self._study = study
        self._backend = backend
        self._settings = settings
        self._inbox = inbox
        self._address = address
        self._show = show
        self._clock: Clock = getattr(backend, "clock", None) or WallClock()
        self._runs: dict[int, Run] = {}
        #: Runs that wait until nothing else runs, and the one that has come to that.
        self._suspects: deque[Run] = deque()
        self._alone: Run | None = None
        self._lanes: list[int] = []
        self._stopped = False
        trials = study.get_trials(deepcopy=False)
        self._queued = sum(t.state == TrialState.WAITING for t in trials)
        self.tally = Tally()
        for trial in _storage.counted(trials, settings.space.distributions):
            self._count(trial.state)

    def run(self) -> None:
        """Go on until all trials have ended, the time is up, or the user stops it."""
        begun = self._clock.now()
        reason = _storage.STOPPED
        try:
            with interrupts(lambda: self._inbox.put(Stop())):
                while not self._stopped:
                    self._fill()
                    if not self._runs:
                        break
                    left = math.inf
                    if self._settings.timeout is not None:
                        left = begun + self._settings.timeout - self._clock.now()
                    if left <= 0:
                        reason = _storage.TIME_UP
                        break
                    self._handle_all(min(left, _LOOK))
                    self._show(self.tally, None)
                self._drop_all(reason)
        except BackendGone as error:
            reason = _storage.GONE
            raise BackendGone(f"{error}; resume=True goes on with a study in a storage") from None
        finally:
            self._drop_all(reason)  # after an error
        if self._stopped:
            raise KeyboardInterrupt("the study was stopped; resume=True goes on with it")

    def _handle_all(self, seconds: float) -> None:
        """Wait for something to happen, and take all that has."""
        try:
            event = self._clock.wait(self._inbox, seconds)
            while True:
                self._handle(event)
                event = self._inbox.get_nowait()
        except Empty:
            pass

    def _handle(self, event: Any) -> None:
        if isinstance(event, Stop):
            self._stopped = True
            return
        run = self._runs.get(event.number)
        if run is not None and run.attempt != event.attempt:
            run = None  # one that was given up, and lives on
        if isinstance(event, Question):
            event.answer(None if run is None else event.kind == "ask" and self._prune(run))
        elif run is not None and isinstance(event, Report):
            self._report(run, event)
        elif run is not None:
            self._end(run, event.future)

    def _fill(self) -> None:
        """Give free slots trials."""
        settings = self._settings
        if self._suspects or self._alone is not None:
            self._run_suspect()
            return
        most = settings.at_once(self.tally.ended)
        while len(self._runs) < most:
            begun = self.tally.ended + len(self._runs)
            if settings.trials is not None and begun >= settings.trials:
                return
            if not self._begin():
                return

    def _run_suspect(self) -> None:
        """Run one that was lost beside others twice, when it has the slots to itself."""
        if self._alone is None and len(self._runs) == len(self._suspects):
            self._alone = self._suspects.popleft()
            self._submit(self._alone)

    def _begin(self) -> bool:
        """Start the next trial; tell whether there was one."""
        if self._queued:
            self._queued -= 1
        elif self._settings.points is not None:
            number, point = next(self._settings.points, (0, None))
            if point is None:
                return False
            self._study.enqueue_trial(point, user_attrs={_attrs.POINT: number})
        trial = self._study.ask(self._settings.space.distributions)
        lane = heapq.heappop(self._lanes) if self._lanes else len(self._runs)
        params = self._settings.space.decode(trial.params)
        run = Run(trial, params, lane, self._clock.now())
        self._runs[trial.number] = run
        self._submit(run)
        self.tally.running = len(self._runs)
        self.tally.peak = max(self.tally.peak, len(self._runs))
        return True

    def _submit(self, run: Run) -> None:
        settings, number, attempt = self._settings, run.trial.number, run.attempt
        work = Work(
            settings.objective,
            number,
            attempt,
            run.params,
            settings.cores,
            self._address,
            settings.raises,
            settings.handles,
        )
        run.future = self._backend.submit(
            work,
            label=f"{self._study.study_name}: trial {number}",
            cores=settings.cores,
            timeout=settings.trial_timeout,
        )
        run.future.add_done_callback(lambda f: self._inbox.put(Ended(number, attempt, f)))

    def _report(self, run: Run, event: Report) -> None:
        if event.step not in run.steps:
            run.steps.add(event.step)
            run.trial.report(event.value, event.step)
        run.last = max(run.last, event.step)

    def _prune(self, run: Run) -> bool:
        return self._settings.prunes and run.last > run.known and bool(run.trial.should_prune())

    def _end(self, run: Run, future: Future[Outcome]) -> None:
        if future.cancelled():  # not by us, who forget a run before
            raise BackendGone("the backend was closed while trials ran")
        error = future.exception()
        if isinstance(error, BackendGone):  # says nothing of the trial, which is dropped
            raise error
        if isinstance(error, WorkerLost) and self._tries_again(run, error):
            return
        if error is None:
            self._keep(run, future.result())
            return
        self._fail(run, _told(error, run.attempt))
        if isinstance(error, self._settings.raises):
            raise error

    def _tries_again(self, run: Run, error: WorkerLost) -> bool:
        """Begin a run again that was lost, unless it is known to be what ends its process.

        Where an executor of several slots was lost, a run beside others is not to blame for it.
        One that was lost so twice has the slots to itself, which tells.
        """
        retries = self._settings.retries
        together = getattr(self._backend, "dies_together", False) and not error.own
        beside = together and len(self._runs) > 1
        if retries == 0:
            return False
        if beside and run is not self._alone:
            run.lost_beside += 1
        else:
            run.lost_alone += 1
        if run.lost_alone > retries:
            return False
        if run is self._alone:
            self._alone = None
        run.attempt += 1
        run.known = max(run.steps, default=-1)
        run.last = -1
        self.tally.retried += 1
        if run.lost_beside > 1:
            run.future = None
            self._suspects.append(run)
        else:
            self._submit(run)
        return True

    def _keep(self, run: Run, outcome: Outcome) -> None:
        for name, value in outcome.attrs.items():
            run.trial.set_user_attr(name, value)
        place = outcome.where | {"slot": run.lane, "attempts": run.attempt}
        run.trial.set_user_attr(_attrs.RUN, place)
        if outcome.pruned:
            self._tell(run, TrialState.PRUNED)
            return
        if outcome.error is not None:
            self._fail(run, outcome.error)
            return
        values, wrong = _values(outcome.value, len(self._study.directions))
        if wrong:
            self._fail(run, wrong)
        else:
            self._tell(run, TrialState.COMPLETE, values)

    def _fail(self, run: Run, error: str) -> None:
        run.trial.set_user_attr(_attrs.ERROR, error)
        self._tell(run, TrialState.FAIL)

    def _tell(self, run: Run, state: TrialState, values: list[float] | None = None) -> None:
        self._study.tell(run.trial, values, state=state)
        self._release(run)
        self._count(state)
        self._show(self.tally, values)

    def _count(self, state: TrialState) -> None:
        self.tally.complete += state == TrialState.COMPLETE
        self.tally.pruned += state == TrialState.PRUNED
        self.tally.failed += state == TrialState.FAIL

    def _release(self, run: Run) -> None:
        del self._runs[run.trial.number]
        if run is self._alone:
            self._alone = None
        heapq.heappush(self._lanes, run.lane)
        self.tally.running = len(self._runs)

    def _drop_all(self, reason: str) -> None:
        """End what still runs; the storage is told first, for a cluster may take its time."""
        dropped = list(self._runs.values())
        for run in dropped:
            self._release(run)
            run.trial.set_user_attr(_attrs.DROPPED, reason)
            run.trial.set_user_attr(_attrs.ERROR, reason)
            self._study.tell(run.trial, state=TrialState.FAIL)
        for run in dropped:
            if run.future is not None:
                run.future.cancel()


@contextlib.contextmanager
def interrupts(stop: Callable[[], None]) -> Iterator[None]:
    """Turn the first Ctrl-C into a call, so that none comes in the middle of a write.

    A second one is what it always is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def first(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        stop()

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _values(value: Any, objectives: int) -> tuple[list[float], str | None]:
    """Return an objective's values, or what is wrong with them."""
    several = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    given = list(value) if several else [value]
    if len(given) != objectives:
        return [], f"the objective returned {len(given)} values, and there are {objectives}"
    try:
        found = [float(v) for v in given]
    except (TypeError, ValueError):
        return [], f"the objective must return a number, not {value!r}"
    if any(math.isnan(v) for v in found):
        return [], "the objective returned NaN, which cannot be compared"
    return found, None


def _told(error: BaseException, attempts: int) -> str:
    """Return what a storage keeps of a run that gave no outcome."""
    if isinstance(error, WorkTimeout):
        return str(error)
    if isinstance(error, WorkerLost):
        return f"{error}; it was tried {_times(attempts)}"
    return f"{type(error).__name__}: {error}"


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n} times"
