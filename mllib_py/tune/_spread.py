"""Estimators of scikit-learn whose `fit` runs on a cluster, and that are its own classes beside."""

from __future__ import annotations

import contextlib
import functools
import inspect
import multiprocessing
from collections.abc import Callable, Iterator
from typing import Any

import joblib
from joblib.parallel import get_active_backend

from mllib_py.tune import _choose, _task
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
        or _task.inside()
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

    def __getstate__(self) -> Any:
        """Return what is pickled: a backend is a thing of this process."""
        state: Any = super().__getstate__()
        if not isinstance(self.backend, str | None):
            state = {**state, "backend": None}
        return state
