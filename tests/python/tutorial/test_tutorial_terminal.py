"""What happens where there is a terminal: a real one (a pseudo-terminal), a real process."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")

FAKE = Path(__file__).with_name("fake.py")
COMMAND = [sys.executable, str(FAKE), "movielens", "--ranks", "2", "--regs", "0.1"]


class Terminal:
    """A process at a terminal, and somebody who types."""

    def __init__(self, arguments: list[str]) -> None:
        self.master, slave = pty.openpty()
        self.text = ""
        self.at = 0
        environment = {**os.environ, "PYTHONPATH": str(FAKE.parents[3]), "TERM": "xterm"}
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)

    def wait_for(self, what: str, seconds: float = 60) -> None:
        """Read until a text comes, after what was last waited for."""
        end = time.monotonic() + seconds
        while what not in self.text[self.at :]:
            ready, _, _ = select.select([self.master], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"{what!r} did not come in:\n{self.text}")
            self._read()
        self.at = self.text.index(what, self.at) + len(what)

    def answer(self, question: str, text: str) -> None:
        self.wait_for(question)
        os.write(self.master, text.encode())

    def finish(self) -> int:
        while self._read():
            pass
        os.close(self.master)
        return self.process.wait(60)

    def _read(self) -> bool:
        try:
            data = os.read(self.master, 65536)
        except OSError:  # how Linux tells that the other side is closed
            return False
        self.text += data.decode(errors="replace")
        return bool(data)


def test_it_asks_for_a_handful_of_films(folder: Path) -> None:
    terminal = Terminal(["--data", str(folder)])
    terminal.answer("1/10", "5\n")
    terminal.answer("2/10", "seven\n")
    terminal.wait_for("'seven' is not a rating")
    terminal.answer("2/10", "7\n")
    terminal.answer("2/10", "4,5\n")
    terminal.answer("3/10", "\n")
    terminal.answer("4/10", "0\n")
    terminal.answer("5/10", "q\n")
    assert terminal.finish() == 0
    assert "2 ratings from your answers in the terminal" in terminal.text
    assert "a rating is from 0.5 to 5" in terminal.text
    assert "6/10" not in terminal.text
    assert "Films for you" in terminal.text


@pytest.mark.parametrize("answers", ["q\n", "\x04", "\n" * 10])
def test_who_rates_nothing_gets_the_sample_profile(folder: Path, answers: str) -> None:
    terminal = Terminal(["--data", str(folder)])
    terminal.answer("1/10", answers)
    assert terminal.finish() == 0
    assert "ratings from the sample profile" in terminal.text


def test_a_file_leaves_nothing_to_ask(folder: Path) -> None:
    Path("mine").write_text("5,5\n")
    terminal = Terminal(["--data", str(folder), "--my-ratings", "mine"])
    assert terminal.finish() == 0
    assert "1/10" not in terminal.text
    assert "100% |" in terminal.text  # the grid's bar
    assert "1 rating from the file mine" in terminal.text


def test_control_c_stops_with_a_word(folder: Path) -> None:
    terminal = Terminal(["--data", str(folder)])
    terminal.wait_for("1/10")
    terminal.process.send_signal(2)
    assert terminal.finish() == 130
    assert "mllib-py: stopped." in terminal.text
    assert "Traceback" not in terminal.text


@pytest.mark.parametrize("stdin", [b"", b"5\n5\n5\n"])
def test_without_a_terminal_it_does_not_ask(folder: Path, stdin: bytes) -> None:
    done = subprocess.run(
        [*COMMAND, "--data", str(folder), "--json"],
        input=stdin,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(FAKE.parents[3])},
        timeout=120,
        check=True,
    )
    assert json.loads(done.stdout)["n_ratings"] == 320
    assert b"sample profile" in done.stderr
    assert b"\r" not in done.stderr  # no bar where nobody watches


def test_a_terminal_without_the_letters_is_no_reason_to_stop(folder: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--data", str(folder), "--k", "12"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(FAKE.parents[3]), "PYTHONIOENCODING": "ascii"},
        timeout=120,
        check=True,
    )
    assert b"Mis?rables" in done.stdout
