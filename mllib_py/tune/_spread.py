"""Estimators of scikit-learn whose `fit` runs on a cluster, and that are its own classes beside."""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import joblib
from joblib.parallel import get_active_backend
from sklearn.base import BaseEstimator

from mllib_py import _workers
from mllib_py.tune import _choose
from mllib_py.tune.parallel import JoblibBackend


def init_of(parent: Any, **ours: Any) -> Callable[..., None]:
    """Return an `__init__` with a scikit-learn class's parameters and, by keyword, ours.

    The signature is read from the class, so that parameters of other versions of scikit-learn are
    there, too; `get_params` and `clone` go by it.
    """
    theirs = inspect.signature(parent.__init__)

    @functools.wraps(parent.__init__)
    def __init__(self: Any, *args: Any, **words: Any) -> None:
        mine = {name: words.pop(name, default) for name, default in ours.items()}
        parent.__init__(self, *args, **words)
        for name, value in mine.items():
            setattr(self, name, value)

    keyword = inspect.Parameter.KEYWORD_ONLY
    added = [inspect.Parameter(name, keyword, default=value) for name, value in ours.items()]
    parameters = [*theirs.parameters.values(), *added]
    __init__.__signature__ = theirs.replace(parameters=parameters)  # type: ignore[attr-defined]
    return __init__


def inside_work() -> bool:
    """Tell whether this runs in a worker already, of ours or of joblib's."""
    backend, _ = get_active_backend()
    return (
        bool(getattr(backend, "nesting_level", 0))
        or _workers.inside()
        or multiprocessing.parent_process() is not None
    )


class Spread:
    """The part of an estimator that sends its calls of joblib to a backend.

    What it fits is what its scikit-learn parent fits, by the parent's own `fit`: the calls that
    the parent makes by joblib, one for a tree or a model, run in slots.
    """

    backend: Any
    n_jobs: Any

    @contextlib.contextmanager
    def _on_cluster(self) -> Iterator[None]:
        """Run joblib's calls where the parameter `backend` says; note what travelled."""
        if inside_work() or isinstance(get_active_backend()[0], JoblibBackend):
            yield
            return
        slots, ours = _choose.backend(self.backend, getattr(self, "n_jobs", None))
        sent = JoblibBackend(slots)
        try:
            with joblib.parallel_config(sent, n_jobs=-1):
                yield
            self.cluster_report_ = sent.shipped.as_dict()
        finally:
            sent.terminate()
            if ours:
                slots.close()

    def to_sklearn(self) -> Any:
        """Return the plain scikit-learn object, which needs nothing of this package.

        It has the same parameters and fitted attributes, and shares their arrays. So have the
        models inside.

        Returns
        -------
        estimator
            Of the scikit-learn class of this name.

        Raises
        ------
        ValueError
            A model inside is of a class that scikit-learn does not have.
        """
        twin = next(c for c in type(self).__mro__ if c.__module__.startswith("sklearn."))
        params = set(inspect.signature(twin).parameters)
        ours = set(inspect.signature(type(self)).parameters) - params
        out: Any = twin(**{name: plain(getattr(self, name)) for name in params})
        fitted = vars(self).keys() - ours - params - {"cluster_report_"}
        vars(out).update({name: plain(vars(self)[name]) for name in fitted})
        return out

    def __getstate__(self) -> Any:
        """Return what is pickled: a backend is a thing of this process."""
        state: Any = super().__getstate__()
        if not isinstance(self.backend, str | None):
            state = {**state, "backend": None}
        return state


def plain(thing: Any) -> Any:
    """Return a thing with the plain scikit-learn objects in the place of ours that it holds.

    What holds none of ours is returned itself, and nothing is changed in place.
    """
    if isinstance(thing, Spread):
        return thing.to_sklearn()
    if type(thing) in (list, tuple):
        parts = [plain(part) for part in thing]
        return thing if _are(parts, thing) else type(thing)(parts)
    if not isinstance(thing, dict | BaseEstimator):
        return thing
    name = type(thing).__name__
    if type(thing).__module__.startswith("mllib_py."):
        raise ValueError(f"scikit-learn has no {name}; pickle it as it is, for this package")
    held = thing if isinstance(thing, dict) else vars(thing)
    found = {key: plain(value) for key, value in held.items()}
    if _are(found.values(), held.values()):
        return thing
    out = copy.copy(thing)
    (out if isinstance(out, dict) else vars(out)).update(found)
    return out


def _are(found: Iterable[Any], held: Iterable[Any]) -> bool:
    return all(a is b for a, b in zip(found, held, strict=True))
