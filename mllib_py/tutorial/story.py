"""What the run tells while it works: headings, lines, a bar, and the time of every phase."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm

_WIDTH = 68


class Story:
    """Tells a run to people, phase by phase, and keeps the seconds.

    Parameters
    ----------
    stream : text stream
        Where it is told: standard output, or standard error beside `--json`.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.seconds: dict[str, float] = {}

    def say(self, text: str = "") -> None:
        """Tell a line."""
        print(text, file=self.stream, flush=True)

    @contextmanager
    def phase(self, name: str, title: str) -> Iterator[None]:
        """Tell that a phase begins, time it, and tell how long it took."""
        self.say(f"\n{len(self.seconds) + 1}. {title}")
        begin = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - begin
        self.say(f"   done in {self.seconds[name]:.1f} s")

    def bar(self, total: int | None, unit: str, done: int = 0) -> tqdm[None]:
        """Return a progress bar where someone can watch it move.

        In a log it would be noise; but bytes can take minutes, so those tell of themselves there,
        too, now and then.
        """
        from tqdm import tqdm

        watched = self.stream.isatty()
        return tqdm(
            total=total,
            initial=done,
            unit=unit,
            unit_scale=unit == "B",
            file=self.stream,
            disable=not watched and unit != "B",
            mininterval=0.1 if watched else 10.0,
            leave=not watched,
            # Said, not asked: a pseudo-terminal may claim to have no rows at all.
            ncols=_WIDTH,
            nrows=24,
            bar_format="   {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]",
        )


def counted(n: int, thing: str) -> str:
    """Say how many: one is `1 film`, others are `2 films`."""
    return f"{n:,} {thing}{'' if n == 1 else 's'}"
