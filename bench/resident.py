"""What Spark's Python workers hold in memory, of their own and mapped together (Linux)."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self


@dataclass
class Held:
    """Megabytes of a process: private pages, and its part of those that several map."""

    own: float = 0.0
    shared: float = 0.0

    def most(self, other: Held) -> Held:
        """Return the larger of each."""
        return Held(max(self.own, other.own), max(self.shared, other.shared))


def workers() -> dict[int, Held]:
    """Return what each Python worker of Spark holds now, by its process."""
    found = {}
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):  # it has ended, or is no process
            if b"pyspark.daemon" in (process / "cmdline").read_bytes():
                found[int(process.name)] = _held((process / "smaps_rollup").read_text())
    return found


def _held(rollup: str) -> Held:
    pages = {}
    for line in rollup.splitlines()[1:]:
        name, kilobytes, *_ = line.split()
        pages[name.rstrip(":")] = int(kilobytes) / 1024
    # Private_Clean are pages of a mapped file that only this process has read: they can be dropped.
    return Held(pages["Private_Dirty"], pages["Pss"] - pages["Private_Dirty"])


class Watch:
    """Looks at all workers again and again; ``most`` has the most that each held."""

    def __init__(self, seconds: float = 0.2) -> None:
        self.most: dict[int, Held] = {}
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._over.wait(self._seconds):
            for pid, held in workers().items():
                self.most[pid] = held.most(self.most.get(pid, Held()))

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self._over.set()
        self._thread.join()
