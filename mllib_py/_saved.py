"""A saved model's files, read with NumPy alone: no Spark, no Java, no pandas."""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Version 1 lacks the ratings' values, which serving does not ask for.
_FORMAT, _VERSIONS = "mllib_py ALS", (1, 2)
_FACTS, _CHECKSUMS = "model.json", "checksums.json"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")
_LOCAL = re.compile(r"file:(//)?(?=/)")


class Folder:
    """A model's folder on this machine.

    Parameters
    ----------
    path : str or path
        The folder.
    verify : bool
        Whether to compare each file with its checksum, also those that are not asked for.
    """

    def __init__(self, path: str | os.PathLike[str], *, verify: bool) -> None:
        self.path = _local(path)
        if not self.path.exists():
            raise ValueError(f"there is no model at {self.path}")
        sums = self._json(_CHECKSUMS)
        if not all(isinstance(v, str) for v in sums.values()):
            raise self.damaged(_CHECKSUMS)
        self._sums: dict[str, str] = sums
        for name in sums if verify else ():
            self._verify(name)

    def facts(self) -> dict[str, Any]:
        """Read ``model.json``; a model of another kind or version is refused."""
        self._check(_FACTS)
        facts = self._json(_FACTS)
        if facts.get("format") != _FORMAT:
            raise ValueError(f"{self.path} is not a model saved by mllib_py")
        if facts.get("version") not in _VERSIONS:
            raise ValueError(
                f"{self.path} has format version {facts.get('version')}; "
                f"this mllib_py reads versions {' and '.join(map(str, _VERSIONS))}"
            )
        return facts

    def array(self, name: str, dtype: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
        """Map an array into memory; what is not of this type and shape (None: any) is refused."""
        self._check(name)
        try:
            array = np.asarray(np.load(self.path / name, mmap_mode="r", allow_pickle=False))
        except (ValueError, OSError, EOFError):
            raise self.damaged(name) from None
        expected = tuple(array.shape[i] if n is None else n for i, n in enumerate(shape))
        if array.dtype != np.dtype(dtype) or array.shape != expected:
            raise self.damaged(name)
        return array

    def ids(self, side: str, n: int) -> Ids:
        """Map the n ids of "user" or "item"."""
        if f"{side}_ids.npy" in self._sums:
            return IntegerIds(self.array(f"{side}_ids.npy", "<i8", (n,)))
        offsets = self.array(f"{side}_ids_offsets.npy", "<i8", (n + 1,))
        return TextIds(offsets, self.array(f"{side}_ids_utf8.npy", "|u1", (int(offsets[-1]),)))

    def damaged(self, name: str = _FACTS) -> ValueError:
        """Return the error that says that a file is not as it was saved."""
        return ValueError(f"{self.path}: {name} is truncated or altered; save the model again")

    def _json(self, name: str) -> dict[str, Any]:
        try:
            value = json.loads((self.path / name).read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            raise self._missing(name) from None
        except (ValueError, OSError):
            raise self.damaged(name) from None
        if not isinstance(value, dict):
            raise self.damaged(name)
        return value

    def _check(self, name: str) -> None:
        """Refuse a file that is missing or not listed."""
        if name not in self._sums:
            raise ValueError(
                f"{self.path}: {_CHECKSUMS} does not list {name}; "
                "the model is damaged, save it again"
            )
        if not (self.path / name).is_file():
            raise self._missing(name)

    def _verify(self, name: str) -> None:
        """Refuse a file that is missing, or not what was saved."""
        self._check(name)
        with (self.path / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != self._sums[name]:
                raise self.damaged(name)

    def _missing(self, name: str) -> ValueError:
        return ValueError(f"{self.path} has no {name}; it is not a whole model saved by mllib_py")


def _local(path: str | os.PathLike[str]) -> Path:
    """Return where a path or a ``file:`` URI is; other file systems are refused."""
    text = os.fspath(path)
    if not text.strip():
        raise ValueError("the path is empty")
    text = _LOCAL.sub("", text, count=1)
    if _SCHEME.match(text):
        raise ValueError(
            f"mllib_py.serve reads local folders only, not {text}; "
            "copy the folder to this machine first (hdfs dfs -get)"
        )
    return Path(os.path.abspath(os.path.expanduser(text)))


class Ids(Protocol):
    """The ids of a side, ascending: what is asked for to rows, and back."""

    def find(self, asked: Any, name: str) -> int:
        """Return the row of an id, or -1."""

    def rows(self, asked: ArrayLike, name: str) -> NDArray[np.int64]:
        """Return the rows of those ids that are known."""

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return the ids of rows."""

    def all(self) -> NDArray[Any]:
        """Return all ids."""


class IntegerIds:
    """Ids as 64-bit integers, found by bisection in the mapped array."""

    def __init__(self, ids: NDArray[np.int64]) -> None:
        self._ids = ids

    def rows(self, asked: ArrayLike, name: str) -> NDArray[np.int64]:
        """Return the rows of those ids that are known."""
        several = _several(asked, name)
        if not isinstance(several, np.ndarray) or several.dtype.kind != "i":
            several = np.array([i for i in several if _is_long(i, name)], dtype=np.int64)
        places: NDArray[np.int64] = np.searchsorted(self._ids, several)
        places[places == len(self._ids)] = 0
        known: NDArray[np.bool] = self._ids[places] == several
        return places[known]

    def find(self, asked: Any, name: str) -> int:
        """Return the row of an id, or -1."""
        rows = self.rows([asked], name)
        return int(rows[0]) if len(rows) else -1

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return the ids of rows."""
        return self._ids[rows]

    def all(self) -> NDArray[Any]:
        """Return all ids: the mapped array."""
        return self._ids


class TextIds:
    """Ids as texts, found by bisection over their UTF-8, which stays mapped."""

    def __init__(self, offsets: NDArray[np.int64], utf8: NDArray[np.uint8]) -> None:
        self._offsets = offsets
        self._utf8 = utf8

    def find(self, asked: Any, name: str) -> int:
        """Return the row of an id, or -1."""
        if not isinstance(asked, str | uuid.UUID):
            raise _mistyped(name, "text")
        # Half of a surrogate pair is in no id, but may be asked for.
        key = str(asked).encode("utf-8", "surrogatepass")
        low, high = 0, len(self._offsets) - 1
        while low < high:
            middle = (low + high) // 2
            if self._bytes(middle) < key:
                low = middle + 1
            else:
                high = middle
        return low if low < len(self._offsets) - 1 and self._bytes(low) == key else -1

    def rows(self, asked: ArrayLike, name: str) -> NDArray[np.int64]:
        """Return the rows of those ids that are known."""
        found = np.array([self.find(i, name) for i in _several(asked, name)], dtype=np.int64)
        return found[found >= 0]

    def take(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Return the ids of rows."""
        texts = np.empty(len(rows), dtype=object)
        texts[:] = [self._bytes(row).decode() for row in rows.tolist()]
        return texts

    def all(self) -> NDArray[Any]:
        """Return all ids, decoded once."""
        return self._all

    @cached_property
    def _all(self) -> NDArray[Any]:
        return self.take(np.arange(len(self._offsets) - 1))

    def _bytes(self, row: int) -> bytes:
        return self._utf8[self._offsets[row] : self._offsets[row + 1]].tobytes()


def _several(asked: ArrayLike, name: str) -> Sequence[Any] | NDArray[Any]:
    """Return ids that can be gone through."""
    if hasattr(asked, "__array__"):  # NumPy's, or a column of a table
        array = np.asarray(asked)
        if array.ndim == 1:
            return array
    elif isinstance(asked, Iterable) and not isinstance(asked, str | bytes):
        return list(asked)
    raise TypeError(f"{name} must be a list of ids (one dimension), not {type(asked).__name__}")


def _is_long(asked: Any, name: str) -> bool:
    """Say whether an integer has 64 bits; what is no integer is refused."""
    if not isinstance(asked, int | np.integer) or isinstance(asked, bool):
        raise _mistyped(name, "integer")
    return -(2**63) <= int(asked) < 2**63


def _mistyped(name: str, kind: str) -> TypeError:
    convert = "str" if kind == "text" else "int"
    return TypeError(f"{name} must be {kind} ids, as in the training data: convert with {convert}")
