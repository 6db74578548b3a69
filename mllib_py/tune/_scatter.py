"""Objects that are sent to each node once, and opened once in each process."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import tempfile
import threading
import uuid
import weakref
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from mllib_py.tune import _container
from mllib_py.tune._choose import backend as _backend

#: Bytes from which objects travel as files that are mapped.
FILES_FROM = 8 * 2**20

#: What this process has opened, by the identity of the handle.
_opened: dict[str, tuple[Any, ...]] = {}
#: What came beside the work that runs, by the identity of the handle.
_delivered: dict[str, Any] = {}
_noting = threading.local()


@contextlib.contextmanager
def noted() -> Iterator[list[SentHandle]]:
    """Note the handles that this thread pickles."""
    before = getattr(_noting, "handles", None)
    found: list[SentHandle] = []
    _noting.handles = found
    try:
        yield found
    finally:
        _noting.handles = before


def deliver(beside: dict[str, Any], live: Collection[str]) -> None:
    """Take what came with a task, and forget all that is not live any more; in a worker.

    What is live is told and not what is gone, so that a worker that had no work for long, and
    heard of nothing, forgets as the others do.
    """
    for kept in (_delivered, _opened):
        for key in kept.keys() - set(live):
            del kept[key]
    _delivered.update(beside)


class SentHandle:
    """Objects that lie where trials run.

    Pickled it is a name of a few bytes; ``get()`` opens the objects once in each process.
    """

    def __init__(self, key: str, facts: dict[str, Any], free: Callable[[], None]) -> None:
        self._key = key
        self._facts = facts
        # Also when it is forgotten, or the driver ends.
        self._free = weakref.finalize(self, _forget, key, free)

    @property
    def key(self) -> str:
        """Its name among all."""
        return self._key

    @property
    def released(self) -> bool:
        """Whether what was sent is freed."""
        return not self._free.alive

    def get(self) -> tuple[Any, ...]:
        """Return the objects, whose arrays are read-only."""
        if not self._free.alive:
            raise RuntimeError("these objects were released; scatter them again")
        return _open(self._key, self._open)

    def explain(self) -> dict[str, Any]:
        """Say how the objects travelled.

        Returns
        -------
        dict
            ``strategy`` ("broadcast" or "files"), ``bytes``, ``reason``, and ``by`` (what carries
            them).
        """
        return dict(self._facts)

    def release(self) -> None:
        """Free what was sent; workers forget it with the next work that they are given."""
        self._free()

    def _open(self) -> tuple[Any, ...]:
        raise NotImplementedError

    def beside(self) -> Any:
        """Return what must travel with each task, as Spark has it."""
        return None

    def __deepcopy__(self, memo: Any) -> SentHandle:
        return self


class HeldHandle:
    """Objects that stay where they are."""

    def __init__(self, objects: tuple[Any, ...]) -> None:
        self._objects = objects

    def get(self) -> tuple[Any, ...]:
        """Return the objects."""
        return self._objects

    def explain(self) -> dict[str, Any]:
        """Say that they do not travel."""
        return {"strategy": "held", "reason": "work runs where they are"}

    def release(self) -> None:
        """Nothing lies anywhere."""


def _forget(key: str, free: Callable[[], None]) -> None:
    _opened.pop(key, None)
    free()


class Registry:
    """What lies with a set of workers, as long as somebody holds its handle."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handles: weakref.WeakSet[SentHandle] = weakref.WeakSet()

    def add(self, handle: SentHandle) -> None:
        """Note a handle."""
        with self._lock:
            self._handles.add(handle)

    def live(self) -> tuple[str, ...]:
        """Return the keys of what is not released."""
        return tuple(handle.key for handle in self._held())

    def release(self) -> None:
        """Free all."""
        for handle in self._held():
            handle.release()

    def _held(self) -> list[SentHandle]:
        with self._lock:
            held = [handle for handle in self._handles if not handle.released]
            self._handles = weakref.WeakSet(held)
        return held


class _Reference:
    """A handle in a worker."""

    def __init__(self, key: str, facts: dict[str, Any], opener: Callable[[], Any]) -> None:
        self._key, self._facts, self._opener = key, facts, opener

    def get(self) -> tuple[Any, ...]:
        """Return the objects."""
        return _open(self._key, self._opener)

    def explain(self) -> dict[str, Any]:
        """Say how they travelled."""
        return dict(self._facts)

    def release(self) -> None:
        """Refuse: the driver frees."""
        raise RuntimeError("a worker cannot release scattered objects; the driver does")

    def __reduce__(self) -> Any:
        return _Reference, (self._key, self._facts, self._opener)


def _open(key: str, opener: Callable[[], tuple[Any, ...]]) -> tuple[Any, ...]:
    if key not in _opened:
        _opened[key] = opener()
    return _opened[key]


class _File:
    """Opens a file that lies under the same path on all nodes."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self) -> tuple[Any, ...]:
        return _container.map_file(self.path)


class FileHandle(SentHandle):
    """Objects in a file that every worker maps, of this machine or in a folder of all nodes."""

    def __init__(
        self, packed: _container.Packed, facts: dict[str, Any], folder: str | None
    ) -> None:
        key = uuid.uuid4().hex
        self._path = write(packed, key, folder)
        super().__init__(key, facts, _remover(self._path))

    def _open(self) -> tuple[Any, ...]:
        return _container.map_file(self._path)

    def __reduce__(self) -> Any:
        return _Reference, (self._key, self._facts, _File(str(self._path)))


def _remover(path: Path) -> Callable[[], None]:
    return lambda: path.unlink(missing_ok=True)


def write(packed: _container.Packed, key: str, folder: str | None) -> Path:
    """Write objects into a file for this user alone, complete before it has its name."""
    home = Path(folder or tempfile.gettempdir())
    path = home / f"mllib_py-tune-{key}"
    part = path.with_suffix(".part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            packed.write(file)
        part.rename(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OSError(
            f"cannot write {packed.nbytes / 1e6:.0f} MB of scattered data under {home}: {error}"
        ) from error
    return path


class _Delivered:
    """Opens what came beside the work."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __call__(self) -> tuple[Any, ...]:
        if self.key not in _delivered:
            raise RuntimeError("these objects were released, or did not come with this work")
        sent = _delivered[self.key]
        return _container.unpack(sent.value)


class BroadcastHandle(SentHandle):
    """Objects in a Spark broadcast."""

    def __init__(self, packed: _container.Packed, facts: dict[str, Any], broadcast: Any) -> None:
        file = io.BytesIO()
        packed.write(file)
        self._data = file.getvalue()
        self._sent = broadcast(self._data)
        super().__init__(uuid.uuid4().hex, facts, self._sent.destroy)

    def release(self) -> None:
        """Free the broadcast."""
        super().release()
        self._data = b""

    def _open(self) -> tuple[Any, ...]:
        return _container.unpack(self._data)

    def beside(self) -> Any:
        """Return the broadcast."""
        return self._sent

    def __reduce__(self) -> Any:
        noting = getattr(_noting, "handles", None)
        if noting is None:  # pickled by Spark itself, in a function of an RDD
            return _of_broadcast, (self._key, self._facts, self._sent)
        noting.append(self)
        return _Reference, (self._key, self._facts, _Delivered(self._key))


def _of_broadcast(key: str, facts: dict[str, Any], sent: Any) -> _Reference:
    _delivered[key] = sent
    return _Reference(key, facts, _Delivered(key))


class _SparkFile:
    """Opens a file that Spark fetched for this executor."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self) -> tuple[Any, ...]:
        from pyspark import SparkFiles

        return _container.map_file(SparkFiles.get(self.name))


class SparkFileHandle(SentHandle):
    """Objects in a file that Spark takes to each executor, once."""

    def __init__(
        self,
        packed: _container.Packed,
        facts: dict[str, Any],
        add: Callable[[Path], Callable[[], None]],
    ) -> None:
        key = uuid.uuid4().hex
        self._path = write(packed, key, _own_folder())
        clean = add(self._path)
        empty = _emptier(self._path)

        def free() -> None:
            empty()
            clean()

        super().__init__(key, facts, free)

    def _open(self) -> tuple[Any, ...]:
        return _container.map_file(self._path)

    def __reduce__(self) -> Any:
        return _Reference, (self._key, self._facts, _SparkFile(self._path.name))


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="mllib_py-tune-")


def _own_folder() -> str:
    """Return a folder that goes when the driver ends."""
    return _folder().name


def _emptier(path: Path) -> Callable[[], None]:
    # Spark knows no way to take a file back, and an executor that joins fetches all of them: it
    # shall find this one, with nothing in it. The driver may have it mapped: not truncated.
    def empty() -> None:
        with contextlib.suppress(OSError):
            nothing = path.with_suffix(".empty")
            nothing.touch()
            nothing.replace(path)

    return empty


def scatter(
    X: Any, y: Any = None, groups: Any = None, *, backend: Any = None, strategy: str = "auto"
) -> Any:
    """Send data to each node once; trials are given a handle of a few bytes.

    A search or study scatters its data by itself. Do it yourself where several share the data:
    give the handle in the place of `X`, and `y` and groups come with it.

    Parameters
    ----------
    X : array, sparse matrix, DataFrame or list
        Arrays, SciPy's sparse matrices and numeric columns of pandas are mapped, not copied, in
        workers; other Python objects (columns of strings) are copied to each.
    y, groups : the same, optional
    backend : None, "spark", "local" or Backend
        Where to. Default: the Spark session that runs.
    strategy : {"auto", "broadcast", "files"}, default="auto"
        "broadcast" keeps a copy in each Python worker. "files" lets all Python workers of an
        executor map one file (on one machine, or in the folder that a `SparkBackend` was given, all
        workers of all executors). "auto" takes files from 8 MiB on, and where that costs nothing
        more (on one machine).

    Returns
    -------
    Handle
        ``get()`` gives ``(X, y, groups)``, ``explain()`` says how they travelled, ``release()``
        frees them.

    Raises
    ------
    ValueError
        An unknown strategy or backend, or X, y and groups of different lengths.

    Examples
    --------
    >>> import numpy as np
    >>> from mllib_py import tune
    >>> handle = tune.scatter(np.eye(3), [0, 1, 0], backend="local")
    >>> handle.get()[0].sum(), handle.explain()["strategy"]
    (np.float64(3.0), 'files')
    >>> handle.release()
    """
    from sklearn.utils import check_consistent_length  # which workers need not load for this

    check_strategy(strategy)
    check_consistent_length(X, y, groups)
    where, _ = _backend(backend)
    if strategy == "auto":
        return where.scatter(X, y, groups)
    if not hasattr(where, "scatter_by"):
        raise ValueError(f"strategy={strategy!r} is for a SparkBackend; this one has its own way")
    return where.scatter_by(strategy, X, y, groups)


def check_strategy(strategy: str) -> None:
    """Refuse a strategy that there is not."""
    if strategy not in ("auto", "broadcast", "files"):
        raise ValueError(f"strategy must be one of 'auto', 'broadcast', 'files', not {strategy!r}")
