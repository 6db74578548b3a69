"""Studies: Optuna's samplers and pruners choose trials, a cluster runs them."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from queue import SimpleQueue
from typing import Any, Self

import cloudpickle
from optuna import Study as OptunaStudy
from optuna.trial import FrozenTrial, TrialState

from mllib_py import _checks, _workers
from mllib_py._progress import wanted
from mllib_py.tune import _attrs, _choose, _own, _samplers, _storage
from mllib_py.tune._backend import Backend, BackendGone, Handle
from mllib_py.tune._bar import StudyBar
from mllib_py.tune._channel import Channel
from mllib_py.tune._fitting import Problem, problem
from mllib_py.tune._loop import Loop, Settings, Tally
from mllib_py.tune._scatter import SentHandle, noted
from mllib_py.tune._space import Space
from mllib_py.tune._storage import Direction
from mllib_py.tune._trial import takes_trial

__all__ = ["Study"]

#: An objective of more bytes than this had better scatter its data.
_LARGE = 10_000_000


class Study:
    """Trials of an objective over a space of parameters, chosen by Optuna, run on a cluster.

    A free slot gets the next suggestion at once; the sampler knows of the trials that still run
    (`explain` says what it makes of them). Trials run in processes of their own: one that fails,
    hangs or takes its process with it does not end the study.

    Parameters
    ----------
    objective : callable or estimator
        A function of (params) or (params, trial), which returns the value, or one for each
        direction. `trial` has ``report(value, step)``, ``should_prune()`` and
        ``set_user_attr(name, value)``. It is pickled by cloudpickle; large data are to be scattered
        and not to be closed over. Or a scikit-learn estimator, which is cross-validated on X and y.
    space : dict of str to distribution, or list of such dicts
        Optuna distributions, lists of values, or frozen SciPy distributions. SciPy's uniform,
        loguniform and randint become Optuna's; any other is drawn by its quantiles, which is what
        Optuna's own trials then show. Of a list, which is for the samplers "grid" and "random", a
        trial has the parameters of one dict.
    sampler : {"tpe", "random", "grid", "gp", "cmaes", "nsga2"} or optuna sampler, default="tpe"
        "gp" needs the package torch and "cmaes" the package cmaes.
    pruner : {"asha", "hyperband", "median"}, optuna pruner or None, default=None
        What ends trials early, by the values that they report. With one objective only.
    direction : {"minimize", "maximize"}, optional
        Default: "minimize" for a function, "maximize" for an estimator's score.
    directions : list of {"minimize", "maximize"}, optional
        Of several objectives.
    trials : int, optional
        How many, with those that the storage already has, and those that fail. Needed unless there
        is a `timeout`, or a grid, whose points are all tried by default.
    timeout : float, optional
        Seconds, after which the study ends, with the trials that run.
    trial_timeout : float, optional
        Seconds, after which a trial fails.
    parallelism : int or "auto", default="auto"
        Trials that run at once. "auto": all slots for samplers whose draws do not depend on what
        was found ("grid", "random"), about a tenth of the trials for others. Never more than the
        slots, which are counted anew as executors come and go.
    cores_per_trial : int, default=1
        Threads that BLAS and OpenMP have in a trial; a trial takes as many slots.
    retries : int, default=1
        How often a trial is begun again whose process or executor has died. It counts once.
    storage : path, URL or optuna storage, optional
        A file that ends with .db or .sqlite (SQLite), or with .journal or .log (Optuna's journal);
        default: memory. One driver at a time writes to a study.
    name : str, default="study"
        The study's name in the storage.
    resume : bool, default=False
        Go on with the study of this name, if the storage has one. Trials that a dead driver left
        are tried again.
    random_state : int, RandomState, Generator or None, default=None
        Of the sampler. With one trial at once the same state gives the same trials; with several
        their order of ending counts too.
    progress : bool or None, default=None
        Show a bar; None: in a terminal or a notebook.
    backend : None, "spark", "local", "driver" or Backend, default=None
        Where trials run. None: the Spark session that runs. "driver": two threads of the driver,
        for objectives that fit estimators of mllib_py or start Spark jobs, see `DriverBackend`.
    X, y, groups
        Data of an estimator, and groups of rows for `cv`. They are scattered once; a handle of
        `scatter` in the place of X brings all three. Estimators of mllib_py are fitted from threads
        of the driver, where fits on the same split share the rows that are laid out for it.
    cv : int, splitter or iterable, optional
        As in scikit-learn; default 5 folds.
    scoring : str or callable, optional
        As in scikit-learn; default the estimator's own score.
    epochs : int, optional
        Steps that an estimator learns in, with a report after each: calls of `partial_fit`, or
        shares of n_estimators or max_iter with `warm_start`. Default: it is fitted at once, and
        reports after each split.

    Attributes
    ----------
    tally
        How many were complete, pruned, failed and retried, and how many ran at once at most.

    Raises
    ------
    TypeError, ValueError
        Bad parameters, an empty space, an objective that cannot be pickled or called.
    ImportError
        A sampler's package is not installed.

    Examples
    --------
    >>> from mllib_py.tune import Study
    >>> def objective(params):
    ...     return (params["x"] - 3) ** 2
    >>> Study(objective, {"x": [1, 2, 3, 4]}, sampler="grid", backend="local").run().best_params
    {'x': 3}
    """

    def __init__(
        self,
        objective: Any,
        space: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        sampler: Any = "tpe",
        pruner: Any = None,
        direction: Direction | None = None,
        directions: Sequence[Direction] | None = None,
        trials: int | None = None,
        timeout: float | None = None,
        trial_timeout: float | None = None,
        parallelism: int | str = "auto",
        cores_per_trial: int = 1,
        retries: int = 1,
        storage: Any = None,
        name: str = "study",
        resume: bool = False,
        random_state: Any = None,
        progress: bool | None = None,
        backend: Any = None,
        X: Any = None,
        y: Any = None,
        groups: Any = None,
        cv: Any = None,
        scoring: Any = None,
        epochs: int | None = None,
    ) -> None:
        self._space = Space(space)
        self._problem: Problem | None = None
        if isinstance(objective, Problem):  # a search's, which has checked it
            self._problem = objective
        elif hasattr(objective, "fit") and hasattr(objective, "get_params"):
            _check_one_metric(scoring)
            params = {} if groups is None else {"groups": groups}
            self._problem = problem(objective, X, y, params, cv=cv, scoring=scoring, epochs=epochs)
        else:
            _refuse_data(X=X, y=y, groups=groups, cv=cv, scoring=scoring, epochs=epochs)
            _check_objective(objective, travels=not _choose.on_driver(backend))
            if pruner is not None and not takes_trial(objective):
                warnings.warn(
                    "the pruner ends no trial: the objective does not take one to report to, "
                    "objective(params, trial)",
                    stacklevel=2,
                )
        own = None
        if self._problem is not None:
            own = self._problem.own(self._space)
            self._problem.check_space(self._space)
        _check_place(own, backend, trial_timeout, estimator=self._problem is not None)
        self._objective = objective
        self._directions = _directions(direction, directions, self._problem is not None)
        _samplers.check(sampler, pruner, self._space, len(self._directions))
        self._sampler, self._pruner = sampler, pruner
        self._trials = _budget(trials, timeout, sampler, self._space)
        for label, seconds in (("timeout", timeout), ("trial_timeout", trial_timeout)):
            if seconds is not None:
                _checks.POSITIVE(label, seconds)
        self._timeout, self._trial_timeout = timeout, trial_timeout
        if parallelism != "auto":
            parallelism = _checks.whole("parallelism", parallelism, 1)
        self._parallelism = parallelism
        self._cores = _checks.whole("cores_per_trial", cores_per_trial, 1)
        self._retries = _checks.whole("retries", retries, 0)
        _storage.check(storage, resume)
        self._storage, self._name, self._resume = storage, name, resume
        self._random_state = random_state
        _samplers.seed_of(random_state, 0) if isinstance(random_state, int) else None
        self._progress = progress
        self._backend = "driver" if own is not None and backend is None else backend
        self.tally = Tally()
        self._optuna: OptunaStudy | None = None
        self._slots = 0

    def run(self) -> Self:
        """Run the trials.

        Returns
        -------
        self

        Raises
        ------
        RuntimeError
            No Spark session runs.
        ValueError
            More cores for a trial than there are, or the storage has the study already.
        BackendGone
            The Spark session ended, or the backend was closed. `resume` tries its trials again.
        KeyboardInterrupt
            Ctrl-C. Trials that ran are marked as failed; `resume` tries them again.
        """
        backend, ours = _choose.backend(self._backend, driver=True)
        try:
            return self._run_on(backend)
        finally:
            if ours:
                backend.close()

    def _run_on(self, backend: Backend) -> Self:
        self._check_slots(backend)
        study = self._begin()
        inbox: SimpleQueue[Any] = SimpleQueue()
        # The driver as workers reach it; a backend of one machine need not say.
        host = str(getattr(backend, "address", "127.0.0.1"))
        channel = Channel(host, inbox) if _reports(backend) else None
        sent: list[Handle] = []
        try:
            objective = self._objective
            if self._problem is not None:
                objective, sent = self._problem.objective(backend, self._pruner is not None)
            here = _choose.on_driver(backend)
            settings = self._settings(
                study, backend, *((objective, []) if here else _pickled(objective))
            )
            with StudyBar(self._trials, study, wanted(self._progress), self._timeout) as bar:
                address = None if channel is None else channel.address
                loop = Loop(study, backend, settings, inbox, address, bar.update)
                self.tally = loop.tally
                bar.begin(loop.tally)
                loop.run()
            # A search raises the same.
            alone = not isinstance(self._objective, Problem)
            if alone and self.tally.failed == self.tally.ended > 0:
                warnings.warn(self._nothing(), stacklevel=3)
        except BackendGone:
            sent = []  # what was scattered went with it
            raise
        finally:
            if channel is not None:
                channel.close()
            for handle in sent:
                handle.release()
        return self

    def _check_slots(self, backend: Backend) -> None:
        slots, taken = backend.slots, backend.slots_for(self._cores)
        most = max(1, slots // taken)
        if self._parallelism != "auto" and int(self._parallelism) > most:
            warnings.warn(
                f"parallelism is {self._parallelism}, and the slots are for {most} trials at once "
                "now: more run when there are more slots",
                stacklevel=4,
            )
        if taken > slots:
            raise ValueError(
                f"cores_per_trial is {self._cores}, and there are {slots} slots: a trial takes "
                f"{taken}"
            )
        if self._pruner is not None and not _reports(backend):
            raise ValueError("this backend takes no intermediate values: give pruner=None")

    def _begin(self) -> OptunaStudy:
        """Open the storage, and make the sampler for what it already has."""
        steps = None
        if self._problem is not None:
            way = self._problem.way
            steps = way.steps if way.steps > 1 else len(self._problem.splits)
        study = _storage.begin(
            self._storage,
            self._name,
            self._directions,
            self._resume,
            pruner=_samplers.pruner(self._pruner, steps),
        )
        trials = study.get_trials(deepcopy=False)
        before = len(trials)
        if before:
            _storage.check_names(trials, self._space.distributions, self._name)
            _storage.take_up(study, self._retries, self._space.distributions)
        seed = _samplers.seed_of(self._random_state, before)
        study.sampler = _samplers.sampler(self._sampler, seed, self._trials)
        self._optuna = study
        return study

    def _settings(
        self,
        study: OptunaStudy,
        backend: Backend,
        objective: bytes | Callable[..., Any],
        handles: list[SentHandle],
    ) -> Settings:
        if isinstance(objective, bytes) and len(objective) > _LARGE:
            warnings.warn(
                f"the objective is {len(objective) / 1e6:.0f} MB when pickled, and travels with "
                "each trial: scatter its data",
                stacklevel=4,
            )
        return Settings(
            objective=objective,
            handles=handles,
            space=self._space,
            trials=self._trials,
            timeout=self._timeout,
            trial_timeout=self._trial_timeout,
            cores=self._cores,
            retries=self._retries,
            prunes=self._pruner is not None,
            points=self._points(study) if self._sampler == "grid" else None,
            at_once=lambda ended: self._at_once(backend, ended)[0],
            raises=() if self._problem is None else self._problem.raises,
        )

    def _points(self, study: OptunaStudy) -> Iterator[tuple[int, dict[str, Any]]]:
        trials = study.get_trials(deepcopy=False)
        names = self._space.distributions
        tried = {t.user_attrs.get(_attrs.POINT) for t in trials if not _storage.unbegun(t, names)}
        return (p for p in enumerate(self._space.points()) if p[0] not in tried)

    def _at_once(self, backend: Backend, ended: int) -> tuple[int, str]:
        self._slots = backend.slots // backend.slots_for(self._cores)
        return _samplers.at_once(self._parallelism, self._sampler, self._trials, ended, self._slots)

    def explain(self) -> dict[str, Any]:
        """Say how trials are chosen and how many run at once.

        Returns
        -------
        dict
            sampler, pending (what it makes of trials that run), parallelism, why, slots, trials.

        Raises
        ------
        RuntimeError
            No Spark session runs.

        Examples
        --------
        >>> from mllib_py.tune import Study
        >>> plan = Study(abs, {"x": [1]}, sampler="random", trials=9, backend="local").explain()
        >>> plan["pending"]
        'draws do not depend on other trials'
        """
        backend, ours = _choose.backend(self._backend, driver=True)
        try:
            self._check_slots(backend)
            n, why = self._at_once(backend, self.tally.ended)
        finally:
            if ours:
                backend.close()
        known = isinstance(self._sampler, str)
        return {
            "sampler": self._sampler,
            "pending": _samplers.PENDING[self._sampler] if known else "as that sampler does",
            "parallelism": n,
            "why": why,
            "slots": self._slots,
            "trials": self._trials,
        }

    @property
    def optuna(self) -> OptunaStudy:
        """Optuna's own study, for its plots and tables; after `run`."""
        if self._optuna is None:
            raise ValueError("the study has no trials yet: run it first")
        return self._optuna

    @property
    def trials(self) -> list[FrozenTrial]:
        """Optuna's trials, without those that were dropped and tried again.

        Their ``user_attrs`` have "run" (slot, host, pid, began, seconds, attempts), "error" where
        they failed, and what the objective has set.
        """
        return _storage.counted(self.optuna.get_trials(deepcopy=False), self._space.distributions)

    @property
    def best_trials(self) -> list[FrozenTrial]:
        """The best trial, or with several objectives those that none is better than in all."""
        if not any(t.state == TrialState.COMPLETE for t in self.trials):
            raise ValueError(self._nothing())
        return self.optuna.best_trials

    @property
    def best_trial(self) -> FrozenTrial:
        """The best trial; of equals the first."""
        if len(self._directions) > 1:
            raise ValueError("with several objectives there is no best trial: see best_trials")
        # Optuna's best_trial is the first of equals that ended, or what the storage finds first.
        return min(self.best_trials, key=lambda t: t.number)

    @property
    def best_params(self) -> dict[str, Any]:
        """The best trial's parameters, as the objective was given them."""
        return self.params_of(self.best_trial)

    @property
    def best_value(self) -> float:
        """The best trial's value."""
        value = self.best_trial.value
        assert value is not None
        return value

    def params_of(self, trial: FrozenTrial) -> dict[str, Any]:
        """Return a trial's parameters as the objective was given them."""
        return self._space.decode(trial.params)

    def report(self, path: Any) -> None:
        """Write the study as one HTML file, which needs nothing else.

        It holds the history, parallel coordinates, importances, intermediate values, a timeline of
        the slots, and the errors of trials that failed.

        Parameters
        ----------
        path : path-like
        """
        from mllib_py.tune import _report

        _report.write(self, path)

    def _nothing(self) -> str:
        errors = [t.user_attrs.get(_attrs.ERROR) for t in self.trials]
        first = next((e for e in errors if e), None)
        why = f"the first error: {_headline(first)}" if first else "all that ended were pruned"
        return f"no trial of the study is complete; {why}"


def _headline(error: str) -> str:
    """Return the line of an error's text that says its kind: the first after its last frame."""
    lines = error.splitlines()
    frames = [i for i, line in enumerate(lines) if line.startswith("  File ")]
    after = lines[frames[-1] + 1 :] if frames else lines
    return next(line for line in after if not line.startswith(" "))


def _reports(backend: Backend) -> bool:
    return bool(getattr(backend, "reports", True))


def _refuse_data(**given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{name} is for an estimator in the place of the objective")


def _check_one_metric(scoring: Any) -> None:
    if isinstance(scoring, list | tuple | set | dict):
        raise ValueError(
            f"a study of an estimator takes one metric in scoring, not {scoring!r}; several are "
            "for searches (TPESearchCV)"
        )


def _check_objective(objective: Any, *, travels: bool) -> None:
    if not callable(objective):
        raise TypeError(f"the objective must be a function or an estimator, not {objective!r}")
    takes_trial(objective)
    if not travels:
        return
    try:
        _pickled(objective)
    except Exception as error:
        names = _unpicklable(objective)
        because = f", because of {', '.join(map(repr, names))}, which it refers to" if names else ""
        raise TypeError(
            f"the objective cannot be pickled{because}: {error}; make such things inside it, or "
            "run it on the driver with backend='driver'"
        ) from error


def _unpicklable(objective: Any) -> list[str]:
    """Name what a function refers to and cannot take along."""
    try:
        found = inspect.getclosurevars(objective)
    except (TypeError, ValueError):  # no function of Python's, or one that is not whole yet
        return []
    names = []
    for name, value in {**found.globals, **found.nonlocals}.items():
        try:
            cloudpickle.dumps(value)
        except Exception:
            names.append(name)
    return names


def _check_place(
    own: str | None, backend: Any, trial_timeout: float | None, *, estimator: bool
) -> None:
    """Refuse to fit an estimator where it cannot be; `own` names one of ours."""
    driver = _choose.on_driver(backend)
    if own is not None and ((backend is not None and not driver) or _workers.inside()):
        raise ValueError(_own.INSIDE.format(name=own))
    if driver and estimator and own is None:
        raise ValueError(
            "threads of the driver run functions and estimators of mllib_py: leave backend=None "
            "for one of scikit-learn"
        )
    if trial_timeout is not None and (driver or own is not None):
        raise ValueError("trial_timeout cannot end a trial on the driver; leave it None")


def _pickled(objective: Any) -> tuple[bytes, list[SentHandle]]:
    """Pickle an objective, and note the handles that it refers to."""
    with noted() as handles:
        return cloudpickle.dumps(objective), handles


def _directions(
    one: Direction | None, several: Sequence[Direction] | None, estimator: bool
) -> list[Direction]:
    if one is not None and several is not None:
        raise ValueError("give direction or directions, not both")
    if isinstance(several, str):
        raise TypeError(f"directions is a list, not {several!r}: one goes to direction")
    usual: Direction = "maximize" if estimator else "minimize"
    found = [one or usual] if several is None else list(several)
    if not found:
        raise ValueError("directions names at least one")
    for direction in found:
        _checks.one_of("direction", direction, ("minimize", "maximize"))
    if estimator and found != ["maximize"]:
        raise ValueError("an estimator's score is maximized: leave direction out")
    return found


def _budget(trials: int | None, timeout: Any, sampler: Any, space: Space) -> int | None:
    if trials is not None:
        trials = _checks.whole("trials", trials, 1)
    if sampler == "grid":
        size = space.size()
        return size if trials is None else min(trials, size)
    if trials is None and timeout is None:
        raise ValueError("a study needs trials or timeout to know when it ends")
    return trials
