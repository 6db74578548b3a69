"""Intermediate values: who may send them, and what becomes of those who may not."""

from __future__ import annotations

import errno
import json
import socket
import time
from collections.abc import Iterator
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from queue import Empty, SimpleQueue
from typing import Any

import pytest

from mllib_py.tune import _channel
from mllib_py.tune._channel import Address, Channel, Line, Question, Report


@pytest.fixture
def inbox() -> SimpleQueue[Any]:
    return SimpleQueue()


@pytest.fixture
def channel(inbox: SimpleQueue[Any]) -> Iterator[Channel]:
    channel = Channel("127.0.0.1", inbox)
    yield channel
    channel.close()


def test_a_report_comes_before_the_question_after_it(
    channel: Channel, inbox: SimpleQueue[Any]
) -> None:
    line = Line(channel.address, 7, 2)
    line.report(0.5, 3)
    assert inbox.get(timeout=5) == Report(7, 2, 0.5, 3)
    line._send("ask")
    question = inbox.get(timeout=5)
    assert isinstance(question, Question)
    question.answer(True)
    assert line._answer() is True


def test_a_run_that_is_given_up_is_told(channel: Channel, inbox: SimpleQueue[Any]) -> None:
    line = Line(channel.address, 7, 1)
    line._send("ask")
    inbox.get(timeout=5).answer(None)
    with pytest.raises(ConnectionError, match="given this trial up"):
        line._answer()


def test_a_stranger_without_the_key_is_not_listened_to(
    channel: Channel, inbox: SimpleQueue[Any]
) -> None:
    address = channel.address
    with pytest.raises(AuthenticationError):
        Line(Address(address.host, address.port, b"guess"), 0, 1)
    # One who takes no part in the challenge, and one who sends a pickle for an answer.
    with Client((address.host, address.port)) as raw:
        raw.send({"report": 1})
        raw.send_bytes(json.dumps(["report", 1.0, 1]).encode())
        raw.recv_bytes()  # the challenge
        assert b"FAILURE" in raw.recv_bytes()
        with pytest.raises((EOFError, ConnectionError)):
            raw.recv_bytes()
    with pytest.raises(Empty):
        inbox.get(timeout=0.2)


def test_one_who_says_nothing_keeps_nobody_waiting(
    channel: Channel, inbox: SimpleQueue[Any]
) -> None:
    address = channel.address
    silent = [socket.create_connection((address.host, address.port)) for _ in range(20)]
    Line(address, 1, 1).report(1.0, 1)
    assert inbox.get(timeout=5) == Report(1, 1, 1.0, 1)
    for s in silent:
        s.close()


def test_closing_hangs_up(inbox: SimpleQueue[Any]) -> None:
    channel = Channel("127.0.0.1", inbox)
    line = Line(channel.address, 1, 1)
    line.report(1.0, 1)
    inbox.get(timeout=5)
    channel.close()
    with pytest.raises(ConnectionError):
        line.ask()


def test_a_driver_that_can_take_no_connection_does_not_spin(
    inbox: SimpleQueue[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        address = ("127.0.0.1", 1)
        asked = 0

        def accept(self) -> Any:
            self.asked += 1
            raise OSError(errno.EMFILE, "too many open files")

        def close(self) -> None:
            pass

    full = Full()
    monkeypatch.setattr(_channel, "_listen", lambda host: full)
    channel = Channel("127.0.0.1", inbox)
    time.sleep(0.5)
    channel.close()
    assert 1 < full.asked <= 12


def test_a_key_is_in_no_log(channel: Channel) -> None:
    assert channel.address.key.hex() not in repr(channel.address)
    assert repr(channel.address.key) not in repr(channel.address)
