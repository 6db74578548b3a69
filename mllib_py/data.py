"""Data in: whatever holds ratings becomes one handle."""

from __future__ import annotations

import json
import math
import os
import uuid
import warnings
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mllib_py import _arrays, _bridge, _columns
from mllib_py._checks import whole
from mllib_py._files import list_files, read_bytes, uri_of, write_bytes
from mllib_py._matrix import Matrix, matrix
from mllib_py._rows import pack_rows, row_kind
from mllib_py._tables import kind_of

__all__ = ["Matrix", "Ratings", "list_files", "matrix", "ratings", "read_bytes", "write_bytes"]

_MOST = 2**31 - 1


class Ratings:
    """Ratings that Spark holds: (user, item, rating), with or without timestamps and weights.

    Made by `ratings`, by `split` and its like, and by `union`. What was parsed or computed is kept
    by Spark (in memory, on disk where memory is short) until `release` is called or the object is
    forgotten.
    """

    def __init__(self, handle: _bridge.Handle, parents: Sequence[Ratings] = ()) -> None:
        self._held = handle
        # A part reads its whole: what that holds must outlive it.
        self._parents = tuple(parents)
        self._facts_: dict[str, Any] | None = None
        self._counts_: list[int] | None = None
        self._finalizer = (
            None if parents else weakref.finalize(self, _bridge.forget, "release", handle)
        )

    @property
    def _handle(self) -> _bridge.Handle:
        if any(r._finalizer is not None and not r._finalizer.alive for r in self._wholes()):
            raise ValueError("these ratings were released; make them again")
        return self._held

    def _wholes(self) -> Iterator[Ratings]:
        """Yield this and what it is made from."""
        yield self
        for parent in self._parents:
            yield from parent._wholes()

    def _facts(self) -> dict[str, Any]:
        if self._facts_ is None:
            self._facts_ = _bridge.ask("facts", self._handle)
        return self._facts_

    @property
    def n_ratings(self) -> int:
        """Number of ratings."""
        return int(self._facts()["count"])

    @property
    def mean(self) -> float:
        """Mean rating."""
        return float(self._facts()["mean"])

    @property
    def has_timestamps(self) -> bool:
        """Whether the ratings know their time."""
        return bool(self._facts()["timed"])

    @property
    def has_weights(self) -> bool:
        """Whether the ratings have weights."""
        return bool(_bridge.call("weighted", self._handle))

    def _counts(self) -> list[int]:
        if self._counts_ is None:
            self._counts_ = _bridge.ask("counts", self._handle)
        return self._counts_

    @property
    def n_users(self) -> int:
        """Number of distinct users."""
        return self._counts()[0]

    @property
    def n_items(self) -> int:
        """Number of distinct items."""
        return self._counts()[1]

    def histogram(self) -> dict[float, int]:
        """Count the ratings of each value.

        Returns
        -------
        dict of float to int
            In ascending order of the value.

        Examples
        --------
        >>> import mllib_py
        >>> mllib_py.ratings(([1, 1, 2], [10, 20, 10], [5.0, 3.0, 5.0])).histogram()
        {3.0: 1, 5.0: 2}
        """
        return {float(v): int(n) for v, n in _bridge.ask("histogram", self._handle)}

    def top_items(self, n: int) -> list[tuple[Any, int]]:
        """Return the most rated items.

        Parameters
        ----------
        n : int
            How many.

        Returns
        -------
        list of (id, count)
            Most rated first, ties by id; fewer than `n` where there are fewer items.

        Raises
        ------
        ValueError
            `n` is below 1.

        Examples
        --------
        >>> import mllib_py
        >>> mllib_py.ratings(([1, 1, 2], [10, 20, 10], [5.0, 3.0, 5.0])).top_items(1)
        [(10, 2)]
        """
        most = min(whole("n", n, 1), self.n_items)
        return [(i, int(c)) for i, c in _bridge.ask("topItems", self._handle, most)]

    def rmse_of_constant(self, c: float) -> float:
        """Return the root mean square error of predicting `c` for every rating.

        Parameters
        ----------
        c : float
            The prediction, the mean of the training ratings say.

        Returns
        -------
        float

        Examples
        --------
        >>> import mllib_py
        >>> mllib_py.ratings(([1, 2], [10, 10], [5.0, 3.0])).rmse_of_constant(4.0)
        1.0
        """
        return float(_bridge.call("rmseOfConstant", self._handle, float(c)))

    def split(
        self, weights: Sequence[float], *, seed: int = 0, by: str = "random"
    ) -> list[Ratings]:
        """Split into parts.

        Parameters
        ----------
        weights : sequence of float
            Sizes of the parts; they need not sum to 1.
        seed : int, default=0
            Seed of a random split. Where a rating goes depends on the seed, its user and its item
            alone: not on the order or the partitions of the input.
        by : {"random", "time", "user"}, default="random"
            ``"time"`` puts the earliest ratings into the first part. ``"user"`` splits the ratings
            of each user by himself, at random: of n ratings, a part before which there is a share
            w of the weights gets those from the round(n * w)-th on (halves are rounded up), so
            that its size is its share to less than one rating.

        Returns
        -------
        list of Ratings
            Lazy: nothing is copied (``"user"`` brings each user's ratings together by a shuffle
            that the parts share).

        Raises
        ------
        ValueError
            A weight is not above 0, `seed` is no integer of 64 bits, or `by` is unknown, or there
            are no timestamps.
        TypeError
            `weights` is one number.

        Examples
        --------
        >>> import mllib_py
        >>> r = mllib_py.ratings((range(1000), range(1000), [4.0] * 1000))
        >>> train, test = r.split([0.8, 0.2], seed=1)
        >>> train.n_ratings + test.n_ratings
        1000
        """
        if by not in ("random", "time", "user"):
            raise ValueError(f"by must be 'random', 'time' or 'user', not {by!r}")
        if np.ndim(weights) != 1:
            raise TypeError(f"weights must be a list with a weight for each part, not {weights!r}")
        shares = [float(w) for w in weights]
        if not shares or not all(0 < w < math.inf for w in shares):
            raise ValueError(f"every part needs a weight above 0, not {shares}")
        arguments = {"weights": shares, "seed": _seed(seed), "by": by}
        parts = _bridge.call("split", self._handle, json.dumps(arguments))
        return [Ratings(part, [self]) for part in parts]

    def leave_last(self, k: int = 1, *, by: str = "time") -> tuple[Ratings, Ratings]:
        """Split off the last ratings of each user.

        Parameters
        ----------
        k : int, default=1
            How many. A user with `k` ratings or fewer stays in the first part with all of them.
        by : {"time"}, default="time"
            What "last" means: the latest; of one time, those with the higher item id.

        Returns
        -------
        train, test : Ratings
            All the others, and the last. Lazy; a shuffle that both share brings each user's ratings
            together.

        Raises
        ------
        ValueError
            `k` is below 1, `by` is unknown, or there are no timestamps.

        Examples
        --------
        >>> import mllib_py, pandas
        >>> table = pandas.DataFrame(
        ...     {"user": [1, 1, 1, 2], "item": [10, 20, 30, 10], "rating": [5.0, 3.0, 4.0, 2.0],
        ...      "timestamp": [7, 9, 8, 5]})
        >>> train, test = mllib_py.ratings(table).leave_last()
        >>> train.n_ratings, test.top_items(1)
        (3, [(20, 1)])
        """
        if by != "time":
            raise ValueError(f"by must be 'time', not {by!r}")
        most = min(whole("k", k, 1), _MOST)
        train, test = _bridge.call("leaveLast", self._handle, most)
        return Ratings(train, [self]), Ratings(test, [self])

    def kfold(self, n: int = 5, *, seed: int = 0) -> list[tuple[Ratings, Ratings]]:
        """Split into folds, for cross-validation.

        Parameters
        ----------
        n : int, default=5
            Number of folds.
        seed : int, default=0
            In which fold a rating falls depends on the seed, its user and its item alone.

        Returns
        -------
        list of (train, test)
            A pair for each fold: all ratings but the fold's, and the fold's. Folds are disjoint,
            together they are everything, and their sizes are equal but for chance. Lazy: nothing is
            copied.

        Raises
        ------
        ValueError
            `n` is below 2, or `seed` is no integer of 64 bits.

        Examples
        --------
        >>> import mllib_py
        >>> r = mllib_py.ratings((range(1000), range(1000), [4.0] * 1000))
        >>> sum(test.n_ratings for _, test in r.kfold(4, seed=1))
        1000
        """
        folds = min(whole("n", n, 2), _MOST)
        parts = _bridge.call("kfold", self._handle, folds, _seed(seed))
        made = [Ratings(part, [self]) for part in parts]
        return list(zip(made[::2], made[1::2], strict=True))

    def union(self, other: Ratings) -> Ratings:
        """Return these ratings and others.

        Parameters
        ----------
        other : Ratings
            With ids of the same kind (integers or texts).

        Returns
        -------
        Ratings
            A pair that is in both is there twice. Where one has weights, those of the other are 1.

        Raises
        ------
        TypeError
            `other` is not `Ratings`, or ids are integers in one and texts in the other.

        Examples
        --------
        >>> import mllib_py
        >>> a = mllib_py.ratings(([1], [10], [5.0]))
        >>> a.union(mllib_py.ratings(([2], [10], [3.0]))).n_ratings
        2
        """
        if not isinstance(other, Ratings):
            raise TypeError(
                f"union takes Ratings, not {_name(other)}; make them with mllib_py.ratings"
            )
        return Ratings(_bridge.call("union", self._handle, other._handle), [self, other])

    def release(self) -> None:
        """Free what Spark holds for these ratings; they cannot be used after."""
        if self._finalizer is not None and self._finalizer.detach():
            _bridge.release("release", self._held)

    def __repr__(self) -> str:
        """Say how many ratings there are, where that is known."""
        if self._facts_ is None:
            return "Ratings(not looked at yet)"
        return f"Ratings(n_ratings={self.n_ratings})"


def ratings(
    data: Any,
    *,
    user_col: str = "user",
    item_col: str = "item",
    rating_col: str = "rating",
    weight_col: str | None = None,
) -> Ratings:
    """Turn anything that holds ratings into a handle.

    Parameters
    ----------
    data : pandas.DataFrame, pyarrow.Table, tuple of three arrays, SciPy sparse, Spark DataFrame, \
RDD of triples, str or path
        A path or URI names a file, a folder or a glob, local or ``hdfs://``, of lines with commas,
        tabs, semicolons, bars or MovieLens's ``::`` (with or without a header, with or without a
        timestamp, plain or ``.gz``), or of Parquet. Rows of a sparse matrix are users, its columns
        items. Ids are 64-bit integers or texts; a `uuid.UUID` is kept as its text.
    user_col, item_col, rating_col : str
        Columns of a table or of a file with a header; in a text file, MovieLens's own names
        (``userId``, ``movieId``) are found too. A ``timestamp`` column of integers, or of dates in
        a table, is taken along.
    weight_col : str, optional
        Column of weights: finite numbers of at least 0, that say how much a rating counts (see
        `ALS`). It makes a fourth array of three arrays, and a fourth element of triples. Default:
        every rating counts 1.

    Returns
    -------
    Ratings

    Raises
    ------
    ValueError
        A column or a file is missing, ids are null, a line is malformed, or weights are asked for
        where there are none. A weight that is negative or not finite is refused when the ratings
        are first used.
    TypeError
        `data` or a column is of a kind that cannot be ratings.

    Examples
    --------
    >>> import mllib_py
    >>> r = mllib_py.ratings(([1, 1, 2], [10, 20, 10], [5.0, 3.0, 4.0]))
    >>> r.n_ratings, r.mean
    (3, 4.0)
    >>> counted = ([1, 1, 2], [10, 20, 10], [5.0, 3.0, 4.0], [1.0, 0.5, 2.0])
    >>> mllib_py.ratings(counted, weight_col="weight").has_weights
    True
    """
    if isinstance(data, Ratings):
        if weight_col is not None and not data.has_weights:
            raise ValueError(
                f"weight_col={weight_col!r}, and these ratings have no weights; "
                "make them with mllib_py.ratings and its weight_col"
            )
        return data
    names = {"user_col": user_col, "item_col": item_col, "rating_col": rating_col}
    if weight_col is not None:
        names["weight_col"] = weight_col
    if isinstance(data, str | os.PathLike):
        uri = uri_of(data)
        return _kept(_bridge.call("ratingsFromUri", uri, json.dumps({"source": uri} | names)))
    kind = kind_of(data)
    if kind == "pandas":
        return _from_table(data, names, "the pandas DataFrame")
    if kind == "arrow":
        return _from_table(data.to_pandas(), names, "the Arrow table")
    if kind == "sparse":
        if weight_col is not None:
            raise ValueError("a sparse matrix has no weights; give four arrays or a table")
        coo = data.tocoo()
        return _from_columns((coo.row, coo.col, coo.data), names, "the sparse matrix")
    if kind == "frame":
        meta = json.dumps({"source": "the Spark DataFrame"} | names)
        return _kept(_bridge.call("ratingsFromFrame", _bridge.frame_handle(data), meta))
    if kind == "rdd":
        return _from_rdd(data, weight_col is not None)
    if isinstance(data, list) and data and all(isinstance(row, tuple) for row in data):
        raise TypeError(
            "ratings take three columns (users, items, ratings), not a list of rows; "
            "turn the rows into columns with zip(*rows)"
        )
    if isinstance(data, tuple | list) and len(data) in (3, 4):
        return _from_arrays(data, names)
    raise TypeError(
        "ratings must be a pandas or Spark DataFrame, an Arrow table, three arrays (users, items, "
        f"ratings), a SciPy sparse matrix, an RDD of triples, a path or a URI, not {_name(data)}"
    )


def _kept(handle: _bridge.Handle) -> Ratings:
    _bridge.call("keep", handle)
    return Ratings(handle)


def _seed(seed: Any) -> int:
    if not isinstance(seed, int | np.integer) or not -(2**63) <= seed < 2**63:
        raise ValueError(f"seed must be an integer of 64 bits, not {seed!r}")
    return int(seed)


def _name(data: Any) -> str:
    return type(data).__name__


def _from_arrays(arrays: Sequence[Any], names: dict[str, str]) -> Ratings:
    if len(arrays) == 3 and "weight_col" in names:
        raise ValueError(
            f"weight_col={names['weight_col']!r} asks for a fourth array, and there are three"
        )
    if len(arrays) == 4 and "weight_col" not in names:
        raise TypeError(
            "ratings take three arrays; a fourth is of weights where weight_col names it, "
            "and timestamps come in a table"
        )
    weights = arrays[3] if len(arrays) == 4 else None
    return _from_columns(arrays[:3], names, "the arrays", weights=weights)


def _from_table(table: pd.DataFrame, names: dict[str, str], source: str) -> Ratings:
    for parameter, column in names.items():
        found = list(table.columns).count(column)
        if found > 1:
            raise ValueError(f"{source} has {found} columns {column!r}; keep one")
        if not found:
            there = ", ".join(map(str, table.columns))
            raise ValueError(
                f"{source} has no column {column!r}; "
                f"name one of its columns with {parameter}: {there}"
            )
    columns = tuple(table[names[c]] for c in ("user_col", "item_col", "rating_col"))
    times = table["timestamp"] if "timestamp" in table.columns else None
    if times is not None and not (
        pd.api.types.is_integer_dtype(times) or pd.api.types.is_datetime64_any_dtype(times)
    ):
        warnings.warn(
            f"{source}: column 'timestamp' holds {times.dtype}, neither integers nor dates; "
            "it is left out",
            stacklevel=4,
        )
        times = None
    if times is not None and times.hasnans:
        nulls = int(times.isna().sum())
        raise ValueError(f"{source}: column 'timestamp' has {nulls} null values; fill or drop them")
    if times is not None and pd.api.types.is_datetime64_any_dtype(times):
        times = pd.to_datetime(times, utc=True).astype("datetime64[s, UTC]").astype(np.int64)
    weights = table[names["weight_col"]] if "weight_col" in names else None
    return _from_columns(columns, names, source, times, weights)


def _from_columns(
    columns: Sequence[ArrayLike],
    names: dict[str, str],
    source: str,
    times: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> Ratings:
    given = [*columns] if weights is None else [*columns, weights]
    series = [_columns.series(c, n, source) for c, n in zip(given, names.values(), strict=True)]
    lengths = tuple(len(s) for s in series)
    if len(set(lengths)) != 1:
        what = "users, items and ratings" if weights is None else "users, items, ratings, weights"
        raise ValueError(f"{source}: {what} differ in length: {lengths}")
    if not lengths[0]:
        raise ValueError(f"{source}: there are no ratings")
    users, user_names = _columns.id_array(series[0], names["user_col"], source)
    items, item_names = _columns.id_array(series[1], names["item_col"], source)
    values = _columns.rating_array(series[2], names["rating_col"], source)
    if len(values) > _MOST:
        raise ValueError(f"{source}: {len(values)} ratings are too many for arrays; use files")
    arrays: list[NDArray[Any]] = [users, items, values]
    if times is not None:
        arrays.append(np.asarray(times, dtype=np.int64))
    if weights is not None:
        arrays.append(_columns.rating_array(series[3], names["weight_col"], source))
    for texts in (user_names, item_names):
        if texts is not None:
            arrays += _arrays.text_arrays(texts)
    meta = {
        "n": len(values),
        "timed": times is not None,
        "weighted": weights is not None,
        "userNames": 0 if user_names is None else len(user_names),
        "itemNames": 0 if item_names is None else len(item_names),
        "source": source,
    }
    with _arrays.shared_file(sum(a.nbytes for a in arrays)) as path:
        _arrays.write_arrays(path, arrays)
        return Ratings(_bridge.call("ratingsFromArrays", str(path), json.dumps(meta)))


def _from_rdd(rdd: Any, weighted: bool) -> Ratings:
    first = rdd.take(1)
    if not first:
        raise ValueError("the RDD: there are no ratings")
    row = first[0]
    if not isinstance(row, tuple | list) or len(row) != 3 + weighted:
        raise TypeError(f"the RDD must hold {row_kind(weighted)}, not {row!r}")
    for i in row[:2]:
        if not isinstance(i, str | uuid.UUID | int | np.integer | None):
            raise TypeError(f"the RDD must hold integer or text ids, not those of {row!r}")
    text = [isinstance(i, str | uuid.UUID) for i in row[:2]]
    packed = rdd.mapPartitions(lambda rows: pack_rows(rows, text[0], text[1], weighted))
    meta = {"textUsers": text[0], "textItems": text[1], "weighted": weighted, "source": "the RDD"}
    handle = _bridge.bytes_rdd_handle(packed)
    return _kept(_bridge.call("ratingsFromBytes", handle, json.dumps(meta)))
