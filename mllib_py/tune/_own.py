"""Searches over this library's own estimators, whose fits are Spark jobs themselves.

They are never sent into a Spark task: threads of the driver run them, one or a few at a time, each
in a fair-scheduler pool, and fits on the same split share the rows that were laid out for it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

INSIDE = (
    "{name} is fitted by Spark jobs of its own and cannot run inside a Spark task: searches and "
    "studies of mllib_py.tune run it from threads of the driver (leave backend=None), a Study of a "
    "function does with backend='driver'; without these call its fit on the driver"
)


def _is_ours(thing: Any) -> bool:
    """Tell whether a thing is an estimator that is fitted by Spark jobs."""
    return _of_ours(type(thing))  # type: ignore[arg-type,unused-ignore]


@lru_cache(maxsize=4096)  # asked of each object that is pickled
def _of_ours(kind: type) -> bool:
    return hasattr(kind, "fit") and any(
        c.__module__.startswith("mllib_py.") and not c.__module__.startswith("mllib_py.tune")
        for c in kind.__mro__
    )


def first(estimator: Any, candidates: Any = ()) -> Any:
    """Return the first estimator that is fitted by Spark jobs; None where there is none.

    Parameters
    ----------
    estimator : object
        What is one, or holds some.
    candidates : mapping or list of mappings
        Values of parameters by name, which may be estimators too.
    """
    for thing in (estimator, *_values(candidates)):
        found = _first_in(thing)
        if found is not None:
            return found
    return None


def _values(candidates: Any) -> Iterable[Any]:
    """Give what parameters may become; a distribution draws no estimators."""
    for grid in candidates if isinstance(candidates, list | tuple) else (candidates,):
        for values in grid.values() if isinstance(grid, Mapping) else ():
            if isinstance(values, list | tuple | np.ndarray):
                yield from values


def _first_in(thing: Any) -> Any:
    if isinstance(thing, type):
        return None
    thing = getattr(thing, "distributed", thing)  # what stands for one of ours
    if _is_ours(thing):
        return thing
    if hasattr(thing, "get_params"):
        for value in thing.get_params(deep=True).values():
            if _is_ours(value):
                return value
    return None


def refuse_inside(thing: Any) -> None:
    """Refuse to send an estimator into a worker that is fitted by Spark jobs.

    One that is fitted may go, since it predicts anywhere.
    """
    if _is_ours(thing) and not any(n.endswith("_") and not n.startswith("_") for n in vars(thing)):
        raise ValueError(INSIDE.format(name=type(thing).__name__))


class Layouts:
    """Rows of splits, laid out once for all candidates."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[Any, tuple[threading.Lock, list[Any]]] = {}
        self._released = False
        self._kept: list[Any] = []  # splits, so that no other array gets their id

    def sharing(self, batch: Any) -> Any:
        """Let the calls of a batch fit on shared layouts, where their estimators take them."""
        items = []
        for function, args, kwargs in batch.items:
            train = kwargs.get("train")
            if train is not None:
                args = (self.shared(args[0], train, kwargs.get("fit_params")), *args[1:])
            items.append((function, args, kwargs))
        return _Batch(items)

    def shared(self, estimator: Any, train: Any, fit_params: Any) -> Any:
        """Let an estimator fit on the layout of a split's rows, if it takes one."""
        # A row that weighs has its own way; a split is known by the array of its rows.
        if fit_params or not takes_layouts(estimator):
            return estimator
        with self._lock:
            self._kept.append(train)
        return _Sharing(estimator, self, id(train))

    def of(self, split: int, kind: str, X: Any, y: Any) -> Any:
        """Return the layout of a split's rows, made by the first who asks."""
        import mllib_py

        with self._lock:
            lock, made = self._made.setdefault((split, kind), (threading.Lock(), []))
        with lock:
            if self._released:  # a trial that was dropped goes on for a moment
                raise RuntimeError("the study has ended")
            if not made:
                target = {} if kind == "none" else {"y": y}
                made.append(mllib_py.layout(X, target=kind, **target))
            return made[0]

    def release(self) -> None:
        """Free all."""
        self._released = True
        with self._lock:
            held, self._made = list(self._made.values()), {}
        for lock, made in held:
            with lock:
                for layout in made:
                    layout.release()


class _Batch:
    """Calls one after another."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    def __call__(self) -> list[Any]:
        return [function(*args, **kwargs) for function, args, kwargs in self.items]


def takes_layouts(estimator: Any) -> bool:
    """Tell whether an estimator is one of ours whose fit takes a layout in the place of arrays."""
    return type(estimator).__module__ in ("mllib_py.cluster", "mllib_py.linear")


class _Sharing:
    """An estimator that fits on the layout which all candidates share."""

    def __init__(self, estimator: Any, layouts: Layouts, split: int) -> None:
        self._estimator, self._layouts, self._split = estimator, layouts, split

    def set_params(self, **params: Any) -> _Sharing:
        self._estimator.set_params(**params)
        return self

    def fit(self, X: Any, y: Any = None) -> _Sharing:
        from sklearn.base import is_classifier, is_regressor

        kind = "none"
        if is_classifier(self._estimator):
            kind = "classes"
        elif is_regressor(self._estimator):
            kind = "numbers"
        self._estimator.fit(self._layouts.of(self._split, kind, X, y))
        return self

    def __sklearn_tags__(self) -> Any:
        return self._estimator.__sklearn_tags__()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._estimator, name)
