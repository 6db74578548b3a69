"""Work whose large arrays stay behind: what is pickled has handles in their place."""

from __future__ import annotations

import io
import pickle
import threading
import time
import weakref
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
from scipy import sparse

from mllib_py.tune import _own
from mllib_py.tune._backend import Backend, Handle, Prepared

LEAST = 1 << 14  # smaller arrays travel with the work
AT_ONCE = 32 << 20  # larger ones are scattered when first seen, others when seen again


def size_of(thing: Any) -> int:
    """Return the bytes of an array, a sparse matrix or a frame; 0 of all else."""
    if isinstance(thing, np.ndarray):
        return 0 if thing.dtype.hasobject else thing.nbytes
    if sparse.issparse(thing):
        return sum(part.nbytes for part in vars(thing).values() if isinstance(part, np.ndarray))
    if isinstance(thing, pd.DataFrame):
        return int(thing.memory_usage().sum())
    return 0


@lru_cache(maxsize=4096)  # asked of each object that is pickled
def _has_size(kind: type) -> bool:
    """Tell whether things of a type can be arrays, sparse matrices or frames."""
    return issubclass(kind, np.ndarray | sparse.spmatrix | sparse.sparray | pd.DataFrame)


@dataclass
class Shipped:
    """What has travelled, in bytes and pieces."""

    pieces: int = 0
    scattered: int = 0
    with_pieces: int = 0
    gathered: int = 0
    again: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return it by the names that a report has."""
        return {
            "pieces": self.pieces,
            "bytes_scattered": self.scattered,
            "bytes_with_pieces": self.with_pieces,
            "bytes_gathered": self.gathered,
            "pieces_run_again": self.again,
        }


class Shelf:
    """Things that work refers to in place of holding them.

    What `scatter` and `know` put there stays until `clear`. Arrays, sparse matrices and frames come
    by themselves when they are seen again, and go when they are forgotten. A thing counts as the
    same as long as it lives, as joblib's own memory maps have it: who changes an array between
    calls must not do so within a single one.
    """

    def __init__(self, backend: Backend, shipped: Shipped | None = None) -> None:
        self._backend = backend
        self._shipped = Shipped() if shipped is None else shipped
        self._lock = threading.RLock()
        self._ours: list[Handle] = []
        self._known: dict[int, tuple[Any, Handle, int]] = {}  # things, so that ids stay theirs
        self._seen: dict[int, tuple[weakref.ref[Any], Handle | None]] = {}

    def scatter(self, *things: Any, sent: list[Any] | None = None) -> None:
        """Send things, or what stands for each of them."""
        handle = self._backend.scatter(*(things if sent is None else sent))
        self._ours.append(handle)
        self.know(handle, things)

    def know(self, handle: Handle, things: tuple[Any, ...]) -> None:
        """Take a handle of others, which has these things."""
        with self._lock:
            for i, thing in enumerate(things):
                if thing is not None:
                    self._known[id(thing)] = thing, handle, i

    def place(self, thing: Any) -> tuple[Handle, int] | None:
        """Return the handle of a thing that has one or is worth one, and its place in there."""
        known = self._known.get(id(thing))
        if known is not None:
            return known[1:]
        if not _has_size(type(thing)):  # type: ignore[arg-type,unused-ignore]
            return None
        with self._lock:
            handle = self._by_itself(thing)
            return None if handle is None else (handle, 0)

    def _by_itself(self, thing: Any) -> Handle | None:
        size = size_of(thing)
        if size < LEAST:
            return None
        seen = self._seen.get(id(thing))
        if seen is not None and seen[0]() is not thing:
            seen = None
        handle = None if seen is None else seen[1]
        if handle is None and (seen is not None or size >= AT_ONCE):
            handle = self._backend.scatter(thing)
            self._shipped.scattered += size
        self._seen[id(thing)] = (weakref.ref(thing, self._forget(id(thing))), handle)
        return handle

    def _forget(self, key: int) -> Any:
        shelf = weakref.ref(self)

        def gone(dead: Any) -> None:
            here = shelf()
            if here is not None:
                here._drop(key, dead)

        return gone

    def _drop(self, key: int, dead: Any) -> None:
        with self._lock:
            seen = self._seen.get(key)
            if seen is None or seen[0] is not dead:
                return
            del self._seen[key]
        if seen[1] is not None:
            seen[1].release()

    def clear(self) -> None:
        """Free all that was sent from here."""
        with self._lock:
            seen, self._seen = list(self._seen.values()), {}
            ours, self._ours = self._ours, []
            self._known = {}
        for handle in [*ours, *(handle for _, handle in seen if handle is not None)]:
            handle.release()


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc,unused-ignore]
    def __init__(self, file: Any, shelf: Shelf) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._shelf = shelf
        self.handles: list[Handle] = []
        self.kept: list[Any] = []
        self._places: dict[int, tuple[int, int]] = {}

    def persistent_id(self, thing: Any) -> tuple[int, int] | None:
        """Return where a thing lies; None where the thing itself is pickled."""
        place = self._places.get(id(thing))
        if place is None:
            _own.refuse_inside(thing)  # each process would start a Spark of its own
            found = self._shelf.place(thing)
            if found is None:
                return None
            handle, i = found
            if handle not in self.handles:
                self.handles.append(handle)
            place = self._places[id(thing)] = self.handles.index(handle), i
            self.kept.append(thing)
        return place


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any, handles: list[Handle]) -> None:
        super().__init__(file)
        self._handles = handles

    def persistent_load(self, place: tuple[int, int]) -> Any:
        handle, i = place
        return self._handles[handle].get()[i]


@dataclass
class Answer:
    """What a piece of work returned, pickled in the worker, where its size is known."""

    data: bytes
    seconds: float

    def value(self) -> Any:
        """Return it."""
        return pickle.loads(self.data)


@dataclass
class Work(Prepared):
    """A function without arguments on its way, without the things that are scattered.

    Who sends it keeps it until it has ended: it holds the things, whose handles go with them, and
    an array may live no longer than the call that it was made for.
    """

    data: bytes
    handles: list[Handle] = field(default_factory=list)
    kept: list[Any] = field(default_factory=list)
    _function: Any = None

    def __reduce__(self) -> Any:
        return Work, (self.data, self.handles)

    def prepare(self) -> None:
        """Make the function again."""
        self._function = _Unpickler(io.BytesIO(self.data), self.handles).load()

    def __call__(self) -> Answer:
        """Run it."""
        if self._function is None:
            self.prepare()
        begun = time.perf_counter()
        value = self._function()
        data = cloudpickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        return Answer(data, time.perf_counter() - begun)


def pack(function: Any, shelf: Shelf) -> Work:
    """Make work of a function; things that it holds and that lie on the shelf become handles."""
    out = io.BytesIO()
    pickler = _Pickler(out, shelf)
    try:
        pickler.dump(function)
    except (pickle.PicklingError, TypeError, AttributeError) as e:
        raise TypeError(f"the work cannot be pickled: {e}") from e
    return Work(out.getvalue(), pickler.handles, pickler.kept)
