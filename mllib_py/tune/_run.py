"""Runs scikit-learn's own searches with their fits on a backend's slots."""

from __future__ import annotations

import contextlib
import copy
import warnings
from collections.abc import Callable, Iterator
from numbers import Integral
from typing import Any

from joblib import parallel_config
from sklearn.utils import indexable

from mllib_py import _workers
from mllib_py.tune import _choose, _own
from mllib_py.tune._joblib import SlotsBackend, ThreadsBackend
from mllib_py.tune._ship import Shelf

#: Fits of our own estimators at once, where n_jobs does not say.
AT_ONCE = 2


def is_handle(thing: Any) -> bool:
    """Tell whether this is what `scatter` gives."""
    return all(callable(getattr(thing, name, None)) for name in ("get", "explain", "release"))


@contextlib.contextmanager
def on_slots(
    estimator: Any,
    data: tuple[Any, ...],
    *,
    backend: Any,
    n_jobs: int | None,
    cores: int,
    timeout: float | None,
    handle: Any = None,
    caller: Any = None,
    candidates: Any = (),
) -> Iterator[Callable[[], None]]:
    """Let joblib's calls run on slots, until the first parallel region of scikit-learn's ends.

    What is fitted after that (``refit``) finds joblib as the user has it. Where the estimator or
    one of the candidates' values is one of our own, all fits run from the driver.
    """
    own = _own.first(estimator, candidates)
    if own is not None:
        with _on_driver(type(own).__name__, backend, n_jobs, timeout) as slots:
            yield from _configured(slots)
        return
    if _workers.inside():  # the slot that this search runs in is all that it has
        yield lambda: None
        return
    where, ours = _choose.backend(backend, n_jobs)
    shelf = Shelf(where)
    try:
        _share(shelf, data, handle, caller)
        most = n_jobs if n_jobs is not None and n_jobs > 0 else None
        if most is not None and most > where.slots:
            warnings.warn(
                f"n_jobs={most} is more than the {where.slots} slots that there are: so many run "
                "at once",
                stacklevel=4,
            )
        yield from _configured(SlotsBackend(where, shelf, cores, timeout, most))
    finally:
        shelf.clear()
        if ours:
            where.close()


@contextlib.contextmanager
def _on_driver(
    name: str, backend: Any, n_jobs: int | None, timeout: float | None
) -> Iterator[ThreadsBackend]:
    """Give joblib threads of the driver."""
    if (backend is not None and not _choose.on_driver(backend)) or _workers.inside():
        raise ValueError(_own.INSIDE.format(name=name))
    if timeout is not None:
        raise ValueError(f"trial_timeout cannot end a fit of {name} on the driver; leave it None")
    from mllib_py.tune._spark import DriverBackend

    given = backend is not None and backend != "driver"
    threads = backend if given else DriverBackend(_at_once(n_jobs))
    layouts = _own.Layouts()
    try:
        yield ThreadsBackend(threads, layouts.sharing)
    finally:
        if not given:
            threads.close()
        layouts.release()


def _at_once(n_jobs: int | None) -> int:
    return n_jobs if n_jobs is not None and n_jobs > 0 else AT_ONCE


def _configured(slots: SlotsBackend) -> Iterator[Any]:
    config = parallel_config(backend=slots)
    over = False

    def end() -> None:
        nonlocal over
        if not over:
            over = True
            config.unregister()

    slots.on_end = end
    try:
        yield slots
    finally:
        end()
        slots.abort_everything(ensure_ready=False)


def _share(shelf: Shelf, data: tuple[Any, ...], handle: Any, caller: Any) -> None:
    if handle is not None:
        shelf.know(handle, handle.get())
        data = data[2:]
    known = [d for d in data if hasattr(d, "__len__") or hasattr(d, "shape")]
    sent = list(known)
    if caller is not None:
        known.append(caller)
        sent.append(_unfitted(caller))
    if sent:
        shelf.scatter(*known, sent=sent)


def _unfitted(caller: Any) -> Any:
    """Return a search without what an earlier fit found: scikit-learn sends it with each fit."""
    out = copy.copy(caller)
    for name in [n for n in vars(out) if n.endswith("_") and not n.startswith("_")]:
        delattr(out, name)
    return out


def check(n_jobs: Any, cores: Any, timeout: Any) -> None:
    """Refuse bad parameters of ours."""
    if n_jobs is not None and (not isinstance(n_jobs, Integral) or n_jobs == 0):
        raise ValueError(f"n_jobs must be an integer other than 0 or None, not {n_jobs!r}")
    if not isinstance(cores, Integral) or cores < 1:
        raise ValueError(f"cores_per_trial must be an integer of at least 1, not {cores!r}")
    if timeout is not None and (not isinstance(timeout, int | float) or not timeout > 0):
        raise ValueError(f"trial_timeout must be a number above 0 or None, not {timeout!r}")


def given(X: Any, y: Any, params: dict[str, Any]) -> tuple[Any, Any, Any, dict[str, Any]]:
    """Return X and y as scikit-learn will see them, the handle they came by, and parameters."""
    if not is_handle(X):
        X, y = indexable(X, y)
        return X, y, None, params
    if y is not None:
        raise ValueError("a handle has its y and groups; leave y")
    found = X.get()
    if len(found) != 3:
        raise ValueError("a search takes the handle of tune.scatter(X, y, groups)")
    data, target, groups = found
    if groups is not None:
        params = {**params, "groups": groups}
    # As they are: scikit-learn's checks leave arrays, CSR matrices and frames alone.
    return data, target, X, params
