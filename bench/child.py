"""A benchmark's part that needs a process of its own: another heap, other cores."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

MARK = "RESULT "


def run(module: str, arguments: list[str], timeout: float | None = None) -> dict[str, Any] | None:
    """Run ``python -m module --child arguments``; return what it `tell`s, None where it fails."""
    command = [sys.executable, "-m", module, "--child", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        return None
    lines = [x for x in done.stdout.splitlines() if x.startswith(MARK)]
    found: dict[str, Any] | None = json.loads(lines[-1][len(MARK) :]) if lines else None
    return found


class Standing:
    """A child that stays, and answers questions of one line: its session is warm for the next.

    Parameters
    ----------
    module : str
        Runs as ``python -m module --child arguments``, and goes through `questions`.
    arguments : sequence of str
        Its arguments.
    prefix : sequence of str
        Words before the command.
    env : mapping of str to str, optional
        All of its environment; this process's otherwise.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        prefix: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        command = [*prefix, sys.executable, "-m", module, "--child", *arguments]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=env)
        self._module = module

    def ask(self, question: str) -> dict[str, Any]:
        """Ask, and wait for the answer; what it prints before is printed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(question + "\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith(MARK):
                found: dict[str, Any] = json.loads(line[len(MARK) :])
                return found
            print(line, end="", flush=True)
        raise SystemExit(f"{self._module}: the part that was asked {question!r} ended")

    def close(self) -> None:
        """Tell it that there are no more questions, and wait until it has ended."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def questions() -> Iterator[str]:
    """Give the questions to a child that stays; each is answered by one `tell`."""
    for line in sys.stdin:
        yield line.rstrip("\n")


def tell(result: dict[str, Any]) -> None:
    """Say a result to the parent."""
    print(MARK + json.dumps(result), flush=True)


def main(parent: Callable[[], None], child: Callable[[list[str]], None]) -> None:
    """Be the one or the other."""
    if "--child" in sys.argv:
        child(sys.argv[sys.argv.index("--child") + 1 :])
    else:
        parent()
