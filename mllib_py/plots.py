"""Pictures of a fitted model, through matplotlib (``pip install 'mllib-py[plots]'``)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation
    from matplotlib.transforms import Bbox

    from mllib_py._cluster import Clustering
    from mllib_py.decomposition import SVD
    from mllib_py.recommendation import ALS

__all__ = ["elbow", "item_map", "plot_history", "spectrum"]

#: More ids than this are left off a map: they would hide the points.
_READABLE = 50
#: A fall by more than this factor is drawn on a logarithmic axis.
_STEEP = 5.0
#: Where a label may stand beside its point, in points: the first that is free is taken.
_BESIDE = ((6, 3), (6, -9), (-6, 3), (-6, -9), (0, 8), (0, -14))


def plot_history(model: ALS, ax: Axes | None = None) -> Axes:
    """Draw the objective by half-step, and what validation ratings said, if there were any.

    Parameters
    ----------
    model : ALS
        Fitted.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        An iteration ends at its number with the items' half-step; the users' is half-way to it. The
        axis is logarithmic where the objective falls to less than a fifth. Validation has an axis
        of its own on the right.

    Raises
    ------
    ValueError
        The model is not fitted.
    ImportError
        matplotlib is not installed.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import mllib_py, mllib_py.plots
    >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
    >>> als = mllib_py.ALS(rank=2, max_iter=5).fit(ratings)
    >>> ax = mllib_py.plots.plot_history(als)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('iteration', 'objective')
    """
    model._fitted()
    steps = model.history_
    ax = _axes(ax)
    at = np.array([s["iteration"] - (s["side"] == "user") / 2 for s in steps])
    objective = np.array([s["objective"] for s in steps])
    ax.plot(at, objective, color="0.6", linewidth=1, zorder=1)
    for side, colour in (("user", "C0"), ("item", "C1")):
        of_side = np.array([s["side"] == side for s in steps])
        label = f"after the {side}s' half-step"
        ax.scatter(at[of_side], objective[of_side], color=colour, s=22, label=label, zorder=2)
    if objective.min() > 0 and objective.max() > _STEEP * objective.min():
        ax.set_yscale("log")
    ax.locator_params(axis="x", integer=True)
    ax.set_xlabel("iteration")
    ax.set_ylabel("objective")
    judged = [(s["iteration"], s["validation"]) for s in steps if "validation" in s]
    if judged:
        _draw_validation(ax, judged)
    ax.legend(frameon=False)
    return ax


def _draw_validation(ax: Axes, judged: list[tuple[int, float]]) -> None:
    """Draw on a second axis; the line is in the first one's legend."""
    iterations, values = zip(*judged, strict=True)
    right = ax.twinx()
    (line,) = right.plot(iterations, values, color="C2", linewidth=1, marker=".")
    right.set_ylabel("validation")
    ax.plot([], [], color=line.get_color(), linewidth=1, marker=".", label="validation (right)")


def elbow(
    model: Clustering, X: Any, n_clusters: Sequence[int] = range(1, 11), ax: Axes | None = None
) -> Axes:
    """Draw the inertia by the number of clusters: where it bends, more clusters tell little more.

    The data are laid out once, and fitted with each number.

    Parameters
    ----------
    model : KMeans or MiniBatchKMeans
        Its other parameters; it is not changed.
    X : array-like or sparse matrix of shape (n_samples, n_features), or Layout
        Or a Spark DataFrame or a path, see `mllib_py.layout`.
    n_clusters : sequence of int, default=range(1, 11)
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        The number that is farthest from the line between both ends (both axes scaled to 1) is
        marked.

    Raises
    ------
    ValueError
        There are fewer than 3 numbers.
    ImportError
        matplotlib is not installed.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import mllib_py.plots
    >>> from mllib_py.cluster import KMeans
    >>> x = [[0.0], [1.0], [9.0], [10.0], [20.0], [21.0]]
    >>> ax = mllib_py.plots.elbow(KMeans(random_state=0), x, range(1, 6))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('clusters', 'inertia')
    """
    from sklearn.base import clone

    from mllib_py._layout import Layout, layout

    numbers = sorted(set(n_clusters))
    if len(numbers) < 3:
        raise ValueError(f"n_clusters must have 3 numbers or more, not {len(numbers)}")
    data = X if isinstance(X, Layout) else layout(X)
    try:
        inertia = [clone(model).set_params(n_clusters=k).fit(data).inertia_ for k in numbers]
    finally:
        if data is not X:
            data.release()
    bend = _bend(np.array(numbers, dtype=np.float64), np.array(inertia))
    ax = _axes(ax)
    ax.plot(numbers, inertia, color="C0", marker="o", markersize=4)
    ax.plot(numbers[bend], inertia[bend], "o", markersize=11, markerfacecolor="none", color="C1")
    ax.set_title(f"bends at {numbers[bend]} clusters")
    ax.set_ylim(bottom=0)
    ax.locator_params(axis="x", integer=True)
    ax.set_xlabel("clusters")
    ax.set_ylabel("inertia")
    return ax


def _bend(x: NDArray[np.float64], y: NDArray[np.float64]) -> int:
    """Return where a falling curve is farthest below the line between its ends."""
    along = (x - x[0]) / (x[-1] - x[0])
    fallen = (y[0] - y) / (y[0] - y[-1]) if y[0] > y[-1] else along
    return int(np.argmax(fallen - along))


def spectrum(found: SVD, ax: Axes | None = None) -> Axes:
    """Draw singular values with what their certificate says of them.

    Parameters
    ----------
    found : SVD
        From `mllib_py.decomposition.svd`.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes
        Logarithmic: the values by number, the estimated error of leaving the rest out beside the
        value that it is held against, and the largest residual.

    Raises
    ------
    ImportError
        matplotlib is not installed.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> from mllib_py import plots
    >>> from mllib_py.decomposition import svd
    >>> ax = plots.spectrum(svd([[3.0, 0.0], [0.0, 4.0], [1.0, 1.0]], 1))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('number', 'singular value')
    """
    ax = _axes(ax)
    c, k = found.certificate_, len(found.s)
    numbers = np.arange(1, k + 1)
    shown = found.s > 0
    ax.scatter(numbers[shown], found.s[shown], s=18, label="singular values", zorder=3)
    if c.error > c.resolution:
        ax.scatter([k + 1], [c.error], marker="x", color="C3", label="error of what is left out")
    if c.next_value:
        ax.scatter(
            [k + 1], [c.next_value], s=70, facecolors="none", edgecolors="0.4", label="value behind"
        )
    residual = max(c.residual_left, c.residual_right)
    if residual > 0:
        ax.axhline(residual, color="C1", linewidth=1, label=f"largest residual, {residual:.0e}")
    ax.set_yscale("log")
    ax.locator_params(axis="x", integer=True)
    ax.set_xlabel("number")
    ax.set_ylabel("singular value")
    ax.set_title("certified" if c.holds else "the certificate does not hold", fontsize=10)
    ax.legend(fontsize=8)
    return ax


def item_map(
    model: ALS,
    items: ArrayLike | None = None,
    labels: Mapping[Any, str] | Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw items in the plane in which their factors differ most.

    The factors of all items (without biases), less their mean, are projected to their first two
    singular vectors, which is the nearest that a plane comes to them [EckartYoung1936]_. Near each
    other are items that please the same users, as far as two directions can tell [Koren2009]_; the
    axes say how much of the variance theirs is.

    Parameters
    ----------
    model : ALS
        Fitted.
    items : array-like of ids, optional
        What to draw. Default: all items. The plane is that of all items in either case, so that
        maps of the same model can be compared.
    labels : mapping of id to str, or sequence of str, optional
        Words for the items: by id (an item that has none gets none), or one for each of `items` in
        their order (of all items: that of ``item_ids_``). Default: the ids, where there are no more
        than 50. A label with no room beside its point is left out.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: axes of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        The model is not fitted, an item was not in the training data, or `labels` and `items`
        differ in length.
    ImportError
        matplotlib is not installed.

    References
    ----------
    .. [EckartYoung1936] Eckart, Young: The approximation of one matrix by another of lower rank.
       Psychometrika 1(3), 1936.
    .. [Koren2009] Koren, Bell, Volinsky: Matrix factorization techniques for recommender systems.
       Computer 42(8), 2009, figure 3.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import mllib_py, mllib_py.plots
    >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
    >>> als = mllib_py.ALS(rank=2, max_iter=5).fit(ratings)
    >>> ax = mllib_py.plots.item_map(als, [10, 20], labels={10: "Alien", 20: "Brazil"})
    >>> sorted(text.get_text() for text in ax.texts)
    ['Alien', 'Brazil']
    """
    model._fitted()
    rows = _rows(model.item_ids_, items)
    words = _words(model.item_ids_[rows], labels)
    places, shares = _plane(model.item_factors_[:, : model.rank])
    ax = _axes(ax)
    ax.scatter(places[rows, 0], places[rows, 1], s=14, alpha=0.7, linewidths=0)
    for axis, share, name in ((ax.xaxis, shares[0], "first"), (ax.yaxis, shares[1], "second")):
        axis.set_label_text(f"{name} direction ({share:.0%} of the variance)")
    _write(ax, places[rows], words)
    return ax


def _axes(ax: Axes | None) -> Axes:
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError(
            "plots need matplotlib: install it with pip install 'mllib-py[plots]'"
        ) from None
    return pyplot.subplots(figsize=(8, 6), layout="constrained")[1] if ax is None else ax


def _rows(ids: NDArray[Any], items: ArrayLike | None) -> NDArray[np.int64]:
    """Return the rows of items, in their order."""
    if items is None:
        return np.arange(len(ids))
    row_of = {i: row for row, i in enumerate(ids.tolist())}
    asked = [_id(i) for i in np.atleast_1d(np.asarray(items)).tolist()]
    for one in asked:
        if one not in row_of:
            raise ValueError(f"item {one!r} was not in the training data")
    return np.array([row_of[one] for one in asked], dtype=np.int64)


def _id(asked: Any) -> Any:
    """Return an id as models keep it."""
    return str(asked) if isinstance(asked, uuid.UUID) else asked


def _words(ids: NDArray[Any], labels: Mapping[Any, str] | Sequence[str] | None) -> list[str]:
    """Return a label for each item, empty where it has none."""
    if labels is None:
        return [str(i) if len(ids) <= _READABLE else "" for i in ids.tolist()]
    if isinstance(labels, Mapping):
        named = {_id(i): label for i, label in labels.items()}
        return [str(named.get(i, "")) for i in ids.tolist()]
    if len(labels) != len(ids):
        raise ValueError(f"there are {len(labels)} labels for {len(ids)} items")
    return [str(label) for label in labels]


def _plane(factors: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return rows in the plane of their first two principal directions, and those' variances.

    A direction can point either way; its largest entry is made positive, so that the same model
    gives the same picture everywhere.
    """
    centred = factors.astype(np.float64)
    centred -= centred.mean(axis=0)
    _, lengths, directions = np.linalg.svd(centred, full_matrices=False)
    largest = np.abs(directions).argmax(axis=1)
    directions *= np.sign(directions[np.arange(len(directions)), largest])[:, None]
    places = np.zeros((len(factors), 2))
    shares = np.zeros(2)
    n = min(2, len(directions))
    places[:, :n] = centred @ directions[:n].T
    if lengths.any():
        shares[:n] = lengths[:n] ** 2 / np.sum(lengths**2)
    return places, shares


def _write(ax: Axes, places: NDArray[np.float64], words: list[str]) -> None:
    """Write each label beside its point, where there is room in the axes and no other label."""
    ax.margins(0.1)
    ax.figure.draw_without_rendering()  # type: ignore[union-attr]
    inside = ax.get_window_extent()
    taken: list[Bbox] = []
    for place, word in zip(places, words, strict=True):
        for beside in _BESIDE if word else ():
            text = _label(ax, place, word, beside)
            # A text's width changes a little with the resolution that the figure is saved in.
            box = text.get_window_extent().expanded(1.1, 1.1)
            held = inside.contains(*box.min) and inside.contains(*box.max)
            if held and box.count_overlaps(taken) == 0:
                taken.append(box)
                break
            text.remove()


def _label(ax: Axes, place: NDArray[np.float64], word: str, beside: tuple[int, int]) -> Annotation:
    text = ax.annotate(
        word,
        (place[0], place[1]),
        xytext=beside,
        textcoords="offset points",
        ha="left" if beside[0] > 0 else "right" if beside[0] < 0 else "center",
        fontsize=8,
        parse_math=False,
    )
    text.set_in_layout(False)  # a layout that made room for it would move it over others
    return text
