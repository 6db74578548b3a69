"""Data in: whatever holds ratings becomes one handle."""

from __future__ import annotations

import json
import math
import os
import re
import uuid
import weakref
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mllib_py import _bridge

__all__ = ["Matrix", "Ratings", "list_files", "matrix", "ratings", "read_bytes", "write_bytes"]

_RDD_CHUNK = 1 << 16
_MOST = 2**31 - 1
_UNKNOWN = 2**62  # bytes: more than memory has room for, so on disk
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")


class Ratings:
    """Ratings that Spark holds: (user, item, rating), with or without timestamps.

    Made by `ratings`, `split` and `union`. What was parsed or computed is kept by Spark (in memory,
    on disk where memory is short) until `release` is called or the object is forgotten.
    """

    def __init__(self, handle: _bridge.Handle, parents: Sequence[Ratings] = ()) -> None:
        self._held = handle
        # A part reads its whole: what that holds must outlive it.
        self._parents = tuple(parents)
        self._facts_: dict[str, Any] | None = None
        self._counts_: list[int] | None = None
        self._finalizer = (
            None if parents else weakref.finalize(self, _bridge.release, "release", handle)
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
            Most rated first, ties by id.
        """
        if not isinstance(n, int | np.integer) or isinstance(n, bool) or n < 1:
            raise ValueError(f"n must be an integer of at least 1, not {n!r}")
        most = min(int(n), self.n_items)
        return [(i, int(c)) for i, c in _bridge.ask("topItems", self._handle, most)]

    def rmse_of_constant(self, c: float) -> float:
        """Return the root mean square error of predicting `c` for every rating."""
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
            Seed of the random split. Where a rating goes depends on the seed, its user and its item
            alone: not on the order or the partitions of the input.
        by : {"random", "time"}, default="random"
            ``"time"`` puts the earliest ratings into the first part.

        Returns
        -------
        list of Ratings
            Lazy: nothing is copied.

        Raises
        ------
        ValueError
            A weight is not above 0, or `by` is unknown, or there are no timestamps.
        """
        if by not in ("random", "time"):
            raise ValueError(f"by must be 'random' or 'time', not {by!r}")
        shares = [float(w) for w in weights]
        if not shares or not all(0 < w < math.inf for w in shares):
            raise ValueError(f"every part needs a weight above 0, not {shares}")
        arguments = {"weights": shares, "seed": int(seed), "by": by}
        parts = _bridge.call("split", self._handle, json.dumps(arguments))
        return [Ratings(part, [self]) for part in parts]

    def union(self, other: Ratings) -> Ratings:
        """Return these ratings and others.

        Parameters
        ----------
        other : Ratings
            With ids of the same kind (integers or texts).

        Returns
        -------
        Ratings
        """
        return Ratings(_bridge.call("union", self._handle, other._handle), [self, other])

    def release(self) -> None:
        """Free what Spark holds for these ratings; they cannot be used after."""
        if self._finalizer is not None:
            self._finalizer()

    def __repr__(self) -> str:
        """Say how many ratings there are, where that is known."""
        if self._facts_ is None:
            return "Ratings(not looked at yet)"
        return f"Ratings(n_ratings={self.n_ratings})"


def ratings(
    data: Any, *, user_col: str = "user", item_col: str = "item", rating_col: str = "rating"
) -> Ratings:
    """Turn anything that holds ratings into a handle.

    Parameters
    ----------
    data : pandas.DataFrame, pyarrow.Table, tuple of three arrays, SciPy sparse, Spark DataFrame, \
RDD of triples, str or path
        A path or URI names a file, a folder or a glob, local or ``hdfs://``, of lines with commas,
        tabs, semicolons, bars or MovieLens's ``::`` (with or without a header, with or without a
        timestamp, plain or ``.gz``), or of Parquet. Rows of a sparse matrix are users, its columns
        items. Ids are 64-bit integers or texts.
    user_col, item_col, rating_col : str
        Columns of a table or of a file with a header. MovieLens's own names (``userId``,
        ``movieId``) are found too. A ``timestamp`` column of integers is taken along.

    Returns
    -------
    Ratings

    Raises
    ------
    ValueError
        A column or a file is missing, ids are null, a line is malformed.
    TypeError
        `data` or a column is of a kind that cannot be ratings.

    Examples
    --------
    >>> import mllib_py
    >>> r = mllib_py.ratings(([1, 1, 2], [10, 20, 10], [5.0, 3.0, 4.0]))
    >>> r.n_ratings, r.mean
    (3, 4.0)
    """
    if isinstance(data, Ratings):
        return data
    names = {"user_col": user_col, "item_col": item_col, "rating_col": rating_col}
    if isinstance(data, str | os.PathLike):
        uri = _uri(data)
        return _kept(_bridge.call("ratingsFromUri", uri, json.dumps({"source": uri} | names)))
    kind = _kind(data)
    if kind == "pandas":
        return _from_table(data, names, "the pandas DataFrame")
    if kind == "arrow":
        return _from_table(data.to_pandas(), names, "the Arrow table")
    if kind == "sparse":
        coo = data.tocoo()
        return _from_columns((coo.row, coo.col, coo.data), names, "the sparse matrix")
    if kind == "frame":
        meta = json.dumps({"source": "the Spark DataFrame"} | names)
        return _kept(_bridge.call("ratingsFromFrame", _bridge.frame_handle(data), meta))
    if kind == "rdd":
        return _from_rdd(data)
    if isinstance(data, tuple | list) and len(data) == 3:
        return _from_columns(tuple(data), names, "the arrays")
    raise TypeError(
        "ratings must be a pandas or Spark DataFrame, an Arrow table, three arrays (users, items, "
        f"ratings), a SciPy sparse matrix, an RDD of triples, a path or a URI, not {_name(data)}"
    )


def _kept(handle: _bridge.Handle) -> Ratings:
    _bridge.call("keep", handle)
    return Ratings(handle)


def _name(data: Any) -> str:
    return type(data).__name__


def _kind(data: Any) -> str | None:
    """Tell what `data` is without importing what the user did not."""
    if isinstance(data, pd.DataFrame):
        return "pandas"
    module = type(data).__module__
    if module.startswith("pyarrow") and hasattr(data, "to_pandas") and hasattr(data, "schema"):
        return "arrow"
    if module.startswith("scipy.sparse"):
        return "sparse"
    if module.startswith("pyspark"):
        if hasattr(data, "rdd") or module.startswith("pyspark.sql"):
            return "frame"
        if hasattr(data, "mapPartitions"):
            return "rdd"
    return None


def _uri(path: str | os.PathLike[str]) -> str:
    text = os.fspath(path)
    if not text.strip():
        raise ValueError("the path of the ratings is empty")
    # A relative path is relative to where Python is, which may not be where the JVM started.
    return text if _SCHEME.match(text) else os.path.abspath(os.path.expanduser(text))


def _from_table(table: pd.DataFrame, names: dict[str, str], source: str) -> Ratings:
    for column in names.values():
        found = list(table.columns).count(column)
        if found > 1:
            raise ValueError(f"{source} has {found} columns {column!r}; keep one")
        if not found:
            there = ", ".join(map(str, table.columns))
            raise ValueError(f"{source} has no column {column!r}; its columns are {there}")
    columns = tuple(table[names[c]] for c in ("user_col", "item_col", "rating_col"))
    times = table["timestamp"] if "timestamp" in table.columns else None
    if times is not None and not pd.api.types.is_integer_dtype(times):
        times = None
    if times is not None and times.hasnans:
        nulls = int(times.isna().sum())
        raise ValueError(f"{source}: column 'timestamp' has {nulls} null values; fill or drop them")
    return _from_columns(columns, names, source, times)


def _from_columns(
    columns: tuple[ArrayLike, ...],
    names: dict[str, str],
    source: str,
    times: ArrayLike | None = None,
) -> Ratings:
    series = [_series(c, n, source) for c, n in zip(columns, names.values(), strict=True)]
    lengths = tuple(len(s) for s in series)
    if len(set(lengths)) != 1:
        raise ValueError(f"{source}: users, items and ratings differ in length: {lengths}")
    if not lengths[0]:
        raise ValueError(f"{source}: there are no ratings")
    users, user_names = _ids(series[0], names["user_col"], source)
    items, item_names = _ids(series[1], names["item_col"], source)
    values = _values(series[2], names["rating_col"], source)
    if len(values) > _MOST:
        raise ValueError(f"{source}: {len(values)} ratings are too many for arrays; use files")
    arrays: list[NDArray[Any]] = [users, items, values]
    if times is not None:
        arrays.append(np.asarray(times, dtype=np.int64))
    for texts in (user_names, item_names):
        if texts is not None:
            arrays += _bridge.text_arrays(texts)
    meta = {
        "n": len(values),
        "timed": times is not None,
        "userNames": 0 if user_names is None else len(user_names),
        "itemNames": 0 if item_names is None else len(item_names),
        "source": source,
    }
    with _bridge.shared_file(sum(a.nbytes for a in arrays)) as path:
        _bridge.write_arrays(path, arrays)
        return Ratings(_bridge.call("ratingsFromArrays", str(path), json.dumps(meta)))


def _series(column: ArrayLike, name: str, source: str) -> pd.Series[Any]:
    if isinstance(column, pd.Series):
        return column
    if isinstance(column, list | tuple):  # NumPy would make texts of [1, "a"]
        return pd.Series(column, dtype=None if len(column) else object)
    array = np.asarray(column)
    if array.ndim != 1:
        raise ValueError(f"{source}: {name!r} must have one dimension, not {array.ndim}")
    return pd.Series(array)


def _ids(
    ids: pd.Series[Any], name: str, source: str
) -> tuple[NDArray[np.int64], Sequence[str] | None]:
    """Return ids as int64; texts as codes into their distinct names, which come second."""
    categories = ids.cat.categories.dtype if isinstance(ids.dtype, pd.CategoricalDtype) else None
    if categories is not None and pd.api.types.is_integer_dtype(categories) and not ids.hasnans:
        ids = ids.astype(categories)
    nulls = int(ids.isna().sum())
    if nulls:
        raise ValueError(f"{source}: column {name!r} has {nulls} null ids; drop or fill them")
    if pd.api.types.is_integer_dtype(ids):
        return _integers(ids, name, source), None
    if pd.api.types.is_string_dtype(ids) or isinstance(ids.dtype, pd.CategoricalDtype):
        codes, distinct = pd.factorize(ids)
        texts = [_text(t, name, source) for t in distinct]
        return codes.astype(np.int64), texts
    if ids.dtype == object:
        return _objects(ids, name, source)
    raise _mistyped(name, source, ids.dtype)


def _objects(
    ids: pd.Series[Any], name: str, source: str
) -> tuple[NDArray[np.int64], Sequence[str] | None]:
    if all(isinstance(i, int | np.integer) and not isinstance(i, bool) for i in ids):
        try:
            return np.array(list(ids), dtype=np.int64), None
        except OverflowError:
            raise ValueError(f"{source}: column {name!r} has ids beyond 64 bits") from None
    codes, distinct = pd.factorize(pd.Series([_text(i, name, source) for i in ids]))
    return codes.astype(np.int64), list(distinct)


def _integers(ids: pd.Series[Any], name: str, source: str) -> NDArray[np.int64]:
    array = ids.to_numpy()
    if array.dtype == np.uint64 and len(array) and array.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{source}: column {name!r} has ids beyond signed 64 bits: {array.max()}")
    return np.asarray(array, dtype=np.int64)


def _text(value: Any, name: str, source: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, uuid.UUID):
        return str(value)
    raise _mistyped(name, source, type(value).__name__)


def _mistyped(name: str, source: str, kind: Any) -> TypeError:
    return TypeError(
        f"{source}: column {name!r} must hold integer or text ids, not {kind}; "
        "convert it with .astype('int64') or .astype(str)"
    )


def _values(values: pd.Series[Any], name: str, source: str) -> NDArray[np.float32]:
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_complex_dtype(values):
        raise TypeError(f"{source}: column {name!r} must hold numbers, not {values.dtype}")
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is refused
        array: NDArray[np.float32] = values.to_numpy(dtype=np.float32, na_value=np.nan)
    return array


def _from_rdd(rdd: Any) -> Ratings:
    first = rdd.take(1)
    if not first:
        raise ValueError("the RDD: there are no ratings")
    row = first[0]
    if not isinstance(row, tuple | list) or len(row) != 3:
        raise TypeError(f"the RDD must hold triples (user, item, rating), not {row!r}")
    for i in row[:2]:
        if not isinstance(i, str | uuid.UUID | int | np.integer | None):
            raise TypeError(f"the RDD must hold integer or text ids, not those of {row!r}")
    text = [isinstance(i, str | uuid.UUID) for i in row[:2]]
    packed = rdd.mapPartitions(lambda rows: _pack_rows(rows, text[0], text[1]))
    meta = {"textUsers": text[0], "textItems": text[1], "source": "the RDD"}
    handle = _bridge.bytes_rdd_handle(packed)
    return _kept(_bridge.call("ratingsFromBytes", handle, json.dumps(meta)))


def _pack_rows(rows: Iterable[Any], text_users: bool, text_items: bool) -> Iterator[bytes]:
    """Pack triples into chunks of bytes, on the worker; a bad row becomes a message."""
    rows = iter(rows)
    while chunk := list(islice(rows, _RDD_CHUNK)):
        try:
            users, items, values = zip(*chunk, strict=True)
            numbers = np.array(values)
            if numbers.dtype.kind in "US":  # NumPy would read the numbers in texts
                raise TypeError
            yield b"".join(
                [
                    b"R",
                    np.int32(len(chunk)).tobytes(),
                    _pack_ids(users, text_users),
                    _pack_ids(items, text_items),
                    numbers.astype(np.float32).tobytes(),
                ]
            )
        except (TypeError, ValueError, OverflowError):
            yield b"E" + _describe(chunk, text_users, text_items).encode()
            return


def _pack_ids(ids: Sequence[Any], text: bool) -> bytes:
    if not text:
        if not all(isinstance(i, int | np.integer) for i in ids):
            raise TypeError
        return np.array(ids, dtype=np.int64).tobytes()
    if not all(isinstance(i, str | uuid.UUID) for i in ids):
        raise TypeError
    encoded = [str(i).encode() for i in ids]
    return np.array([len(e) for e in encoded], dtype=np.int32).tobytes() + b"".join(encoded)


def _describe(chunk: list[Any], text_users: bool, text_items: bool) -> str:
    """Say which row of a chunk that could not be packed is at fault."""
    for row in chunk:
        if not isinstance(row, tuple | list) or len(row) != 3:
            return f"{row!r} is not a triple (user, item, rating)"
        for value, text, name in ((row[0], text_users, "user"), (row[1], text_items, "item")):
            if value is None:
                return f"the {name} of {row!r} is null; drop such rows"
            if not isinstance(value, (str | uuid.UUID) if text else (int | np.integer)):
                wanted = "a text" if text else "an integer"
                return f"the {name} of {row!r} is not {wanted} like that of the first row"
        if not isinstance(row[2], int | float | np.number):
            return f"the rating of {row!r} is not a number"
    return "ids beyond 64 bits"


class Matrix:
    """A dense float32 matrix that Spark holds, as tiles in row order. Made by `matrix`."""

    def __init__(self, handle: _bridge.Handle, shape: tuple[int, int]) -> None:
        self._handle = handle
        self.shape = shape
        self._finalizer = weakref.finalize(self, _bridge.release, "releaseMatrix", handle)

    def release(self) -> None:
        """Free what Spark holds; the matrix cannot be used after."""
        self._finalizer()


def matrix(x: ArrayLike) -> Matrix:
    """Hand a dense matrix over to Spark.

    Parameters
    ----------
    x : array-like of shape (n, m)
        Numbers; they become float32.

    Returns
    -------
    Matrix

    Raises
    ------
    ValueError
        `x` does not have two dimensions, or is empty.
    """
    array = np.ascontiguousarray(x, dtype=np.float32)
    if array.ndim != 2 or not array.size:
        raise ValueError(f"a matrix needs rows and columns, not the shape {array.shape}")
    with _bridge.shared_file(array.nbytes) as path:
        _bridge.write_arrays(path, [array])
        handle = _bridge.call("matrixFromArrays", str(path), array.shape[0], array.shape[1])
    return Matrix(handle, array.shape)


# --- small files on any file system --------------------------------------------------------------


def list_files(uri: str | os.PathLike[str]) -> list[str]:
    """List the files of a folder, a glob, or the one file named.

    Parameters
    ----------
    uri : str or path
        Local, or of any file system that Hadoop knows (``hdfs://``).

    Returns
    -------
    list of str
        Whole URIs in the order of their names; hidden files and folders are left out.
    """
    return list(_bridge.call("listFiles", _uri(uri)))


def read_bytes(uri: str | os.PathLike[str], limit: int | None = None) -> bytes:
    """Read a file, local or on any file system that Hadoop knows; ``.gz`` is decompressed.

    Parameters
    ----------
    uri : str or path
        The file.
    limit : int, optional
        Bytes to read at most. Default: all.

    Returns
    -------
    bytes
    """
    with _bridge.shared_file(_UNKNOWN if limit is None else limit) as path:
        _bridge.call("readFile", _uri(uri), -1 if limit is None else int(limit), str(path))
        return path.read_bytes()


def write_bytes(uri: str | os.PathLike[str], content: bytes) -> None:
    """Write a whole file under a temporary name, then rename it.

    Parameters
    ----------
    uri : str or path
        Local, or of any file system that Hadoop knows; folders are made.
    content : bytes
        What to write.
    """
    with _bridge.shared_file(len(content)) as path:
        path.write_bytes(content)
        _bridge.call("writeFile", _uri(uri), str(path))
