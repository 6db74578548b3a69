"""Trials in processes of this machine: no Spark."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, TypeVar

import cloudpickle

from mllib_py import _checks
from mllib_py.tune import _task
from mllib_py.tune._backend import GRACE, EndingFuture, WorkerLost, WorkTimeout
from mllib_py.tune._container import Packed
from mllib_py.tune._scatter import FileHandle, Registry

T = TypeVar("T")


class _Piece:
    """A piece of work on its way."""

    def __init__(self, pickled: bytes, cores: int, timeout: float | None) -> None:
        self.pickled, self.cores, self.timeout = pickled, cores, timeout
        self.future: EndingFuture[Any] = EndingFuture(self.end)
        self.worker: _Worker | None = None

    def end(self) -> None:
        worker = self.worker
        if worker is not None:
            worker.kill()

    def settle(self, value: Any = None, error: Exception | None = None) -> None:
        with contextlib.suppress(InvalidStateError):  # cancelled meanwhile
            if error is None:
                self.future.set_result(value)
            else:
                self.future.set_exception(error)


class _Worker:
    """A process, and the socket to it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            code = f"from mllib_py.tune._worker import main; main({theirs.fileno()})"
            # Of a session of its own: Ctrl-C is the driver's, and its children end with it.
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            )
        self.connection = Connection(ours.detach())
        self._started = False

    def start(self) -> None:
        """Wait until the process can take work: its start is no part of the work's time."""
        if not self._started:
            self.send(cloudpickle.dumps(sys.path))
            self.connection.recv_bytes()
            self._started = True

    def send(self, message: bytes) -> None:
        with contextlib.suppress(OSError):  # one that is dead is found by what it does not answer
            self.connection.send_bytes(message)

    def answer(self, seconds: float | None) -> bytes | None:
        """Return what the process says next; None where it says nothing for so long."""
        return self.connection.recv_bytes() if self.connection.poll(seconds) else None

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def end(self) -> None:
        self.kill()
        self.process.wait()
        self.connection.close()


class LocalBackend:
    """Processes of this machine, one for each slot.

    Parameters
    ----------
    slots : int
        How many. More than the machine has cores are for work that waits; a warning says so.

    Raises
    ------
    ValueError
        `slots` is no integer of at least 1.

    Examples
    --------
    >>> from mllib_py.tune import LocalBackend
    >>> backend = LocalBackend(1)
    >>> backend.submit(lambda: 6 * 7).result()
    42
    >>> backend.close()
    """

    def __init__(self, slots: int) -> None:
        self._slots = _checks.whole("slots", slots, 1)
        if slots > _cores():  # right for work that waits, and for trying out many slots
            warnings.warn(
                f"{slots} processes share the {_cores()} cores of this machine", stacklevel=2
            )
        self._lock = threading.Lock()
        self._waiting: SimpleQueue[_Piece | None] = SimpleQueue()
        self._pieces: set[_Piece] = set()
        self._threads: list[threading.Thread] = []
        self._sent = Registry()
        self._closed = False

    def __deepcopy__(self, memo: Any) -> LocalBackend:
        return self  # scikit-learn's clone copies parameters; processes are these

    @property
    def slots(self) -> int:
        """How many processes."""
        return self._slots

    def slots_for(self, cores: int) -> int:
        """Return a slot for each core."""
        return cores

    def submit(
        self,
        work: Callable[[], T],
        *,
        label: str = "",
        cores: int = 1,
        timeout: float | None = None,
    ) -> Future[T]:
        """Run a piece of work in one of the processes; see `Backend.submit`."""
        if cores > _cores():
            raise ValueError(f"work of {cores} cores cannot run: this machine has {_cores()}")
        try:
            pickled = cloudpickle.dumps(work)
        except Exception as error:
            raise TypeError(f"the work cannot be pickled: {error}") from error
        piece = _Piece(pickled, cores, timeout)
        with self._lock:
            if self._closed:
                raise RuntimeError("the backend is closed")
            self._pieces.add(piece)
            if len(self._threads) < min(self._slots, len(self._pieces)):
                thread = threading.Thread(target=self._serve, daemon=True)
                self._threads.append(thread)
                thread.start()
        self._waiting.put(piece)
        return piece.future

    def _serve(self) -> None:
        """Run pieces of work in a process; one thread of many."""
        worker: _Worker | None = None
        while (piece := self._waiting.get()) is not None:
            if not piece.future.done():
                worker = self._run(piece, worker or _Worker())
            with self._lock:
                self._pieces.discard(piece)
        if worker is not None:
            worker.end()

    def _run(self, piece: _Piece, worker: _Worker) -> _Worker | None:
        """Run a piece of work; return the process if it can be used again."""
        piece.worker = worker
        if piece.future.done():  # cancelled before there was a process to end
            return worker
        try:
            worker.start()
            worker.send(cloudpickle.dumps((piece.cores, self._sent.live(), piece.pickled)))
            answer = worker.answer(None if piece.timeout is None else piece.timeout + GRACE)
            if answer == _task.READY:
                answer = worker.answer(piece.timeout)
            if answer is None:
                piece.settle(error=WorkTimeout(f"the work took more than {piece.timeout:g} s"))
                worker.end()
                return None
            kind, value = cloudpickle.loads(answer)
        except (EOFError, OSError):
            worker.end()
            code = worker.process.returncode
            died = f"the process that ran the work has died ({code})"
            piece.settle(error=WorkerLost(died, own=True))
            return None
        finally:
            piece.worker = None
        if kind == _task.DONE:
            piece.settle(value)
        else:
            piece.settle(error=value)
        if not piece.future.cancelled():
            return worker
        worker.end()  # cancelled at the last moment: the process may be about to be killed
        return None

    def scatter(self, *objects: Any) -> FileHandle:
        """Write objects into a file that all processes map; see `Backend.scatter`."""
        packed = Packed(objects)
        facts = {
            "strategy": "files",
            "bytes": packed.nbytes,
            "reason": "one machine",
            "by": "one file, which all processes map",
        }
        handle = FileHandle(packed, facts, None)
        self._sent.add(handle)
        return handle

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            self._closed = True
            pieces, threads = list(self._pieces), list(self._threads)
        for piece in pieces:
            piece.future.cancel()
        for _ in threads:
            self._waiting.put(None)
        for thread in threads:
            thread.join(5)
        self._sent.release()


def _cores() -> int:
    return os.cpu_count() or 1
