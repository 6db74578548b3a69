"""What is asked of a model on its way to the JVM, and the answer as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mllib_py import _arrays
from mllib_py._checks import whole
from mllib_py._columns import as_array, asked_ids
from mllib_py._tables import asked_in, ids_in, is_table

OUTPUTS = ("pandas", "arrow", "spark")
_SIDES = {
    "items": ("user", "item"),
    "users": ("item", "user"),
    "similar items": ("item", "item"),
    "similar users": ("user", "user"),
}


class Asking:
    """A question: who asks, for how many of what, chosen from what.

    Parameters
    ----------
    kind : {"items", "users", "similar items", "similar users"}
        What is to be found.
    info : dict
        What the model says of itself.
    names : dict
        Names of the columns "user" and "item".
    """

    def __init__(self, kind: str, info: dict[str, Any], names: dict[str, str]) -> None:
        self.asker, self.found = _SIDES[kind]
        similar = self.asker == self.found
        self.columns = (names[self.asker], "similar" if similar else names[self.found])
        self.kinds = (info[f"{self.asker}s"], info[f"{self.found}s"])
        self.ids: NDArray[Any] | None = None
        self._info = info
        self._arrays: list[NDArray[Any]] = []
        self._meta: dict[str, Any] = {"kind": kind, "n": -1}
        self._meta |= dict(zip(("asker", "found"), self.columns, strict=True))

    def of(self, ids: ArrayLike | None, k: int, exclude_seen: bool) -> None:
        """Say who asks (None: all), and for how many."""
        self._meta["k"] = min(whole("k", k, 1), self._info[f"n_{self.found}s"])
        self._meta["exclude_seen"] = bool(exclude_seen)
        if ids is not None:
            of = f"{self.asker}s"
            self.ids = np.atleast_1d(as_array(asked_in(ids, self.columns[0], of)))
            self._meta["n"] = self._send(self.ids, of, self.asker)

    def choose(self, name: str, chosen: Any) -> None:
        """Say what to choose from ("allow") or to leave out ("deny"); None: nothing is said."""
        if isinstance(chosen, Mapping):
            self._choose_each(name, *_pairs_of(chosen, name))
        elif is_table(chosen):
            owners, ids = (ids_in(chosen, c, f"ids of {name}") for c in self.columns)
            numbers, distinct = pd.factorize(owners)
            self._choose_each(name, distinct, numbers, ids)
        elif chosen is not None:
            self._meta[name] = self._send(chosen, name, self.found)

    def _choose_each(
        self, name: str, owners: ArrayLike, numbers: NDArray[np.int64], ids: ArrayLike
    ) -> None:
        """Give each of some askers its list: the i-th id is on the list of owner `numbers[i]`."""
        n = self._send(owners, f"{self.asker}s of {name}", self.asker)
        self._arrays.append(numbers.astype(np.int32))
        self._meta[name] = {"askers": n, "pairs": self._send(ids, name, self.found)}

    def _send(self, ids: ArrayLike, name: str, side: str) -> int:
        arrays, n, _ = asked_ids(ids, name, self._info[f"{side}s"])
        self._arrays += arrays
        return n

    @property
    def meta(self) -> str:
        """What the door is told."""
        return json.dumps(self._meta)

    @property
    def bytes_in(self) -> int:
        """Bytes that `write` writes."""
        return sum(a.nbytes for a in self._arrays)

    @property
    def bytes_out(self) -> int:
        """Bytes of the answer at most."""
        n = self._info[f"n_{self.asker}s"] if self.ids is None else len(self.ids)
        return int(n) * (8 * int(self._meta["k"]) + 4)

    def write(self, path: Path) -> None:
        """Write the arrays that the door reads."""
        _arrays.write_arrays(path, self._arrays)


def _pairs_of(
    lists: Mapping[Any, ArrayLike], name: str
) -> tuple[list[Any], NDArray[np.int64], NDArray[Any]]:
    """Return a mapping's keys, and all ids of its lists with the number of the key of each."""
    each = [_list_of(ids, name) for ids in lists.values()]
    numbers = np.repeat(np.arange(len(each)), [len(ids) for ids in each])
    some = [ids for ids in each if len(ids)]
    return list(lists), numbers, np.concatenate(some) if some else np.empty(0, dtype=np.int64)


def _list_of(ids: Any, name: str) -> NDArray[Any]:
    array = as_array(list(ids) if isinstance(ids, set | frozenset) else ids)
    if array.ndim != 1:
        raise TypeError(f"{name} must map each id to a list of ids, not to {ids!r}")
    return array


class Answer(NamedTuple):
    """What was found: of the i-th asker, ``rows[start[i]:start[i + 1]]``, with scores."""

    start: NDArray[np.int32]
    rows: NDArray[np.int32]
    scores: NDArray[np.float32]

    @classmethod
    def read(cls, path: Path) -> Answer:
        """Read the files that the door wrote."""
        return cls(
            np.fromfile(f"{path}.start", dtype=np.int32),
            np.fromfile(f"{path}.items", dtype=np.int32),
            np.fromfile(f"{path}.scores", dtype=np.float32),
        )

    def table(self, asking: Asking, askers: NDArray[Any], found: NDArray[Any], output: str) -> Any:
        """Return a pandas DataFrame or an Arrow table of (asker, found, score, rank).

        Parameters
        ----------
        asking : Asking
            What was asked.
        askers, found : ndarray
            The ids of those who asked, and of all that can be found.
        output : {"pandas", "arrow"}
            Which of them.
        """
        counts = np.diff(self.start)
        places = np.repeat(np.arange(len(counts)), counts)
        take = _taken_by_arrow if output == "arrow" else _taken
        columns = {
            asking.columns[0]: take(asking.kinds[0], askers, places),
            asking.columns[1]: take(asking.kinds[1], found, self.rows),
        }
        columns["score"] = self.scores
        columns["rank"] = np.arange(len(self.rows)) - self.start[places] + 1
        if output == "arrow":
            import pyarrow as pa

            return pa.table(columns)
        return pd.DataFrame(columns, copy=False)


def _taken(_: str, ids: NDArray[Any], rows: NDArray[Any]) -> Any:
    return ids[rows]


def _taken_by_arrow(kind: str, ids: NDArray[Any], rows: NDArray[Any]) -> Any:
    """Return ids as an Arrow array: int64, or strings."""
    import pyarrow as pa

    whole = pa.array(map(str, ids), pa.string()) if kind == "text" else pa.array(ids, pa.int64())
    return whole.take(pa.array(rows))
