"""Primitives to write new distributed algorithms with: blocks of rows, sums over them, minimisers.

Data rest in blocks of NumPy arrays (or SciPy CSR rows): in this process where they are given as
arrays, in Spark's Python workers where they are a DataFrame or an RDD. A pass over the blocks calls
a function of yours on each and adds up what it gives: one Spark job, whatever it sums.

The estimators of `mllib_py.linear` are the same on blocks in the JVM; `minimize` takes their
layouts too, for the losses that have names.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning

from mllib_py import _bridge, _layout
from mllib_py._checks import number, one_of, whole
from mllib_py._layout import Layout
from mllib_py._linear import STEEP, Setting, train

__all__ = [
    "LOSSES",
    "Blocks",
    "Loss",
    "Minimum",
    "Penalty",
    "blocks",
    "gradient",
    "hessian_vector",
    "minimize",
    "tree_sum",
]

Array: TypeAlias = NDArray[np.float64]
#: Features of shape (rows, features), an array or CSR rows, and targets of shape (rows,).
Block: TypeAlias = tuple[Any, Array]

_BLOCK_ROWS = 8192
# Partial sums that the driver merges itself; of more, tasks merge groups first.
_FLAT = 16


class Blocks:
    """Rows at rest in blocks, `n_rows` of `n_features` numbers. Made by `blocks`."""

    def __init__(self, held: list[Block] | Any, n_features: int, n_rows: int) -> None:
        self._held = held
        self.n_features = n_features
        self.n_rows = n_rows
        if not isinstance(held, list):
            self._finalizer = weakref.finalize(self, _unpersist, held)

    def release(self) -> None:
        """Free what Spark holds; the blocks cannot be used after."""
        if isinstance(self._held, list):
            self._held = []
        else:
            self._finalizer()


def _unpersist(rdd: Any) -> None:
    if rdd.context._jsc is not None:
        rdd.unpersist()


def blocks(X: Any, y: Any = None, *, features: str | Sequence[str] | None = None) -> Blocks:
    """Lay rows out in blocks.

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features), DataFrame, RDD or path
        As `mllib_py.layout` takes it.
    y : array-like of shape (n_samples,) or str, optional
        Targets, numbers; of a DataFrame the name of their column, ``"label"`` if None. Default for
        arrays: zeros.
    features : str or sequence of str, optional
        Of a DataFrame: the column of vectors, or the columns of numbers.

    Returns
    -------
    Blocks

    Raises
    ------
    ValueError
        There are no rows, or values that are NaN or infinite.

    Examples
    --------
    >>> from mllib_py import engine
    >>> engine.blocks([[1.0, 2.0], [3.0, 4.0]]).n_rows
    2
    """
    frame = _layout.as_frame(X)
    if frame is not None:
        return _of_frame(frame, "label" if y is None else y, features)
    rows = X.tocsr() if sp.issparse(X) else np.atleast_2d(np.asarray(X, dtype=np.float64))
    targets = np.zeros(rows.shape[0]) if y is None else np.asarray(y, dtype=np.float64)
    if rows.shape[0] == 0 or targets.shape != (rows.shape[0],):
        raise ValueError(
            f"X and y must have as many rows, at least one, not {rows.shape[0]} and {targets.shape}"
        )
    _layout.check_finite(rows, "X")
    _layout.check_finite(targets, "y")
    starts = range(0, rows.shape[0], _BLOCK_ROWS)
    held = [(rows[i : i + _BLOCK_ROWS], targets[i : i + _BLOCK_ROWS]) for i in starts]
    return Blocks(held, rows.shape[1], rows.shape[0])


def _of_frame(df: Any, label: str, chosen: str | Sequence[str] | None) -> Blocks:
    from pyspark import StorageLevel
    from pyspark.sql import functions as f

    columns = _layout.feature_columns(df, label, None, chosen)
    for name in (*columns, label):
        if name not in df.columns:
            raise ValueError(f"there is no column {name!r}; the columns are {df.columns}")
    wanted = df.select(*[f.col(c) for c in columns], f.col(label).cast("double"))
    rdd = wanted.rdd.mapPartitions(_blocked).persist(StorageLevel.MEMORY_AND_DISK)
    with _bridge.errors():
        shapes = rdd.map(lambda b: b[0].shape).collect()
    if not shapes:
        raise ValueError("there are no rows; give at least one")
    return Blocks(rdd, shapes[0][1], sum(rows for rows, _ in shapes))


def _blocked(rows: Iterable[Any]) -> Iterator[Block]:
    part: list[Any] = []
    for row in rows:
        part.append(row)
        if len(part) == _BLOCK_ROWS:
            yield _block(part)
            part = []
    if part:
        yield _block(part)


def _block(rows: list[Any]) -> Block:
    first = rows[0][0]
    targets = np.asarray([r[-1] for r in rows], dtype=np.float64)
    if hasattr(first, "indices"):
        start = np.cumsum([0] + [len(r[0].indices) for r in rows])
        values = np.concatenate([r[0].values for r in rows])
        columns = np.concatenate([r[0].indices for r in rows])
        x: Any = sp.csr_matrix((values, columns, start), shape=(len(rows), first.size))
    else:
        wide = hasattr(first, "__len__") or hasattr(first, "toArray")
        x = np.asarray([np.asarray(r[0]) if wide else r[:-1] for r in rows], dtype=np.float64)
    if not (np.isfinite(np.sum(x)) and np.isfinite(targets).all()):
        raise ValueError("a row has a null, NaN or infinite value; drop or fill such rows")
    return x, targets


# ---- passes


def tree_sum(data: Blocks, fn: Callable[[Any, Array], Any]) -> Any:
    """Add up what a function gives for each block: one pass, one Spark job.

    Parameters
    ----------
    data : Blocks
    fn : callable
        Takes a block's features and targets; gives an array or number, or a tuple of them, of the
        same shapes for all blocks. On Spark it must pickle.

    Returns
    -------
    ndarray, number or tuple
        The sums.

    Examples
    --------
    >>> import numpy as np
    >>> from mllib_py import engine
    >>> data = engine.blocks([[1.0, 2.0], [3.0, 4.0]])
    >>> n, total = engine.tree_sum(data, lambda x, y: (len(x), x.sum(axis=0)))
    >>> (total / n).tolist()
    [2.0, 3.0]
    """
    if not isinstance(data, Blocks):
        raise TypeError(
            f"a pass goes over blocks, not {type(data).__name__}: lay the data out by engine.blocks"
        )
    held = data._held
    if isinstance(held, list):
        if not held:
            raise ValueError("these blocks were released; lay the data out again")
        return reduce(_plus, (fn(x, y) for x, y in held))

    def part(of: Iterable[Block]) -> Iterator[Any]:
        sums = [fn(x, y) for x, y in of]
        return iter([reduce(_plus, sums)] if sums else [])

    n = held.getNumPartitions()
    depth = 1 if n <= _FLAT else 2
    with _bridge.errors():
        return held.mapPartitions(part).treeReduce(_plus, depth)


def _plus(a: Any, b: Any) -> Any:
    return tuple(x + y for x, y in zip(a, b, strict=True)) if isinstance(a, tuple) else a + b


class Loss(NamedTuple):
    """What a margin costs: three functions of arrays of targets and margins.

    Parameters
    ----------
    value, slope : callable
        The loss, and its derivative by the margin.
    curvature : callable or None
        The second derivative, for `hessian_vector`.
    """

    value: Callable[[Array, Array], Array]
    slope: Callable[[Array, Array], Array]
    curvature: Callable[[Array, Array], Array] | None = None


def _short(y: Array, m: Array) -> Array:
    """By how much a margin of labels 0 and 1 falls short of 1."""
    return np.asarray(np.maximum(0, 1 - (2 * y - 1) * m))


# Where the Huber loss turns into a line: 95% efficient for normal errors (Huber 1981).
_TURN = 1.35


#: Losses by name; labels of classes are 0 and 1.
LOSSES: dict[str, Loss] = {
    "logistic": Loss(
        lambda y, m: np.logaddexp(0, m) - y * m,
        lambda y, m: expit(m) - y,
        lambda y, m: expit(m) * expit(-m),
    ),
    "hinge": Loss(_short, lambda y, m: -(2 * y - 1) * (_short(y, m) > 0)),
    "squared_hinge": Loss(
        lambda y, m: _short(y, m) ** 2,
        lambda y, m: -2 * (2 * y - 1) * _short(y, m),
        lambda y, m: np.where(_short(y, m) > 0, 2.0, 0.0),
    ),
    "squared": Loss(
        lambda y, m: (m - y) ** 2 / 2, lambda y, m: m - y, lambda y, m: np.ones(len(m))
    ),
    "huber": Loss(
        lambda y, m: (
            np.minimum(abs(m - y), _TURN) * (abs(m - y) - np.minimum(abs(m - y), _TURN) / 2)
        ),
        lambda y, m: np.clip(m - y, -_TURN, _TURN),
        lambda y, m: np.where(abs(m - y) <= _TURN, 1.0, 0.0),
    ),
}


def _loss(loss: str | Loss) -> Loss:
    if isinstance(loss, Loss):
        return loss
    one_of("loss", loss, tuple(LOSSES))
    return LOSSES[loss]


def gradient(data: Blocks, loss: str | Loss, w: ArrayLike) -> tuple[float, Array]:
    """Return the mean loss at some coefficients, and its gradient: one pass.

    Parameters
    ----------
    data : Blocks
    loss : str or Loss
        A name in `LOSSES`, or a loss of yours.
    w : array-like of shape (n_features,)

    Returns
    -------
    value : float
    gradient : ndarray of shape (n_features,)

    Examples
    --------
    >>> from mllib_py import engine
    >>> data = engine.blocks([[1.0], [2.0]], [1.0, 2.0])
    >>> value, slope = engine.gradient(data, "squared", [0.0])
    >>> value, slope.tolist()
    (1.25, [-2.5])
    """
    of, at = _loss(loss), _coefficients(data, w)

    def sums(x: Any, y: Array) -> tuple[float, Array]:
        margin = x @ at
        return float(of.value(y, margin).sum()), x.T @ of.slope(y, margin)

    value, slope = tree_sum(data, sums)
    return value / data.n_rows, slope / data.n_rows


def hessian_vector(data: Blocks, loss: str | Loss, w: ArrayLike, v: ArrayLike) -> Array:
    """Return the Hessian of the mean loss at some coefficients, times a vector: one pass.

    Parameters
    ----------
    data : Blocks
    loss : str or Loss
        One that has a curvature.
    w, v : array-like of shape (n_features,)

    Returns
    -------
    ndarray of shape (n_features,)

    Examples
    --------
    >>> from mllib_py import engine
    >>> data = engine.blocks([[1.0], [2.0]], [1.0, 2.0])
    >>> engine.hessian_vector(data, "squared", [0.0], [1.0]).tolist()
    [2.5]
    """
    curvature = _loss(loss).curvature
    if curvature is None:
        raise ValueError("this loss has no curvature; give its second derivative")
    at, along = _coefficients(data, w), _coefficients(data, v)

    def sums(x: Any, y: Array) -> Array:
        return np.asarray(x.T @ (curvature(y, x @ at) * (x @ along)))

    found: Array = tree_sum(data, sums)
    return found / data.n_rows


def _coefficients(data: Blocks, w: ArrayLike) -> Array:
    at = np.asarray(w, dtype=np.float64)
    if at.shape != (data.n_features,):
        raise ValueError(f"coefficients must have the shape ({data.n_features},), not {at.shape}")
    return at


# ---- minimisers


class Penalty(NamedTuple):
    """What coefficients cost: ``l2 / 2 |w|^2 + l1 |w|_1``.

    Parameters
    ----------
    l2, l1 : float
    """

    l2: float = 0.0
    l1: float = 0.0


class Minimum(NamedTuple):
    """What `minimize` found.

    Parameters
    ----------
    coef : ndarray of shape (n_features,)
    intercept : float
        0 for blocks, whose intercept is a column of ones where it is wanted.
    objective : float
    report : dict
        Why it ended, iterations, passes over the data, and the gradient's largest entry.
    """

    coef: Array
    intercept: float
    objective: float
    report: dict[str, Any]


_EVERYWHERE = ("lbfgs", "newton-cg")
_IN_THE_JVM = ("newton-cholesky", "local-sgd", "cocoa", "mini-batch")


def minimize(
    loss: str | Loss,
    penalty: Penalty,
    data: Blocks | Layout,
    method: str = "lbfgs",
    *,
    tol: float = 1e-6,
    max_iter: int = 1000,
    step: float = 1.0,
    fraction: float = 1.0,
    random_state: int = 0,
) -> Minimum:
    """Minimise the mean loss plus a penalty.

    Parameters
    ----------
    loss : str or Loss
        A name in `LOSSES`, or, on blocks, a loss of yours. "hinge" takes a layout.
    penalty : Penalty
    data : Blocks or Layout
        A layout is fitted in the JVM, with an intercept that is not penalised.
    method : str, default="lbfgs"
        "lbfgs"; "newton-cg", which takes losses with a curvature and no L1; and for layouts
        "newton-cholesky", which takes the same, "local-sgd", which takes smooth losses and no L1,
        "cocoa", which takes an L2 penalty and no L1, and "mini-batch", which takes all; see the
        notes.
    tol : float, default=1e-6
        Ends where no entry of the gradient is above it; "cocoa" where the duality gap is within
        so much of the objective; "mini-batch" where a step is shorter than ``tol * max(1, |w|)``.
    max_iter : int, default=1000
    step, fraction : float, default=1.0
        Of "mini-batch".
    random_state : int, default=0
        Of "mini-batch": the draws' seed.

    Returns
    -------
    Minimum

    Notes
    -----
    On blocks the steps are SciPy's. An L1 penalty splits coefficients into their positive and
    negative parts, of which L-BFGS-B keeps each at least 0 (Schmidt, Fung, Rosales: Optimization
    methods for l1-regularization, 2009).

    "mini-batch" is synchronous mini-batch (sub)gradient descent, the classic primitive. Step t
    draws each row by itself with probability `fraction` (a generator seeded by `random_state`, t
    and the block), takes the weighted mean g of the drawn rows' (sub)gradients, and with
    ``eta = step / sqrt(t)`` moves to ``w = (1 - eta l2) w - eta g``, each coefficient then towards
    0 by ``eta l1`` and not beyond. These are the steps of Spark's ``pyspark.mllib`` classes "with
    SGD", except that an intercept is not penalised.

    "newton-cholesky" takes the Hessian along with each pass (Nocedal and Wright 2006), for losses
    of one margin and at most 512 features; beyond, it is "newton-cg".

    "local-sgd" is variance-reduced (Johnson and Zhang 2013): a pass for the gradient, one for an
    epoch inside each partition. "cocoa" is CoCoA+ (Ma et al. 2015) with dual coordinate ascent;
    ``report["gap"]`` certifies it.

    Examples
    --------
    >>> from mllib_py import engine
    >>> data = engine.blocks([[1.0], [2.0]], [1.0, 2.0])
    >>> found = engine.minimize("squared", engine.Penalty(l2=2.5), data)
    >>> found.coef.round(6).tolist(), found.report["passes"] > 0
    ([0.5], True)
    """
    one_of("method", method, (*_EVERYWHERE, *_IN_THE_JVM))
    for name, value in penalty._asdict().items():
        number(f"penalty.{name}", value, 0, np.finfo(np.float64).max)
    number("tol", tol, 0, 1)
    whole("max_iter", max_iter, 1)
    if method.startswith("newton") and penalty.l1 > 0:
        raise ValueError(f"method={method!r} does not take an L1 penalty; take method='lbfgs'")
    number("step", step, 0, above=True)
    number("fraction", fraction, 0, 1, above=True)
    whole("random_state", random_state, 0)
    if isinstance(data, Layout):
        extra = {"step": step, "fraction": fraction, "seed": random_state}
        return _in_the_jvm(loss, penalty, data, method, tol, max_iter, extra)
    if method in _IN_THE_JVM:
        raise ValueError(f"method={method!r} is for layouts; give mllib_py.layout(X, y) as data")
    if _loss(loss) is LOSSES["hinge"]:
        raise ValueError(
            "the hinge has a corner, where steps on blocks end too early: give a layout as data, or"
            " take loss='squared_hinge'"
        )
    if loss in ("logistic", "squared_hinge"):
        _check_labels(data)
    return _on_blocks(_loss(loss), penalty, data, method, tol, max_iter)


def _in_the_jvm(
    loss: str | Loss,
    penalty: Penalty,
    data: Layout,
    method: str,
    tol: float,
    max_iter: int,
    extra: dict[str, Any],
) -> Minimum:
    if not isinstance(loss, str):
        raise TypeError("a layout is fitted in the JVM, which has losses by name; take blocks")
    one_of("loss", loss, tuple(LOSSES))
    _check_targets(loss, data)
    found = train(
        data,
        [Setting(penalty.l2, penalty.l1)],
        loss=loss,
        outputs=1,
        fit_intercept=True,
        standardize=False,
        solver=method,
        tol=tol,
        max_iter=max_iter,
        extra=extra | {"epsilon": _TURN},
    )[0]
    report = found.report
    return Minimum(found.coef[0], float(found.intercept[0]), report["objective"], report)


def _check_targets(loss: str, data: Layout) -> None:
    if not data._has_targets:
        raise ValueError("this layout has no targets; give it y")
    if data.classes is None:
        return
    if len(data.classes) > 2:
        raise ValueError(f"this loss is for 2 classes, and the layout has {len(data.classes)}")
    if loss in ("squared", "huber") and data.classes.tolist() != [0, 1]:
        raise ValueError(
            f"loss={loss!r} is for numbers, and the layout has the classes"
            f" {data.classes.tolist()}: lay the data out with target='numbers'"
        )


def _check_labels(data: Blocks) -> None:
    others = int(tree_sum(data, lambda x, y: np.count_nonzero((y != 0) & (y != 1))))
    if others:
        raise ValueError(
            f"this loss is for the labels 0 and 1, and {others} targets are others; encode them"
        )


def _on_blocks(
    loss: Loss, penalty: Penalty, data: Blocks, method: str, tol: float, max_iter: int
) -> Minimum:
    from scipy.optimize import minimize as search

    n, passes = data.n_features, 0

    def smooth(w: Array) -> tuple[float, Array]:
        nonlocal passes
        passes += 1
        value, slope = gradient(data, loss, w)
        value += penalty.l2 / 2 * float(w @ w)
        if not np.isfinite(value):
            raise ValueError(
                f"the objective became {value}; scale the features down, or penalise more"
            )
        return value, slope + penalty.l2 * w

    def split(parts: Array) -> tuple[float, Array]:
        value, slope = smooth(parts[:n] - parts[n:])
        return value + penalty.l1 * parts.sum(), np.r_[slope, -slope] + penalty.l1

    def product(w: Array, v: Array) -> Array:
        nonlocal passes
        passes += 1
        return hessian_vector(data, loss, w, v) + penalty.l2 * v

    if penalty.l1 > 0:
        found = search(
            split,
            np.zeros(2 * n),
            jac=True,
            method="L-BFGS-B",
            bounds=[(0, None)] * (2 * n),
            options={"maxiter": max_iter, "gtol": tol, "ftol": 0},
        )
        w = found.x[:n] - found.x[n:]
    elif method == "newton-cg":
        found = search(
            smooth,
            np.zeros(n),
            jac=True,
            hessp=product,
            method="trust-ncg",
            options={"maxiter": max_iter, "gtol": tol},
        )
        w = found.x
    else:
        options = {"maxiter": max_iter, "gtol": tol, "ftol": 0}
        found = search(smooth, np.zeros(n), jac=True, method="L-BFGS-B", options=options)
        w = found.x
    slope = _slope(found, bounded=penalty.l1 > 0)
    report = {
        "reason": str(found.message),
        "iterations": int(found.nit),
        "passes": passes,
        "gradient": slope,
    }
    # Where SciPy's line search ends in rounding it calls that a failure.
    if not found.success and (found.nit >= max_iter or slope > STEEP):
        warnings.warn(
            f"minimize did not converge: {found.message}; raise max_iter, or scale the features",
            ConvergenceWarning,
            stacklevel=3,
        )
    return Minimum(w, 0.0, float(found.fun), report)


def _slope(found: Any, *, bounded: bool) -> float:
    """Return the gradient's largest entry, of those that a bound does not hold."""
    free = np.where(found.x > 0, np.abs(found.jac), -found.jac) if bounded else np.abs(found.jac)
    return float(max(0.0, free.max()))
