"""How intermediate values travel from a worker to the driver while a trial runs.

A worker opens a connection to the driver at its first report. Both sides prove by HMAC that they
know a random key of this run, which came to the worker with its trial; nobody else is listened to.
Messages are JSON, so that nothing that a worker sends is unpickled. They are not encrypted: values
and steps can be read on the network, the key cannot.

Spark's own ways do not fit: accumulators arrive when a task ends, and a barrier's messages go
between tasks.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import (
    Client,
    Connection,
    Listener,
    answer_challenge,
    deliver_challenge,
)
from queue import SimpleQueue
from typing import Any


@dataclass(frozen=True)
class Address:
    """Where the driver listens, and the key that proves who speaks."""

    host: str
    port: int
    key: bytes

    def __repr__(self) -> str:
        return f"Address({self.host!r}, {self.port})"  # a key does not belong into a log


class Line:
    """A worker's connection to the driver, for one run of a trial."""

    def __init__(self, address: Address, number: int, attempt: int) -> None:
        self._connection = Client((address.host, address.port), authkey=address.key)
        _at_once(self._connection)
        self._send("hello", number, attempt)

    def report(self, value: float, step: int) -> None:
        """Send a value; what the driver does with it is not waited for."""
        self._send("report", value, step)

    def ask(self) -> bool:
        """Ask whether to prune."""
        self._send("ask")
        return bool(self._answer())

    def close(self) -> None:
        """Wait until all was read, and hang up; a driver that is gone reads nothing."""
        with contextlib.suppress(ConnectionError):
            self._send("bye")
            self._answer()
        self._connection.close()

    def _send(self, *message: Any) -> None:
        try:
            self._connection.send_bytes(json.dumps(message).encode())
        except OSError:
            raise ConnectionError(_GONE) from None

    def _answer(self) -> Any:
        try:
            return json.loads(self._connection.recv_bytes())
        except (EOFError, OSError):
            raise ConnectionError(_GONE) from None


#: Seconds after which a driver that could not take a connection tries again.
_PAUSE = 0.05
_GONE = "the driver is gone, or has given this trial up"


@dataclass(frozen=True)
class Report:
    """A value that a run of a trial has sent."""

    number: int
    attempt: int
    value: float
    step: int


@dataclass(frozen=True)
class Question:
    """A run of a trial that waits for an answer: whether to prune, or that all was read."""

    number: int
    attempt: int
    kind: str
    answer: Callable[[bool | None], None]


class Channel:
    """The driver's side: what workers send goes into the study's inbox, in their order.

    Parameters
    ----------
    host : str
        The driver's address as executors reach it.
    inbox : SimpleQueue
        Takes `Report` and `Question`.
    """

    def __init__(self, host: str, inbox: SimpleQueue[Any]) -> None:
        self._inbox = inbox
        self._key = secrets.token_bytes(32)
        self._listener = _listen(host)
        self.address = Address(host, self._listener.address[1], self._key)
        self._open: dict[Connection, SimpleQueue[bool | None]] = {}
        self._closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self._closed:
            try:
                connection = self._listener.accept()
            except OSError:
                # One that was gone at once; or there are too many open files, which takes a while.
                time.sleep(_PAUSE)
                continue
            # A thread for each, so that one who says nothing keeps nobody else waiting.
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
        self._listener.close()

    def _serve(self, connection: Connection) -> None:
        try:
            _at_once(connection)
            deliver_challenge(connection, self._key)
            answer_challenge(connection, self._key)
            answers: SimpleQueue[bool | None] = SimpleQueue()
            self._open[connection] = answers
            if not self._closed:
                self._listen_to(connection, answers)
        except (AuthenticationError, EOFError, OSError, ValueError, TypeError, KeyError):
            pass  # a stranger, or a worker that is gone: its future tells of it
        finally:
            self._open.pop(connection, None)
            connection.close()

    def _listen_to(self, connection: Connection, answers: SimpleQueue[bool | None]) -> None:
        _, number, attempt = json.loads(connection.recv_bytes())
        while True:
            kind, *rest = json.loads(connection.recv_bytes())
            if kind == "report":
                self._inbox.put(Report(number, attempt, float(rest[0]), int(rest[1])))
                continue
            self._inbox.put(Question(number, attempt, kind, answers.put))
            answer = answers.get()
            if answer is None:
                return  # the study has given this run up
            connection.send_bytes(json.dumps(answer).encode())
            if kind == "bye":
                return

    def close(self) -> None:
        """Hang up on all; their threads end."""
        self._closed = True
        for connection, answers in list(self._open.items()):
            answers.put(None)
            # A socket is closed by the thread that reads it; this makes it stop reading.
            with contextlib.suppress(OSError), _socket(connection) as s:
                s.shutdown(socket.SHUT_RDWR)
        bound = self._listener.address[0]
        host = "127.0.0.1" if bound == "0.0.0.0" else bound
        with contextlib.suppress(OSError):
            socket.create_connection((host, self.address.port), 1).close()  # wakes who accepts


def _socket(connection: Connection) -> socket.socket:
    return socket.socket(fileno=os.dup(connection.fileno()))


def _at_once(connection: Connection) -> None:
    """Send small messages when they are written: a question must not wait for a report's echo."""
    with _socket(connection) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _listen(host: str) -> Listener:
    try:
        return Listener((host, 0), family="AF_INET", backlog=1024)
    except OSError:
        # A name that is not this machine's own (a container's, behind translation) is announced
        # all the same, and all addresses are listened on.
        return Listener(("0.0.0.0", 0), family="AF_INET", backlog=1024)
