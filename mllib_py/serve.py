"""Serving: a saved model that answers with NumPy alone, without Spark, Java or pandas.

Importing this module starts nothing. A process that serves needs NumPy, this package and the
folder that `ALS.save` wrote; for approximate search, faiss too (``pip install 'mllib-py[ann]'``).
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mllib_py._ann import GraphIndex
from mllib_py._checks import whole
from mllib_py._saved import Folder, Ids

__all__ = ["ServedModel", "load"]


class ServedModel:
    """A saved ALS model that answers for one user or item at a time.

    Made by `load`. The arrays are mapped from the files, so that they are read when first needed,
    processes that serve the same model share them in memory, and a model larger than memory still
    answers. Nothing is changed by an answer: threads can share a model. One that `ALS.save`
    replaces meanwhile (``overwrite=True``) answers as it was until it is loaded anew.

    Examples
    --------
    >>> import mllib_py, mllib_py.serve, tempfile
    >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     mllib_py.ALS(rank=2, max_iter=5).fit(ratings).save(f"{folder}/model")
    ...     model = mllib_py.serve.load(f"{folder}/model")
    >>> model
    ServedModel(3 users, 3 items, rank 2)
    >>> items, scores = model.recommend(1, k=1)
    >>> items.tolist()
    [30]
    """

    def __init__(self, folder: Folder) -> None:
        try:
            params, fit = (folder.facts()[part] for part in ("params", "fit"))
            self._rank = int(params["rank"])
            sampled = params["method"] == "gibbs"
            biased = bool(params["biases"]) or sampled
            centred = biased and not params["implicit"]
            # With biases the last two columns are a bias beside a 1, so that products hold both;
            # explicit ratings were centred by their mean.
            self._offset = np.float32(fit["mean_rating"] if centred else 0)
        except (KeyError, TypeError):
            raise folder.damaged() from None
        samples = int(params["n_samples"]) if sampled else 1
        width = samples * (self._rank + 2 * biased)
        self._latent_columns = np.arange(width) % (width // samples) < self._rank
        self._user_factors = folder.array("user_factors.npy", "<f4", (None, width))
        self._item_factors = folder.array("item_factors.npy", "<f4", (None, width))
        self._user_ids = folder.ids("user", len(self._user_factors))
        self._item_ids = folder.ids("item", len(self._item_factors))
        self._seen_start = folder.array("seen_start.npy", "<i4", (len(self._user_factors) + 1,))
        self._seen = folder.array("seen_items.npy", "<i4", (int(self._seen_start[-1]),))
        self._index: GraphIndex | None = None

    def __repr__(self) -> str:
        """Say how large the model is."""
        n, m = len(self._user_factors), len(self._item_factors)
        return f"ServedModel({n} users, {m} items, rank {self._rank})"

    @property
    def users(self) -> NDArray[Any]:
        """Users' ids in ascending order: int64, or objects where they are texts."""
        return self._user_ids.all()

    @property
    def items(self) -> NDArray[Any]:
        """Items' ids in ascending order: int64, or objects where they are texts."""
        return self._item_ids.all()

    def index(
        self, kind: str = "hnsw", *, links: int = 32, build_width: int = 100, width: int = 128
    ) -> ServedModel:
        """Build an index of the items, by which `recommend` then searches, instead of scoring all.

        Approximate: it can miss some of the best, and finds the others in their order with their
        exact scores. It pays where there are many items (hundreds of thousands).

        Parameters
        ----------
        kind : {"hnsw"}, default="hnsw"
            A navigable graph of the items [Malkov2018]_, for inner products [Morozov2018]_, by
            faiss [Douze2024]_.
        links : int, default=32
            Links of an item, at each level of the graph; at least 2.
        build_width : int, default=100
            Candidates for links: more make a better graph, and take longer to build.
        width : int, default=128
            Candidates in a search (or the number of items asked for, where that is more): more find
            more of the best, and take longer.

        Returns
        -------
        ServedModel
            The same object.

        Raises
        ------
        ModuleNotFoundError
            faiss is not installed.
        ValueError
            A parameter is out of range.

        Notes
        -----
        The index holds the items' factors and links in memory, 4 bytes for each factor and some
        8 bytes for each link; each process builds its own, on all cores. Threads link items as they
        come, so two builds can miss different items.

        References
        ----------
        .. [Malkov2018] Malkov, Yashunin: Efficient and robust approximate nearest neighbor search
           using hierarchical navigable small world graphs. IEEE TPAMI 2018.
        .. [Morozov2018] Morozov, Babenko: Non-metric similarity graphs for maximum inner product
           search. NeurIPS 2018.
        .. [Douze2024] Douze et al.: The Faiss library. 2024.

        Examples
        --------
        >>> import mllib_py, mllib_py.serve, tempfile
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     mllib_py.ALS(rank=2).fit(ratings).save(f"{folder}/model")
        ...     model = mllib_py.serve.load(f"{folder}/model").index("hnsw", width=64)
        >>> model.recommend(3, k=2)[0].tolist()
        [10, 30]
        """
        if kind != "hnsw":
            raise ValueError(f"index must be 'hnsw', not {kind!r}")
        self._index = GraphIndex(
            self._item_factors,
            whole("links", links, 2),
            whole("build_width", build_width, 1),
            whole("width", width, 1),
        )
        return self

    def predict(self, user: Any, item: Any) -> float:
        """Predict a rating.

        Parameters
        ----------
        user, item : int or str
            The ids.

        Returns
        -------
        float
            What `ALS.predict` gives, to rounding in float32.

        Raises
        ------
        ValueError
            The user or the item was not in the training data (`cold_start` counts for nothing
            here).
        TypeError
            An id is not of the training data's kind (integers or texts).

        Examples
        --------
        >>> import mllib_py, mllib_py.serve, tempfile
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     mllib_py.ALS(rank=2, reg=0.01).fit(ratings).save(f"{folder}/model")
        ...     model = mllib_py.serve.load(f"{folder}/model")
        >>> round(model.predict(1, 10))
        5
        """
        x = self._user_factors[_row(self._user_ids, user, "user")]
        y = self._item_factors[_row(self._item_ids, item, "item")]
        return float(x @ y + self._offset)

    def recommend(
        self,
        user: Any,
        k: int = 10,
        exclude_seen: bool = True,
        *,
        allow: ArrayLike | None = None,
        deny: ArrayLike | None = None,
        exact: bool = False,
    ) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Recommend items to a user.

        All items are scored by one product, and the best are selected without sorting the rest
        [Musser1997]_. With an index (see `index`) only those are scored that a search finds.

        Parameters
        ----------
        user : int or str
            The user's id.
        k : int, default=10
            Items at most.
        exclude_seen : bool, default=True
            Leave out what the user rated in the training data.
        allow, deny : array-like of ids, optional
            Items to choose from, and items to leave out. Ids that the model does not know count
            for nothing. An array of integers is looked up faster than a list, and texts are
            looked up one by one.
        exact : bool, default=False
            Whether to score all items although there is an index. With `allow`, and where the
            search finds too few, that is done anyway.

        Returns
        -------
        items : ndarray of shape (at most k,)
            Their ids, best first; of equal scores, in the order of the ids.
        scores : ndarray of the same shape, float32
            What `predict` gives for them.

        Raises
        ------
        ValueError
            The user was not in the training data, or `k` is below 1.
        TypeError
            An id is not of the training data's kind (integers or texts), or `allow` or `deny` is no
            list.

        References
        ----------
        .. [Musser1997] Musser: Introspective sorting and selection algorithms. Software:
           Practice and Experience 27(8), 1997.

        Examples
        --------
        >>> import mllib_py, mllib_py.serve, tempfile
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     mllib_py.ALS(rank=2).fit(ratings).save(f"{folder}/model")
        ...     model = mllib_py.serve.load(f"{folder}/model")
        >>> items, scores = model.recommend(3, k=2)
        >>> items.tolist()
        [10, 30]
        >>> model.recommend(3, deny=[10])[0].tolist()
        [30]
        """
        most = min(whole("k", k, 1), len(self._item_factors))
        row = _row(self._user_ids, user, "user")
        allowed = None if allow is None else self._item_ids.rows(allow, "allow")
        left_out = [] if deny is None else [self._item_ids.rows(deny, "deny")]
        if exclude_seen:
            left_out.append(self._seen[self._seen_start[row] : self._seen_start[row + 1]])
        without = np.concatenate([np.empty(0, dtype=np.int64), *left_out])
        if self._index is not None and allowed is None and not exact:
            found = self._found(row, most, np.unique(without))
            if found is not None:
                return found
        scores = _products(self._item_factors, self._user_factors[row])
        scores += self._offset
        if allowed is not None:
            others = np.ones(len(scores), dtype=bool)
            others[allowed] = False
            scores[others] = -np.inf
        scores[without] = -np.inf
        rows = _best(scores, most)
        return self._item_ids.take(rows), scores[rows]

    def _found(
        self, row: int, most: int, without: NDArray[np.int64]
    ) -> tuple[NDArray[Any], NDArray[np.float32]] | None:
        """Return what the index finds, or None where that is too little."""
        assert self._index is not None
        x = np.ascontiguousarray(self._user_factors[row])
        rows = np.sort(self._index.search(x, most, without))
        if len(rows) < min(most, len(self._item_factors) - len(without)):
            return None
        scores = self._item_factors[rows] @ x + self._offset
        best = _best(scores, most)
        return self._item_ids.take(rows[best]), scores[best]

    def similar_items(self, item: Any, k: int = 10) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Find items that are like another, by the cosine of their factors (without biases).

        Parameters
        ----------
        item : int or str
            The item's id.
        k : int, default=10
            Items at most; an item is not similar to itself.

        Returns
        -------
        items : ndarray of shape (at most k,)
            Their ids, most similar first; of equal cosines, in the order of the ids.
        cosines : ndarray of the same shape, float32
            From -1 to 1; 0 for factors that are all 0.

        Raises
        ------
        ValueError
            The item was not in the training data, or `k` is below 1.
        TypeError
            The id is not of the training data's kind (integers or texts).

        Notes
        -----
        The first call reads all factors for their lengths, which are kept (4 bytes an item).

        Examples
        --------
        >>> import mllib_py, mllib_py.serve, tempfile
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     mllib_py.ALS(rank=2).fit(ratings).save(f"{folder}/model")
        ...     model = mllib_py.serve.load(f"{folder}/model")
        >>> items, cosines = model.similar_items(10)
        >>> sorted(items.tolist())
        [20, 30]
        """
        row = _row(self._item_ids, item, "item")
        rows, cosines = _similar(self._tastes(self._item_factors), self._item_lengths, row, k)
        return self._item_ids.take(rows), cosines

    def similar_users(self, user: Any, k: int = 10) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Find users who are like another, by the cosine of their factors (without biases).

        Parameters
        ----------
        user : int or str
            The user's id.
        k : int, default=10
            Users at most; a user is not similar to himself.

        Returns
        -------
        users : ndarray of shape (at most k,)
            Their ids, most similar first; of equal cosines, in the order of the ids.
        cosines : ndarray of the same shape, float32
            As of `similar_items`.

        Raises
        ------
        ValueError
            The user was not in the training data, or `k` is below 1.
        TypeError
            The id is not of the training data's kind (integers or texts).

        Examples
        --------
        >>> import mllib_py, mllib_py.serve, tempfile
        >>> ratings = ([1, 1, 2, 2, 3], [10, 20, 10, 30, 20], [5.0, 1.0, 4.0, 2.0, 1.0])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     mllib_py.ALS(rank=2).fit(ratings).save(f"{folder}/model")
        ...     model = mllib_py.serve.load(f"{folder}/model")
        >>> users, cosines = model.similar_users(1)
        >>> sorted(users.tolist())
        [2, 3]
        """
        row = _row(self._user_ids, user, "user")
        rows, cosines = _similar(self._tastes(self._user_factors), self._user_lengths, row, k)
        return self._user_ids.take(rows), cosines

    def _tastes(self, factors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return factors without the columns of biases."""
        if self._latent_columns.all():
            return factors
        return factors[:, self._latent_columns]

    @cached_property
    def _item_lengths(self) -> NDArray[np.float32]:
        return _lengths(self._tastes(self._item_factors))

    @cached_property
    def _user_lengths(self) -> NDArray[np.float32]:
        return _lengths(self._tastes(self._user_factors))


def load(
    path: str | os.PathLike[str], *, verify: bool = True, index: str | None = None
) -> ServedModel:
    """Load a model that `ALS.save` wrote, for serving.

    Parameters
    ----------
    path : str or path
        The folder, on this machine: other file systems (``hdfs://``) are refused.
    verify : bool, default=True
        Compare every file with its SHA-256. That reads the whole model once, at half a gigabyte to
        one a second where it is in memory, and at the disk's pace where it is not. Without it
        loading takes about a millisecond whatever the model's size, and finds only files that are
        missing, cut off or of another shape.
    index : {"hnsw"} or None, default=None
        Search approximately, by an index that is built now; `ServedModel.index` takes its options.
        None: score all items for each answer.

    Returns
    -------
    ServedModel
        Loading runs no code from the files.

    Raises
    ------
    ValueError
        There is no model, it is not on this machine, it is of another format version, or a file is
        truncated or altered, or `index` is unknown.
    ModuleNotFoundError
        An index is asked for, and faiss is not installed.

    Examples
    --------
    >>> import mllib_py.serve
    >>> mllib_py.serve.load("/no/such/model")
    Traceback (most recent call last):
    ValueError: there is no model at /no/such/model
    """
    model = ServedModel(Folder(path, verify=verify))
    return model if index is None else model.index(index)


def _row(ids: Ids, asked: Any, side: str) -> int:
    row = ids.find(asked, f"{side}s")
    if row < 0:
        shown = str(asked) if isinstance(asked, int | np.integer) else repr(str(asked))
        raise ValueError(f"{side} {shown} was not in the training data")
    return row


def _products(factors: NDArray[np.float32], x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Multiply all rows by x in panels, each too small for BLAS to start threads.

    The product is bound by memory, so that threads gain little for one answer; where several
    processes serve on the same cores, they wait for each other and lose much (measured: 8 ms in
    place of 1 ms for 100,000 x 64 on 2 busy cores).
    """
    n, width = factors.shape
    rows = max(4, 8192 // width // 4 * 4)
    whole = n // rows * rows
    out = np.empty(n, dtype=np.float32)
    np.matmul(factors[:whole].reshape(-1, rows, width), x, out=out[:whole].reshape(-1, rows))
    np.matmul(factors[whole:], x, out=out[whole:])
    return out


def _best(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Return where the k largest are, largest first, equal ones in order; never a -inf."""
    rows = np.arange(len(scores))
    if k < len(scores):
        edge = scores[np.argpartition(scores, -k)[-k]]
        above = np.flatnonzero(scores > edge)
        rows = np.concatenate([above, np.flatnonzero(scores == edge)[: k - len(above)]])
    rows = rows[scores[rows] > -np.inf]
    return rows[np.lexsort((rows, -scores[rows]))]


def _similar(
    factors: NDArray[np.float32], lengths: NDArray[np.float32], row: int, k: Any
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    most = whole("k", k, 1)
    products = _products(factors, factors[row])
    norms = lengths * lengths[row]
    cosines = np.divide(products, norms, out=np.zeros_like(products), where=norms > 0)
    np.clip(cosines, -1, 1, out=cosines)
    cosines[row] = -np.inf
    rows = _best(cosines, most)
    return rows, cosines[rows]


def _lengths(factors: NDArray[np.float32]) -> NDArray[np.float32]:
    squares: NDArray[np.float32] = np.einsum("ij,ij->i", factors, factors)
    return np.sqrt(squares)
