"""Progress of a long fit: a bar in a terminal or a notebook, quiet elsewhere."""

from __future__ import annotations

import sys
from typing import Any, Self


def wanted(progress: bool | None) -> bool:
    """Decide whether to show a bar: as asked, else where someone is looking."""
    return progress if progress is not None else sys.stderr.isatty() or _in_notebook()


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    instance = shell.get_ipython() if shell is not None else None
    return type(instance).__name__ == "ZMQInteractiveShell"


class Bar:
    """tqdm's bar where it is wanted; where tqdm is not installed, a line that rewrites itself."""

    def __init__(
        self, total: int, *, show: bool, unit: str = "half-step", delay: float = 0
    ) -> None:
        self._bar: Any = None
        self._total = total
        self._plain = False
        self._unit = unit
        if show:
            try:
                from tqdm.auto import tqdm
            except ImportError:
                self._plain = True
                return
            self._bar = tqdm(total=total, leave=False, unit=unit, delay=delay, file=sys.stderr)

    def update(
        self, phase: str, done: int, objective: float | None, validation: float | None = None
    ) -> None:
        """Show where the fit stands."""
        if self._plain:
            line = f"{phase}: {done}/{self._total} {self._unit}s"
            print(f"\r{line:<60}", end="", file=sys.stderr, flush=True)
        if self._bar is None:
            return
        self._bar.set_description(phase, refresh=False)
        told = {"objective": objective, "validation": validation}
        shown = {name: f"{value:.6g}" for name, value in told.items() if value is not None}
        if shown:
            self._bar.set_postfix(shown, refresh=False)
        self._bar.update(done - self._bar.n)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._plain:
            print("\r" + " " * 60, end="\r", file=sys.stderr, flush=True)
        if self._bar is not None:
            self._bar.close()
