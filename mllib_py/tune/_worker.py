"""A process of this machine that runs pieces of work, one after the other."""

from __future__ import annotations

import os
import sys
import threading
from multiprocessing.connection import Connection
from queue import SimpleQueue

import cloudpickle

from mllib_py.tune import _scatter, _task


def main(descriptor: int) -> None:
    """Run what comes through an inherited socket until its other end is closed."""
    connection = Connection(descriptor)
    sys.path[:] = cloudpickle.loads(connection.recv_bytes())
    connection.send_bytes(_task.READY)
    inbox: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(connection, inbox), daemon=True).start()
    while True:
        cores, live, pickled = cloudpickle.loads(inbox.get())
        _scatter.deliver({}, live)
        try:
            work = _task.loaded(pickled)
        except BaseException as error:
            connection.send_bytes(_task.of_error(error))
            continue
        connection.send_bytes(_task.READY)  # from now on its time counts
        connection.send_bytes(_task.outcome(work, cores))


def _read(connection: Connection, inbox: SimpleQueue[bytes]) -> None:
    """Pass on what comes; where the driver is gone, its work ends too."""
    try:
        while True:
            inbox.put(connection.recv_bytes())
    except (EOFError, OSError):
        os._exit(0)
