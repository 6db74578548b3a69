"""How a study stands, while it runs: in a terminal or a notebook."""

from __future__ import annotations

import sys
import time
from typing import Any, Self

import optuna

from mllib_py.tune._loop import Tally

#: Seconds after which it is shown how a study stands, though no trial has ended.
_EACH = 1.0


class StudyBar:
    """tqdm's bar with the best value, and the counts of trials; a line without tqdm."""

    def __init__(
        self, trials: int | None, study: optuna.Study, show: bool, timeout: float | None = None
    ) -> None:
        self._trials = trials
        self._ends = None if timeout is None else time.monotonic() + timeout
        self._study = study
        self._show = show
        self._best: float | None = None
        self._bar: Any = None
        self._width = 0
        self._ended = 0
        self._shown = -_EACH

    def begin(self, tally: Tally) -> None:
        """Show what was there before."""
        if not self._show:
            return
        self._ended = tally.ended
        self._best = _best_so_far(self._study) if tally.complete else None
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return
        # The time left is tqdm's, by the rate of this run: trials of an earlier one cost nothing.
        self._bar = tqdm(
            total=self._trials, initial=tally.ended, unit="trial", file=sys.stderr, leave=True
        )

    def update(self, tally: Tally, values: list[float] | None) -> None:
        """Show how it stands, and with which values a trial has ended; time passes without one."""
        if not self._show:
            return
        now, ended = time.monotonic(), tally.ended - self._ended
        if not ended and now - self._shown < _EACH:
            return
        self._shown, self._ended = now, tally.ended
        if values is not None and len(values) == 1:
            better = max if self._study.direction.name == "MAXIMIZE" else min
            self._best = values[0] if self._best is None else better(self._best, values[0])
        text = self.text(tally)
        if self._bar is not None:
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update(ended) if ended else self._bar.refresh()
            return
        line = f"{tally.ended}/{self._trials or '?'} trials, {text}"
        self._width = max(self._width, len(line))
        print(f"\r{line:<{self._width}}", end="", file=sys.stderr, flush=True)

    def text(self, tally: Tally) -> str:
        """Return the counts as words."""
        parts = [] if self._best is None else [f"best {self._best:.6g}"]
        parts.append(f"{tally.running} running")
        parts += [
            f"{n} {what}"
            for n, what in (
                (tally.pruned, "pruned"),
                (tally.failed, "failed"),
                (tally.retried, "retried"),
            )
            if n
        ]
        if self._ends is not None and self._trials is None:  # by trials tqdm tells the time left
            parts.append(f"{max(0.0, self._ends - time.monotonic()):.0f} s left")
        return ", ".join(parts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self._width:
            print(file=sys.stderr)


def _best_so_far(study: optuna.Study) -> float | None:
    return study.best_value if len(study.directions) == 1 else None
