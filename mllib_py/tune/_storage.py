"""Where a study rests (memory, a SQLite or journal file, a URL), and how it goes on."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import optuna
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from mllib_py.tune._attrs import AGAIN, DEATHS, DROPPED, ERROR, POINT

Direction: TypeAlias = Literal["minimize", "maximize"]

_SQLITE = (".db", ".sqlite", ".sqlite3")
_JOURNAL = (".journal", ".log", ".jsonl")

DEAD = "the driver died while the trial ran"
STOPPED = "the study was stopped while the trial ran"
GONE = "the backend ended while the trial ran"
TIME_UP = "the study's time was up while the trial ran"


def check(storage: Any, resume: Any) -> None:
    """Refuse what is no storage, and going on where there is none."""
    if not isinstance(resume, bool):
        raise TypeError(f"resume must be True or False, not {resume!r}")
    if storage is None and resume:
        raise ValueError("resume=True goes on with a study of a storage: give storage='study.db'")
    if storage is None or isinstance(storage, BaseStorage):
        return
    if not isinstance(storage, str | os.PathLike):
        raise TypeError(f"storage must be None, a path or a URL, not {storage!r}")
    if "://" in str(storage):
        return
    path = Path(storage)
    if path.suffix not in _SQLITE + _JOURNAL:
        raise ValueError(
            f"storage {str(path)!r} must end with {', '.join(_SQLITE)} (SQLite) or with "
            f"{', '.join(_JOURNAL)} (a journal), or be a URL"
        )
    if not path.absolute().parent.is_dir():
        raise ValueError(f"storage {str(path)!r} is in a folder that does not exist")


def opened(storage: Any) -> BaseStorage:
    """Open a storage."""
    if storage is None:
        return InMemoryStorage()
    if isinstance(storage, BaseStorage):
        return storage
    if "://" in str(storage):
        return RDBStorage(str(storage))
    path = Path(storage).absolute()
    if path.suffix in _SQLITE:
        return RDBStorage(f"sqlite:///{path}")
    return JournalStorage(JournalFileBackend(str(path)))


def begin(
    storage: Any, name: str, directions: Sequence[Direction], resume: bool, **parts: Any
) -> optuna.Study:
    """Create a study in a storage, or go on with the one that is there.

    Raises
    ------
    ValueError
        There is a study of this name and `resume` is False, or it has other directions.
    """
    place = opened(storage)
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(
            storage=place,
            study_name=name,
            directions=list(directions),
            load_if_exists=True,
            **parts,
        )
    finally:
        optuna.logging.set_verbosity(level)
    before = study.get_trials(deepcopy=False)
    if before and not resume:
        raise ValueError(
            f"the storage has a study {name!r} of {len(before)} trials already: resume=True goes "
            "on with it, another name begins a new one"
        )
    found = [d.name.lower() for d in study.directions]
    if found != list(directions):
        raise ValueError(f"the study {name!r} in the storage has the directions {found}")
    return study


def check_names(trials: Sequence[FrozenTrial], names: Collection[str], study: str) -> None:
    """Refuse trials of another space: their best would not be one of this.

    Raises
    ------
    ValueError
        A trial has a parameter that the space has not, or has ended without one that it has.
    """
    for trial in trials:
        ended = trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
        if set(trial.params) - set(names) or (ended and not _has_all(trial, names)):
            raise ValueError(
                f"the study {study!r} in the storage has trials of {', '.join(trial.params)}, and "
                f"the space has {', '.join(names)}: give the space that it had, or another name"
            )


def take_up(study: optuna.Study, retries: int, names: Collection[str]) -> int:
    """Put trials in the queue again that a dead or stopped driver left; return how many.

    Trials that still stand as running fail, since who ran them is gone. One that was running in
    more than `retries` dead drivers is not tried again: it may be what they died of.
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    trials = study.get_trials(deepcopy=False)
    taken = superseded(trials)
    again = 0
    for trial in trials:
        if trial.state != TrialState.FAIL or trial.number in taken:
            continue
        early = unbegun(trial, names)
        # Who fails a trial says why, if he lives.
        dead = ERROR not in trial.user_attrs and not early
        deaths = int(trial.user_attrs.get(DEATHS, 0)) + dead
        if early or DROPPED in trial.user_attrs or (dead and deaths <= retries):
            again += _enqueue(study, trial, _params(trials, trial, names), deaths)
    return again


def _enqueue(study: optuna.Study, old: FrozenTrial, params: dict[str, Any], deaths: int) -> bool:
    """Let a new trial stand for an old one, if there are parameters for it."""
    if not params:
        return False
    kept = {DEATHS: deaths, AGAIN: old.number}
    if POINT in old.user_attrs:
        kept[POINT] = old.user_attrs[POINT]
    study.enqueue_trial(params, user_attrs=kept)
    return True


def _params(
    trials: list[FrozenTrial], trial: FrozenTrial, names: Collection[str]
) -> dict[str, Any]:
    """Return a trial's parameters, or those of the one that it was to try again."""
    while not _has_all(trial, names):
        if AGAIN not in trial.user_attrs:
            return {}  # it was a new one: another is drawn, or taken from the grid
        trial = trials[trial.user_attrs[AGAIN]]
    return trial.params


def _has_all(trial: FrozenTrial, names: Collection[str]) -> bool:
    return all(name in trial.params for name in names)


def unbegun(trial: FrozenTrial, names: Collection[str]) -> bool:
    """Tell whether a driver died between asking for a trial and setting its last parameter."""
    failed = trial.state == TrialState.FAIL and ERROR not in trial.user_attrs
    return failed and not _has_all(trial, names)


def superseded(trials: list[FrozenTrial]) -> set[int]:
    """Return the numbers of trials that others stand for."""
    return {t.user_attrs[AGAIN] for t in trials if AGAIN in t.user_attrs}


def counted(trials: list[FrozenTrial], names: Collection[str]) -> list[FrozenTrial]:
    """Return the trials that have ended and are of those that were asked for."""
    taken = superseded(trials)
    return [
        t
        for t in trials
        if t.state.is_finished()
        and DROPPED not in t.user_attrs
        and t.number not in taken
        and not unbegun(t, names)
    ]
