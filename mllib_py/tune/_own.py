"""Searches over this library's own estimators, whose fits are Spark jobs themselves.

They are never sent into a Spark task: threads of the driver run them, one or a few at a time, each
in a fair-scheduler pool, and fits on the same split share the rows that were laid out for it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from mllib_py.tune._joblib import ThreadsBackend

#: Fits at once, where n_jobs does not say: while one sums up on the driver, the other's tasks run.
AT_ONCE = 2
INSIDE = (
    "{name} is fitted by Spark jobs of its own and cannot run inside a Spark task: GridSearchCV "
    "and its kin in mllib_py.tune run it from threads of the driver (leave backend=None), without "
    "a search call its fit on the driver"
)


def _is_ours(thing: Any) -> bool:
    return any(
        c.__module__.startswith("mllib_py.") and not c.__module__.startswith("mllib_py.tune")
        for c in type(thing).__mro__
    )


def is_distributed(estimator: Any) -> bool:
    """Tell whether an estimator is, or holds, one that is fitted by Spark jobs."""
    return _first(estimator) is not None


def refuse(estimator: Any) -> None:
    """Refuse an estimator that is fitted by Spark jobs where each fit would be a Spark task.

    Raises
    ------
    ValueError
        It is, or holds, one of ours.
    """
    found = _first(estimator)
    if found is not None:
        raise ValueError(INSIDE.format(name=type(found).__name__))


def _first(estimator: Any) -> Any:
    if isinstance(estimator, type):
        return None
    estimator = getattr(estimator, "distributed", estimator)  # what stands for one of ours
    if _is_ours(estimator) and hasattr(estimator, "fit"):
        return estimator
    if hasattr(estimator, "get_params"):
        for value in estimator.get_params(deep=True).values():
            if hasattr(value, "fit") and _is_ours(value) and not isinstance(value, type):
                return value
    return None


@contextlib.contextmanager
def on_driver(
    estimator: Any, backend: Any, n_jobs: int | None, timeout: float | None
) -> Iterator[ThreadsBackend]:
    """Give joblib threads of the driver."""
    name = type(_first(estimator)).__name__
    if backend is not None:
        raise ValueError(INSIDE.format(name=name))
    if timeout is not None:
        raise ValueError(f"trial_timeout cannot end a fit of {name} on the driver; leave it None")
    from mllib_py.tune._spark import DriverThreads

    threads = DriverThreads(n_jobs if n_jobs is not None and n_jobs > 0 else AT_ONCE)
    layouts = Layouts()
    try:
        yield ThreadsBackend(threads, layouts.sharing)
    finally:
        threads.close()
        layouts.release()


class Layouts:
    """Rows of splits, laid out once for all candidates."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[Any, tuple[threading.Lock, list[Any]]] = {}
        self._kept: list[Any] = []  # splits, so that no other array gets their id

    def sharing(self, batch: Any) -> Any:
        """Let the calls of a batch fit on shared layouts, where their estimators take them."""
        items = []
        for function, args, kwargs in batch.items:
            estimator, train = args[0], kwargs.get("train")
            # A row that weighs has its own way; a split is known by the array of its rows.
            if train is not None and not kwargs.get("fit_params") and takes_layouts(estimator):
                self._kept.append(train)
                args = (_Sharing(estimator, self, id(train)), *args[1:])
            items.append((function, args, kwargs))
        return _Batch(items)

    def of(self, split: int, kind: str, X: Any, y: Any) -> Any:
        """Return the layout of a split's rows, made by the first who asks."""
        import mllib_py

        with self._lock:
            lock, made = self._made.setdefault((split, kind), (threading.Lock(), []))
        with lock:
            if not made:
                target = {} if kind == "none" else {"y": y}
                made.append(mllib_py.layout(X, target=kind, **target))
        return made[0]

    def release(self) -> None:
        """Free all."""
        for _, made in self._made.values():
            for layout in made:
                layout.release()
        self._made.clear()


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
